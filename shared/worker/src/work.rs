//! The interface between a run and the work of its job type.

use std::future::Future;

use aws::AwsError;
use jobs::{Config, Job};
use release_files::WorkError;
use store::Completion;

use crate::reporter::Reporter;

/// The input of a run's work.
#[derive(Clone)]
pub struct Assignment {
    /// The job as claimed.
    pub job: Job,
    /// The job's configuration.
    pub config: Config,
    /// The reporter of the run.
    pub reporter: Reporter,
}

/// The work of the job types.
pub trait Work: Send + Sync + 'static {
    /// Works on a job to its end, or until the reporter stops it.
    fn run(
        &self,
        assignment: Assignment,
    ) -> impl Future<Output = Result<Completion, WorkError>> + Send;

    /// Removes the files of an incomplete run, if there are any.
    fn clean_up(&self, job: &Job) -> impl Future<Output = Result<(), AwsError>> + Send;
}
