//! Runs a router as a Lambda function.

use std::future::Future;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use lambda_http::{Error, request::RequestContext};

use super::Problem;
use crate::{app::Env, telemetry};

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
    lambda_http::run(finish(router)).await
}

/// Adds to a function's routes what all share: problems for what matches no route, the limit of
/// a body, the request's id in problems and logs.
pub fn finish(router: Router) -> Router {
    router
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(DefaultBodyLimit::max(256 * 1024))
        .layer(from_fn(with_request_id))
}

/// Gives a problem the request's id, and logs the request: in one line, without a span, which would
/// be written out, read and written out again.
async fn with_request_id(request: Request, next: Next) -> Response {
    let request_id = request_id(&request);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    let status = problem
        .as_ref()
        .map_or(response.status().as_u16(), Problem::status);
    let (path, error) = (
        uri.path(),
        problem
            .as_ref()
            .and_then(Problem::cause)
            .map(tracing::field::display),
    );
    match status {
        500 => tracing::error!(request_id, %method, path, status, error, "answered"),
        503 => tracing::warn!(request_id, %method, path, status, error, "answered"),
        _ => tracing::info!(request_id, %method, path, status, "answered"),
    }
    problem.map_or(response, |problem| problem.into_answer(request_id))
}

fn request_id(request: &Request) -> Option<String> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
        _ => None,
    }
}
