//! The job's item, and how it is read into the domain's job.

use std::{collections::HashMap, time::Duration};

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Failure, Job, JobId, JobType, Level, LogEntry, NewJob, Run, Status, Time, WaitingFor};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use text::one_line;

use super::{DYNAMODB, keys};

/// An item as DynamoDB gives it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// How long after its creation, and after its last message, the sweeper looks at a pending job.
pub const RESEND_AFTER: Duration = Duration::from_mins(1);

/// How much longer than its job a part of it stays. TTL deletes in any order, mostly within some days
/// (Amazon DynamoDB Developer Guide, "Using time to live"): the job itself is to go first.
const PARTS_STAY: Duration = Duration::from_hours(7 * 24);

/// When the parts of a job that expires at `expires_at` do: its log, its large documents.
pub(super) fn parts_expire_at(expires_at: Time) -> Time {
    expires_at.after(PARTS_STAY)
}

/// A job as it is stored. Absent attributes are left out, never stored as null.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobItem {
    pub pk: String,
    pub sk: String,
    pub id: JobId,
    pub created_by: jobs::UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_id: Option<jobs::ReleaseId>,
    pub status: Status,
    /// The status as the index by owner and phase has it: see [`phase`].
    pub phase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_type: Option<JobType>,
    /// JSON; absent where it is large and stands in an item of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// JSON; absent where it is large and stands in an item of its own, and where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
    pub progress: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub attempt: u32,
    pub fence: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_expires_at: Option<i64>,
    pub log_seq: u64,
    /// The log's last line, written by whoever ended the job from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    pub updated_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    pub runs: Vec<RunItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingFor>,
    /// When the message of a job that waits for something comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<i64>,
    /// Absent until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_deliveries: Option<u32>,
    /// Time bucket of the index `recent`.
    pub bucket: u64,
    /// Shard of the indexes `recent` and `due`.
    pub shard: u64,
    /// When the sweeper should look at it; absent on drafts and final jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
    /// When retention takes it, in seconds (DynamoDB's TTL).
    pub expires_at: i64,
}

/// One claim, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RunItem {
    pub attempt: u32,
    pub started_at: i64,
    pub log_from: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A log line that stands in the job's item, so that one write ends the job and its log.
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

/// The status as it is indexed. `pending` and `running` are one phase, so that a claim moves
/// nothing in the index: it saves a write unit on every job.
pub(super) const fn phase(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::Running => "open",
        other => other.as_str(),
    }
}

impl JobItem {
    /// The item of a new job.
    pub fn new(id: JobId, job: &NewJob, now: Time, retention: Duration) -> Self {
        let status = if job.draft {
            Status::Draft
        } else {
            Status::Pending
        };
        let key = keys::job(id);
        Self {
            pk: key.pk,
            sk: key.sk,
            id,
            created_by: job.created_by,
            release_id: job.release_id,
            status,
            phase: phase(status).to_owned(),
            job_type: job.job_type,
            config: None,
            result: None,
            retry_of: job.retry_of,
            progress: 0,
            step: None,
            message: None,
            attempt: 0,
            fence: 0,
            lease_expires_at: None,
            log_seq: 0,
            closing: None,
            updated_at: now.millis(),
            started_at: None,
            finished_at: None,
            error_code: None,
            error_message: None,
            runs: Vec::new(),
            waiting: None,
            waits_until: None,
            duplicate_deliveries: None,
            bucket: keys::bucket(id.get()),
            shard: keys::shard(id.get()),
            due_at: (!job.draft).then(|| now.after(RESEND_AFTER).millis()),
            expires_at: now.after(retention).seconds(),
        }
    }

    /// The closing line as an entry of the log: always its last.
    fn closing_entry(&self) -> Option<LogEntry> {
        let closing = self.closing.as_ref()?;
        // Only now is it known at which step the run was.
        let message = match (&self.step, self.status) {
            (Some(step), Status::Cancelled) => {
                format!("{}; it stopped at the step '{step}'", closing.message)
            }
            _ => closing.message.clone(),
        };
        Some(LogEntry {
            seq: self.log_seq,
            timestamp: Time::from_millis(closing.at),
            level: closing.level,
            message,
            step: self.step.clone(),
        })
    }

    /// The domain's job.
    pub fn into_job(self) -> Job {
        let closing = self.closing_entry();
        // What the indexes have of its message may be cut short.
        let message = self
            .message
            .clone()
            .or(self.error_message)
            .unwrap_or_default();
        let error = self.error_code.map(|code| Failure { code, message });
        Job {
            id: self.id,
            release_id: self.release_id,
            status: self.status,
            job_type: self.job_type,
            created_by: self.created_by,
            retry_of: self.retry_of,
            progress: self.progress,
            step: self.step,
            message: self.message,
            attempt: self.attempt,
            fence: self.fence,
            lease_expires_at: self.lease_expires_at.map(Time::from_millis),
            log_seq: self.log_seq,
            updated_at: Time::from_millis(self.updated_at),
            started_at: self.started_at.map(Time::from_millis),
            finished_at: self.finished_at.map(Time::from_millis),
            error,
            runs: self.runs.into_iter().map(RunItem::into_run).collect(),
            closing,
            waiting: self.waiting,
            waits_until: self.waits_until.map(Time::from_millis),
            duplicate_deliveries: self.duplicate_deliveries.unwrap_or(0),
            due_at: self.due_at.map(Time::from_millis),
            expires_at: Time::from_millis(self.expires_at * 1000),
        }
    }
}

impl RunItem {
    fn into_run(self) -> Run {
        Run {
            attempt: self.attempt,
            started_at: Time::from_millis(self.started_at),
            log_from: self.log_from,
            ended_at: self.ended_at.map(Time::from_millis),
            outcome: self.outcome,
            error: self.error,
        }
    }
}

/// Reads an item into one of our structs.
pub(super) fn read<T: DeserializeOwned>(item: Item) -> Result<T, AwsError> {
    serde_dynamo::from_item(item).map_err(|error| AwsError::data(DYNAMODB, error))
}

/// Writes one of our structs as an item.
pub(super) fn write<T: Serialize>(value: T) -> Result<Item, AwsError> {
    serde_dynamo::to_item(value).map_err(|error| AwsError::data(DYNAMODB, error))
}

/// Writes one of our structs as an attribute.
pub(super) fn attribute<T: Serialize>(value: T) -> Result<AttributeValue, AwsError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| AwsError::data(DYNAMODB, error))
}

/// The sort key of an item.
pub(super) fn sort_key(item: &Item) -> &str {
    item.get("sk")
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}
