//! `GET /api/me`: the caller, as this deployment reads their token.

use api::{MeView, NoParams, Route, SignedInFor};
use axum::{Json, Router};
use lambda::Settings;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/me")];

/// Builds the function, which needs no settings.
pub fn from_settings(_: &mut Settings) -> Router {
    router()
}

/// Builds the function's router.
pub fn router() -> Router {
    api::router(&ROUTES, get_me)
}

async fn get_me(SignedInFor(session): SignedInFor, _: NoParams) -> Json<MeView> {
    Json(session.into())
}
