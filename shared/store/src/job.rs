//! Creating and reading jobs, and changing drafts.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jobs::{Job, JobId, JobType, LogEntry, NewJob, ReleaseId, Status, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Created, DYNAMODB, Edited, Store, Written, failed,
    item::{Item, JobItem, parts_expire_at, read, sort_key, write},
    job_of, keys,
    logs::{self, Chunk},
    update::{EDIT, Update, n, s, token},
};

/// Up to this many bytes a configuration or result is kept in the job's item. Every heartbeat
/// writes that item, and is billed by its size in KB; a larger document stands in its own item.
pub(super) const INLINE_BYTES: usize = 512;
/// How many log chunks the details show at the most: some 64 KiB of text, from the log's end.
const DETAILS_CHUNKS: i32 = 16;

/// What makes a request to create a job the same request again.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The client's key, or a producer's message id.
    pub key: String,
    /// A digest of the request, so that another request under the same key is refused.
    pub digest: String,
    /// Until when the key stands.
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

/// The documents of a job that may be large.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// Its configuration.
    pub config: Map<String, Value>,
    /// Its result, once it has completed.
    pub result: Option<Value>,
}

/// A job with its documents and the end of its log.
#[derive(Debug)]
pub struct Details {
    /// The job.
    pub job: Job,
    /// Its configuration and result.
    pub documents: Documents,
    /// The last entries of its log, oldest first.
    pub log: Vec<LogEntry>,
    /// Whether the log has earlier entries.
    pub log_truncated: bool,
}

