//! The domain: jobs, their statuses, logs and configurations. It does no I/O and knows neither
//! AWS nor HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{JobId, JobType, LogEntry, ReleaseId, Status, Time, UserId, WaitingFor};

/// How long a running attempt is taken to be alive after its last heartbeat.
pub const LEASE: Duration = Duration::from_mins(1);

/// How long a run may take to notice that its job was cancelled: a heartbeat every two seconds,
/// looked for every second, and the time of its calls.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// A job, without the documents that may be large: its configuration and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id, which also tells when it was created.
    pub id: JobId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Where it is in its life.
    pub status: Status,
    /// What it does; `None` only on a draft.
    pub job_type: Option<JobType>,
    /// Whose it is.
    pub created_by: UserId,
    /// The job that this one tries again.
    pub retry_of: Option<JobId>,
    /// 0 to 100; never falls within an attempt; 100 exactly when completed.
    pub progress: u8,
    /// The step that the attempt is at, or was at when it ended.
    pub step: Option<String>,
    /// What a person should read about its state.
    pub message: Option<String>,
    /// Which attempt this is, or was the last: 0 before the first.
    pub attempt: u32,
    /// The fencing token: one more at every claim, so that an earlier run's write is refused.
    pub fence: u32,
    /// Until when the running attempt is taken to be alive.
    pub lease_expires_at: Option<Time>,
    /// The `seq` of the last entry of its log that anyone may see.
    pub log_seq: u64,
    /// When it last changed.
    pub updated_at: Time,
    /// When its first attempt began.
    pub started_at: Option<Time>,
    /// When it became final.
    pub finished_at: Option<Time>,
    /// Why it failed; exactly when it did.
    pub error: Option<Failure>,
    /// Its runs so far, the current one last.
    pub runs: Vec<Run>,
    /// The log's last entry, where whoever ended the job from outside wrote it.
    pub closing: Option<LogEntry>,
    /// What it waits for besides its turn in the queue; it means something only while pending.
    pub waiting: Option<WaitingFor>,
    /// When the message comes that it was last put off to; it means something only while pending.
    pub waits_until: Option<Time>,
    /// Deliveries of its message, from its first claim on, that found nothing to do: it ran, had ended, or
    /// was put off until later.
    pub duplicate_deliveries: u32,
    /// When the sweeper should look at it; `None` on drafts and final jobs.
    pub due_at: Option<Time>,
    /// When retention takes it.
    pub expires_at: Time,
}

impl Job {
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

    /// The number of the attempt that a claim begins: a run that was given back goes on with its
    /// attempt, any other end has used it up.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        match self.runs.last() {
            Some(run) if run.outcome.as_deref() == Some(outcome::GIVEN_BACK) => run.attempt,
            _ => self.attempt + 1,
        }
    }

    /// Why it is not running; exactly while it is pending.
    #[must_use]
    pub fn waiting_for(&self) -> Option<WaitingFor> {
        (self.status == Status::Pending).then(|| self.waiting.clone().unwrap_or(WaitingFor::Queue))
    }

    /// Until when the run that a cancel has shut out may take to notice; `None` where none was at work.
    #[must_use]
    pub fn stops_by(&self) -> Option<Time> {
        let at_work = self.runs.last().is_some_and(|run| run.ended_at.is_none());
        self.finished_at
            .filter(|_| self.status == Status::Cancelled && at_work)
            .map(|at| at.after(STOPS_WITHIN))
    }

    /// Whether its type allows another attempt after this one.
    #[must_use]
    pub fn has_attempts_left(&self) -> bool {
        self.attempt < self.job_type.map_or(1, JobType::max_attempts)
    }

    /// Whether the attempt that holds it has stopped to renew its lease.
    #[must_use]
    pub fn lease_has_expired(&self, now: Time) -> bool {
        self.status == Status::Running && self.lease_expires_at.is_none_or(|lease| lease <= now)
    }
}

/// One claim of a job by one invocation of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The attempt that it was part of. A run that was given back shares it with the next one.
    pub attempt: u32,
    /// When it was claimed.
    pub started_at: Time,
    /// The `seq` of its first log entry.
    pub log_from: u64,
    /// When it ended, unless it still works or died without a word.
    pub ended_at: Option<Time>,
    /// How it ended, in one word of [`outcome`].
    pub outcome: Option<String>,
    /// Why, where there is more to say.
    pub error: Option<Failure>,
}

/// How a run can end, besides `completed`, `failed` and `cancelled` as the job itself.
pub mod outcome {
    /// Its lease ran out: the process died, or lost its network.
    pub const CRASHED: &str = "crashed";
    /// It met an error that may pass, and used up its attempt.
    pub const ERROR: &str = "error";
    /// It ended by its own will before its time was up; the next run goes on with the attempt.
    pub const GIVEN_BACK: &str = "given_back";
}

/// Why a job, or an attempt, failed: for its owner, and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code that a program can switch on: `source_missing`.
    pub code: String,
    /// A sentence that the job's owner understands.
    pub message: String,
}

impl Failure {
    /// A failure with a code and a sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Whether a job's owner can do nothing about it: someone has to look after the system.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        [INTERNAL, ATTEMPTS_EXHAUSTED, DEAD_LETTERED].contains(&self.code.as_str())
    }
}

/// `error.code` of a job, or of an attempt, that met a fault of ours.
pub const INTERNAL: &str = "internal";
/// `error.code` of a run that was given back because a service was away.
pub const UNAVAILABLE: &str = "unavailable";
/// `error.code` of a job whose attempts are used up.
pub const ATTEMPTS_EXHAUSTED: &str = "attempts_exhausted";
/// `error.code` of a job whose message was delivered over and over without an end.
pub const DEAD_LETTERED: &str = "dead_lettered";
/// `error.code` of a job whose release changed while it ran.
pub const RELEASE_CHANGED: &str = "release_changed";

/// A job that is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Whose it is.
    pub created_by: UserId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// What it does; may be missing on a draft.
    pub job_type: Option<JobType>,
    /// Its configuration, checked, as it was given.
    pub config: Map<String, Value>,
    /// Whether it is a draft, which waits to be submitted.
    pub draft: bool,
    /// The job that it tries again.
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
    /// Whose it is.
    pub created_by: UserId,
    /// When its first attempt began.
    pub started_at: Option<Time>,
    /// When it became final.
    pub finished_at: Option<Time>,
    /// Why it failed; exactly when it did.
    pub error: Option<Failure>,
}
