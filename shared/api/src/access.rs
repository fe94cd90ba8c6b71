//! The access check that every route on a job or a release shares.

use jobs::{Caller, Job, ReleaseId, release::Release};
use store::Store;

use crate::{Answer, Problem, Resource};

/// Returns `job` if it exists and `caller` may access it.
///
/// # Errors
/// 404 if it does not exist, 403 if it belongs to another user.
pub fn allow_job(caller: Caller, job: Option<Job>) -> Answer<Job> {
    let job = job.ok_or_else(|| Problem::not_found(Resource::Job))?;
    if caller.may_access(job.created_by) {
        Ok(job)
    } else {
        Err(Problem::forbidden(Resource::Job))
    }
}

/// Reads a release if it exists and `caller` may access it. Damaged metadata is left out.
///
/// # Errors
/// 404 if it does not exist, 403 if it belongs to another user, 503 or 500 if DynamoDB fails.
pub async fn allow_release(caller: Caller, store: &Store, id: ReleaseId) -> Answer<Release> {
    check_release(caller, store.readable_release(id).await?)
}

/// Returns `release` if it exists and `caller` may access it.
///
/// # Errors
/// 404 if it does not exist, 403 if it belongs to another user.
pub fn check_release(caller: Caller, release: Option<Release>) -> Answer<Release> {
    let release = release.ok_or_else(|| Problem::not_found(Resource::Release))?;
    if caller.may_access(release.user_id) {
        Ok(release)
    } else {
        Err(Problem::forbidden(Resource::Release))
    }
}
