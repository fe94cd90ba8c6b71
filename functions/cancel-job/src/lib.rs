//! `PUT /api/jobs/{id}/cancel`: cancels a job with one conditional write.

use api::{Answer, CancelView, JobAction, PathId, Problem, Resource, Route, SignedIn};
use axum::{Json, Router, extract::State};
use jobs::JobId;
use lambda::Settings;
use store::CancelOutcome;
use worker::JobService;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::put("/api/jobs/{id}/cancel")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.jobs())
}

/// Builds the function's router.
pub fn router(jobs: JobService) -> Router {
    api::router(&ROUTES, cancel_job).with_state(jobs)
}

async fn cancel_job(
    State(jobs): State<JobService>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Json<CancelView>> {
    match jobs.cancel(id, caller).await? {
        CancelOutcome::Cancelled(job) => Ok(Json(job.into())),
        CancelOutcome::Final(job) => Err(Problem::wrong_status(job.status(), JobAction::Cancel)),
        CancelOutcome::Forbidden => Err(Problem::forbidden(Resource::Job)),
        CancelOutcome::Missing => Err(Problem::not_found(Resource::Job)),
    }
}
