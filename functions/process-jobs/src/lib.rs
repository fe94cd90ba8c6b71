//! Works off the jobs queue: each message names a job, or submits one.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use jobs::Time;
use lambda_runtime::{Error, LambdaEvent};
use worker::processor::{Delivery, Processor};

/// Works off a batch; only the messages that must be delivered again are reported.
///
/// # Errors
/// Never: each message's fate is in the response.
pub async fn process_jobs(
    processor: &Processor,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let deadline = Time::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
    let mut response = SqsBatchResponse::default();
    for message in &event.payload.records {
        if !processor.process(&delivery(message), deadline).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

fn delivery(message: &SqsMessage) -> Delivery<'_> {
    let received = message.attributes.get("ApproximateReceiveCount");
    Delivery {
        message_id: message.message_id.as_deref().unwrap_or_default(),
        body: message.body.as_deref().unwrap_or_default(),
        receipt_handle: message.receipt_handle.as_deref(),
        receive_count: received.and_then(|count| count.parse().ok()).unwrap_or(1),
    }
}
