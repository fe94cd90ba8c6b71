//! `PATCH /api/releases/{id}`: changes a release's name, group, type and metadata.

use api::{
    Answer, Body, NoParams, PathId, Problem, ReleaseView, Resource, Route, SignedIn, check_release,
};
use axum::{Json, Router, extract::State};
use jobs::{
    ReleaseId,
    release::{MAX_METADATA_BYTES, ReleaseFields},
};
use lambda::Settings;
use store::{EditReleaseOutcome, Store};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::patch("/api/releases/{id}")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, update_release).with_state(store)
}

async fn update_release(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    _: NoParams,
    body: Body,
) -> Answer<Json<ReleaseView>> {
    body.limit("metadata", MAX_METADATA_BYTES)?;
    let release = check_release(caller, store.release(id).await?)?;
    let merged = body.merged_into(ReleaseFields::from(&release).to_json());
    merged.limit("metadata", MAX_METADATA_BYTES)?;
    let fields: ReleaseFields = merged.read()?;
    if fields == ReleaseFields::from(&release) {
        return Ok(Json(release.into()));
    }
    match store.edit_release(&release, &fields).await? {
        EditReleaseOutcome::Edited(release) => Ok(Json(release.into())),
        EditReleaseOutcome::Changed => Err(Problem::release_changed()),
        EditReleaseOutcome::Missing => Err(Problem::not_found(Resource::Release)),
    }
}
