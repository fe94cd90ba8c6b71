//! The item of a job, and its conversion from and into [`Job`].

use std::{collections::HashMap, time::Duration};

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{
    Caller, Cancellation, EndedRun, Failure, FailureCode, Job, JobEventType, JobId, JobOutcome,
    JobState, JobType, Level, LogEntry, ReleaseId, Run, RunOutcome, Status, Time, UserId,
    WaitingFor,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_with::skip_serializing_none;
use text::one_line;

use crate::{DYNAMODB, keys};

/// An item as DynamoDB returns it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The time from a pending job's creation, or its last message, to its sweep.
pub const RESEND_AFTER: Duration = Duration::from_mins(1);

/// The extra retention of a job's log and large documents. TTL deletes in any order, mostly within
/// a few days (Amazon DynamoDB Developer Guide, "Using time to live"), but the job must go first.
const EXTRA_RETENTION: Duration = Duration::from_hours(7 * 24);

/// The time at which the log and the large documents of a job expire, if the job does at
/// `expires_at`.
pub(super) fn parts_expire_at(expires_at: Time) -> Time {
    expires_at.after(EXTRA_RETENTION)
}

/// A job as it is stored. An absent attribute is omitted, never null. docs/data-model.md describes
/// the attributes.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobItem {
    pub pk: String,
    pub sk: String,
    pub id: JobId,
    pub created_by: UserId,
    pub release_id: Option<ReleaseId>,
    pub status: Status,
    /// The phase of the status: see [`phase`].
    pub phase: String,
    pub job_type: Option<JobType>,
    /// JSON; absent if it is large and has a separate item.
    pub config: Option<String>,
    /// JSON; absent if there is none, or if it is large and has a separate item.
    pub result: Option<String>,
    pub retry_of: Option<JobId>,
    pub retried_by: Option<JobId>,
    /// Absent if false.
    pub by_admin: Option<bool>,
    pub progress: u8,
    pub step: Option<String>,
    pub message: Option<String>,
    pub attempt: u32,
    pub fence: u32,
    pub lease_expires_at: Option<i64>,
    pub log_seq: u64,
    /// The last line of the log, if something other than its run ended the job.
    pub closing: Option<Closing>,
    pub cancelled_by: Option<Caller>,
    pub cancel_reason: Option<String>,
    pub updated_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub error_code: Option<FailureCode>,
    pub error_message: Option<String>,
    pub runs: Vec<RunItem>,
    pub waiting_for: Option<WaitingFor>,
    pub deferred_until: Option<i64>,
    /// Absent before the first.
    pub duplicate_deliveries: Option<u32>,
    /// The transition that the last write made; absent if it made none.
    pub event: Option<JobEventType>,
    /// A random number that is new each time a client begins to follow the job; absent if nobody
    /// does.
    pub live: Option<u32>,
    /// Time bucket of the index `recent`.
    pub bucket: u64,
    /// Shard of the indexes `recent` and `due`.
    pub shard: u64,
    pub due_at: Option<i64>,
    /// In seconds, for DynamoDB's TTL.
    pub expires_at: i64,
}

/// A run as it is stored.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RunItem {
    pub attempt: u32,
    pub started_at: i64,
    pub first_log_seq: u64,
    pub ended_at: Option<i64>,
    pub outcome: Option<RunOutcome>,
    pub error: Option<Failure>,
}

/// The last line of a log, stored in the job's item so that one write ends the job and its log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Closing {
    pub at: i64,
    pub level: Level,
    pub message: String,
}

impl Closing {
    pub fn new(at: Time, level: Level, message: &str) -> Self {
        Self {
            at: at.millis(),
            level,
            message: one_line(message),
        }
    }
}

/// The phase of a status, by which an index sorts jobs. `pending` and `running` share a phase, so
/// that a claim does not move the job in the index, which saves a write unit on every job.
pub(super) const fn phase(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::Running => "open",
        other => other.as_str(),
    }
}

impl JobItem {
    /// Creates the item of a new job, without its configuration.
    pub fn new(job: &Job) -> Self {
        let key = keys::job(job.id);
        Self {
            pk: key.pk,
            sk: key.sk,
            id: job.id,
            created_by: job.created_by,
            release_id: job.release_id,
            status: job.status(),
            phase: phase(job.status()).to_owned(),
            job_type: job.job_type,
            config: None,
            result: None,
            retry_of: job.retry_of,
            retried_by: None,
            by_admin: job.by_admin.then_some(true),
            progress: job.progress,
            step: None,
            message: None,
            attempt: job.attempt,
            fence: job.fence,
            lease_expires_at: None,
            log_seq: job.log_seq,
            closing: None,
            cancelled_by: None,
            cancel_reason: None,
            updated_at: job.updated_at.millis(),
            started_at: None,
            finished_at: None,
            error_code: None,
            error_message: None,
            runs: Vec::new(),
            waiting_for: None,
            deferred_until: None,
            duplicate_deliveries: None,
            event: (job.status() != Status::Draft).then_some(JobEventType::Created),
            live: None,
            bucket: keys::bucket(job.id.get()),
            shard: keys::shard(job.id.get()),
            due_at: job.due_at.map(Time::millis),
            expires_at: job.expires_at.seconds(),
        }
    }

