//! A run and its end, as the store takes them.

use std::time::Duration;

use jobs::{Failure, Job, JobId, Time, WaitingFor, release::Release};
use serde_json::{Map, Value};

/// The claim that a run holds.
#[derive(Clone, Debug)]
pub struct RunHandle {
    /// The job.
    pub job_id: JobId,
    /// The fencing token of this claim.
    pub fence: u32,
    /// The number of the attempt.
    pub attempt: u32,
    /// When retention deletes the job.
    pub expires_at: Time,
}

impl From<&Job> for RunHandle {
    /// The run that has just claimed the job.
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id,
            fence: job.fence,
            attempt: job.attempt,
            expires_at: job.expires_at,
        }
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// 0 to 99.
    pub percent: u8,
    /// The step.
    pub step: Option<String>,
    /// A description for people.
    pub message: Option<String>,
    /// The last log entry that has been put.
    pub log_seq: u64,
}

/// How a run ends.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// The job is completed.
    Completed(Box<Completion>),
    /// The job has failed for good.
    Failed(Failure),
    /// The attempt failed, and is used up; the job waits until the given time for another.
    Retry(Failure, Time),
    /// The job is not at fault: its attempt continues at the given time, uncounted.
    Deferred(WaitingFor, Time),
    /// The run's time is nearly up, and its work is saved: the next run resumes it at once.
    Suspended,
}

/// Whether runs of a job may have left files in the bucket, besides the package that it completed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Certainly none: the sweeper need not look.
    None,
    /// Possibly some.
    Possible,
}

/// What a run that completes its job leaves.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The result that the job type promises.
    pub result: Value,
    /// The change of the release's current package to the one that this run built.
    pub package: Option<PackageChange>,
    /// The change of the release's metadata.
    pub metadata: Option<MetadataChange>,
}

impl Completion {
    /// A result that leaves the release as it is.
    #[must_use]
    pub const fn new(result: Value) -> Self {
        Self {
            result,
            package: None,
            metadata: None,
        }
    }

    /// A result with a new current package of the release `seen`; the previous one is kept for `keep`.
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

    /// The same, whose package is in the folder of the run that began it, which had this fence.
    #[must_use]
    pub fn begun_by(mut self, fence: u32) -> Self {
        if let Some(change) = &mut self.package {
            change.begun_by = Some(fence);
        }
        self
    }

    /// A result with new metadata of the release `seen`, which must not have changed since.
    #[must_use]
    pub const fn with_metadata(result: Value, seen: Release, metadata: Map<String, Value>) -> Self {
        Self {
            result,
            package: None,
            metadata: Some(MetadataChange { seen, metadata }),
        }
    }
}

/// A change of a release's current package. It is refused if another has become current since.
#[derive(Clone, Debug)]
pub struct PackageChange {
    /// The release, as the run saw it.
    pub seen: Release,
    /// How long the replaced package is kept.
    pub keep: Duration,
    /// The fence of the run in whose folder the package is, if that is an earlier one.
    pub begun_by: Option<u32>,
}

/// A change of a release's metadata. It is refused if the release has changed since it was seen.
#[derive(Clone, Debug)]
pub struct MetadataChange {
    /// The release, as the run saw it.
    pub seen: Release,
    /// Its new metadata.
    pub metadata: Map<String, Value>,
}
