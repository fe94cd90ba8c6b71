//! The table: jobs with their logs, releases, and idempotency keys.
//!
//! Every state change is one conditional write. What comes of it is an outcome enum, because a
//! refused condition is an answer and not an error: [`AwsError`] is left for calls that failed.
//! The items, keys and indexes are described in docs/data-model.md.

mod cursor;
mod item;
mod job;
mod keys;
mod list;
mod logs;
mod outcome;
mod permits;
mod releases;
mod run;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod transition;
mod update;

use std::collections::HashMap;

use aws::{AwsError, classify, is_transient};
use aws_sdk_dynamodb::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, UpdateItemOutput},
    },
    types::{AttributeValue, ReturnValue, TransactWriteItem},
};
use jobs::Job;

pub use self::{
    cursor::{Cursor, InvalidCursor},
    item::RESEND_AFTER,
    job::{Details, Documents, IdempotencyKey},
    keys::SHARDS,
    list::{Filter, MAX_EXAMINED, Page, Scope},
    logs::{Chunk, LogPage, LogQuery},
    outcome::{Cancelled, Claimed, Created, Edited, Finished, Held, Submitted},
    permits::{Permits, Permitted},
    releases::{NewRelease, deletes_at},
    run::{Completion, Leftovers, MetadataChange, PackageChange, Progress, RunEnd, RunHandle},
    sweep::{DuePage, DuePosition},
};
use self::{
    item::{Item, JobItem, read},
    update::Update,
};

const DYNAMODB: &str = "DynamoDB";

/// The table of jobs and releases.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

/// What a conditional write came to.
enum Written {
    /// It was carried out; the item is as it stands now.
    Done(Item),
    /// Its condition did not hold; the item as it stands, or `None` where there is none.
    Refused(Option<Item>),
}

impl Store {
    /// The table `table`, through `client`.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    async fn update(&self, update: Update) -> Result<Written, AwsError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .return_values(ReturnValue::AllNew);
        written(update.fill(call).send().await)
    }

    /// Changes a job. The SDK repeats a write whose answer was lost, and what it has itself written
    /// refuses it then: `own` tells such a job.
    async fn change(
        &self,
        update: Update,
        own: impl FnOnce(&Job) -> bool,
    ) -> Result<Finished, AwsError> {
        match self.update(update).await? {
            Written::Done(item) => Ok(Finished::Yes(job_of(item)?)),
            Written::Refused(item) => refused(item, own),
        }
    }

    /// Carries out a transaction whose first part changes a job. Where a condition fails, gives
    /// for each part the item that refused it (or `None` for a part that was not at fault).
    async fn transact(
        &self,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<Refusal>>, AwsError> {
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts));
        let Err(error) = call.send().await else {
            return Ok(Ok(()));
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let reasons = cancelled.cancellation_reasons();
            if reasons
                .iter()
                .any(|reason| reason.code().is_some_and(is_transient))
            {
                return Err(AwsError::Unavailable {
                    service: DYNAMODB,
                    detail: "transaction conflict".to_owned(),
                });
            }
            if reasons
                .iter()
                .any(|reason| reason.code() == Some(CONDITION_FAILED))
            {
                return Ok(Err(reasons.iter().map(Refusal::of).collect()));
            }
        }
        Err(failed(&error))
    }

    async fn get_item(&self, key: &keys::Key, consistent: bool) -> Result<Option<Item>, AwsError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk());
        let output = call
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(output.item)
    }
}

/// What a refusal comes to: see [`Store::change`].
fn refused(item: Option<Item>, own: impl FnOnce(&Job) -> bool) -> Result<Finished, AwsError> {
    Ok(match item.map(job_of).transpose()? {
        Some(job) if own(&job) => Finished::Yes(job),
        other => Finished::Fenced(other),
    })
}

const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// How one part of a transaction stood when it was cancelled.
struct Refusal {
    at_fault: bool,
    item: Option<Item>,
}

impl Refusal {
    fn of(reason: &aws_sdk_dynamodb::types::CancellationReason) -> Self {
        Self {
            at_fault: reason.code() == Some(CONDITION_FAILED),
            item: reason.item.clone(),
        }
    }
}

fn written(
    result: Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>,
) -> Result<Written, AwsError> {
    match result {
        Ok(output) => Ok(Written::Done(output.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => Ok(
                Written::Refused(refusal.item.clone().filter(|item| !item.is_empty())),
            ),
            _ => Err(failed(&error)),
        },
    }
}

fn failed<E>(error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    classify(DYNAMODB, error)
}

fn job_of(item: Item) -> Result<Job, AwsError> {
    Ok(read::<JobItem>(item)?.into_job())
}

/// The key attributes of an item or index entry, to read it or to page on.
fn key_of(item: &HashMap<String, AttributeValue>) -> HashMap<String, AttributeValue> {
    item.iter()
        .filter(|(name, _)| matches!(name.as_str(), "pk" | "sk"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}
