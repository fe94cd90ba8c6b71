//! `GET /api/wizard/jobs/{job_id}/analysis`: what an analysis job found.

use api::{AnalysisView, Answer, FinalJob, PathId, Problem, SignedIn, allow_job};
use axum::{Json, Router, extract::State, routing::get};
use jobs::{JobId, JobType};
use store::Store;

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/wizard/jobs/{job_id}/analysis", get(get_job_analysis))
        .with_state(store)
}

async fn get_job_analysis(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Json<AnalysisView>> {
    let (job, documents) = store.job_with_documents(id).await?.unzip();
    let job = allow_job(caller, job)?;
    if job.job_type != Some(JobType::Analysis) {
        return Err(Problem::not_found("analysis"));
    }
    match documents.and_then(|documents| documents.result) {
        Some(result) => Ok(Json(AnalysisView::new(id, result))),
        None => Err(Problem::wrong_status(job.status, FinalJob::Analysis)),
    }
}