    /// Converts the item into a job.
    ///
    /// # Errors
    /// [`AwsError`] if the item lacks an attribute that its status requires.
    pub fn into_job(self) -> Result<Job, AwsError> {
        let state = self.state()?;
        Ok(Job {
            id: self.id,
            release_id: self.release_id,
            job_type: self.job_type,
            created_by: self.created_by,
            retry_of: self.retry_of,
            retried_by: self.retried_by,
            by_admin: self.by_admin.unwrap_or(false),
            state,
            progress: self.progress,
            step: self.step,
            message: self.message,
            attempt: self.attempt,
            fence: self.fence,
            log_seq: self.log_seq,
            updated_at: Time::from_millis(self.updated_at),
            started_at: self.started_at.map(Time::from_millis),
            runs: self.runs.into_iter().map(RunItem::into_run).collect(),
            duplicate_deliveries: self.duplicate_deliveries.unwrap_or(0),
            is_watched: self.live.is_some(),
            due_at: self.due_at.map(Time::from_millis),
            expires_at: Time::from_millis(self.expires_at * 1000),
        })
    }

    fn state(&self) -> Result<JobState, AwsError> {
        Ok(match self.status {
            Status::Draft => JobState::Draft,
            Status::Pending => JobState::Pending {
                waiting_for: self.waiting_for.clone().unwrap_or(WaitingFor::Queue),
                deferred_until: self.deferred_until.map(Time::from_millis),
            },
            Status::Running => JobState::Running {
                lease_expires_at: self.required("lease_expires_at", self.lease_expires_at)?,
            },
            Status::Completed => self.ended(JobOutcome::Completed)?,
            Status::Failed => self.ended(JobOutcome::Failed(self.failure()))?,
            Status::Cancelled => self.ended(JobOutcome::Cancelled(self.cancellation()))?,
        })
    }

    fn ended(&self, outcome: JobOutcome) -> Result<JobState, AwsError> {
        Ok(JobState::Ended {
            outcome,
            finished_at: self.required("finished_at", self.finished_at)?,
            closing: self.closing_entry(),
        })
    }

    fn failure(&self) -> Failure {
        // `error_message`, which the indexes project, may be truncated; `message` is complete.
        let message = self.message.as_ref().or(self.error_message.as_ref());
        let code = self.error_code.unwrap_or(FailureCode::Internal);
        Failure::new(code, message.cloned().unwrap_or_default())
    }

    fn cancellation(&self) -> Option<Cancellation> {
        self.cancelled_by.map(|by| Cancellation {
            by,
            reason: self.cancel_reason.clone(),
        })
    }

    /// The closing line as the last entry of the log.
    fn closing_entry(&self) -> Option<LogEntry> {
        let closing = self.closing.as_ref()?;
        let mut message = closing.message.clone();
        if let Some(reason) = &self.cancel_reason {
            message = format!("{message}: {reason}");
        }
        // The cancel did not know the step of the run.
        if let (Some(step), Status::Cancelled) = (&self.step, self.status) {
            message = format!("{message}; it stopped at the step '{step}'");
        }
        Some(LogEntry {
            seq: self.log_seq,
            timestamp: Time::from_millis(closing.at),
            level: closing.level,
            message,
            step: self.step.clone(),
        })
    }

    fn required(&self, name: &str, millis: Option<i64>) -> Result<Time, AwsError> {
        let missing = || {
            let Self { id, status, .. } = self;
            AwsError::malformed(DYNAMODB, format!("job {id} is {status} without {name}"))
        };
        millis.map(Time::from_millis).ok_or_else(missing)
    }
}

impl RunItem {
    fn into_run(self) -> Run {
        let end = self.ended_at.zip(self.outcome);
        Run {
            attempt: self.attempt,
            started_at: Time::from_millis(self.started_at),
            first_log_seq: self.first_log_seq,
            end: end.map(|(ended_at, outcome)| EndedRun {
                ended_at: Time::from_millis(ended_at),
                outcome,
                error: self.error,
            }),
        }
    }
}

/// Deserializes an item.
///
/// # Errors
/// If the item is damaged, or written by a newer version. The error names its key.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, AwsError> {
    let key = ["pk", "sk"].map(|name| item.get(name).and_then(|value| value.as_s().ok()).cloned());
    serde_dynamo::from_item(item).map_err(|error| {
        let [pk, sk] = key.map(Option::unwrap_or_default);
        AwsError::malformed(DYNAMODB, format!("{pk} {sk}: {error}"))
    })
}

/// Converts the item of a job into a [`Job`].
pub(super) fn job_from_item(item: Item) -> Result<Job, AwsError> {
    from_item::<JobItem>(item)?.into_job()
}

/// Serializes a struct as an item.
pub(super) fn to_item<T: Serialize>(value: T) -> Result<Item, AwsError> {
    serde_dynamo::to_item(value).map_err(|error| AwsError::malformed(DYNAMODB, error))
}

/// Serializes a value as an attribute.
pub(super) fn to_attribute<T: Serialize>(value: T) -> Result<AttributeValue, AwsError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| AwsError::malformed(DYNAMODB, error))
}

/// The sort key of an item; empty if it has none.
pub(super) fn sort_key(item: &Item) -> &str {
    item.get("sk")
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}
