//! `POST /api/jobs`: creates a job, or a draft.

use api::{Answer, Body, IdempotencyKeyHeader, NoParams, Route, SignedIn, allow_release};
use axum::{Router, extract::State, response::Response};
use jobs::{FieldReader, MAX_CONFIG_BYTES, ReadFields};
use lambda::Settings;
use worker::{JobRequest, Submissions};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/jobs")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.submissions())
}

/// Builds the function's router.
pub fn router(submissions: Submissions) -> Router {
    api::router(&ROUTES, create_job).with_state(submissions)
}

/// The job to create.
struct CreateRequest {
    job: JobRequest,
    draft: bool,
}

impl ReadFields for CreateRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let draft = fields.flag("draft").unwrap_or(false);
        let job = if draft {
            JobRequest::read_fields(fields)?
        } else {
            JobRequest::read_submission(fields)
        };
        Some(Self { job, draft })
    }
}

async fn create_job(
    State(submissions): State<Submissions>,
    SignedIn(caller): SignedIn,
    _: NoParams,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    body: Body,
) -> Answer<Response> {
    body.limit("config_json", MAX_CONFIG_BYTES)?;
    let CreateRequest { job, draft } = body.read()?;
    if let Some(release) = job.release_id {
        allow_release(caller, submissions.store(), release).await?;
    }
    let job = job.into_job(caller, draft);
    let outcome = submissions.create(&job, key.as_deref()).await?;
    api::create_answer(submissions.store(), outcome, job.config).await
}
