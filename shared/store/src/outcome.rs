//! What a conditional write on a job can come to.

use jobs::Job;

/// What came of creating a job.
#[derive(Debug)]
pub enum Created {
    /// It is stored.
    New(Job),
    /// The idempotency key has been used for the same request: this is the job that it made.
    Same(jobs::JobId),
    /// The idempotency key has been used for another request.
    KeyReused,
}

/// What came of claiming a job.
#[derive(Debug)]
pub enum Claimed {
    /// The job is ours until its lease ends.
    Yes(Job),
    /// It does not wait: another run holds it, or it is final, or a draft.
    Lost(Job),
    /// There is no such job.
    Missing,
}

/// What came of a write by a running attempt.
#[derive(Debug)]
pub enum Held {
    /// It was written, and the lease renewed.
    Yes,
    /// The attempt has been fenced off: cancelled, rescued or gone. Nothing was written, and
    /// nothing that it still writes will be.
    Fenced(Option<Job>),
}

/// What came of ending a run.
#[derive(Debug)]
pub enum Finished {
    /// The job is as the run left it.
    Yes(Job),
    /// The attempt had been fenced off before: nothing was written.
    Fenced(Option<Job>),
    /// The release has another package, or other metadata, than the run started from: nothing was written.
    ReleaseChanged,
}

/// What came of cancelling a job.
#[derive(Debug)]
pub enum Cancelled {
    /// It is cancelled, now or before.
    Yes(Job),
    /// It is another user's.
    Forbidden,
    /// It had completed or failed.
    Final(Job),
    /// There is no such job.
    Missing,
}

/// What came of submitting a draft.
#[derive(Debug)]
pub enum Submitted {
    /// It waits for the processor.
    Yes(Job),
    /// It is no draft, or no longer.
    NotADraft(Job),
    /// There is no such job.
    Missing,
}

/// What came of changing a draft.
#[derive(Debug)]
pub enum Edited {
    /// It is changed.
    Yes(Job),
    /// It is no draft any more, or someone else changed it meanwhile.
    Conflict(Job),
    /// There is no such job.
    Missing,
}
