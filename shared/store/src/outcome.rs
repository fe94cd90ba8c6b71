//! The outcomes of conditional writes. A failed condition is an answer, not an error.

use jobs::{Job, JobId, ReleaseId, release::Release};

/// The outcome of creating a job.
#[derive(Debug)]
pub enum CreateOutcome {
    /// The job is stored.
    Created(Job),
    /// The idempotency key was used before for the same request, which created this job.
    Existing(JobId),
    /// The idempotency key was used before for a different request.
    KeyReused,
    /// The job to retry no longer exists.
    RetriedMissing,
}

/// The outcome of creating a release.
#[derive(Debug)]
pub enum CreateReleaseOutcome {
    /// The release is stored.
    Created(Release),
    /// The idempotency key was used before for the same request, which created this release.
    Existing(ReleaseId),
    /// The idempotency key was used before for a different request.
    KeyReused,
    /// The id belongs to another release.
    IdTaken,
    /// The owner has this number of releases, and the limit allows no more.
    TooMany(u64),
}

/// The outcome of changing a release.
#[derive(Debug)]
pub enum EditReleaseOutcome {
    /// The change is stored.
    Edited(Release),
    /// The metadata have changed since they were read.
    Changed,
    /// The release does not exist.
    Missing,
}

/// The outcome of claiming a job.
#[derive(Debug)]
pub enum Claim {
    /// The caller holds the job's lease.
    Won(Job),
    /// The job has changed since it was read, or is not pending: another run may hold it.
    Lost(Job),
    /// The job does not exist.
    Missing,
}

/// The outcome of a write that is conditional on the state of a job.
#[derive(Debug)]
pub enum WriteOutcome<T = Job> {
    /// The write was applied.
    Written(T),
    /// The condition failed; the current job, if it exists and was read. A run is then fenced off:
    /// cancelled, rescued or superseded. All of its further writes are refused.
    Fenced(Option<Job>),
}

/// The outcome of ending a run.
#[derive(Debug)]
pub enum EndOutcome {
    /// The end is written.
    Written(Job),
    /// The run was fenced off; nothing was written.
    Fenced(Option<Job>),
    /// The release's package or metadata changed during the run; nothing was written.
    ReleaseChanged,
}

/// The outcome of cancelling a job.
#[derive(Debug)]
pub enum CancelOutcome {
    /// The job is cancelled, by this call or an earlier one.
    Cancelled(Job),
    /// The job belongs to another user.
    Forbidden,
    /// The job has already completed or failed.
    Final(Job),
    /// The job does not exist.
    Missing,
}

/// The outcome of submitting a draft.
#[derive(Debug)]
pub enum SubmitOutcome {
    /// The job is pending.
    Submitted(Job),
    /// The draft was submitted, cancelled or edited since it was read.
    NotADraft(Job),
    /// The job does not exist.
    Missing,
}

/// The outcome of editing a draft.
#[derive(Debug)]
pub enum EditOutcome {
    /// The draft is changed.
    Edited(Job),
    /// The draft was submitted, cancelled or edited since it was read.
    Conflict(Job),
    /// The job does not exist.
    Missing,
}

impl From<WriteOutcome> for EndOutcome {
    fn from(outcome: WriteOutcome) -> Self {
        match outcome {
            WriteOutcome::Written(job) => Self::Written(job),
            WriteOutcome::Fenced(job) => Self::Fenced(job),
        }
    }
}
