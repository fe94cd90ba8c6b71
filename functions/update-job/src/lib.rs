//! `PATCH /api/jobs/{id}`: changes a draft.

use api::{
    Answer, Body, JobAction, JobView, NoParams, PathId, Problem, Resource, Route, SignedIn,
    allow_job, allow_release,
};
use axum::{Json, Router, extract::State};
use jobs::{Clock, JobId, MAX_CONFIG_BYTES, Status};
use lambda::Settings;
use serde_json::json;
use store::{Documents, EditOutcome, Store};
use worker::JobRequest;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::patch("/api/jobs/{id}")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.clock())
}

/// Builds the function's router.
pub fn router(store: Store, clock: Clock) -> Router {
    api::router(&ROUTES, update_job).with_state((store, clock))
}

async fn update_job(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
    body: Body,
) -> Answer<Json<JobView>> {
    body.limit("config_json", MAX_CONFIG_BYTES)?;
    let (draft, documents) = store.job_with_documents(id).await?.unzip();
    let draft = allow_job(caller, draft)?;
    if draft.status() != Status::Draft {
        return Err(Problem::wrong_status(draft.status(), JobAction::Edit));
    }
    let merged = body.merged_into(json!({
        "job_type": draft.job_type,
        "release_id": draft.release_id,
        "config_json": documents.unwrap_or_default().config,
    }));
    merged.limit("config_json", MAX_CONFIG_BYTES)?;
    let request: JobRequest = merged.read()?;
    let release = request.release_id;
    if let Some(release) = release.filter(|release| draft.release_id != Some(*release)) {
        allow_release(caller, &store, release).await?;
    }
    let JobRequest {
        job_type,
        release_id,
        config,
    } = request;
    let edited = store.edit_draft(&draft, job_type, release_id, &config, clock.now());
    match edited.await? {
        EditOutcome::Edited(job) => {
            let documents = Documents {
                config,
                result: None,
            };
            Ok(Json(JobView::new(job, documents)))
        }
        EditOutcome::Conflict(job) => Err(Problem::not_as_seen(&job, JobAction::Edit)),
        EditOutcome::Missing => Err(Problem::not_found(Resource::Job)),
    }
}
