//! A run, its progress and its end, as the store receives them.

use std::time::Duration;

use jobs::{Failure, Job, JobId, Time, WaitingFor, release::Release};
use serde_json::{Map, Value};

/// A run's claim on its job.
#[derive(Clone, Debug)]
pub struct RunHandle {
    /// The job.
    pub job_id: JobId,
    /// The fencing token of this claim.
    pub fence: u32,
    /// The number of the attempt.
    pub attempt: u32,
    /// The time at which retention deletes the job.
    pub expires_at: Time,
}

impl From<&Job> for RunHandle {
    /// Returns the claim of the job's latest run.
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id,
            fence: job.fence,
            attempt: job.attempt,
            expires_at: job.expires_at,
        }
    }
}

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// 0 to 99.
    pub percent: u8,
    /// The current step.
    pub step: Option<String>,
    /// A description for people.
    pub message: Option<String>,
    /// The `seq` of the last stored log entry.
    pub log_seq: u64,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// The job is completed.
    Completed(Box<Completion>),
    /// The job has failed permanently.
    Failed(Failure),
    /// The attempt failed and is used up; the next one starts at the given time.
    Retry(Failure, Time),
    /// The run found an outage or lacked a permit; its attempt continues at the given time.
    Deferred(WaitingFor, Time),
    /// The run's time is nearly up and its work is saved; the next run resumes it at once.
    Suspended,
}

/// The files that the runs of a job may have left in the bucket, other than its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// None; the job needs no sweep.
    None,
    /// Possibly some.
    Possible,
}

/// The effects of a run that completes its job.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The result of the job.
    pub result: Value,
    /// The switch of the release's current package to the one that this run built.
    pub package: Option<PackageChange>,
    /// The change of the release's metadata.
    pub metadata: Option<MetadataChange>,
}

impl Completion {
    /// Creates a completion that does not change the release.
    #[must_use]
    pub const fn new(result: Value) -> Self {
        Self {
            result,
            package: None,
            metadata: None,
        }
    }

    /// Creates a completion with a new current package for the release `seen`. The previous package
    /// expires after `keep`.
    #[must_use]
    pub const fn with_package(result: Value, seen: Release, keep: Duration) -> Self {
        let change = PackageChange {
            seen,
            keep,
            begun_by: None,
        };
        Self {
            result,
            package: Some(change),
            metadata: None,
        }
    }

    /// Sets the fence of the run that began the package, if it was an earlier run. The package is
    /// in the folder of that run.
    #[must_use]
    pub fn begun_by(mut self, fence: u32) -> Self {
        if let Some(change) = &mut self.package {
            change.begun_by = Some(fence);
        }
        self
    }

    /// Creates a completion with new metadata for the release `seen`.
    #[must_use]
    pub const fn with_metadata(result: Value, seen: Release, metadata: Map<String, Value>) -> Self {
        Self {
            result,
            package: None,
            metadata: Some(MetadataChange { seen, metadata }),
        }
    }
}

/// A change of a release's current package. It is refused if the current package is no longer the
/// one in `seen`.
#[derive(Clone, Debug)]
pub struct PackageChange {
    /// The release, as the run read it.
    pub seen: Release,
    /// The time until the replaced package expires.
    pub keep: Duration,
    /// The fence of the earlier run that began the package, whose folder has its files; `None` if
    /// this run did.
    pub begun_by: Option<u32>,
}

/// A change of a release's metadata. It is refused if the release's metadata or current package is
/// no longer the one in `seen`.
#[derive(Clone, Debug)]
pub struct MetadataChange {
    /// The release, as the run read it.
    pub seen: Release,
    /// Its new metadata.
    pub metadata: Map<String, Value>,
}
