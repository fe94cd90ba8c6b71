//! The layers around the handlers of every function.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header::X_CONTENT_TYPE_OPTIONS},
    middleware::{Next, from_fn},
    response::Response,
};
use lambda_http::request::RequestContext;

use crate::{Problem, extract::MAX_BODY_BYTES};

/// Adds the shared layers to the routes of a function: problems for requests that match no route,
/// the limit of the body, and the request id in problems and logs.
pub fn finish(router: Router) -> Router {
    router
        .fallback(async || Problem::route_not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(with_request_id))
}

/// Adds the request id to a problem, and logs the request. A single line is cheaper than a span,
/// which would be serialized, parsed and serialized again. No browser may take an answer for
/// anything but its content type (WHATWG Fetch Standard, "X-Content-Type-Options header").
async fn with_request_id(request: Request, next: Next) -> Response {
    let request_id = request_id(&request);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    let status = match &problem {
        Some(problem) => problem.status(),
        None => response.status().as_u16(),
    };
    let cause = problem.as_ref().and_then(Problem::cause);
    let (path, error) = (uri.path(), cause.map(tracing::field::display));
    match status {
        500 => tracing::error!(request_id, %method, path, status, error, "request finished"),
        503 => tracing::warn!(request_id, %method, path, status, error, "request finished"),
        _ => tracing::info!(request_id, %method, path, status, "request finished"),
    }
    let mut response = match problem {
        Some(problem) => problem.into_answer(request_id),
        None => response,
    };
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

fn request_id(request: &Request) -> Option<String> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
        _ => None,
    }
}
