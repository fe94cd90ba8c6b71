//! A job and what can be derived from its fields.

mod event;
mod new_job;
mod run;
mod state;
mod summary;

use std::time::Duration;

pub use self::{
    event::{JobEvent, JobEventType},
    new_job::NewJob,
    run::{EndedRun, Run, RunOutcome},
    state::{Cancellation, JobOutcome, JobState},
    summary::Summary,
};
use crate::{
    Caller, Failure, JobId, JobType, LogEntry, ReleaseId, Status, Time, UserId, WaitingFor,
    release::Release,
};

/// The lease: how long a run counts as alive after its last heartbeat.
pub const LEASE: Duration = Duration::from_mins(1);

/// The longest time a run takes to notice a cancel: it reads or writes its job every two seconds,
/// checks every second whether that is due, and waits for its calls.
const CANCEL_NOTICE_TIME: Duration = Duration::from_secs(5);

/// The longest time in which the work of a run must stop. The process of work that continues is
/// ended.
pub const STOP_TIME: Duration = Duration::from_secs(10);

/// The crashes in a row after which a job fails. One may be the fault of the machine; the job is
/// the likely cause of the second.
const MAX_CRASHES: usize = 2;

/// A job without its configuration and result, which may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id, which also encodes its creation time.
    pub id: JobId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its type; `None` only for a draft, or a cancelled draft.
    pub job_type: Option<JobType>,
    /// Its owner.
    pub created_by: UserId,
    /// The job that this one retries.
    pub retry_of: Option<JobId>,
    /// The last job that retried this one.
    pub retried_by: Option<JobId>,
    /// True if an admin created or submitted it: it may work on a release of another user.
    pub by_admin: bool,
    /// Its state, with the fields that only this state has.
    pub state: JobState,
    /// 0 to 100; never falls within an attempt; 100 only when completed.
    pub progress: u8,
    /// The current or last step of its run.
    pub step: Option<String>,
    /// A description of its state, for people.
    pub message: Option<String>,
    /// The number of the current or last attempt; 0 before the first.
    pub attempt: u32,
    /// The fencing token: each claim raises it, so that writes by earlier runs are refused.
    pub fence: u32,
    /// The `seq` of the last visible entry of its log.
    pub log_seq: u64,
    /// The time of its last change.
    pub updated_at: Time,
    /// The start of its first attempt.
    pub started_at: Option<Time>,
    /// Its runs so far, oldest first.
    pub runs: Vec<Run>,
    /// The deliveries of its message since its first claim that found nothing to do, because the
    /// job was running, final or deferred.
    pub duplicate_deliveries: u32,
    /// True if a client follows it live, so that its run reports more often.
    pub is_watched: bool,
    /// The time of its next sweep; `None` for a draft, and for a final job with nothing to clean
    /// up.
    pub due_at: Option<Time>,
    /// The time at which retention deletes it.
    pub expires_at: Time,
}

impl Job {
    /// Creates a job in its first state.
    #[must_use]
    pub fn new(id: JobId, job: &NewJob, now: Time, retention: Duration) -> Self {
        Self {
            id,
            release_id: job.release_id,
            job_type: job.job_type,
            created_by: job.created_by,
            retry_of: job.retry_of,
            retried_by: None,
            by_admin: job.by_admin,
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
            is_watched: false,
            due_at: None,
            expires_at: now.after(retention),
        }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.state.status()
    }

    /// The time of its creation.
    #[must_use]
    pub fn created_at(&self) -> Time {
        self.id.created_at()
    }

