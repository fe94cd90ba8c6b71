//! `GET /api/releases/{id}`: a release.

use api::{Answer, NoParams, PathId, ReleaseView, Route, SignedIn, allow_release};
use axum::{Json, Router, extract::State};
use jobs::ReleaseId;
use lambda::Settings;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/releases/{id}")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, get_release).with_state(store)
}

async fn get_release(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    _: NoParams,
) -> Answer<Json<ReleaseView>> {
    Ok(Json(allow_release(caller, &store, id).await?.into()))
}
