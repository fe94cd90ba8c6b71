//! Counts the jobs and releases of a user, for the limits on them.

use aws::AwsError;
use aws_sdk_dynamodb::types::Select;
use jobs::{Status, UserId};
use serde::Deserialize;

use crate::{
    Refusal, Store,
    item::{from_item, phase},
    keys, sdk_error,
    update::{Update, n, s},
};

/// The number of releases that a user owns.
#[derive(Debug, Deserialize)]
struct ReleaseCount {
    count: u64,
}

impl Store {
    /// Counts the jobs of a user in the phase of `status`, up to `limit`: `Pending` counts the
    /// running ones too. The index lags by a moment, so the newest jobs may be missing.
    pub async fn count_jobs(
        &self,
        owner: UserId,
        status: Status,
        limit: u32,
    ) -> Result<u32, AwsError> {
        let query = self.client.query().table_name(&self.table);
        let query = query
            .index_name(keys::BY_OWNER_PHASE)
            .select(Select::Count)
            .key_condition_expression("#created_by = :created_by AND #phase = :phase")
            .expression_attribute_names("#created_by", "created_by")
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_values(":created_by", n(owner.get()))
            .expression_attribute_values(":phase", s(phase(status)));
        let (mut counted, mut position) = (0, None);
        loop {
            let page = query
                .clone()
                .limit(i32::try_from(limit - counted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(position);
            let page = page.send().await.map_err(|error| sdk_error(&error))?;
            counted += u32::try_from(page.count).unwrap_or_default();
            position = page.last_evaluated_key;
            if position.is_none() || counted >= limit {
                return Ok(counted);
            }
        }
    }
}

/// Builds the update that counts one more release of `owner`, unless there are `limit` already.
pub(super) fn count_release(owner: UserId, limit: Option<u64>) -> Update {
    let update = Update::new(keys::release_count(owner))
        .assign("#count = if_not_exists(#count, :none) + :one", ":one", n(1))
        .value(":none", n(0));
    match limit {
        None => update,
        Some(limit) => update
            .only_if("(attribute_not_exists(#count) OR #count < :limit)")
            .value(":limit", n(limit)),
    }
}

/// Returns the number of releases in a refused [`count_release`].
pub(super) fn counted_releases(refusal: Refusal) -> Result<u64, AwsError> {
    from_item::<ReleaseCount>(refusal.item.unwrap_or_default()).map(|stored| stored.count)
}
