//! `GET /health`: says that the API answers, and which version.

use axum::{Json, Router, routing::get};
use serde::Serialize;

/// The function's route.
pub fn router() -> Router {
    Router::new().route("/health", get(get_health))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

async fn get_health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}
