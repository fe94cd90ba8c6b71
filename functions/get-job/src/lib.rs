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
    let missing = || Problem::not_found(Resource::Job);
    let head = store.head(id).await?.ok_or_else(missing)?;
    // The log and the documents may be large, so a stranger causes no read of them.
    if !caller.may_access(head.job.created_by) {
        return Err(Problem::forbidden(Resource::Job));
    }
    let details = store.details(&head).await?.ok_or_else(missing)?;
    Ok(Json(details.into()))
}
