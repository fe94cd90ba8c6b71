//! `GET /api/jobs/{id}/status`: a job's status and progress, made for polling.

use api::{Answer, PathId, SignedIn, StatusView, allow_job};
use axum::{Json, Router, extract::State, routing::get};
use jobs::JobId;
use store::Store;

/// The function's routes.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/jobs/{id}/status", get(get_job_status))
        .route("/api/wizard/jobs/{job_id}/status", get(get_job_status))
        .with_state(store)
}

async fn get_job_status(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Json<StatusView>> {
    let job = allow_job(caller, store.job(id, false).await?)?;
    Ok(Json(job.into()))
}
