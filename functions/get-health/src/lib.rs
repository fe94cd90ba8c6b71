//! `GET /health`: reports that the API is up, and its version.

use api::{NoParams, Route, SERVICE_DESC};
use axum::{Json, Router, http::header::LINK, response::IntoResponse};
use lambda::Settings;
use serde::Serialize;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/health")];

/// Builds the function, which needs no settings.
pub fn from_settings(_: &mut Settings) -> Router {
    router()
}

/// Builds the function's router.
pub fn router() -> Router {
    api::router(&ROUTES, get_health)
}

#[derive(Serialize)]
struct HealthView {
    status: &'static str,
    version: &'static str,
}

async fn get_health(_: NoParams) -> impl IntoResponse {
    let health = HealthView {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    };
    ([(LINK, SERVICE_DESC)], Json(health))
}
