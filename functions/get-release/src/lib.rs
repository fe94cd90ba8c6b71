//! `GET /api/releases/{id}`: a release.

use api::{Answer, PathId, ReleaseView, SignedIn, allow_release};
use axum::{Json, Router, extract::State, routing::get};
use jobs::ReleaseId;
use store::Store;

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/releases/{id}", get(get_release))
        .with_state(store)
}

async fn get_release(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
) -> Answer<Json<ReleaseView>> {
    Ok(Json(allow_release(caller, &store, id).await?.into()))
}
