//! `GET /api/jobs/{id}`: a job's complete details.

use api::{Answer, DetailsView, PathId, Problem, SignedIn};
use axum::{Json, Router, extract::State, routing::get};
use jobs::JobId;
use store::Store;

/// The function's route.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/jobs/{id}", get(get_job))
        .with_state(store)
}

async fn get_job(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
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
