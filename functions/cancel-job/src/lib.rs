//! `PUT /api/jobs/{id}/cancel`: cancels a job by one conditional write.

use api::{Answer, CancelView, FinalJob, PathId, Problem, SignedIn};
use axum::{Json, Router, extract::State, routing::put};
use jobs::JobId;
use store::Cancelled;
use worker::service::JobService;

/// The function's route.
pub fn router(jobs: JobService) -> Router {
    Router::new()
        .route("/api/jobs/{id}/cancel", put(cancel_job))
        .with_state(jobs)
}

async fn cancel_job(
    State(jobs): State<JobService>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Json<CancelView>> {
    match jobs.cancel(id, caller).await? {
        Cancelled::Yes(job) => Ok(Json(job.into())),
        Cancelled::Final(job) => Err(Problem::wrong_status(job.status, FinalJob::Cancel)),
        Cancelled::Forbidden => Err(Problem::forbidden("job")),
        Cancelled::Missing => Err(Problem::not_found("job")),
    }
}
