//! Runs: the claims of a job and how each ended.

use serde::{Deserialize, Serialize};

use crate::{Failure, FailureCode, Time};

/// One claim of a job by one invocation of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The attempt it belongs to. A run that was given back shares its attempt with the next one.
    pub attempt: u32,
    /// The time of the claim.
    pub started_at: Time,
    /// The `seq` of its first log entry.
    pub first_log_seq: u64,
    /// How it ended; `None` while it works, or if the job was cancelled during it.
    pub end: Option<EndedRun>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// The time it ended.
    pub ended_at: Time,
    /// The outcome.
    pub outcome: RunOutcome,
    /// The error that ended it, if any.
    pub error: Option<Failure>,
}

impl Run {
    /// The outcome of a run that has ended.
    #[must_use]
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.end.as_ref().map(|end| end.outcome)
    }

    /// The error that ended it, if any.
    #[must_use]
    pub fn error(&self) -> Option<&Failure> {
        self.end.as_ref()?.error.as_ref()
    }

    /// Returns whether it ended because a service was unavailable.
    pub(super) fn found_outage(&self) -> bool {
        self.error()
            .is_some_and(|error| error.code == FailureCode::Unavailable)
    }
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It completed the job.
    Completed,
    /// It failed the job.
    Failed,
    /// Its lease expired: the process died or lost its network.
    Crashed,
    /// A transient error used up its attempt.
    Error,
    /// It ended early without using up its attempt, which the next run continues.
    GivenBack,
}

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Failed,
        Self::Crashed,
        Self::Error,
        Self::GivenBack,
    ];

    /// The name in the API and the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
            Self::Error => "error",
            Self::GivenBack => "given_back",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_serialized_as_its_name() {
        for outcome in RunOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
