//! `GET /api/releases/{id}/jobs`: the jobs of one release.

use api::{
    Answer, ListParams, PageView, PathId, QueryParams, Route, SignedIn, allow_release, list_page,
};
use axum::{Json, Router, extract::State};
use jobs::{ReleaseId, Time};
use lambda::Settings;
use store::{Scope, Store};

const ALL_TIME: (Time, Time) = (Time::from_millis(0), Time::from_millis(i64::MAX));

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/releases/{id}/jobs")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, list_release_jobs).with_state(store)
}

async fn list_release_jobs(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    params: QueryParams,
) -> Answer<Json<PageView>> {
    let mut params = ListParams::read(params)?;
    params.filter_by_user();
    allow_release(caller, &store, id).await?;
    let page = list_page(&store, caller, Scope::Release(id), &params, ALL_TIME).await?;
    Ok(Json(page))
}
