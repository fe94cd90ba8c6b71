//! Processes the messages of the jobs queue: each names a job, or submits one.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use jobs::Time;
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use worker::{Delivery, Isolation, Processor};

/// Builds the function from its settings. The readers of untrusted files run by `isolation`.
pub fn from_settings(settings: &mut Settings, isolation: Isolation) -> Processor {
    Processor::new(
        settings.limited_jobs(),
        settings.submissions(),
        settings.queue(),
        settings.dead_letter_queue(),
        settings.worker(isolation),
        settings.metrics(),
    )
}

/// Processes a batch of messages.
///
/// # Errors
/// If the work of a stopped run continues: the process must end. Otherwise the response reports the
/// messages that must be delivered again.
pub async fn process_jobs(
    processor: &Processor,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let deadline = Time::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
    let mut response = SqsBatchResponse::default();
    let request_id = &event.context.request_id;
    for message in &event.payload.records {
        let delivery = delivery(message, request_id);
        if !processor.process(&delivery, deadline).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        if processor.has_hung_work() {
            return Err("the work of a stopped run continues".into());
        }
    }
    Ok(response)
}

fn delivery<'a>(message: &'a SqsMessage, request_id: &'a str) -> Delivery<'a> {
    let received = message.attributes.get("ApproximateReceiveCount");
    Delivery {
        message_id: message.message_id.as_deref().unwrap_or_default(),
        body: message.body.as_deref().unwrap_or_default(),
        request_id,
        receipt_handle: message.receipt_handle.as_deref(),
        receive_count: received.and_then(|count| count.parse().ok()).unwrap_or(1),
    }
}
