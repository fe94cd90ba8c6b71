//! What the sweeper asks: which jobs and releases are due, and when to look at them again.

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

/// How many entries one page of due items has, at most.
const PAGE_ENTRIES: i32 = 100;

/// Where a walk over due items continues.
pub type DuePosition = HashMap<String, AttributeValue>;

/// A page of due items.
#[derive(Debug, Default)]
pub struct DuePage {
    /// Jobs.
    pub jobs: Vec<JobId>,
    /// Releases with packages to delete.
    pub releases: Vec<ReleaseId>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<DuePosition>,
}

impl Store {
    /// The items of one shard that are due at `now`, the longest due first, a page at a time.
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
            .limit(PAGE_ENTRIES)
            .send()
            .await
            .map_err(|error| sdk_error(&error))?;
        let entries = output.items();
        Ok(DuePage {
            jobs: entries
                .iter()
                .filter_map(|entry| id_in(entry, "JOB#"))
                .collect(),
            releases: entries
                .iter()
                .filter_map(|entry| id_in(entry, "RELEASE#"))
                .collect(),
            next: output.last_evaluated_key,
        })
    }

    /// Sets when the sweeper looks at a job next, if it is as it was `seen`: of two sweepers at once, one wins. `None`:
    /// there is nothing more to do.
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

fn id_in<T: FromStr>(entry: &Item, prefix: &str) -> Option<T> {
    let pk = entry.get("pk")?.as_s().ok()?;
    pk.strip_prefix(prefix)?.parse().ok()
}
