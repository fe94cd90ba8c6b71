//! The sweeper's access to the table: finding due jobs and releases, and rescheduling jobs.

use std::{collections::HashMap, str::FromStr};

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Job, JobId, ReleaseId, Time};

use crate::{
    Store, WriteOutcome,
    item::Item,
    keys, sdk_error,
    update::{Update, n},
};

/// The position at which the next page of due items begins.
pub type DuePosition = HashMap<String, AttributeValue>;

/// A page of due items, longest overdue first.
#[derive(Debug, Default)]
pub struct DuePage {
    /// The due jobs.
    pub jobs: Vec<(Time, JobId)>,
    /// The releases with expired packages.
    pub releases: Vec<ReleaseId>,
    /// The position of the next page; `None` on the last.
    pub next: Option<DuePosition>,
}

impl Store {
    /// Returns the items of one shard that are due at `now`: a page of at most 1 MB, some 10,000
    /// items (Amazon DynamoDB API Reference, "Query").
    pub async fn due(
        &self,
        shard: u64,
        now: Time,
        from: Option<DuePosition>,
    ) -> Result<DuePage, AwsError> {
        let query = self.client.query().table_name(&self.table);
        let output = query
            .index_name(keys::DUE)
            .key_condition_expression("#shard = :shard AND #due_at <= :now")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#due_at", "due_at")
            .expression_attribute_values(":shard", n(shard))
            .expression_attribute_values(":now", n(now.millis()))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| sdk_error(&error))?;
        let entries = output.items();
        Ok(DuePage {
            jobs: entries.iter().filter_map(due_job).collect(),
            releases: entries
                .iter()
                .filter_map(|entry| id_in(entry, "RELEASE#"))
                .collect(),
            next: output.last_evaluated_key,
        })
    }

    /// Sets the next sweep of the job `seen`; `None` means never. The write is conditional on
    /// `seen`, so that only one of two concurrent sweepers succeeds.
    pub async fn reschedule_sweep(
        &self,
        seen: &Job,
        at: Option<Time>,
    ) -> Result<WriteOutcome, AwsError> {
        let Some(due_at) = seen.due_at else {
            return Ok(WriteOutcome::Fenced(None));
        };
        let update = Update::new(keys::job(seen.id))
            .set_or_remove("due_at", at.map(|at| n(at.millis())))
            .only_fence(seen.fence)
            .only_if("#due_at = :seen_due AND #status = :seen_status")
            .value(":seen_due", n(due_at.millis()))
            .value(":seen_status", AttributeValue::S(seen.status().to_string()));
        self.update_job(update, |job| {
            at.is_some() && job.due_at == at && job.fence == seen.fence
        })
        .await
    }
}

/// Returns the job of an entry with its due time.
fn due_job(entry: &Item) -> Option<(Time, JobId)> {
    let due_at = entry.get("due_at")?.as_n().ok()?.parse().ok()?;
    Some((Time::from_millis(due_at), id_in(entry, "JOB#")?))
}

fn id_in<T: FromStr>(entry: &Item, prefix: &str) -> Option<T> {
    let pk = entry.get("pk")?.as_s().ok()?;
    pk.strip_prefix(prefix)?.parse().ok()
}
