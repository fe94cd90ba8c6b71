//! `PUT /api/jobs/{id}/submit`: submits a draft.

use api::{
    Answer, JobAction, PathId, Problem, Resource, Route, SignedIn, allow_job, allow_release,
    job_answer,
};
use axum::{Router, extract::State, response::Response};
use jobs::{JobId, Status};
use lambda::Settings;
use store::SubmitOutcome;
use worker::Submissions;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::put("/api/jobs/{id}/submit")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.submissions())
}

/// Builds the function's router.
pub fn router(submissions: Submissions) -> Router {
    api::router(&ROUTES, submit_job).with_state(submissions)
}

async fn submit_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Response> {
    let (draft, documents) = submissions.store().job_with_documents(id).await?.unzip();
    let draft = allow_job(caller, draft)?;
    if draft.status() != Status::Draft {
        return Err(Problem::wrong_status(draft.status(), JobAction::Submit));
    }
    if draft.job_type.is_none() {
        return Err(Problem::invalid_field("job_type", "is required"));
    }
    if let Some(release) = draft.release_id {
        allow_release(caller, submissions.store(), release).await?;
    }
    match submissions.submit(&draft).await? {
        SubmitOutcome::Submitted(job) => Ok(job_answer(job, documents.unwrap_or_default(), true)),
        SubmitOutcome::NotADraft(job) => Err(Problem::not_as_seen(&job, JobAction::Submit)),
        SubmitOutcome::Missing => Err(Problem::not_found(Resource::Job)),
    }
}
