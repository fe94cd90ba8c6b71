//! `GET /openapi.json`: the document of the API.

use api::{NoParams, Route};
use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
};
use lambda::Settings;

/// The document, which a test compares with `openapi.yaml`.
const DOCUMENT: &str = include_str!("../../../openapi.json");
/// A client may keep the document for five minutes: it changes only with a deployment.
const CACHED: &str = "public, max-age=300";

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/openapi.json")];

/// Builds the function, which needs no settings.
pub fn from_settings(_: &mut Settings) -> Router {
    router()
}

/// Builds the function's router.
pub fn router() -> Router {
    api::router(&ROUTES, get_openapi)
}

async fn get_openapi(_: NoParams) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHED)];
    (headers, DOCUMENT)
}
