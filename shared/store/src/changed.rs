//! Finds the jobs that have changed since a time, to publish their events again.

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Job, Time};
use serde::{Deserialize, Serialize};

use crate::{
    Store,
    item::{Item, job_from_item, sort_key},
    keys, sdk_error,
    update::{n, s},
};

/// The position at which the next page of changed jobs begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedPosition {
    pk: String,
    sk: String,
}

/// A page of changed jobs, in no order.
#[derive(Debug)]
pub struct ChangedPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// The position of the next page; `None` on the last.
    pub next: Option<ChangedPosition>,
}

impl Store {
    /// Returns jobs that have changed at `since` or later. It reads the whole table, in pages of
    /// 1 MB: no index knows the time of a job's last change. A damaged job is logged and left out.
    pub async fn changed_jobs(
        &self,
        since: Time,
        from: Option<ChangedPosition>,
    ) -> Result<ChangedPage, AwsError> {
        let scan = self.client.scan().table_name(&self.table);
        let output = scan
            .filter_expression("sk = :meta AND begins_with(pk, :job) AND #updated_at >= :since")
            .expression_attribute_names("#updated_at", "updated_at")
            .expression_attribute_values(":meta", s(keys::META))
            .expression_attribute_values(":job", s("JOB#"))
            .expression_attribute_values(":since", n(since.millis()))
            .set_exclusive_start_key(from.map(ChangedPosition::into_key))
            .send()
            .await
            .map_err(|error| sdk_error(&error))?;
        let read = |item| match job_from_item(item) {
            Ok(job) => Some(job),
            Err(error) => {
                tracing::error!(%error, "a damaged job is left out");
                None
            }
        };
        Ok(ChangedPage {
            jobs: output
                .items
                .unwrap_or_default()
                .into_iter()
                .filter_map(read)
                .collect(),
            next: output
                .last_evaluated_key
                .as_ref()
                .and_then(ChangedPosition::of_key),
        })
    }
}

impl ChangedPosition {
    fn into_key(self) -> Item {
        let pair = |name: &str, value| (name.to_owned(), AttributeValue::S(value));
        Item::from([pair("pk", self.pk), pair("sk", self.sk)])
    }

    fn of_key(key: &Item) -> Option<Self> {
        let pk = key.get("pk")?.as_s().ok()?.clone();
        let sk = sort_key(key).to_owned();
        Some(Self { pk, sk })
    }
}
