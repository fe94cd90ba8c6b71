//! `PUT /api/jobs/{id}/cancel`: cancels a job with one conditional write.

use api::{
    Answer, Body, CancelView, JobAction, NoParams, PathId, Problem, Resource, Route, SignedIn,
};
use axum::{Json, Router, extract::State};
use jobs::{FieldReader, JobId, ReadFields};
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

/// Maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 200;

/// The reason for the cancel, if the client gives one.
struct CancelRequest {
    reason: Option<String>,
}

impl ReadFields for CancelRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let reason = fields.line("reason", MAX_REASON_CHARS);
        Some(Self { reason })
    }
}

async fn cancel_job(
    State(jobs): State<JobService>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
    body: Option<Body>,
) -> Answer<Json<CancelView>> {
    let CancelRequest { reason } = body.unwrap_or_default().read()?;
    match jobs.cancel(id, caller, reason.as_deref()).await? {
        CancelOutcome::Cancelled(job) => Ok(Json(job.into())),
        CancelOutcome::Final(job) => Err(Problem::wrong_status(job.status(), JobAction::Cancel)),
        CancelOutcome::Forbidden => Err(Problem::forbidden(Resource::Job)),
        CancelOutcome::Missing => Err(Problem::not_found(Resource::Job)),
    }
}
