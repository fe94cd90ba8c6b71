//! The events in the life of a job that other systems can react to.

use serde::{Deserialize, Serialize};

use super::{Job, RunOutcome};
use crate::{Event, Failure, JobId, Status, Time};

/// The type of an event, as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobEventType {
    /// The job waits for the processor. A draft has this event when it is submitted.
    #[serde(rename = "job.created")]
    Created,
    /// A run has claimed the job.
    #[serde(rename = "job.started")]
    Started,
    /// The job is completed.
    #[serde(rename = "job.completed")]
    Completed,
    /// The job has failed.
    #[serde(rename = "job.failed")]
    Failed,
    /// Its owner or an admin has cancelled the job.
    #[serde(rename = "job.cancelled")]
    Cancelled,
    /// A run has ended early, and the job waits for the next one.
    #[serde(rename = "job.retried")]
    Retried,
}

impl JobEventType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Started,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Retried,
    ];

    /// The name in the table and in what is published.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "job.created",
            Self::Started => "job.started",
            Self::Completed => "job.completed",
            Self::Failed => "job.failed",
            Self::Cancelled => "job.cancelled",
            Self::Retried => "job.retried",
        }
    }

    /// The status of a job right after this event.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Created | Self::Retried => Status::Pending,
            Self::Started => Status::Running,
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

impl From<Event> for JobEventType {
    /// Returns the type that a transition is published as.
    fn from(event: Event) -> Self {
        match event {
            Event::Submit => Self::Created,
            Event::Claim => Self::Started,
            Event::Complete => Self::Completed,
            Event::Fail => Self::Failed,
            Event::Cancel => Self::Cancelled,
            Event::Requeue => Self::Retried,
        }
    }
}

/// An event in the life of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Its type.
    pub event_type: JobEventType,
    /// The job's fencing token at that time: the number of its claims.
    pub fence: u32,
    /// The job's attempt at that time; 0 before the first.
    pub attempt: u32,
    /// The time of the event. For a draft that was submitted, the time of its creation.
    pub time: Time,
    /// The error that ended the run or failed the job.
    pub error: Option<Failure>,
}

impl JobEvent {
    /// The event's id, which is the same each time it is published.
    #[must_use]
    pub fn id(&self, job: JobId) -> String {
        let name = self.event_type.as_str();
        let name = name.strip_prefix("job.").unwrap_or(name);
        format!("evt_{job}_{}_{name}", self.fence)
    }

    /// Returns the events of a job so far, oldest first. They depend only on what the job keeps
    /// for its lifetime, so that they can be published again.
    #[must_use]
    pub fn history(job: &Job) -> Vec<Self> {
        let mut events = Vec::new();
        if job.status() != Status::Draft {
            events.push(Self::new(JobEventType::Created, 0, 0, job.created_at()));
        }
        for (fence, run) in (1..).zip(&job.runs) {
            let started = Self::new(JobEventType::Started, fence, run.attempt, run.started_at);
            events.push(started);
            let Some(end) = &run.end else { continue };
            if !matches!(end.outcome, RunOutcome::Completed | RunOutcome::Failed) {
                let retried = Self::new(JobEventType::Retried, fence, run.attempt, end.ended_at);
                let error = end.error.clone();
                events.push(Self { error, ..retried });
            }
        }
        let last = match job.status() {
            Status::Completed => JobEventType::Completed,
            Status::Failed => JobEventType::Failed,
            Status::Cancelled => JobEventType::Cancelled,
            Status::Draft | Status::Pending | Status::Running => return events,
        };
        let at = job.finished_at().unwrap_or(job.updated_at);
        let ended = Self::new(last, job.fence, job.attempt, at);
        let error = job.error().cloned();
        events.push(Self { error, ..ended });
        events
    }

    const fn new(event_type: JobEventType, fence: u32, attempt: u32, time: Time) -> Self {
        Self {
            event_type,
            fence,
            attempt,
            time,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{EndedRun, FailureCode, JobOutcome, JobState, JobType, NewJob, Run};

    fn job(runs: Vec<Run>, state: JobState) -> Job {
        let created = Time::from_millis(1_800_000_000_000);
        let new = NewJob {
            created_by: 7.try_into().unwrap(),
            release_id: None,
            job_type: Some(JobType::Analysis),
            config: serde_json::Map::new(),
            draft: false,
            by_admin: false,
            retry_of: None,
            earlier_retry: None,
        };
        let id = JobId::draw(created, &mut crate::random());
        let fence = u32::try_from(runs.len()).unwrap();
        Job {
            attempt: runs.last().map_or(0, |run| run.attempt),
            fence,
            runs,
            state,
            ..Job::new(id, &new, created, Duration::from_hours(24))
        }
    }

    fn run(attempt: u32, end: Option<RunOutcome>) -> Run {
        let started_at = Time::from_millis(1_800_000_001_000);
        Run {
            attempt,
            started_at,
            first_log_seq: 1,
            end: end.map(|outcome| EndedRun {
                ended_at: started_at.after(Duration::from_secs(1)),
                outcome,
                error: None,
            }),
        }
    }

    fn types(job: &Job) -> Vec<String> {
        let prefix = format!("evt_{}_", job.id);
        let events = JobEvent::history(job).into_iter();
        let ids = events.map(|event| event.id(job.id));
        ids.map(|id| id.strip_prefix(&prefix).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn each_transition_has_an_event_with_an_id_of_its_own() {
        let ended = JobState::Ended {
            outcome: JobOutcome::Failed(Failure::new(FailureCode::Internal, "It failed.")),
            finished_at: Time::from_millis(1_800_000_009_000),
            closing: None,
        };
        let runs = vec![
            run(1, Some(RunOutcome::GivenBack)),
            run(1, Some(RunOutcome::Crashed)),
            run(2, Some(RunOutcome::Error)),
            run(3, Some(RunOutcome::Failed)),
        ];
        let job = job(runs, ended);
        assert_eq!(
            types(&job),
            [
                "0_created",
                "1_started",
                "1_retried",
                "2_started",
                "2_retried",
                "3_started",
                "3_retried",
                "4_started",
                "4_failed",
            ]
        );
        let last = JobEvent::history(&job).pop().unwrap();
        assert_eq!(last.error.unwrap().code, FailureCode::Internal);
    }

    #[test]
    fn draft_has_no_events() {
        assert_eq!(types(&job(Vec::new(), JobState::Draft)), [""; 0]);
        assert_eq!(types(&job(Vec::new(), JobState::queued())), ["0_created"]);
    }

    #[test]
    fn type_is_serialized_as_its_name() {
        for event_type in JobEventType::ALL {
            let text = serde_json::to_value(event_type).unwrap();
            assert_eq!(text, event_type.as_str());
        }
        for event in Event::ALL {
            assert_eq!(JobEventType::from(event).status(), event.target());
        }
    }
}
