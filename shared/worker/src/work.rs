//! What the work of a job type is given, and how it is called.

use std::future::Future;

use aws::AwsError;
use jobs::{Config, Job};
use release_files::WorkError;
use store::Completion;

use crate::reporter::Reporter;

/// What a job type works on.
#[derive(Clone)]
pub struct Assignment {
    /// The job, as it was claimed.
    pub job: Job,
    /// Its configuration.
    pub config: Config,
    /// Where it reports to.
    pub reporter: Reporter,
}

/// The work of the job types.
pub trait Work: Send + Sync + 'static {
    /// Works on a job to its end, or until the reporter says stop.
    fn run(
        &self,
        assignment: Assignment,
    ) -> impl Future<Output = Result<Completion, WorkError>> + Send;

    /// Removes the files of a run that did not complete. There may be none.
    fn clean_up(&self, job: &Job) -> impl Future<Output = Result<(), AwsError>> + Send;
}
