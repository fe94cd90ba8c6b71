//! `PUT /api/jobs/{id}/submit`: a draft becomes a job.

use api::{Answer, FinalJob, PathId, Problem, SignedIn, allow_job, allow_release, job_answer};
use axum::{Router, extract::State, response::Response, routing::put};
use jobs::{JobId, Status};
use store::Submitted;
use worker::service::Submissions;

/// The function's route.
pub fn router(submissions: Submissions) -> Router {
    Router::new()
        .route("/api/jobs/{id}/submit", put(submit_job))
        .with_state(submissions)
}

async fn submit_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Response> {
    let (draft, documents) = submissions.store().job_with_documents(id).await?.unzip();
    let draft = allow_job(caller, draft)?;
    if draft.status != Status::Draft {
        return Err(Problem::wrong_status(draft.status, FinalJob::Submit));
    }
    if draft.job_type.is_none() {
        return Err(Problem::invalid_field("job_type", "is required"));
    }
    if let Some(release) = draft.release_id {
        allow_release(caller, submissions.store(), release).await?;
    }
    match submissions.submit(&draft).await? {
        Submitted::Yes(job) => Ok(job_answer(job, documents.unwrap_or_default(), true)),
        Submitted::NotADraft(job) if job.status == Status::Draft => {
            Err(Problem::changed_meanwhile())
        }
        Submitted::NotADraft(job) => Err(Problem::wrong_status(job.status, FinalJob::Submit)),
        Submitted::Missing => Err(Problem::not_found("job")),
    }
}
