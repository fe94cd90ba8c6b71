//! `PATCH /api/jobs/{id}`: changes a draft.

use api::{Answer, Body, FinalJob, JobView, PathId, Problem, SignedIn, allow_job, allow_release};
use axum::{Json, Router, extract::State, routing::patch};
use jobs::{Clock, Fields, Job, JobId, JobRequest, MAX_CONFIG_BYTES, Status};
use serde_json::{Map, Value, json};
use store::{Documents, Edited, Store};

/// The function's route.
pub fn router(store: Store, clock: Clock) -> Router {
    Router::new()
        .route("/api/jobs/{id}", patch(update_job))
        .with_state((store, clock))
}

async fn update_job(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    Body(patch): Body,
) -> Answer<Json<JobView>> {
    let (draft, documents) = store.job_with_documents(id).await?.unzip();
    let draft = allow_job(caller, draft)?;
    if draft.status != Status::Draft {
        return Err(Problem::wrong_status(draft.status, FinalJob::Edit));
    }
    let mut fields = merged(&draft, &documents.unwrap_or_default(), patch);
    let request = JobRequest::read(&mut fields);
    fields.finish()?;
    if request.config_bytes() > MAX_CONFIG_BYTES {
        return Err(Problem::too_large("config_json", MAX_CONFIG_BYTES));
    }
    if let Some(release) = request
        .release_id
        .filter(|release| draft.release_id != Some(*release))
    {
        allow_release(caller, &store, release).await?;
    }
    let JobRequest {
        job_type,
        release_id,
        config,
    } = request;
    match store
        .edit_draft(&draft, job_type, release_id, &config, clock.now())
        .await?
    {
        Edited::Yes(job) => Ok(Json(JobView::new(
            job,
            Documents {
                config,
                result: None,
            },
        ))),
        Edited::Conflict(job) if job.status == Status::Draft => Err(Problem::changed_meanwhile()),
        Edited::Conflict(job) => Err(Problem::wrong_status(job.status, FinalJob::Edit)),
        Edited::Missing => Err(Problem::not_found("job")),
    }
}

/// The draft's fields with the patch merged into them (RFC 7396): what is null is taken away.
fn merged(draft: &Job, documents: &Documents, patch: Map<String, Value>) -> Fields {
    let mut fields = json!({
        "job_type": draft.job_type, "release_id": draft.release_id, "config_json": documents.config,
    });
    // The merge drops what is null: an unknown field is to be refused all the same.
    let mut object: Map<String, Value> = patch.clone();
    object.retain(|name, _| fields.get(name).is_none());
    json_patch::merge(&mut fields, &Value::Object(patch));
    if let Value::Object(merged) = fields {
        object.extend(merged);
    }
    Fields::new(object, "")
}
