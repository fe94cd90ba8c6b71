//! What DynamoDB asks to repeat, and the SDK does not by default.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    config::{
        interceptors::InterceptorContext,
        retry::{ClassifyRetry, RetryAction, RetryConfig},
    },
    error::ProvideErrorMetadata,
    operation::{
        put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::CancellationReason,
};
use aws_smithy_types::retry::ErrorKind;
use rand::RngExt;

/// The tries of each call. Those of a write that meets a running transaction are 20 to 80 ms apart:
/// a transaction ends within milliseconds.
const MAX_TRIES: u32 = 4;
/// The longest delay between two tries.
const MAX_DELAY: Duration = Duration::from_millis(80);

/// Makes a client repeat writes that meet a running transaction.
pub(crate) fn past_conflicts(client: &Client) -> Client {
    let config = client.config();
    let retries = config.retry_config().cloned();
    let retries = retries.unwrap_or_else(RetryConfig::standard);
    let config = config
        .to_builder()
        .retry_config(retries.with_max_attempts(MAX_TRIES))
        .retry_classifier(TransactionConflict);
    Client::from_conf(config.build())
}

/// Returns the delays between the tries of a read that DynamoDB does only in part.
pub(crate) fn delays() -> impl Iterator<Item = Duration> {
    (1..MAX_TRIES).map(|_| delay())
}

fn delay() -> Duration {
    MAX_DELAY.mul_f64(jobs::random().random_range(0.25..=1.0))
}

/// Asks for another try of a write that a running transaction on the same item refuses (Amazon
/// DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works").
#[derive(Debug)]
struct TransactionConflict;

impl ClassifyRetry for TransactionConflict {
    fn classify_retry(&self, call: &InterceptorContext) -> RetryAction {
        let failed = call.output_or_error().and_then(Result::err);
        let error = failed.and_then(|error| error.as_operation_error());
        let is_conflict = error.is_some_and(|error| {
            has_code(error.downcast_ref::<UpdateItemError>())
                || has_code(error.downcast_ref::<PutItemError>())
                || error
                    .downcast_ref::<TransactWriteItemsError>()
                    .is_some_and(met_another)
        });
        if is_conflict {
            RetryAction::retryable_error_with_explicit_delay(ErrorKind::TransientError, delay())
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "transaction conflict"
    }
}

fn has_code(error: Option<&impl ProvideErrorMetadata>) -> bool {
    error.and_then(ProvideErrorMetadata::code) == Some("TransactionConflictException")
}

fn met_another(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return false;
    };
    let is_conflict = |reason: &CancellationReason| reason.code() == Some("TransactionConflict");
    cancelled.cancellation_reasons().iter().any(is_conflict)
}
