//! The response to a request that creates a job.

use axum::response::Response;
use serde_json::{Map, Value};
use store::{CreateOutcome, Documents, Store};

use crate::{Answer, Problem, Resource, job_answer};

/// Responds with the created job, whose configuration is `config`, or with the job that an earlier
/// request created with the same idempotency key.
///
/// # Errors
/// 409 if the key belongs to another request, 404 if its job is gone, 503 or 500 if DynamoDB fails.
pub async fn create_answer(
    store: &Store,
    outcome: CreateOutcome,
    config: Map<String, Value>,
) -> Answer<Response> {
    match outcome {
        CreateOutcome::Created(job) => {
            let documents = Documents {
                config,
                result: None,
            };
            Ok(job_answer(job, documents, true))
        }
        CreateOutcome::Existing(id) => match store.job_with_documents(id).await? {
            Some((job, documents)) => Ok(job_answer(job, documents, false)),
            None => Err(Problem::not_found(Resource::Job)),
        },
        CreateOutcome::KeyReused => Err(Problem::key_reused()),
        CreateOutcome::RetriedMissing => Err(Problem::not_found(Resource::Job)),
    }
}
