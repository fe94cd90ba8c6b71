//! What a conditional write can come to. A condition that does not hold is an answer, not an error.

use jobs::{Job, JobId};

/// The outcome of creating a job.
#[derive(Debug)]
pub enum CreateOutcome {
    /// It is stored.
    Created(Job),
    /// The idempotency key was used for the same request before: the job that it created.
    Existing(JobId),
    /// The idempotency key was used for another request.
    KeyReused,
}

/// The outcome of claiming a job.
#[derive(Debug)]
pub enum Claim {
    /// The caller holds the job's lease.
    Won(Job),
    /// The job is not pending as it was seen: another run holds it, it is final, or it changed.
    Lost(Job),
    /// There is no such job.
    Missing,
}

/// The outcome of a write that is conditional on the state of a job.
#[derive(Debug)]
pub enum WriteOutcome<T = Job> {
    /// It was written.
    Written(T),
    /// The condition did not hold; the job as it is, if it exists and was read. For a run, this means that it is fenced
    /// off: cancelled, rescued or superseded. Nothing that it still writes is accepted.
    Fenced(Option<Job>),
}

/// The outcome of ending a run.
#[derive(Debug)]
pub enum EndOutcome {
    /// The job is as the run left it.
    Written(Job),
    /// The run was fenced off: nothing was written.
    Fenced(Option<Job>),
    /// The release has another package, or other metadata, than the run started from: nothing was written.
    ReleaseChanged,
}

/// The outcome of cancelling a job.
#[derive(Debug)]
pub enum CancelOutcome {
    /// It is cancelled, by this call or an earlier one.
    Cancelled(Job),
    /// It belongs to another user.
    Forbidden,
    /// It had completed or failed before.
    Final(Job),
    /// There is no such job.
    Missing,
}

/// The outcome of submitting a draft.
#[derive(Debug)]
pub enum SubmitOutcome {
    /// It is pending.
    Submitted(Job),
    /// It is not the draft that was seen: it has been submitted, cancelled or changed.
    NotADraft(Job),
    /// There is no such job.
    Missing,
}

/// The outcome of changing a draft.
#[derive(Debug)]
pub enum EditOutcome {
    /// It is changed.
    Edited(Job),
    /// It is not the draft that was seen: it has been submitted, cancelled or changed.
    Conflict(Job),
    /// There is no such job.
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
