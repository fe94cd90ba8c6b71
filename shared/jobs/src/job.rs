//! Jobs: their state, their runs, and the parts of them that lists show.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Failure, FailureCode, JobId, JobType, LogEntry, ReleaseId, Status, Time, UserId, WaitingFor,
};

/// How long a run counts as alive after its last heartbeat.
pub const LEASE: Duration = Duration::from_mins(1);

/// How long a run may take to notice a cancel: a heartbeat every two seconds, a check every second, and the time of its
/// calls.
const CANCEL_NOTICE_TIME: Duration = Duration::from_secs(5);

/// A job, without its configuration and result, which may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id, which also tells when it was created.
    pub id: JobId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// What it does; `None` only on a draft, or on one that was cancelled.
    pub job_type: Option<JobType>,
    /// Its owner.
    pub created_by: UserId,
    /// The job that this one retries.
    pub retry_of: Option<JobId>,
    /// Where it is in its life, with what that state alone has.
    pub state: JobState,
    /// 0 to 100; never falls within an attempt; 100 exactly when completed.
    pub progress: u8,
    /// The current step of its run, or the last one.
    pub step: Option<String>,
    /// A description of its state, for people.
    pub message: Option<String>,
    /// The number of the current attempt, or of the last: 0 before the first.
    pub attempt: u32,
    /// The fencing token: each claim raises it, so that writes of earlier runs are refused.
    pub fence: u32,
    /// The `seq` of the last visible entry of its log.
    pub log_seq: u64,
    /// When it last changed.
    pub updated_at: Time,
    /// When its first attempt began.
    pub started_at: Option<Time>,
    /// Its runs so far, the latest last.
    pub runs: Vec<Run>,
    /// How many deliveries of its message, from its first claim on, found nothing to do: it was running, final, or
    /// deferred.
    pub duplicate_deliveries: u32,
    /// When the sweeper looks at it next; `None` on drafts, and on final jobs that left nothing behind.
    pub due_at: Option<Time>,
    /// When retention deletes it.
    pub expires_at: Time,
}

/// Where a job is in its life, and what belongs to that state alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// A wizard's job that has not been submitted.
    Draft,
    /// Waits for the processor.
    Pending {
        /// Why it is not running.
        waiting_for: WaitingFor,
        /// When its next message is delivered, where it was deferred; earlier deliveries are duplicates.
        deferred_until: Option<Time>,
    },
    /// A run holds its lease.
    Running {
        /// When that run counts as dead, unless it renews the lease.
        lease_expires_at: Time,
    },
    /// Final.
    Ended {
        /// How it ended.
        outcome: JobOutcome,
        /// When it ended.
        finished_at: Time,
        /// The last entry of its log, if someone other than its run ended it.
        closing: Option<LogEntry>,
    },
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done, with a result.
    Completed,
    /// Ended by an error.
    Failed(Failure),
    /// Ended by its owner or an admin.
    Cancelled,
}

impl Job {
    /// A new job, as it is stored first.
    #[must_use]
    pub fn new(id: JobId, job: &NewJob, now: Time, retention: Duration) -> Self {
        Self {
            id,
            release_id: job.release_id,
            job_type: job.job_type,
            created_by: job.created_by,
            retry_of: job.retry_of,
            state: if job.draft {
                JobState::Draft
            } else {
                JobState::queued()
            },
            progress: 0,
            step: None,
            message: None,
            attempt: 0,
            fence: 0,
            log_seq: 0,
            updated_at: now,
            started_at: None,
            runs: Vec::new(),
            duplicate_deliveries: 0,
            due_at: None,
            expires_at: now.after(retention),
        }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.state.status()
    }

    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Time {
        self.id.created_at()
    }

