//! What all functions of routes have in common.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use lambda_http::request::RequestContext;

use super::Problem;

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
