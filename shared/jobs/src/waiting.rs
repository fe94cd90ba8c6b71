//! The reason a pending job is not running.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{JobId, Time};

/// The reason a pending job is not running, as the API shows it.
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
    /// The end of one of its owner's running jobs, because the owner has reached the limit.
    UserLimit {
        /// The number of jobs that an owner may run at a time.
        limit: u32,
    },
    /// The delay after a failed attempt, or while a service is unavailable.
    Backoff {
        /// The end of the delay.
        until: Time,
    },
}

/// The kind of a [`WaitingFor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Its turn in the queue.
    Queue,
    /// Another job that is changing the same release.
    Release,
    /// The limit of running jobs per owner.
    UserLimit,
    /// The delay before another attempt.
    Backoff,
}

impl WaitingFor {
    /// The kind of the reason.
    #[must_use]
    pub const fn reason(&self) -> WaitReason {
        match self {
            Self::Queue => WaitReason::Queue,
            Self::Release { .. } => WaitReason::Release,
            Self::UserLimit { .. } => WaitReason::UserLimit,
            Self::Backoff { .. } => WaitReason::Backoff,
        }
    }
}

impl WaitReason {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Release => "release",
            Self::UserLimit => "user_limit",
            Self::Backoff => "backoff",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue => f.write_str("Waiting in the queue"),
            Self::Release { job_id } => {
                write!(
                    f,
                    "Waiting for job {job_id}, which is changing the same release"
                )
            }
            Self::UserLimit { limit } => {
                write!(f, "Waiting for one of your {limit} running jobs to end")
            }
            Self::Backoff { until } => write!(f, "Waiting until {until} to try again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_serialized_as_its_name() {
        let job_id = JobId::try_from(5).unwrap();
        let until = Time::from_millis(0);
        for waiting_for in [
            WaitingFor::Queue,
            WaitingFor::Release { job_id },
            WaitingFor::UserLimit { limit: 1 },
            WaitingFor::Backoff { until },
        ] {
            let json = serde_json::to_value(&waiting_for).unwrap();
            assert_eq!(json["reason"], waiting_for.reason().as_str());
        }
    }
}
