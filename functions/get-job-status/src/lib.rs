//! `GET /api/jobs/{id}/status`: a job's status and progress, made for polling.

use axum::{Json, Router, extract::State, routing::get};
use shared::{
    auth::Caller,
    http::{Answer, PathId, StatusView, allow_job},
    job::JobId,
    store::Store,
};

/// The function's routes.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/jobs/{id}/status", get(get_job_status))
        .route("/api/wizard/jobs/{job_id}/status", get(get_job_status))
        .with_state(store)
}

async fn get_job_status(
    State(store): State<Store>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Answer<Json<StatusView>> {
    let job = allow_job(caller, store.job(id, false).await?)?;
    Ok(Json(job.into()))
}
