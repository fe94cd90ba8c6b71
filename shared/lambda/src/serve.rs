//! The start of a function.

use axum::Router;
use lambda_http::Error;

use crate::{Settings, SettingsError, telemetry};

/// Runs a REST function. Its router is built once and kept between calls.
///
/// # Errors
/// If the settings are invalid or the runtime ends.
pub async fn serve(router: impl FnOnce(&mut Settings) -> Router) -> Result<(), Error> {
    let router = init(router)?;
    lambda_http::run(api::finish(router)).await
}

/// Starts logging, and builds the dependencies of a function from its environment.
///
/// # Errors
/// If the settings are invalid. The error lists all faults.
pub fn init<T>(build: impl FnOnce(&mut Settings) -> T) -> Result<T, SettingsError> {
    telemetry::start();
    let mut settings = Settings::from_env();
    let function = build(&mut settings);
    settings.check()?;
    Ok(function)
}
