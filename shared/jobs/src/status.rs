//! The status machine: [`Status::after`] decides every transition.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Created by the wizard and not submitted yet. Set by `create-job`.
    Draft,
    /// Waiting for the processor. Set by `create-job`, by `submit-job` and when a run is given
    /// back.
    Pending,
    /// A run holds the lease. Set by the claim.
    Running,
    /// Done, with a result. Final; set by the run that holds the lease.
    Completed,
    /// Ended by an error. Final.
    Failed,
    /// Ended by its owner or an admin. Final.
    Cancelled,
}

/// An event in the life of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The user of the wizard submits the draft.
    Submit,
    /// The processor claims the job.
    Claim,
    /// The run finishes its work.
    Complete,
    /// The job cannot succeed, or its attempts are used up.
    Fail,
    /// The owner or an admin cancels it.
    Cancel,
    /// The run ends early and the job waits for the next one.
    Requeue,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Draft,
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The status after `event`; `None` if this status refuses the event.
    #[must_use]
    pub const fn after(self, event: Event) -> Option<Self> {
        match (self, event) {
            (Self::Draft, Event::Submit) | (Self::Running, Event::Requeue) => Some(Self::Pending),
            (Self::Pending, Event::Claim) => Some(Self::Running),
            (Self::Running, Event::Complete) => Some(Self::Completed),
            (Self::Pending | Self::Running, Event::Fail) => Some(Self::Failed),
            (Self::Draft | Self::Pending | Self::Running, Event::Cancel) => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// Returns whether a job never leaves this status.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name in the API and the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::Submit,
        Self::Claim,
        Self::Complete,
        Self::Fail,
        Self::Cancel,
        Self::Requeue,
    ];

    /// The name in the diagram of docs/job-lifecycle.md.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
            Self::Requeue => "requeue",
        }
    }

    /// The statuses that accept this event: the condition of a conditional write.
    pub fn sources(self) -> impl Iterator<Item = Status> {
        Status::ALL
            .into_iter()
            .filter(move |status| status.after(self).is_some())
    }

    /// The status after this event, which is the same from every source.
    #[must_use]
    pub const fn target(self) -> Status {
        match self {
            Self::Submit | Self::Requeue => Status::Pending,
            Self::Claim => Status::Running,
            Self::Complete => Status::Completed,
            Self::Fail => Status::Failed,
            Self::Cancel => Status::Cancelled,
        }
    }
}

/// Not the name of a status.
#[derive(Debug, thiserror::Error)]
#[error("must be one of draft, pending, running, completed, failed, cancelled")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownStatus)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_transitions_are_allowed() {
        let allowed: Vec<(&str, &str)> = vec![
            ("draft", "pending"),
            ("draft", "cancelled"),
            ("pending", "running"),
            ("pending", "failed"),
            ("pending", "cancelled"),
            ("running", "pending"),
            ("running", "completed"),
            ("running", "failed"),
            ("running", "cancelled"),
        ];
        let mut transitions: Vec<(&str, &str)> = Status::ALL
            .into_iter()
            .flat_map(|from| {
                Event::ALL
                    .into_iter()
                    .filter_map(move |event| Some((from, from.after(event)?)))
            })
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        transitions.sort_unstable();
        let mut expected = allowed;
        expected.sort_unstable();
        assert_eq!(transitions, expected);
    }

    #[test]
    fn final_status_refuses_every_event() {
        for status in Status::ALL.into_iter().filter(|status| status.is_final()) {
            assert!(
                Event::ALL
                    .into_iter()
                    .all(|event| status.after(event).is_none()),
                "{status}"
            );
        }
    }

    #[test]
    fn event_reaches_its_target_from_every_source() {
        for event in Event::ALL {
            for source in event.sources() {
                assert_eq!(source.after(event), Some(event.target()));
            }
        }
    }

    #[test]
    fn status_round_trips_through_its_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("RUNNING".parse::<Status>().is_err());
    }
}
