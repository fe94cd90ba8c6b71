//! The status machine: the one function that decides every transition.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A wizard's job that has not been submitted yet. Set by `create-job`.
    Draft,
    /// Waits for the processor. Set by `create-job`, `submit-job`, and when a run is given back.
    Pending,
    /// An attempt holds the lease and works. Set by the claim.
    Running,
    /// Done, with a result. Final; set by the attempt that held the lease.
    Completed,
    /// Ended by an error, which it carries. Final.
    Failed,
    /// Ended by its owner or an admin. Final.
    Cancelled,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The wizard's user submits the draft.
    Submit,
    /// The processor takes the job.
    Claim,
    /// The attempt finished its work.
    Complete,
    /// The job cannot succeed, or its attempts are used up.
    Fail,
    /// The owner or an admin cancels it.
    Cancel,
    /// The attempt ends early and the job waits for another.
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

    /// The status after `event`, or `None` where the event is refused.
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

    /// Whether a job of this status never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name that the API and the table use.
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

    /// The statuses in which this event is accepted: what a conditional write asks for.
    pub fn sources(self) -> impl Iterator<Item = Status> {
        Status::ALL
            .into_iter()
            .filter(move |status| status.after(self).is_some())
    }

    /// The status that this event leads to, which is the same from wherever it is accepted.
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

/// The text names no status.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_moves_are_allowed_and_no_others() {
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
        let mut moves: Vec<(&str, &str)> = Status::ALL
            .into_iter()
            .flat_map(|from| {
                Event::ALL
                    .into_iter()
                    .filter_map(move |event| Some((from, from.after(event)?)))
            })
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        moves.sort_unstable();
        let mut expected = allowed;
        expected.sort_unstable();
        assert_eq!(moves, expected);
    }

    #[test]
    fn a_final_status_refuses_every_event() {
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
    fn an_event_leads_to_its_target_from_every_source() {
        for event in Event::ALL {
            for source in event.sources() {
                assert_eq!(source.after(event), Some(event.target()));
            }
        }
    }

    #[test]
    fn a_status_is_read_back_from_its_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("RUNNING".parse::<Status>().is_err());
    }
}
