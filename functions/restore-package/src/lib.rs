//! `PUT /api/releases/{id}/package`: makes an earlier package of a release current again.

use std::time::Duration;

use api::{Answer, Body, NoParams, PathId, Problem, ReleaseView, Route, SignedIn, allow_release};
use axum::{Json, Router, extract::State};
use jobs::{Clock, FieldReader, JobId, ReadFields, ReleaseId};
use lambda::Settings;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::put("/api/releases/{id}/package")];

#[derive(Clone)]
struct Parts {
    store: Store,
    clock: Clock,
    package_retention: Duration,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let package_retention = settings.package_retention();
    router(settings.store(), settings.clock(), package_retention)
}

/// Builds the function's router. The replaced package is kept for `package_retention`.
pub fn router(store: Store, clock: Clock, package_retention: Duration) -> Router {
    let parts = Parts {
        store,
        clock,
        package_retention,
    };
    api::router(&ROUTES, restore_package).with_state(parts)
}

/// The package to restore.
struct RestoreRequest {
    job_id: JobId,
}

impl ReadFields for RestoreRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let job_id = fields.required("job_id", FieldReader::id)?;
        Some(Self { job_id })
    }
}

async fn restore_package(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    _: NoParams,
    body: Body,
) -> Answer<Json<ReleaseView>> {
    let RestoreRequest { job_id } = body.read()?;
    let release = allow_release(caller, &parts.store, id).await?;
    let current = release.package.as_ref();
    if current.is_some_and(|package| package.job_id == job_id) {
        return Ok(Json(release.into()));
    }
    let (now, retention) = (parts.clock.now(), parts.package_retention);
    let restored = parts
        .store
        .restore_package(release, job_id, now, retention)
        .await?;
    Ok(Json(restored.ok_or_else(Problem::package_not_kept)?.into()))
}
