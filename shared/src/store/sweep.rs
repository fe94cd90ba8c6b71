//! What the sweeper asks: which open jobs are due for a look, and when to look again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Finished, Store, Written, failed, job_of, key_of, keys,
    update::{Update, n},
};
use crate::{
    aws::AwsError,
    job::{Job, JobId},
    time::Time,
};

/// Where a walk over due jobs goes on.
pub type DuePosition = HashMap<String, AttributeValue>;

impl Store {
    /// Ids of the jobs of one shard that are due at `now`, longest due first, a page at a time.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn due_jobs(
        &self,
        shard: u64,
        now: Time,
        from: Option<DuePosition>,
    ) -> Result<(Vec<JobId>, Option<DuePosition>), AwsError> {
        let query = self.client.query().table_name(&self.table).index_name(keys::DUE);
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
        let ids = output.items().iter().filter_map(|item| job_id(&key_of(item))).collect();
        Ok((ids, output.last_evaluated_key))
    }

    /// Puts off the sweeper's next look at a job, if it is as it was `seen`: of two sweepers at
    /// once, one goes on.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn look_again(&self, seen: &Job, at: Time) -> Result<Finished, AwsError> {
        let Some(due_at) = seen.due_at else { return Ok(Finished::Fenced(None)) };
        let update = Update::of(keys::job(seen.id))
            .set("due_at", n(at.millis()))
            .only_fence(seen.fence)
            .only_if("#due_at = :seen_due AND #status = :seen_status")
            .value(":seen_due", n(due_at.millis()))
            .value(":seen_status", AttributeValue::S(seen.status.to_string()));
        Ok(match self.update(update).await? {
            Written::Done(item) => Finished::Yes(job_of(item)?),
            Written::Refused(item) => Finished::Fenced(item.map(job_of).transpose()?),
        })
    }
}

fn job_id(key: &DuePosition) -> Option<JobId> {
    key.get("pk")?.as_s().ok()?.strip_prefix("JOB#")?.parse().ok()
}