    /// How long retention keeps it after its creation.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.expires_at.since(self.created_at())
    }

    /// Why it failed; `Some` exactly when it did.
    #[must_use]
    pub const fn error(&self) -> Option<&Failure> {
        match &self.state {
            JobState::Ended {
                outcome: JobOutcome::Failed(failure),
                ..
            } => Some(failure),
            _ => None,
        }
    }

    /// When it ended.
    #[must_use]
    pub const fn finished_at(&self) -> Option<Time> {
        match self.state {
            JobState::Ended { finished_at, .. } => Some(finished_at),
            _ => None,
        }
    }

    /// The last entry of its log, if someone other than its run ended it.
    #[must_use]
    pub const fn closing(&self) -> Option<&LogEntry> {
        match &self.state {
            JobState::Ended { closing, .. } => closing.as_ref(),
            _ => None,
        }
    }

    /// Why it is not running; `Some` exactly while it is pending.
    #[must_use]
    pub const fn waiting_for(&self) -> Option<&WaitingFor> {
        match &self.state {
            JobState::Pending { waiting_for, .. } => Some(waiting_for),
            _ => None,
        }
    }

    /// When its lease expires; `Some` exactly while it is running.
    #[must_use]
    pub const fn lease_expires_at(&self) -> Option<Time> {
        match self.state {
            JobState::Running { lease_expires_at } => Some(lease_expires_at),
            _ => None,
        }
    }

    /// Whether it is running with an expired lease: its run has stopped responding.
    #[must_use]
    pub fn lease_has_expired(&self, now: Time) -> bool {
        self.lease_expires_at().is_some_and(|lease| lease <= now)
    }

    /// The number of the attempt that a claim begins. A run that was given back did not use up its attempt.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        match self.runs.last() {
            Some(run) if run.outcome() == Some(RunOutcome::GivenBack) => run.attempt,
            _ => self.attempt + 1,
        }
    }

    /// Whether its type allows another attempt after this one.
    #[must_use]
    pub fn has_attempts_left(&self) -> bool {
        self.attempt < self.job_type.map_or(1, JobType::max_attempts)
    }

    /// When a run that was under way at the job's cancel has stopped, at the latest; `None` if there was none.
    #[must_use]
    pub fn stops_by(&self) -> Option<Time> {
        let JobState::Ended {
            outcome: JobOutcome::Cancelled,
            finished_at,
            ..
        } = &self.state
        else {
            return None;
        };
        let was_running = self.runs.last().is_some_and(|run| run.end.is_none());
        was_running.then(|| finished_at.after(CANCEL_NOTICE_TIME))
    }

    /// How many runs in a row, before the current one, found a service unavailable.
    #[must_use]
    pub fn preceding_outages(&self) -> u32 {
        let previous = self.runs.iter().rev().skip(1);
        let outages = previous.take_while(|run| run.found_outage()).count();
        u32::try_from(outages).unwrap_or(u32::MAX)
    }
}

impl JobState {
    /// Pending, waiting for nothing but its turn.
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
                JobOutcome::Cancelled => Status::Cancelled,
            },
        }
    }
}

/// One claim of a job by one invocation of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The attempt that it is part of. A run that was given back shares it with the next one.
    pub attempt: u32,
    /// When it was claimed.
    pub started_at: Time,
    /// The `seq` of its first log entry.
    pub first_log_seq: u64,
    /// How it ended; `None` while it works, and if the job was cancelled under it.
    pub end: Option<EndedRun>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// When.
    pub ended_at: Time,
    /// In one word.
    pub outcome: RunOutcome,
    /// Why, where there is more to say.
    pub error: Option<Failure>,
}

impl Run {
    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.end.as_ref().map(|end| end.outcome)
    }

    /// Why it ended, where there is more to say than its outcome.
    #[must_use]
    pub fn error(&self) -> Option<&Failure> {
        self.end.as_ref()?.error.as_ref()
    }

    fn found_outage(&self) -> bool {
        self.error()
            .is_some_and(|error| error.code == FailureCode::Unavailable)
    }
}

/// How a run ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It completed the job.
    Completed,
    /// It failed the job.
    Failed,
    /// Its lease expired: the process died, or lost its network.
    Crashed,
    /// A transient error used up its attempt.
    Error,
    /// It ended early without using up its attempt: the next run continues it.
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

    /// The name that the API and the table use.
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

/// A job that is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its owner.
    pub created_by: UserId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// What it does; may be missing on a draft.
    pub job_type: Option<JobType>,
    /// Its configuration, checked, as it was given.
    pub config: Map<String, Value>,
    /// Whether it is a draft, which waits to be submitted.
    pub draft: bool,
    /// The job that it retries.
    pub retry_of: Option<JobId>,
}

/// What a list shows of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The job's id.
    pub id: JobId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Where it is in its life.
    pub status: Status,
    /// What it does.
    pub job_type: Option<JobType>,
    /// 0 to 100.
    pub progress: u8,
    /// When it was created.
    pub created_at: Time,
    /// Its owner.
    pub created_by: UserId,
    /// When its first attempt began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Why it failed; exactly when it did.
    pub error: Option<Failure>,
}

impl From<&Job> for Summary {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            release_id: job.release_id,
            status: job.status(),
            job_type: job.job_type,
            progress: job.progress,
            created_at: job.created_at(),
            created_by: job.created_by,
            started_at: job.started_at,
            finished_at: job.finished_at(),
            error: job.error().cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_stored_under_its_name() {
        for outcome in RunOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
