//! Work on a job that needs no files.

use std::io;

use aws::AwsError;
use jobs::{Failure, FailureCode, Job, Level};
use release_files::WorkError;
use serde_json::{Value, json};
use store::{Completion, Store};
use worker::{Assignment, Work};

use super::RETENTION;

/// The work on a job, after a step, a progress of 65 % and a log line.
#[derive(Clone)]
pub enum FakeWork {
    /// Completes with this result.
    Complete(Value),
    /// Completes with a package and this result.
    Package(Value),
    /// Completes after this many log lines, most of them of 100 characters.
    Log(u32),
    Fail,
    FailWith(String),
    /// Fails with an I/O error, which is retried.
    IoError,
    /// Fails because S3 is unavailable.
    Outage,
}

/// Fake work, and the store that has the job's release.
pub struct StoredFakeWork(FakeWork, Store);

impl FakeWork {
    pub(super) fn on(self, store: Store) -> StoredFakeWork {
        StoredFakeWork(self, store)
    }
}

impl Work for StoredFakeWork {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        let reporter = &assignment.reporter;
        reporter.step("archive");
        reporter.progress(65);
        reporter.log(Level::Info, "Compressed 3 of 5 files");
        let fail = |message: &str| {
            let failure = Failure::new(FailureCode::SourceMissing, message);
            Err(WorkError::Failed(failure))
        };
        match &self.0 {
            FakeWork::Complete(result) => Ok(Completion::new(result.clone())),
            FakeWork::Package(result) => {
                let release = self.1.release(assignment.job.release_id.unwrap());
                let release = release.await.unwrap().unwrap();
                Ok(Completion::with_package(result.clone(), release, RETENTION))
            }
            FakeWork::Log(count) => {
                (1..*count).for_each(|_| reporter.log(Level::Info, &"x".repeat(100)));
                Ok(Completion::new(json!({})))
            }
            FakeWork::Fail => fail("There is no source file"),
            FakeWork::FailWith(message) => fail(message),
            FakeWork::IoError => Err(WorkError::Io(io::Error::other("a file could not be read"))),
            FakeWork::Outage => {
                let outage = AwsError::unavailable("S3", "slow down");
                Err(WorkError::Io(io::Error::other(outage)))
            }
        }
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        Ok(())
    }
}
