//! What the REST functions share: the caller, the inputs, the answers, the errors.
//!
//! This is the one module that names status codes.

pub mod auth;
mod finish;
mod inputs;
mod list;
mod params;
mod problem;
#[cfg(feature = "testing")]
pub mod testing;
mod views;

use jobs::{Caller, Job, ReleaseId, release::Release};
use store::Store;

pub use self::{
    finish::finish,
    inputs::{Body, IdempotencyHeader, PathId, Resource, SignedIn},
    list::{ListParams, list_page},
    params::Params,
    problem::{FinalJob, Problem},
    views::{
        AnalysisView, CancelView, DetailsView, FileView, FilesView, JobView, LogsView, PageView,
        ReleaseView, StatusView, UploadView, created, job_answer,
    },
};

/// What every handler returns: an answer, or a problem.
pub type Answer<T> = Result<T, Problem>;

/// Lets `caller` go on with `job`, or says why not: the one check of every route on a job.
///
/// # Errors
/// 404 where there is none, 403 where it is another user's.
pub fn allow_job(caller: Caller, job: Option<Job>) -> Answer<Job> {
    let job = job.ok_or_else(|| Problem::not_found("job"))?;
    if caller.may_access(job.created_by) {
        Ok(job)
    } else {
        Err(Problem::forbidden("job"))
    }
}

/// Reads a release for `caller`: the one check of every route on a release.
///
/// # Errors
/// 404 where there is none, 403 where it is another user's, 503 and 500 as DynamoDB answers.
pub async fn allow_release(caller: Caller, store: &Store, id: ReleaseId) -> Answer<Release> {
    let release = store
        .release(id)
        .await?
        .ok_or_else(|| Problem::not_found("release"))?;
    if caller.may_access(release.user_id) {
        Ok(release)
    } else {
        Err(Problem::forbidden("release"))
    }
}
