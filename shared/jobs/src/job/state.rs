//! The state of a job, with the fields that belong to that state alone.

use crate::{Caller, Failure, LogEntry, Status, Time, WaitingFor};

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Created by the wizard and not submitted yet.
    Draft,
    /// Waiting for the processor.
    Pending {
        /// The reason it is not running.
        waiting_for: WaitingFor,
        /// The delivery time of the next message of a deferred job. A message delivered earlier is
        /// a duplicate.
        deferred_until: Option<Time>,
    },
    /// A run holds its lease.
    Running {
        /// The time at which that run counts as dead, unless it renews the lease.
        lease_expires_at: Time,
    },
    /// Final.
    Ended {
        /// The outcome.
        outcome: JobOutcome,
        /// The time it ended.
        finished_at: Time,
        /// The last entry of its log, if something other than its run ended the job.
        closing: Option<LogEntry>,
    },
}

/// The outcome of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done, with a result.
    Completed,
    /// Ended by an error.
    Failed(Failure),
    /// Ended by its owner or an admin. A job that an earlier version cancelled does not say who.
    Cancelled(Option<Cancellation>),
}

/// Who cancelled a job, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// The owner or an admin.
    pub by: Caller,
    /// The reason, if one was given.
    pub reason: Option<String>,
}

impl JobState {
    /// Pending, waiting only for its turn.
    #[must_use]
    pub const fn queued() -> Self {
        Self::Pending {
            waiting_for: WaitingFor::Queue,
            deferred_until: None,
        }
    }

    /// The status of a job in this state.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Draft => Status::Draft,
            Self::Pending { .. } => Status::Pending,
            Self::Running { .. } => Status::Running,
            Self::Ended { outcome, .. } => match outcome {
                JobOutcome::Completed => Status::Completed,
                JobOutcome::Failed(_) => Status::Failed,
                JobOutcome::Cancelled(_) => Status::Cancelled,
            },
        }
    }
}
