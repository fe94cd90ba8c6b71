//! Why a pending job is not running.

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::Time;

/// What a pending job waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitingFor {
    /// Its turn in the queue.
    Queue,
    /// Another job that is changing the same release.
    Release {
        /// That job.
        job_id: JobId,
    },
    /// One of its owner's running jobs to end: there are as many as the operator allows.
    UserLimit {
        /// How many may run.
        limit: u32,
    },
    /// The delay after an attempt that failed, or while a service is not available.
    Backoff {
        /// Until when.
        until: Time,
    },
}

impl WaitingFor {
    /// The reason in one word, as the API spells it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Release { .. } => "release",
            Self::UserLimit { .. } => "user_limit",
            Self::Backoff { .. } => "backoff",
        }
    }
}

impl std::fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Queue => f.write_str("Waiting in the queue"),
            Self::Release { job_id } => write!(
                f,
                "Waiting for job {job_id}, which is changing the same release"
            ),
            Self::UserLimit { limit } => {
                write!(f, "Waiting for one of your {limit} running jobs to end")
            }
            Self::Backoff { until } => write!(f, "Waiting until {until} for another try"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_one_that_the_api_tells() {
        let job_id = JobId::try_from(5).unwrap();
        let until = Time::from_millis(0);
        for why in [
            WaitingFor::Queue,
            WaitingFor::Release { job_id },
            WaitingFor::UserLimit { limit: 1 },
            WaitingFor::Backoff { until },
        ] {
            assert_eq!(serde_json::to_value(&why).unwrap()["reason"], why.reason());
        }
    }
}
