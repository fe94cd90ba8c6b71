//! `GET /api/wizard/jobs/{job_id}/analysis`: the result of an analysis job.

use api::{
    AnalysisView, Answer, JobAction, NoParams, PathId, Problem, Resource, Route, SignedIn,
    allow_job,
};
use axum::{Json, Router, extract::State};
use jobs::{JobId, JobType};
use lambda::Settings;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/wizard/jobs/{job_id}/analysis")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, get_job_analysis).with_state(store)
}

async fn get_job_analysis(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
) -> Answer<Json<AnalysisView>> {
    let (job, documents) = store.job_with_documents(id).await?.unzip();
    let job = allow_job(caller, job)?;
    if job.job_type != Some(JobType::Analysis) {
        return Err(Problem::not_found(Resource::Analysis));
    }
    match documents.and_then(|documents| documents.result) {
        Some(result) => Ok(Json(AnalysisView::new(id, result))),
        None => Err(Problem::wrong_status(job.status(), JobAction::ReadAnalysis)),
    }
}
