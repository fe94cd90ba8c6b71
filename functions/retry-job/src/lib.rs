//! `POST /api/jobs/{id}/retry`: a new job like a failed or cancelled one.

use api::{Answer, FinalJob, IdempotencyHeader, PathId, Problem, SignedIn, allow_job, job_answer};
use axum::{Router, extract::State, response::Response, routing::post};
use jobs::{Job, JobId, NewJob, Status};
use store::Documents;
use worker::service::{Intake, Submissions};

/// The function's route.
pub fn router(submissions: Submissions) -> Router {
    Router::new()
        .route("/api/jobs/{id}/retry", post(retry_job))
        .with_state(submissions)
}

async fn retry_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    IdempotencyHeader(key): IdempotencyHeader,
) -> Answer<Response> {
    let store = submissions.store();
    let (old, documents) = store.job_with_documents(id).await?.unzip();
    let old = allow_job(caller, old)?;
    if !matches!(old.status, Status::Failed | Status::Cancelled) {
        return Err(Problem::wrong_status(old.status, FinalJob::Retry));
    }
    // A draft that was cancelled may lack its type: as a new job it is a draft again.
    let (config, draft) = (documents.unwrap_or_default().config, old.job_type.is_none());
    let Job {
        release_id,
        job_type,
        created_by,
        ..
    } = old;
    let job = NewJob {
        created_by,
        release_id,
        job_type,
        config,
        draft,
        retry_of: Some(id),
    };
    match submissions.create(&job, key.as_deref()).await? {
        Intake::New(stored) => Ok(job_answer(
            stored,
            Documents {
                config: job.config,
                result: None,
            },
            true,
        )),
        Intake::Same(id) => match store.job_with_documents(id).await? {
            Some((stored, documents)) => Ok(job_answer(stored, documents, false)),
            None => Err(Problem::not_found("job")),
        },
        Intake::KeyReused => Err(Problem::key_reused()),
    }
}
