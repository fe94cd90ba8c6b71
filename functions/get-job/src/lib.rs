//! `GET /api/jobs/{id}`: the full details of a job.

use api::{Answer, DetailsView, NoParams, PathId, Problem, Resource, Route, SignedIn};
use axum::{Json, Router, extract::State};
use jobs::JobId;
use lambda::Settings;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/jobs/{id}")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, get_job).with_state(store)
}

async fn get_job(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
) -> Answer<Json<DetailsView>> {
    let details = store.details(id).await?;
    let details = details.ok_or_else(|| Problem::not_found(Resource::Job))?;
    if !caller.may_access(details.job.created_by) {
        return Err(Problem::forbidden(Resource::Job));
    }
    Ok(Json(details.into()))
}