impl Store {
    /// Stores a new job under `id`, and its idempotency key with it where there is one.
    ///
    /// `None` says that the id is taken: draw another.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn create_job(
        &self,
        id: JobId,
        job: &NewJob,
        key: Option<&IdempotencyKey>,
        now: Time,
        retention: Duration,
    ) -> Result<Option<Created>, AwsError> {
        let mut item = JobItem::new(id, job, now, retention);
        let config = document(&Value::Object(job.config.clone()))?;
        let mut parts = Vec::new();
        if config.len() <= INLINE_BYTES {
            item.config = Some(config);
        } else {
            let expires_at = config_expires_at(now.after(retention), retention);
            parts.push(self.put_part(document_item(id, keys::CONFIG, config, expires_at), None)?);
        }
        if let Some(key) = key {
            parts.push(self.put_key(id, job.created_by, key, now)?);
        }
        let stored = write(&item)?;
        if parts.is_empty() {
            return Ok(self
                .put_new(stored)
                .await?
                .then(|| Created::New(item.into_job())));
        }
        parts.insert(0, self.put_part(stored, Some(NEW))?);
        match self.transact(parts).await? {
            Ok(()) => Ok(Some(Created::New(item.into_job()))),
            Err(refusals) if refusals.first().is_some_and(|refusal| refusal.at_fault) => Ok(None),
            Err(refusals) => {
                let held = refusals
                    .into_iter()
                    .find(|refusal| refusal.at_fault)
                    .and_then(|refusal| refusal.item);
                held_key(held, key).map(Some)
            }
        }
    }

    /// Notes that a client was told of a job by its idempotency key: it is not withdrawn any more.
    /// `false` says that it has been.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn acknowledge_job(&self, id: JobId) -> Result<bool, AwsError> {
        let update = Update::of(keys::job(id)).set("acknowledged", AttributeValue::Bool(true));
        Ok(matches!(
            self.update(update.only_if("attribute_exists(#pk)")).await?,
            Written::Done(_)
        ))
    }

    /// Takes a job back whose message could not be sent. `false` says that it is no longer as it was
    /// created: the message has been sent after all, the owner cancelled the job, or was told of it.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn withdraw_job(
        &self,
        id: JobId,
        owner: UserId,
        key: Option<&IdempotencyKey>,
    ) -> Result<bool, AwsError> {
        let mut parts = vec![
            self.delete_part(&keys::job(id), true)?,
            self.delete_part(&keys::job_part(id, keys::CONFIG), false)?,
        ];
        if let Some(key) = key {
            parts.push(self.delete_part(&keys::idempotency(owner, &key.key), false)?);
        }
        Ok(self.transact(parts).await?.is_ok())
    }

    fn delete_part(
        &self,
        key: &keys::Key,
        if_untouched: bool,
    ) -> Result<TransactWriteItem, AwsError> {
        let mut delete = Delete::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk());
        if if_untouched {
            delete = delete
                .condition_expression(
                    "#status = :pending AND #fence = :none AND attribute_not_exists(#acknowledged)",
                )
                .expression_attribute_names("#acknowledged", "acknowledged")
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#fence", "fence")
                .expression_attribute_values(":pending", s(Status::Pending.as_str()))
                .expression_attribute_values(":none", n(0));
        }
        let delete = delete
            .build()
            .map_err(|error| AwsError::data(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// The job `id`. An eventually consistent read, half the price, unless `consistent`; one that
    /// finds nothing is repeated consistently, since the job may be a moment old.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn job(&self, id: JobId, consistent: bool) -> Result<Option<Job>, AwsError> {
        let mut item = self.get_item(&keys::job(id), consistent).await?;
        if item.is_none() && !consistent {
            item = self.get_item(&keys::job(id), true).await?;
        }
        item.map(job_of).transpose()
    }

    /// The job `id` with its documents, read consistently.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn job_with_documents(
        &self,
        id: JobId,
    ) -> Result<Option<(Job, Documents)>, AwsError> {
        let Some(item) = self.get_item(&keys::job(id), true).await? else {
            return Ok(None);
        };
        let item: JobItem = read(item)?;
        let config = match &item.config {
            Some(config) => Some(config.clone()),
            None => self.document(id, keys::CONFIG).await?,
        };
        // Without it the job is just being withdrawn.
        let Some(config) = config else {
            return Ok(None);
        };
        let result = match &item.result {
            None if item.status == Status::Completed => self.document(id, keys::RESULT).await?,
            inline => inline.clone(),
        };
        let documents = Documents {
            config: object(&config)?,
            result: result.as_deref().map(parse).transpose()?,
        };
        Ok(Some((item.into_job(), documents)))
    }

    async fn document(&self, id: JobId, sk: &str) -> Result<Option<String>, AwsError> {
        let item = self.get_item(&keys::job_part(id, sk), true).await?;
        Ok(item.and_then(|mut item| body(&mut item)))
    }

    /// The job `id` with its documents and the end of its log: one query, since all of it stands
    /// in one item collection, the job behind its log. As with [`Store::job`], one that does not
    /// find it is repeated consistently.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn details(&self, id: JobId) -> Result<Option<Details>, AwsError> {
        match self.collection(id, false).await? {
            None => self.collection(id, true).await,
            found => Ok(found),
        }
    }

    async fn collection(&self, id: JobId, consistent: bool) -> Result<Option<Details>, AwsError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk");
        let output = query
            .expression_attribute_values(":pk", keys::job(id).pk())
            .scan_index_forward(false)
            .consistent_read(consistent)
            .limit(3 + DETAILS_CHUNKS)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let (mut job, mut config, mut result, mut chunks) = (None, None, None, Vec::new());
        for mut item in output.items.unwrap_or_default() {
            match sort_key(&item) {
                keys::META => job = Some(read::<JobItem>(item)?),
                keys::CONFIG => config = body(&mut item),
                keys::RESULT => result = body(&mut item),
                _ => chunks.push(read::<Chunk>(item)?),
            }
        }
        let Some(job) = job else { return Ok(None) };
        let Some(config) = job.config.clone().or(config) else {
            return Ok(None);
        };
        chunks.reverse();
        let config = object(&config)?;
        let result = job
            .result
            .clone()
            .or(result)
            .as_deref()
            .map(parse)
            .transpose()?;
        let job = job.into_job();
        let log = logs::tail(&job, &chunks);
        let log_truncated = log.first().map_or(job.log_seq > 0, |entry| entry.seq > 1);
        Ok(Some(Details {
            job,
            documents: Documents { config, result },
            log,
            log_truncated,
        }))
    }

    /// Changes a draft that has not changed since it was read.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn edit_draft(
        &self,
        seen: &Job,
        job_type: Option<JobType>,
        release_id: Option<ReleaseId>,
        config: &Map<String, Value>,
        now: Time,
    ) -> Result<Edited, AwsError> {
        // A second edit within the same millisecond must still be told from the first.
        let now = now.max(seen.updated_at.after(Duration::from_millis(1)));
        let config = document(&Value::Object(config.clone()))?;
        let inline = config.len() <= INLINE_BYTES;
        let token = token();
        let update = Update::of(keys::job(seen.id))
            .set("updated_at", n(now.millis()))
            .set(EDIT, token.clone())
            .set_or_remove("job_type", job_type.map(|job_type| s(job_type.as_str())))
            .set_or_remove("release_id", release_id.map(|id| n(id.get())))
            .set_or_remove("config", inline.then(|| s(config.clone())))
            .only_if("#status = :draft AND #updated_at = :seen")
            .value(":draft", s(Status::Draft.as_str()))
            .value(":seen", n(seen.updated_at.millis()));
        if inline {
            return Ok(match self.update(update).await? {
                Written::Done(item) => Edited::Yes(job_of(item)?),
                Written::Refused(Some(item)) if item.get(EDIT) == Some(&token) => {
                    Edited::Yes(job_of(item)?)
                }
                Written::Refused(Some(item)) => Edited::Conflict(job_of(item)?),
                Written::Refused(None) => Edited::Missing,
            });
        }
        let document = document_item(
            seen.id,
            keys::CONFIG,
            config,
            config_expires_at(seen.expires_at, seen.lifetime()),
        );
        let update = update
            .in_transaction(&self.table)
            .map_err(|error| AwsError::data(DYNAMODB, error))?;
        match self
            .transact(vec![update, self.put_part(document, None)?])
            .await?
        {
            Ok(()) => Ok(Edited::Yes(Job {
                job_type,
                release_id,
                updated_at: now,
                ..seen.clone()
            })),
            Err(mut refusals) => match refusals.swap_remove(0).item {
                Some(item) => Ok(Edited::Conflict(job_of(item)?)),
                None => Ok(Edited::Missing),
            },
        }
    }

    fn put_key(
        &self,
        id: JobId,
        owner: UserId,
        key: &IdempotencyKey,
        now: Time,
    ) -> Result<TransactWriteItem, AwsError> {
        let keys::Key { pk, sk } = keys::idempotency(owner, &key.key);
        let expires_at = key.expires_at.seconds();
        let item = write(IdempotencyItem {
            pk,
            sk,
            job_id: id,
            digest: key.digest.clone(),
            expires_at,
        })?;
        // TTL may take days to delete, so a key that has expired is overwritten.
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", n(now.seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| AwsError::data(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(super) fn put_part(
        &self,
        item: Item,
        condition: Option<&str>,
    ) -> Result<TransactWriteItem, AwsError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| AwsError::data(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Puts an item whose key is free; says whether it was. The SDK repeats a call whose answer was
    /// lost: what has the key then is the item itself, to the millisecond and the last attribute.
    pub(super) async fn put_new(&self, item: Item) -> Result<bool, AwsError> {
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()));
        let call = call.condition_expression(NEW);
        match call
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
        {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                    Ok(refusal.item() == Some(&item))
                }
                _ => Err(failed(&error)),
            },
        }
    }
}

