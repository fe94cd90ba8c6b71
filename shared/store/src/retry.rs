//! Calls that DynamoDB asks to repeat, and that the SDK does not.

use std::time::Duration;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use rand::RngExt;
use tokio::time::sleep;

/// The longest delays before the second, third and fourth try. A transaction ends within milliseconds.
const DELAYS: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
];

/// Returns the delays between the tries: each of [`DELAYS`], shortened at random by up to half.
pub(crate) fn delays() -> impl Iterator<Item = Duration> {
    let shorten = |delay: Duration| delay.mul_f64(jobs::random().random_range(0.5..=1.0));
    DELAYS.into_iter().map(shorten)
}

/// Sends a write, and sends it again while it meets another request's transaction.
pub(crate) async fn past_conflicts<T, E, F>(
    send: impl Fn() -> F,
) -> Result<T, SdkError<E, HttpResponse>>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: IsConflict,
{
    for delay in delays() {
        match Box::pin(send()).await {
            Err(error) if error.as_service_error().is_some_and(E::is_conflict) => {
                sleep(delay).await;
            }
            done => return done,
        }
    }
    Box::pin(send()).await
}

/// An error that a running transaction on the same item can cause (Amazon DynamoDB Developer Guide,
/// "Amazon DynamoDB Transactions: How it works").
pub(crate) trait IsConflict {
    /// Whether it did.
    fn is_conflict(&self) -> bool;
}

macro_rules! single_writes {
    ($($error:path),+) => {
        $(impl IsConflict for $error {
            fn is_conflict(&self) -> bool {
                self.code() == Some("TransactionConflictException")
            }
        })+
    };
}

single_writes!(
    aws_sdk_dynamodb::operation::put_item::PutItemError,
    aws_sdk_dynamodb::operation::update_item::UpdateItemError
);

impl IsConflict for TransactWriteItemsError {
    fn is_conflict(&self) -> bool {
        let Self::TransactionCanceledException(cancelled) = self else {
            return false;
        };
        let is_conflict =
            |reason: &CancellationReason| reason.code() == Some("TransactionConflict");
        cancelled.cancellation_reasons().iter().any(is_conflict)
    }
}
