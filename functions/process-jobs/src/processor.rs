//! From a batch of messages to jobs, one message's fate not touching another's.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent};
use shared::{
    aws::AwsError,
    job::{Failure, Job, JobId, WaitingFor},
    queue::{Message, Queue},
    service::{Intake, JobService, Processed, Submissions},
    telemetry::Metrics,
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
    metrics: Metrics,
}

impl Processor {
    /// A processor of the messages of `queue` that works with `worker`.
    #[must_use]
    pub fn new(
        jobs: JobService,
        submissions: Submissions,
        queue: Queue,
        dead_letters: Queue,
        worker: Worker,
        metrics: Metrics,
    ) -> Self {
        Self {
            jobs,
            submissions,
            queue,
            dead_letters,
            worker: Arc::new(worker),
            metrics,
        }
    }

    async fn handle(&self, message: &SqsMessage, deadline: Time) -> Result<(), AwsError> {
        let body = message.body.as_deref().unwrap_or_default();
        let id = match Message::parse(body) {
            Ok(Message::Job(id)) => id,
            Ok(Message::Submission { job, key }) => {
                let key = key
                    .or_else(|| message.message_id.clone())
                    .unwrap_or_default();
                match self.submissions.create_delivered(&job, &key).await? {
                    Intake::New(job) => job.id,
                    Intake::Same(id) => id,
                    Intake::KeyReused => {
                        return self
                            .bury(message, &"its idempotency key belongs to another job")
                            .await;
                    }
                }
            }
            Err(reason) => return self.bury(message, &reason).await,
        };
        self.process(id, message, deadline).await
    }

    async fn process(
        &self,
        id: JobId,
        message: &SqsMessage,
        deadline: Time,
    ) -> Result<(), AwsError> {
        // Boxed: the SDK's calls add up to a future that is large for the stack.
        match Box::pin(self.jobs.process_job(id, &self.worker, deadline)).await? {
            Processed::Finished(job) => self.ended(&job),
            // Lost here, the message is sent by the sweeper.
            Processed::Waiting(job, delay) => {
                let reason = job.waiting.as_ref().map_or("queue", WaitingFor::reason);
                tracing::info!(job_id = %id, attempt = job.attempt, reason, ?delay, "job waits for another run");
                self.metrics
                    .count(&[("Reason", reason)], &[("JobsPutOff", 1)]);
                if let Err(error) = self
                    .submissions
                    .send_again(&job, delay.max(Duration::from_secs(1)))
                    .await
                {
                    tracing::warn!(job_id = %id, %error, "the next run's message could not be sent");
                }
            }
            Processed::Fenced => tracing::info!(job_id = %id, "run fenced off"),
            Processed::Skipped(job) => {
                tracing::debug!(job_id = %id, status = %job.status, "nothing to do")
            }
            Processed::Missing => {
                return self.bury(message, &format!("there is no job {id}")).await;
            }
        }
        Ok(())
    }

    /// Tells operators of a job's end.
    fn ended(&self, job: &Job) {
        let job_type = job.job_type.map_or("none", |job_type| job_type.as_str());
        let code = job.error.as_ref().map(|error| error.code.as_str());
        tracing::info!(job_id = %job.id, attempt = job.attempt, status = %job.status, code, "job ended");
        let dimensions = [("JobType", job_type), ("Status", job.status.as_str())];
        self.metrics.count(&dimensions, &[("JobsEnded", 1)]);
        if job.error.as_ref().is_some_and(Failure::is_ours) {
            self.metrics.count(&[], &[("JobsBroken", 1)]);
        }
    }

    /// Has a message that could not be dealt with delivered again soon: its visibility timeout is
    /// long, as befits a message whose job is at work.
    async fn give_back(&self, message: &SqsMessage) {
        let received = message
            .attributes
            .get("ApproximateReceiveCount")
            .and_then(|count| count.parse().ok());
        let Some(receipt_handle) = message.receipt_handle.as_deref() else {
            return;
        };
        if let Err(error) = self
            .queue
            .deliver_again(receipt_handle, again_after(received.unwrap_or(1)))
            .await
        {
            tracing::warn!(message_id = message.message_id, %error, "a message comes again after its visibility timeout");
        }
    }

    /// Puts a message that can never succeed where it holds up nobody.
    async fn bury(
        &self,
        message: &SqsMessage,
        reason: &(dyn std::fmt::Display + Sync),
    ) -> Result<(), AwsError> {
        let message_id = message.message_id.as_deref();
        tracing::error!(message_id, %reason, "a message can never succeed; it goes to the dead-letter queue");
        self.dead_letters
            .send(message.body.clone().unwrap_or_default())
            .await
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
pub async fn process_jobs(
    processor: &Processor,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let deadline = Time::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
    let mut response = SqsBatchResponse::default();
    for message in &event.payload.records {
        if let Err(error) = processor.handle(message, deadline).await {
            tracing::warn!(message_id = message.message_id, %error, "a message is given back");
            processor
                .metrics
                .count(&[("Reason", "backoff")], &[("JobsPutOff", 1)]);
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
