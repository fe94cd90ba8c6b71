//! Creates jobs, and withdraws those whose message could not be sent.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jobs::{Job, JobId, NewJob, Status, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CreateOutcome, DYNAMODB, IS_NEW, RESEND_AFTER, Store, Updated,
    documents::{MAX_INLINE_BYTES, config_expires_at, document_item, to_json},
    item::{Item, JobItem, from_item, to_item},
    keys::{self, Key},
    update::{Update, n, s},
};

/// The key that identifies a repeated request to create a job.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The client's key, or a producer's message id.
    pub key: String,
    /// A digest of the request, to refuse a different request with the same key.
    pub digest: String,
    /// The time at which the key may be used again.
    pub expires_at: Time,
}

#[derive(Debug, Serialize, Deserialize)]
struct IdempotencyItem {
    pk: String,
    sk: String,
    job_id: JobId,
    digest: String,
    expires_at: i64,
}

impl Store {
    /// Stores a new job under `id`, with its idempotency key if there is one. Returns `None` if the
    /// id is taken; the caller then draws another.
    pub async fn create_job(
        &self,
        id: JobId,
        job: &NewJob,
        key: Option<&IdempotencyKey>,
        now: Time,
        retention: Duration,
    ) -> Result<Option<CreateOutcome>, AwsError> {
        let mut created = Job::new(id, job, now, retention);
        created.due_at = (!job.draft).then(|| now.after(RESEND_AFTER));
        let mut item = JobItem::new(&created);
        let config = to_json(&Value::Object(job.config.clone()))?;
        let mut parts = Vec::new();
        if config.len() <= MAX_INLINE_BYTES {
            item.config = Some(config);
        } else {
            let expires_at = config_expires_at(created.expires_at, retention);
            let document = document_item(id, keys::CONFIG, config, expires_at);
            parts.push(self.put_part(document, None)?);
        }
        if let Some(key) = key {
            parts.push(self.put_key(id, job.created_by, key, now)?);
        }
        if parts.is_empty() {
            let is_new = self.put_new(to_item(&item)?).await?;
            return Ok(is_new.then_some(CreateOutcome::Created(created)));
        }
        parts.insert(0, self.put_part(to_item(&item)?, Some(IS_NEW))?);
        match self.transact(parts).await? {
            Ok(()) => Ok(Some(CreateOutcome::Created(created))),
            Err(refusals) if refusals.first().is_some_and(|part| part.condition_failed) => Ok(None),
            Err(refusals) => {
                let stored = refusals.into_iter().find(|part| part.condition_failed);
                existing(stored.and_then(|part| part.item), key).map(Some)
            }
        }
    }

    /// Records that a client received the job's id for its idempotency key, so that the job can no
    /// longer be withdrawn. Returns `false` if it was already withdrawn.
    pub async fn acknowledge_job(&self, id: JobId) -> Result<bool, AwsError> {
        let update = Update::new(keys::job(id))
            .set("acknowledged", AttributeValue::Bool(true))
            .only_if("attribute_exists(#pk)");
        Ok(matches!(self.update(update).await?, Updated::Done(_)))
    }

    /// Deletes a job whose message could not be sent. Returns `false` if the job is in use: it was
    /// claimed, because the message arrived after all, or cancelled, or a client received its id.
    pub async fn withdraw_job(
        &self,
        id: JobId,
        owner: UserId,
        key: Option<&IdempotencyKey>,
    ) -> Result<bool, AwsError> {
        let untouched =
            "#status = :pending AND #fence = :none AND attribute_not_exists(#acknowledged)";
        let job = self
            .delete_part(&keys::job(id))
            .condition_expression(untouched)
            .expression_attribute_names("#acknowledged", "acknowledged")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#fence", "fence")
            .expression_attribute_values(":pending", s(Status::Pending.as_str()))
            .expression_attribute_values(":none", n(0));
        let mut deletes = vec![job, self.delete_part(&keys::job_part(id, keys::CONFIG))];
        if let Some(key) = key {
            deletes.push(self.delete_part(&keys::idempotency(owner, &key.key)));
        }
        let parts = deletes.into_iter().map(|delete| {
            let delete = delete
                .build()
                .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        });
        let parts = parts.collect::<Result<_, AwsError>>()?;
        Ok(self.transact(parts).await?.is_ok())
    }

    fn delete_part(&self, key: &Key) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        Delete::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
    }

    fn put_key(
        &self,
        id: JobId,
        owner: UserId,
        key: &IdempotencyKey,
        now: Time,
    ) -> Result<TransactWriteItem, AwsError> {
        let Key { pk, sk } = keys::idempotency(owner, &key.key);
        let item = to_item(IdempotencyItem {
            pk,
            sk,
            job_id: id,
            digest: key.digest.clone(),
            expires_at: key.expires_at.seconds(),
        })?;
        // TTL may take days to delete an expired key, so it may be overwritten.
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", n(now.seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Returns the outcome of a creation whose idempotency key is already `stored`.
fn existing(stored: Option<Item>, key: Option<&IdempotencyKey>) -> Result<CreateOutcome, AwsError> {
    let stored: IdempotencyItem = from_item(stored.unwrap_or_default())?;
    let is_same = key.is_some_and(|key| key.digest == stored.digest);
    Ok(if is_same {
        CreateOutcome::Existing(stored.job_id)
    } else {
        CreateOutcome::KeyReused
    })
}
