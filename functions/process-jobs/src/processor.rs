//! From a batch of messages to jobs, one message's fate not touching another's.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent};
use shared::{
    aws::AwsError,
    job::JobId,
    queue::{Message, Queue},
    service::{Intake, JobService, Processed, Submissions},
    telemetry::{Unit, emit},
    time::Time,
};

use crate::jobs::Worker;

/// What the function needs, built once.
pub struct Processor {
    jobs: JobService,
    submissions: Submissions,
    queue: Queue,
    dead_letters: Queue,
    worker: Arc<Worker>,
}

impl Processor {
    /// A processor of the messages of `queue` that works with `worker`.
    #[must_use]
    pub fn new(jobs: JobService, submissions: Submissions, queue: Queue, dead_letters: Queue, worker: Worker) -> Self {
        Self { jobs, submissions, queue, dead_letters, worker: Arc::new(worker) }
    }

    async fn handle(&self, message: &SqsMessage, deadline: Time) -> Result<(), AwsError> {
        let body = message.body.as_deref().unwrap_or_default();
        let id = match Message::parse(body) {
            Ok(Message::Job(id)) => id,
            Ok(Message::Submission { job, key }) => {
                let key = key.or_else(|| message.message_id.clone()).unwrap_or_default();
                match self.submissions.create_delivered(&job, &key).await? {
                    Intake::New(job) => job.id,
                    Intake::Same(id) => id,
                    Intake::KeyReused => return self.bury(body, &"its idempotency key belongs to another job").await,
                }
            }
            Err(reason) => return self.bury(body, &reason).await,
        };
        self.process(id, body, deadline).await
    }

    async fn process(&self, id: JobId, body: &str, deadline: Time) -> Result<(), AwsError> {
        // Boxed: the SDK's calls add up to a future that is large for the stack.
        match Box::pin(self.jobs.process_job(id, &self.worker, deadline)).await? {
            Processed::Finished(job) => {
                let job_type = job.job_type.map_or("none", |job_type| job_type.as_str());
                tracing::info!(job_id = %id, attempt = job.attempt, status = %job.status, "job ended");
                emit(
                    job.updated_at,
                    &[("JobType", job_type), ("Status", job.status.as_str())],
                    &[("JobsEnded", 1.0, Unit::Count)],
                );
            }
            // Lost here, the message is sent by the sweeper.
            Processed::Waiting(job, delay) => {
                tracing::info!(job_id = %id, attempt = job.attempt, ?delay, "job waits for another run");
                if let Err(error) = self.submissions.send_again(&job, delay.max(Duration::from_secs(1))).await {
                    tracing::warn!(job_id = %id, %error, "the next run's message could not be sent");
                }
            }
            Processed::Fenced => tracing::info!(job_id = %id, "run fenced off"),
            Processed::Skipped(job) => tracing::debug!(job_id = %id, status = %job.status, "nothing to do"),
            Processed::Missing => return self.bury(body, &"there is no such job").await,
        }
        Ok(())
    }

    /// Has a message that could not be dealt with delivered again soon: its visibility timeout is
    /// long, as befits a message whose job is at work.
    async fn give_back(&self, message: &SqsMessage) {
        let received = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        let Some(receipt_handle) = message.receipt_handle.as_deref() else { return };
        if let Err(error) = self.queue.deliver_again(receipt_handle, again_after(received.unwrap_or(1))).await {
            tracing::warn!(message_id = message.message_id, %error, "a message comes again after its visibility timeout");
        }
    }

    /// Puts a message that can never succeed where it holds up nobody.
    async fn bury(&self, body: &str, reason: &(dyn std::fmt::Display + Sync)) -> Result<(), AwsError> {
        tracing::error!(%reason, "a message can never succeed; it goes to the dead-letter queue");
        self.dead_letters.send(body.to_owned()).await
    }
}

/// When a message that was `received` so many times is delivered again: after 20 s, 40 s and so on
/// up to an hour, so that its ten receives last through more than two hours of an outage.
fn again_after(received: u32) -> Duration {
    let doubled = Duration::from_secs(20) * 2_u32.saturating_pow(received.saturating_sub(1).min(8));
    doubled.min(Duration::from_hours(1))
}

/// Works off a batch; only the messages that must be delivered again are reported.
///
/// # Errors
/// Never: each message's fate is in the response.
pub async fn process_jobs(processor: &Processor, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let deadline = Time::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
    let mut response = SqsBatchResponse::default();
    for message in &event.payload.records {
        if let Err(error) = processor.handle(message, deadline).await {
            tracing::warn!(message_id = message.message_id, %error, "a message is given back");
            processor.give_back(message).await;
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_given_back_comes_again_later_and_later_for_two_hours() {
        assert_eq!(again_after(1), Duration::from_secs(20));
        assert_eq!(again_after(0), again_after(1));
        assert_eq!(again_after(3), Duration::from_secs(80));
        assert_eq!(again_after(100), Duration::from_hours(1));
        assert!((1..10).map(again_after).sum::<Duration>() > Duration::from_hours(2));
    }
}
