//! Creates jobs, and withdraws those whose message could not be sent.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use jobs::{Job, JobId, NewJob, Status, Time};
use serde_json::Value;

use crate::{
    CreateOutcome, DYNAMODB, IS_NEW, IdempotencyKey, RESEND_AFTER, Refusal, Store, Updated,
    documents::{MAX_INLINE_CONFIG_BYTES, config_expires_at, document_item, to_json},
    idempotency::Made,
    item::{JobItem, to_item},
    keys::{self, Key},
    update::{Update, n, s},
};

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
        if config.len() <= MAX_INLINE_CONFIG_BYTES {
            item.config = Some(config);
        } else {
            let expires_at = config_expires_at(created.expires_at, retention);
            let document = document_item(id, keys::CONFIG, config, expires_at);
            parts.push(self.put_part(document, None)?);
        }
        if let Some(old) = job.retry_of {
            let update = Update::new(keys::job(old))
                .set("retried_by", n(id.get()))
                .only_if("attribute_exists(#pk)");
            parts.push(update.into_part(&self.table)?);
        }
        if let Some(key) = key {
            parts.push(self.put_key(job.created_by, key, Made::Job(id), now)?);
        }
        if parts.is_empty() {
            let is_new = self.put_new(to_item(&item)?).await?;
            return Ok(is_new.then_some(CreateOutcome::Created(created)));
        }
        parts.insert(0, self.put_part(to_item(&item)?, Some(IS_NEW))?);
        match self.transact(parts).await? {
            Ok(()) => Ok(Some(CreateOutcome::Created(created))),
            Err(refusals) if refusals.first().is_some_and(|part| part.condition_failed) => Ok(None),
            Err(mut refusals) => {
                // The key is the last part.
                let refused = refusals.pop().filter(|part| part.condition_failed);
                match (refused, key) {
                    (Some(refusal), Some(key)) => repeated(refusal, key).map(Some),
                    _ => Ok(Some(CreateOutcome::RetriedMissing)),
                }
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
        job: &NewJob,
        key: Option<&IdempotencyKey>,
    ) -> Result<bool, AwsError> {
        let untouched =
            "#status = :pending AND #fence = :none AND attribute_not_exists(#acknowledged)";
        let delete = self
            .delete_part(&keys::job(id))
            .condition_expression(untouched)
            .expression_attribute_names("#acknowledged", "acknowledged")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#fence", "fence")
            .expression_attribute_values(":pending", s(Status::Pending.as_str()))
            .expression_attribute_values(":none", n(0));
        let mut deletes = vec![delete, self.delete_part(&keys::job_part(id, keys::CONFIG))];
        if let Some(key) = key {
            let at = keys::idempotency(job.created_by, &key.key);
            deletes.push(self.delete_part(&at));
        }
        let parts = deletes.into_iter().map(|delete| {
            let delete = delete
                .build()
                .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        });
        let mut parts = parts.collect::<Result<Vec<_>, AwsError>>()?;
        if let Some(old) = job.retry_of {
            let update = Update::new(keys::job(old))
                .set_or_remove("retried_by", job.earlier_retry.map(|id| n(id.get())))
                .only_if("#retried_by = :id")
                .value(":id", n(id.get()));
            parts.push(update.into_part(&self.table)?);
        }
        Ok(self.transact(parts).await?.is_ok())
    }

    fn delete_part(&self, key: &Key) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        Delete::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
    }
}

/// Returns the outcome of a creation whose idempotency key is already stored.
fn repeated(refusal: Refusal, key: &IdempotencyKey) -> Result<CreateOutcome, AwsError> {
    let made = key.repeated(refusal)?.and_then(|item| item.job_id);
    Ok(made.map_or(CreateOutcome::KeyReused, CreateOutcome::Existing))
}
