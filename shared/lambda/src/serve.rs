//! Runs a router as a Lambda function.

use std::future::Future;

use axum::Router;
use lambda_http::Error;

use crate::{Env, telemetry};

/// Starts a REST function: what its router needs is built once, here, and kept between calls.
///
/// # Errors
/// When the environment does not have what the function needs, or the runtime ends.
pub async fn serve<F>(router: impl FnOnce(Env) -> F) -> Result<(), Error>
where
    F: Future<Output = Result<Router, Error>>,
{
    telemetry::start();
    let router = router(Env::load()).await?;
    lambda_http::run(api::finish(router)).await
}
