//! `GET /api/jobs/{id}`: a job's complete details.

use axum::{Json, Router, extract::State, routing::get};
use shared::{
    auth::Caller,
    http::{Answer, DetailsView, PathId, Problem},
    job::JobId,
    store::Store,
};

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/jobs/{id}", get(get_job))
        .with_state(store)
}

async fn get_job(
    State(store): State<Store>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Answer<Json<DetailsView>> {
    let details = store
        .details(id)
        .await?
        .ok_or_else(|| Problem::not_found("job"))?;
    if !caller.may_access(details.job.created_by) {
        return Err(Problem::forbidden("job"));
    }
    Ok(Json(details.into()))
}
