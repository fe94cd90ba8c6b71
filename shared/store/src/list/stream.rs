//! A partition of an index, read from its newest entry to its oldest.

use std::collections::{BTreeMap, VecDeque};

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Failure, FailureCode, JobId, JobType, ReleaseId, Status, Summary, Time, UserId};
use serde::Deserialize;

use super::{Filter, Scope};
use crate::{
    DYNAMODB, Store,
    item::{Item, from_item, phase},
    keys, sdk_error,
    update::{n, s},
};

/// An entry of an index: the fields of a summary except for the progress.
#[derive(Debug, Deserialize)]
pub(super) struct IndexEntry {
    pub id: JobId,
    pub created_by: UserId,
    pub release_id: Option<ReleaseId>,
    pub job_type: Option<JobType>,
    pub status: Status,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    error_code: Option<FailureCode>,
    error_message: Option<String>,
}

impl From<IndexEntry> for Summary {
    fn from(entry: IndexEntry) -> Self {
        let message = entry.error_message.unwrap_or_default();
        Self {
            id: entry.id,
            release_id: entry.release_id,
            status: entry.status,
            job_type: entry.job_type,
            // The indexes leave it out, since it changes too often.
            progress: match entry.status {
                Status::Completed => Some(100),
                _ if entry.started_at.is_none() => Some(0),
                _ => None,
            },
            created_at: entry.id.created_at(),
            created_by: entry.created_by,
            started_at: entry.started_at.map(Time::from_millis),
            finished_at: entry.finished_at.map(Time::from_millis),
            error: entry.error_code.map(|code| Failure::new(code, message)),
        }
    }
}

/// A partition of an index.
pub(super) struct Stream {
    index: &'static str,
    /// The names and values of the partition's keys.
    keys: Vec<(&'static str, AttributeValue)>,
    /// The entries that have been read but not examined, newest first.
    pub buffer: VecDeque<IndexEntry>,
    /// The range of ids that may have unread entries; `None` at the end.
    unread: Option<(u64, u64)>,
    /// True if jobs can move from it to another stream: the phases of jobs that are not final.
    pub is_transient: bool,
}

impl Stream {
    fn new(
        index: &'static str,
        keys: Vec<(&'static str, AttributeValue)>,
        (low, high): (u64, u64),
    ) -> Self {
        Self {
            index,
            keys,
            buffer: VecDeque::new(),
            unread: Some((low, high)),
            is_transient: false,
        }
    }

    /// Returns whether it must be read before its next entry is known.
    pub fn needs_read(&self) -> bool {
        self.buffer.is_empty() && self.unread.is_some()
    }

    pub fn has_ended(&self) -> bool {
        self.buffer.is_empty() && self.unread.is_none()
    }

    /// Restarts the stream with the ids from `low` to `high`.
    pub fn restart(&mut self, low: u64, high: u64) {
        self.buffer.clear();
        self.unread = Some((low, high));
    }
}

/// Returns the streams of the jobs with ids from `low` to `high`.
pub(super) fn streams(scope: Scope, filter: &Filter, low: u64, high: u64) -> Vec<Stream> {
    let stream = |index, keys| Stream::new(index, keys, (low, high));
    let owner = |user: UserId| ("created_by", n(user.get()));
    match scope {
        Scope::Owner(user) if filter.statuses.is_empty() => {
            vec![stream(keys::BY_OWNER, vec![owner(user)])]
        }
        Scope::Owner(user) => {
            let statuses = filter.statuses.iter();
            let phases: BTreeMap<&str, bool> = statuses
                .map(|status| (phase(*status), !status.is_final()))
                .collect();
            let phase_stream = |(phase, is_transient)| Stream {
                is_transient,
                ..stream(keys::BY_OWNER_PHASE, vec![owner(user), ("phase", s(phase))])
            };
            phases.into_iter().map(phase_stream).collect()
        }
        Scope::Release(release) => {
            vec![stream(
                keys::BY_RELEASE,
                vec![("release_id", n(release.get()))],
            )]
        }
        Scope::All => {
            let bucket = n(keys::bucket(high));
            let shard_stream = |shard| {
                let partition = vec![("bucket", bucket.clone()), ("shard", n(shard))];
                stream(keys::RECENT, partition)
            };
            (0..keys::SHARDS).map(shard_stream).collect()
        }
    }
}

impl Store {
    /// Reads at most `limit` entries of a stream.
    pub(super) async fn read_stream(
        &self,
        stream: &mut Stream,
        limit: usize,
    ) -> Result<(), AwsError> {
        let Some((low, high)) = stream.unread else {
            return Ok(());
        };
        let mut query = self.client.query().table_name(&self.table);
        // In the order of the index's key schema, as its documentation has it.
        let mut condition = String::new();
        for (name, value) in &stream.keys {
            condition.extend(["#", name, " = :", name, " AND "]);
            query = query
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), value.clone());
        }
        let output = query
            .index_name(stream.index)
            .key_condition_expression(condition + "#id BETWEEN :low AND :high")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":low", n(low))
            .expression_attribute_values(":high", n(high))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| sdk_error(&error))?;
        // A page may end, or even be empty, before the range does: only this key says so.
        let last_read = output.last_evaluated_key.as_ref().map(id_of).transpose()?;
        stream.unread = last_read
            .filter(|last| *last > low)
            .map(|last| (low, last - 1));
        let entries = output.items.unwrap_or_default().into_iter().map(from_item);
        stream.buffer = entries.collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Returns the id in a key of an index.
fn id_of(key: &Item) -> Result<u64, AwsError> {
    match key.get("id").map(AttributeValue::as_n) {
        Some(Ok(id)) => id
            .parse()
            .map_err(|error| AwsError::malformed(DYNAMODB, error)),
        _ => Err(AwsError::malformed(DYNAMODB, "a key without an id")),
    }
}
