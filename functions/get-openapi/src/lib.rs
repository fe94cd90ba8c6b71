//! `GET /openapi.json`: the document of the API; and `GET /`, which leads to it.

use api::{NoParams, Route, SERVICE_DESC};
use axum::{
    Json, Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK},
    response::IntoResponse,
};
use lambda::Settings;
use serde::Serialize;

/// The document, which a test compares with `openapi.yaml`.
const DOCUMENT: &str = include_str!("../../../openapi.json");
/// The path of the document.
const DOCUMENT_PATH: &str = "/openapi.json";
/// A client may keep the document for five minutes: it changes only with a deployment.
const CACHED: &str = "public, max-age=300";

/// The function's routes.
pub const ROUTES: [Route; 2] = [Route::get(DOCUMENT_PATH), Route::get("/")];

/// Builds the function, which needs no settings.
pub fn from_settings(_: &mut Settings) -> Router {
    router()
}

/// Builds the function's router.
pub fn router() -> Router {
    let [document, root] = ROUTES;
    api::router(&[document], get_openapi).merge(api::router(&[root], get_service))
}

/// What the API is, and where its document is.
#[derive(Serialize)]
struct ServiceView {
    name: &'static str,
    version: &'static str,
    document: &'static str,
}

async fn get_openapi(_: NoParams) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHED)];
    (headers, DOCUMENT)
}

async fn get_service(_: NoParams) -> impl IntoResponse {
    let service = ServiceView {
        name: "jobs",
        version: env!("CARGO_PKG_VERSION"),
        document: DOCUMENT_PATH,
    };
    ([(LINK, SERVICE_DESC)], Json(service))
}
