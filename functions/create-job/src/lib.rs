//! `POST /api/jobs`: creates a job, or a draft.

use api::{Answer, Body, IdempotencyHeader, Problem, SignedIn, allow_release, job_answer};
use axum::{Router, extract::State, response::Response, routing::post};
use jobs::{JobRequest, MAX_CONFIG_BYTES};
use store::Documents;
use worker::service::{Intake, Submissions};

/// The function's route.
pub fn router(submissions: Submissions) -> Router {
    Router::new()
        .route("/api/jobs", post(create_job))
        .with_state(submissions)
}

async fn create_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    IdempotencyHeader(key): IdempotencyHeader,
    body: Body,
) -> Answer<Response> {
    let mut fields = body.fields();
    let request = JobRequest::read(&mut fields);
    let draft = fields.flag("draft").unwrap_or(false);
    if !draft {
        fields.require("job_type", request.job_type);
    }
    fields.finish()?;
    if request.config_bytes() > MAX_CONFIG_BYTES {
        return Err(Problem::too_large("config_json", MAX_CONFIG_BYTES));
    }
    if let Some(release) = request.release_id {
        allow_release(caller, submissions.store(), release).await?;
    }
    let job = request.into_job(caller.user_id, draft);
    match submissions.create(&job, key.as_deref()).await? {
        Intake::New(stored) => Ok(job_answer(
            stored,
            Documents {
                config: job.config,
                result: None,
            },
            true,
        )),
        Intake::Same(id) => match submissions.store().job_with_documents(id).await? {
            Some((stored, documents)) => Ok(job_answer(stored, documents, false)),
            None => Err(Problem::not_found("job")),
        },
        Intake::KeyReused => Err(Problem::key_reused()),
    }
}
