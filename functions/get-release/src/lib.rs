//! `GET /api/releases/{id}`: a release.

use axum::{Json, Router, extract::State, routing::get};
use shared::{
    auth::Caller,
    http::{Answer, PathId, ReleaseView, allow_release},
    job::ReleaseId,
    store::Store,
};

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/releases/{id}", get(get_release))
        .with_state(store)
}

async fn get_release(
    State(store): State<Store>,
    caller: Caller,
    PathId(id): PathId<ReleaseId>,
) -> Answer<Json<ReleaseView>> {
    Ok(Json(allow_release(caller, &store, id).await?.into()))
}
