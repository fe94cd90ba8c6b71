//! `GET /api/releases/{id}/jobs`: the jobs of one release.

use api::{Answer, ListParams, PageView, Params, PathId, SignedIn, allow_release, list_page};
use axum::{Json, Router, extract::State, routing::get};
use jobs::{ReleaseId, Time};
use store::{Scope, Store};

const ALL_TIME: (Time, Time) = (Time::from_millis(0), Time::from_millis(i64::MAX));

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/releases/{id}/jobs", get(list_release_jobs))
        .with_state(store)
}

async fn list_release_jobs(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    params: Params,
) -> Answer<Json<PageView>> {
    let mut params = ListParams::read(params)?;
    params.narrow();
    allow_release(caller, &store, id).await?;
    Ok(Json(
        list_page(&store, caller, Scope::Release(id), &params, ALL_TIME).await?,
    ))
}
