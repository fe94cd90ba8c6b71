//! Starts a function.

use axum::Router;
use lambda_http::Error;

use crate::{Settings, SettingsError, telemetry};

/// Starts a REST function. What its router needs is built once, here, and kept between calls.
///
/// # Errors
/// The settings are not valid, or the runtime ended.
pub async fn serve(router: impl FnOnce(&mut Settings) -> Router) -> Result<(), Error> {
    let router = init(router)?;
    lambda_http::run(api::finish(router)).await
}

/// Starts the logs, and builds what a function needs from its environment.
///
/// # Errors
/// The settings are not valid: all faults.
pub fn init<T>(build: impl FnOnce(&mut Settings) -> T) -> Result<T, SettingsError> {
    telemetry::start();
    let mut settings = Settings::from_env();
    let function = build(&mut settings);
    settings.check()?;
    Ok(function)
}
