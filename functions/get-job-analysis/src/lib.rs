//! `GET /api/wizard/jobs/{job_id}/analysis`: the result of an analysis job, with a presigned URL of
//! the cover's thumbnail.

use api::{
    AnalysisView, Answer, JobAction, NoParams, PathId, Problem, Resource, Route, SignedIn,
    allow_job,
};
use axum::{Json, Router, extract::State};
use jobs::{Clock, Job, JobId, JobType, release::cover_key};
use lambda::Settings;
use serde_json::{Value, json};
use store::Store;
use worker::{Files, PRESIGNED_URL_TTL};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/wizard/jobs/{job_id}/analysis")];

#[derive(Clone)]
struct Parts {
    store: Store,
    files: Files,
    clock: Clock,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let (store, files) = (settings.store(), settings.files());
    router(store, files, settings.clock())
}

/// Builds the function's router.
pub fn router(store: Store, files: Files, clock: Clock) -> Router {
    let parts = Parts {
        store,
        files,
        clock,
    };
    api::router(&ROUTES, get_job_analysis).with_state(parts)
}

async fn get_job_analysis(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
) -> Answer<Json<AnalysisView>> {
    let (job, documents) = parts.store.job_with_documents(id).await?.unzip();
    let job = allow_job(caller, job)?;
    if job.job_type != Some(JobType::Analysis) {
        return Err(Problem::not_found(Resource::Analysis));
    }
    let Some(mut result) = documents.and_then(|documents| documents.result) else {
        return Err(Problem::wrong_status(job.status(), JobAction::ReadAnalysis));
    };
    sign_thumbnail(&parts, &job, &mut result).await?;
    Ok(Json(AnalysisView::new(id, result)))
}

/// Adds the URL of the thumbnail to a result, if it has one. It is in the folder of the run that
/// completed the job: the last one.
async fn sign_thumbnail(parts: &Parts, job: &Job, result: &mut Value) -> Answer<()> {
    let thumbnail = result.pointer_mut("/cover/thumbnail");
    let thumbnail = thumbnail.and_then(Value::as_object_mut);
    if let (Some(thumbnail), Some(release)) = (thumbnail, job.release_id) {
        let expires_at = parts.clock.now().after(PRESIGNED_URL_TTL);
        let key = cover_key(release, job.id, job.fence);
        let url = parts.files.presign_jpeg(&key).await?.url;
        thumbnail.insert("url".to_owned(), json!(url));
        thumbnail.insert("expires_at".to_owned(), json!(expires_at));
    }
    Ok(())
}
