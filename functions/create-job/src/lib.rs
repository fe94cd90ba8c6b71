//! `POST /api/jobs`: creates a job, or a draft.

use api::{AnotherJob, Answer, Body, IdempotencyKeyHeader, JobLimits, NoParams, Route, SignedIn};
use axum::{Router, extract::State, response::Response};
use jobs::{FieldReader, MAX_CONFIG_BYTES, ReadFields};
use lambda::Settings;
use worker::{JobRequest, Submissions};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/jobs")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.submissions(), settings.job_limits())
}

/// Builds the function's router.
pub fn router(submissions: Submissions, limits: JobLimits) -> Router {
    api::router(&ROUTES, create_job).with_state((submissions, limits))
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
    State((submissions, limits)): State<(Submissions, JobLimits)>,
    SignedIn(caller): SignedIn,
    _: NoParams,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    body: Body,
) -> Answer<Response> {
    body.limit("config_json", MAX_CONFIG_BYTES)?;
    let CreateRequest { job, draft } = body.read()?;
    let store = submissions.store();
    let another = AnotherJob {
        owner: caller.user_id,
        release_id: job.release_id,
        draft,
        key: key.as_deref(),
    };
    let now = submissions.now();
    limits.allow(caller, store, another, now).await?;
    let job = job.into_job(caller, draft);
    let outcome = submissions.create(&job, key.as_deref()).await?;
    api::create_answer(store, outcome, job.config).await
}
