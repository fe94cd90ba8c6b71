//! Idempotency keys: each names the job or the release that its first request made.

use aws::AwsError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jobs::{Job, JobId, ReleaseId, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    DYNAMODB, Refusal, Store,
    item::{from_item, to_item},
    keys::{self, Key},
    update::n,
};

/// The key that identifies a repeated request to create a job or a release.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The client's key, or a producer's message id.
    pub key: String,
    /// A digest of the request, to refuse a different request with the same key.
    pub digest: String,
    /// The time at which the key may be used again.
    pub expires_at: Time,
}

/// An idempotency key as it is stored. Exactly one id is present.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IdempotencyItem {
    pk: String,
    sk: String,
    pub job_id: Option<JobId>,
    pub release_id: Option<ReleaseId>,
    digest: String,
    expires_at: i64,
}

/// What the first request with a key made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made {
    Job(JobId),
    Release(ReleaseId),
}

impl Store {
    /// Finds the job that a user's request or message with this key made. Two consistent reads by
    /// key find and read it.
    pub async fn job_of_key(
        &self,
        owner: UserId,
        key: &str,
        now: Time,
    ) -> Result<Option<Job>, AwsError> {
        let stored = self.valid_key(&keys::idempotency(owner, key), now).await?;
        match stored.and_then(|stored| stored.job_id) {
            Some(id) => self.job(id, true).await,
            None => Ok(None),
        }
    }

    /// Returns whether a user's request or message with this key has made a job. A consistent read by
    /// key finds out.
    pub async fn is_job_key_used(
        &self,
        owner: UserId,
        key: &str,
        now: Time,
    ) -> Result<bool, AwsError> {
        let stored = self.valid_key(&keys::idempotency(owner, key), now).await?;
        Ok(stored.is_some())
    }

    /// Finds the release that the same request with this key has made.
    pub(super) async fn release_of_key(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        now: Time,
    ) -> Result<Option<ReleaseId>, AwsError> {
        let at = keys::release_idempotency(owner, &key.key);
        let stored = self.valid_key(&at, now).await?;
        let same = stored.filter(|stored| stored.digest == key.digest);
        Ok(same.and_then(|stored| stored.release_id))
    }

    /// Reads a key, unless it has expired.
    async fn valid_key(&self, at: &Key, now: Time) -> Result<Option<IdempotencyItem>, AwsError> {
        let item = self.get_item(at, true).await?;
        let stored: Option<IdempotencyItem> = item.map(from_item).transpose()?;
        Ok(stored.filter(|stored| stored.expires_at > now.seconds()))
    }

    /// Builds the part of a transaction that stores a key of `owner` with what it made, unless it
    /// is in use.
    pub(super) fn put_key(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        made: Made,
        now: Time,
    ) -> Result<TransactWriteItem, AwsError> {
        let (at, job_id, release_id) = match made {
            Made::Job(id) => (keys::idempotency(owner, &key.key), Some(id), None),
            Made::Release(id) => (keys::release_idempotency(owner, &key.key), None, Some(id)),
        };
        let item = IdempotencyItem {
            pk: at.pk,
            sk: at.sk,
            job_id,
            release_id,
            digest: key.digest.clone(),
            expires_at: key.expires_at.seconds(),
        };
        // TTL may take days to delete an expired key, so it may be overwritten.
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(item)?))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", n(now.seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl IdempotencyKey {
    /// Reads the item that is already stored under this key. Returns `None` if it belongs to
    /// another request.
    pub(super) fn repeated(&self, refusal: Refusal) -> Result<Option<IdempotencyItem>, AwsError> {
        let stored: IdempotencyItem = from_item(refusal.item.unwrap_or_default())?;
        Ok(Some(stored).filter(|stored| stored.digest == self.digest))
    }
}