const NEW: &str = "attribute_not_exists(pk)";

fn held_key(item: Option<Item>, key: Option<&IdempotencyKey>) -> Result<Created, AwsError> {
    let held: IdempotencyItem = read(item.unwrap_or_default())?;
    let same = key.is_some_and(|key| key.digest == held.digest);
    Ok(if same {
        Created::Same(held.job_id)
    } else {
        Created::KeyReused
    })
}

/// When a large configuration expires: that of a draft may be needed as long again, from the day
/// on which it is submitted.
fn config_expires_at(expires_at: Time, lifetime: Duration) -> Time {
    parts_expire_at(expires_at).after(lifetime)
}

/// A large document's item.
pub(super) fn document_item(id: JobId, sk: &str, body: String, expires_at: Time) -> Item {
    let key = keys::job_part(id, sk);
    Item::from([
        ("pk".to_owned(), key.pk()),
        ("sk".to_owned(), key.sk()),
        ("body".to_owned(), AttributeValue::S(body)),
        ("expires_at".to_owned(), n(expires_at.seconds())),
    ])
}

fn body(item: &mut Item) -> Option<String> {
    match item.remove("body") {
        Some(AttributeValue::S(body)) => Some(body),
        _ => None,
    }
}

pub(super) fn document(value: &Value) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(|error| AwsError::data(DYNAMODB, error))
}

fn parse(text: &str) -> Result<Value, AwsError> {
    serde_json::from_str(text).map_err(|error| AwsError::data(DYNAMODB, error))
}

pub(super) fn object(text: &str) -> Result<Map<String, Value>, AwsError> {
    serde_json::from_str(text).map_err(|error| AwsError::data(DYNAMODB, error))
}
