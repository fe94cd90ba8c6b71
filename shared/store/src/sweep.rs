//! What the sweeper asks: what is due for a look, and when to look again.

use std::{collections::HashMap, str::FromStr};

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Job, JobId, ReleaseId, Time};

use super::{
    Finished, Store, failed, key_of, keys,
    update::{Update, n},
};

/// Where a walk over what is due goes on.
pub type DuePosition = HashMap<String, AttributeValue>;

/// A page of what is due.
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
    /// What is due at `now` in one shard, longest due first, a page at a time.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn due(
        &self,
        shard: u64,
        now: Time,
        from: Option<DuePosition>,
    ) -> Result<DuePage, AwsError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::DUE);
        let output = query
            .key_condition_expression("#shard = :shard AND #due_at <= :now")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#due_at", "due_at")
            .expression_attribute_values(":shard", n(shard))
            .expression_attribute_values(":now", n(now.millis()))
            .set_exclusive_start_key(from)
            .limit(100)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let keys: Vec<DuePosition> = output.items().iter().map(key_of).collect();
        Ok(DuePage {
            jobs: keys.iter().filter_map(|key| id_in(key, "JOB#")).collect(),
            releases: keys
                .iter()
                .filter_map(|key| id_in(key, "RELEASE#"))
                .collect(),
            next: output.last_evaluated_key,
        })
    }

    /// Puts off the sweeper's next look at a job, if it is as it was `seen`: of two sweepers at
    /// once, one goes on. `None`: there is nothing more to see.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn look_again(&self, seen: &Job, at: Option<Time>) -> Result<Finished, AwsError> {
        let Some(due_at) = seen.due_at else {
            return Ok(Finished::Fenced(None));
        };
        let update = Update::of(keys::job(seen.id))
            .set_or_remove("due_at", at.map(|at| n(at.millis())))
            .only_fence(seen.fence)
            .only_if("#due_at = :seen_due AND #status = :seen_status")
            .value(":seen_due", n(due_at.millis()))
            .value(":seen_status", AttributeValue::S(seen.status.to_string()));
        self.change(update, |job| {
            at.is_some() && job.due_at == at && job.fence == seen.fence
        })
        .await
    }
}

fn id_in<T: FromStr>(key: &DuePosition, prefix: &str) -> Option<T> {
    key.get("pk")?
        .as_s()
        .ok()?
        .strip_prefix(prefix)?
        .parse()
        .ok()
}
