//! `PUT /api/jobs/{id}/submit`: a draft becomes a job.

use axum::{Router, extract::State, response::Response, routing::put};
use shared::{
    auth::Caller,
    http::{Answer, FinalJob, PathId, Problem, allow_job, allow_release, job_answer},
    job::{JobId, Status},
    service::Submissions,
    store::Submitted,
};

/// The function's route.
pub fn router(submissions: Submissions) -> Router {
    Router::new()
        .route("/api/jobs/{id}/submit", put(submit_job))
        .with_state(submissions)
}

async fn submit_job(
    State(submissions): State<Submissions>,
    caller: Caller,
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
