//! The DynamoDB table: jobs with their logs, releases, permits and idempotency keys.
//!
//! Every state change is one conditional write. It returns an outcome enum, because a failed
//! condition is an answer and not an error; [`AwsError`] means that the call itself failed.
//! docs/data-model.md describes the items, keys and indexes.

mod changed;
mod counts;
mod create;
mod cursor;
mod documents;
mod drafts;
mod idempotency;
mod item;
mod keys;
mod list;
mod live;
mod logs;
mod outcome;
mod permits;
mod read;
mod release_edits;
mod release_list;
mod releases;
mod retry;
mod run;
mod run_writes;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod transition;
mod update;
mod uploads;

use aws::{AwsError, is_transient};
use aws_sdk_dynamodb::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::{
        CancellationReason, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem,
    },
};
use jobs::Job;

pub use self::{
    changed::{ChangedPage, ChangedPosition},
    cursor::{Cursor, InvalidCursor},
    documents::Documents,
    idempotency::IdempotencyKey,
    item::RESEND_AFTER,
    keys::SHARDS,
    list::{Filter, MAX_EXAMINED, Page, Scope},
    live::{Connection, JobChange, Watched, Watcher},
    logs::{LogPage, LogQuery},
    outcome::{
        CancelOutcome, Claim, CreateOutcome, CreateReleaseOutcome, EditOutcome, EditReleaseOutcome,
        EndOutcome, SubmitOutcome, WriteOutcome,
    },
    permits::{FreePermit, Permit, PermitCheck, PermitOutcome},
    read::{Details, JobHead},
    release_list::{ReleaseFilter, ReleasePage, ReleasePosition, ReleaseScope},
    releases::files_deletable_at,
    run::{Completion, Leftovers, MetadataChange, PackageChange, RunEnd, RunHandle, RunProgress},
    sweep::{DuePage, DuePosition},
    uploads::{UploadLimit, Uploads},
};
use self::{
    item::{Item, job_from_item},
    keys::Key,
    retry::past_conflicts,
    update::Update,
};

const DYNAMODB: &str = "DynamoDB";

/// The condition of a write that creates an item.
const IS_NEW: &str = "attribute_not_exists(pk)";

/// The cancellation code of a transaction part whose condition failed.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// The DynamoDB table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

/// The outcome of one `UpdateItem`.
enum Updated {
    /// Applied; the new item.
    Done(Item),
    /// Its condition failed; the current item, if there is one.
    Refused(Option<Item>),
}

/// One part of a refused transaction.
struct Refusal {
    /// True if the condition of this part failed.
    condition_failed: bool,
    /// The current item, if there is one and the part asks for it.
    item: Option<Item>,
}

impl Store {
    /// Creates a store that accesses `table` with `client`.
    #[must_use]
    pub fn new(client: &Client, table: impl Into<String>) -> Self {
        Self {
            client: past_conflicts(client),
            table: table.into(),
        }
    }

    async fn update(&self, update: Update) -> Result<Updated, AwsError> {
        let call = self.client.update_item().table_name(&self.table);
        let call = update.fill(call.return_values(ReturnValue::AllNew));
        match call.send().await {
            Ok(output) => Ok(Updated::Done(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    let item = refusal.item.clone().filter(|item| !item.is_empty());
                    Ok(Updated::Refused(item))
                }
                _ => Err(sdk_error(&error)),
            },
        }
    }

    /// Updates a job. If the response is lost, the SDK retries, and the first write makes the
    /// condition of the second fail; `is_own` recognizes the effect of the first.
    async fn update_job(
        &self,
        update: Update,
        is_own: impl FnOnce(&Job) -> bool,
    ) -> Result<WriteOutcome, AwsError> {
        match self.update(update).await? {
            Updated::Done(item) => Ok(WriteOutcome::Written(job_from_item(item)?)),
            Updated::Refused(item) => Ok(match item.map(job_from_item).transpose()? {
                Some(job) if is_own(&job) => WriteOutcome::Written(job),
                other => WriteOutcome::Fenced(other),
            }),
        }
    }

    /// Puts a new item. Returns `false` if its key is taken by another item. If the response is
    /// lost, the SDK retries and finds an identical item.
    async fn put_new(&self, item: Item) -> Result<bool, AwsError> {
        let call = self.client.put_item().table_name(&self.table);
        let call = call
            .set_item(Some(item.clone()))
            .condition_expression(IS_NEW)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                    Ok(refusal.item() == Some(&item))
                }
                _ => Err(sdk_error(&error)),
            },
        }
    }

    /// Executes a transaction. If conditions fail, returns the refusal of each part, in order.
    async fn transact(
        &self,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<Refusal>>, AwsError> {
        let call = self.client.transact_write_items();
        let call = call.set_transact_items(Some(parts));
        let Err(error) = call.send().await else {
            return Ok(Ok(()));
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let reasons = cancelled.cancellation_reasons();
            let has_code =
                |is: &dyn Fn(&str) -> bool| reasons.iter().any(|r| r.code().is_some_and(is));
            if has_code(&is_transient) {
                return Err(AwsError::unavailable(DYNAMODB, "transaction conflict"));
            }
            if has_code(&|code| code == CONDITION_FAILED) {
                return Ok(Err(reasons.iter().map(Refusal::from).collect()));
            }
        }
        Err(sdk_error(&error))
    }

    /// Builds the part of a transaction that puts an item.
    fn put_part(&self, item: Item, condition: Option<&str>) -> Result<TransactWriteItem, AwsError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    async fn get_item(&self, key: &Key, consistent: bool) -> Result<Option<Item>, AwsError> {
        let call = self.client.get_item().table_name(&self.table);
        let call = call.key("pk", key.pk()).key("sk", key.sk());
        let output = call.consistent_read(consistent).send().await;
        Ok(output.map_err(|error| sdk_error(&error))?.item)
    }
}

impl From<&CancellationReason> for Refusal {
    fn from(reason: &CancellationReason) -> Self {
        Self {
            condition_failed: reason.code() == Some(CONDITION_FAILED),
            item: reason.item.clone(),
        }
    }
}

fn sdk_error<E>(error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    AwsError::from_sdk(DYNAMODB, error)
}
