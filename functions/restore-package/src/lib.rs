//! `PUT /api/releases/{id}/package`: makes an earlier package of a release current again.

use std::time::Duration;

use api::{Answer, Body, PathId, Problem, ReleaseView, SignedIn, allow_release};
use axum::{Json, Router, extract::State, routing::put};
use jobs::{Clock, JobId, ReleaseId};
use store::Store;

/// The function's route. The package that is replaced is kept for `keep`.
pub fn router(store: Store, clock: Clock, keep: Duration) -> Router {
    Router::new()
        .route("/api/releases/{id}/package", put(restore_package))
        .with_state((store, clock, keep))
}

async fn restore_package(
    State((store, clock, keep)): State<(Store, Clock, Duration)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    body: Body,
) -> Answer<Json<ReleaseView>> {
    let mut fields = body.fields();
    let job_id: Option<JobId> = fields.id("job_id");
    let job_id = fields.require("job_id", job_id);
    fields.finish()?;
    let release = allow_release(caller, &store, id).await?;
    let is_current = release.package.as_ref().map(|package| package.job_id) == job_id;
    let (Some(job_id), false) = (job_id, is_current) else {
        return Ok(Json(release.into()));
    };
    let restored = store
        .restore_package(release, job_id, clock.now(), keep)
        .await?;
    Ok(Json(restored.ok_or_else(Problem::package_not_kept)?.into()))
}
