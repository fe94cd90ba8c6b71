//! `POST /api/jobs/{id}/retry`: creates a copy of a failed or cancelled job.

use api::{Answer, IdempotencyKeyHeader, JobAction, PathId, Problem, Route, SignedIn, allow_job};
use axum::{Router, extract::State, response::Response};
use jobs::{JobId, NewJob, Status};
use lambda::Settings;
use worker::Submissions;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/jobs/{id}/retry")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.submissions())
}

/// Builds the function's router.
pub fn router(submissions: Submissions) -> Router {
    api::router(&ROUTES, retry_job).with_state(submissions)
}

async fn retry_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
) -> Answer<Response> {
    let store = submissions.store();
    let (old, documents) = store.job_with_documents(id).await?.unzip();
    let old = allow_job(caller, old)?;
    if !matches!(old.status(), Status::Failed | Status::Cancelled) {
        return Err(Problem::wrong_status(old.status(), JobAction::Retry));
    }
    let job = NewJob {
        created_by: old.created_by,
        release_id: old.release_id,
        job_type: old.job_type,
        config: documents.unwrap_or_default().config,
        // A cancelled draft may lack a type. Its copy is a draft again.
        draft: old.job_type.is_none(),
        retry_of: Some(id),
    };
    let outcome = submissions.create(&job, key.as_deref()).await?;
    api::create_answer(store, outcome, job.config).await
}