    /// The time from its creation to its deletion by retention.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.expires_at.since(self.created_at())
    }

    /// The error it failed with; `Some` only if it failed.
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

    /// Who cancelled it, and why; `Some` only if it was cancelled.
    #[must_use]
    pub const fn cancellation(&self) -> Option<&Cancellation> {
        match &self.state {
            JobState::Ended {
                outcome: JobOutcome::Cancelled(cancellation),
                ..
            } => cancellation.as_ref(),
            _ => None,
        }
    }

    /// The time it ended; `Some` only if it is final.
    #[must_use]
    pub const fn finished_at(&self) -> Option<Time> {
        match self.state {
            JobState::Ended { finished_at, .. } => Some(finished_at),
            _ => None,
        }
    }

    /// The time it was cancelled; `Some` only if it was.
    #[must_use]
    pub fn cancelled_at(&self) -> Option<Time> {
        self.finished_at()
            .filter(|_| self.status() == Status::Cancelled)
    }

    /// The last entry of its log, if something other than its run ended the job.
    #[must_use]
    pub const fn closing(&self) -> Option<&LogEntry> {
        match &self.state {
            JobState::Ended { closing, .. } => closing.as_ref(),
            _ => None,
        }
    }

    /// The reason it is not running; `Some` only while it is pending.
    #[must_use]
    pub const fn waiting_for(&self) -> Option<&WaitingFor> {
        match &self.state {
            JobState::Pending { waiting_for, .. } => Some(waiting_for),
            _ => None,
        }
    }

    /// The time its lease expires; `Some` only while it is running.
    #[must_use]
    pub const fn lease_expires_at(&self) -> Option<Time> {
        match self.state {
            JobState::Running { lease_expires_at } => Some(lease_expires_at),
            _ => None,
        }
    }

    /// Returns whether it is running with an expired lease: its run has stopped responding.
    #[must_use]
    pub fn lease_has_expired(&self, now: Time) -> bool {
        self.lease_expires_at().is_some_and(|lease| lease <= now)
    }

    /// The number of the attempt that the next claim starts. A run that was given back did not use
    /// up its attempt.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        match self.runs.last() {
            Some(run) if run.outcome() == Some(RunOutcome::GivenBack) => run.attempt,
            _ => self.attempt + 1,
        }
    }

    /// The attempt that wrote the entry `seq` of its log; 0 before the first.
    #[must_use]
    pub fn attempt_at(&self, seq: u64) -> u32 {
        let begun = self.runs.iter().rev().find(|run| run.first_log_seq <= seq);
        begun.map_or(0, |run| run.attempt)
    }

    /// Returns whether it must not run again if its current run has crashed: earlier runs did too,
    /// without saving any work in between.
    #[must_use]
    pub fn crashes_again(&self) -> bool {
        let earlier = self.runs.iter().rev().skip(1);
        let outcomes = earlier.map(Run::outcome);
        let since_saved = outcomes.take_while(|outcome| *outcome != Some(RunOutcome::GivenBack));
        let crashes = since_saved.filter(|outcome| *outcome == Some(RunOutcome::Crashed));
        crashes.count() + 1 >= MAX_CRASHES
    }

    /// Returns whether its type allows another attempt after this one.
    #[must_use]
    pub fn has_attempts_left(&self) -> bool {
        self.attempt < self.job_type.map_or(1, JobType::max_attempts)
    }

    /// Returns whether it may read and change this release: its owner's, or any if an admin
    /// created or submitted it.
    #[must_use]
    pub fn may_work_on(&self, release: &Release) -> bool {
        let creator = Caller {
            user_id: self.created_by,
            admin: self.by_admin,
        };
        creator.may_access(release.user_id)
    }

    /// The latest time at which the run of a cancelled job stops; `None` if the job was not
    /// cancelled during a run.
    #[must_use]
    pub fn stops_by(&self) -> Option<Time> {
        let JobState::Ended {
            outcome: JobOutcome::Cancelled(_),
            finished_at,
            ..
        } = &self.state
        else {
            return None;
        };
        let was_running = self.runs.last().is_some_and(|run| run.end.is_none());
        was_running.then(|| finished_at.after(CANCEL_NOTICE_TIME + STOP_TIME))
    }

    /// The number of consecutive runs, up to the one before the current, that found a service
    /// unavailable.
    #[must_use]
    pub fn preceding_outages(&self) -> u32 {
        let previous = self.runs.iter().rev().skip(1);
        let outages = previous.take_while(|run| run.found_outage()).count();
        u32::try_from(outages).unwrap_or(u32::MAX)
    }
}
