//! `GET /api/jobs/{id}/status`: a job's status and progress, for polling.

use api::{Answer, NoParams, PathId, Route, SignedIn, StatusView, allow_job};
use axum::{Json, Router, extract::State};
use jobs::{Clock, JobId};
use lambda::Settings;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 2] = [
    Route::get("/api/jobs/{id}/status"),
    Route::get("/api/wizard/jobs/{job_id}/status"),
];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.clock())
}

/// Builds the function's router.
pub fn router(store: Store, clock: Clock) -> Router {
    api::router(&ROUTES, get_job_status).with_state((store, clock))
}

async fn get_job_status(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
) -> Answer<Json<StatusView>> {
    let job = allow_job(caller, store.job(id, false).await?)?;
    Ok(Json(StatusView::new(job, clock.now())))
}
