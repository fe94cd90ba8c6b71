//! Requests that match no route: answers a problem instead of API Gateway's own `{"message"}`.

use api::Route;
use axum::Router;
use lambda::Settings;

/// The function's routes: none, since API Gateway's `$default` route leads here.
pub const ROUTES: [Route; 0] = [];

/// The function, which needs no settings.
pub fn from_settings(_: &mut Settings) -> Router {
    router()
}

/// The function's router: every request falls through to the problem that all functions share.
pub fn router() -> Router {
    Router::new()
}
