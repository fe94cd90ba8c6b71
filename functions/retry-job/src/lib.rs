//! `POST /api/jobs/{id}/retry`: creates a copy of a failed or cancelled job.

use api::{
    AnotherJob, Answer, Body, IdempotencyKeyHeader, JobAction, JobLimits, NoParams, PathId,
    Problem, Route, SignedIn, allow_job,
};
use axum::{Router, extract::State, response::Response};
use jobs::{FieldReader, JobId, JobType, MAX_CONFIG_BYTES, NewJob, ReadFields, Status, json_bytes};
use lambda::Settings;
use serde_json::{Map, Value};
use worker::{Submissions, check_config};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/jobs/{id}/retry")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.submissions(), settings.job_limits())
}

/// Builds the function's router.
pub fn router(submissions: Submissions, limits: JobLimits) -> Router {
    api::router(&ROUTES, retry_job).with_state((submissions, limits))
}

/// The changes to make in the copy.
struct RetryRequest {
    changes: Map<String, Value>,
}

impl ReadFields for RetryRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let changes = fields.object("config_json").unwrap_or_default();
        Some(Self { changes })
    }
}

async fn retry_job(
    State((submissions, limits)): State<(Submissions, JobLimits)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    body: Option<Body>,
) -> Answer<Response> {
    let body = body.unwrap_or_default();
    body.limit("config_json", MAX_CONFIG_BYTES)?;
    let RetryRequest { changes } = body.read()?;
    let store = submissions.store();
    let (old, documents) = store.job_with_documents(id).await?.unzip();
    let old = allow_job(caller, old)?;
    if !matches!(old.status(), Status::Failed | Status::Cancelled) {
        return Err(Problem::wrong_status(old.status(), JobAction::Retry));
    }
    let needs_release = old.job_type.is_none_or(JobType::needs_release);
    // A cancelled draft may lack a type or a release. Its copy is a draft again.
    let draft = old.job_type.is_none() || (needs_release && old.release_id.is_none());
    let another = AnotherJob {
        owner: old.created_by,
        release_id: old.release_id,
        draft,
        key: key.as_deref(),
    };
    let now = submissions.now();
    limits.allow(caller, store, another, now).await?;
    let config = changed(documents.unwrap_or_default().config, changes)?;
    if let Some(job_type) = old.job_type {
        check_config(job_type, &config)?;
    }
    let job = NewJob {
        created_by: old.created_by,
        release_id: old.release_id,
        job_type: old.job_type,
        config,
        draft,
        by_admin: caller.admin,
        retry_of: Some(id),
        earlier_retry: old.retried_by,
    };
    let outcome = submissions.create(&job, key.as_deref()).await?;
    api::create_answer(store, outcome, job.config).await
}

/// Merges the changes into the configuration (RFC 7396). Null removes a field.
fn changed(config: Map<String, Value>, changes: Map<String, Value>) -> Answer<Map<String, Value>> {
    let mut merged = Value::Object(config);
    json_patch::merge(&mut merged, &Value::Object(changes));
    if json_bytes(&merged) > MAX_CONFIG_BYTES {
        return Err(Problem::too_large("config_json", MAX_CONFIG_BYTES));
    }
    match merged {
        Value::Object(config) => Ok(config),
        _ => Ok(Map::new()),
    }
}
