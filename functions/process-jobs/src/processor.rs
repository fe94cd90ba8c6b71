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
    dead_letters: Queue,
    worker: Arc<Worker>,
}

impl Processor {
    /// A processor that works with `worker`.
    #[must_use]
    pub fn new(jobs: JobService, submissions: Submissions, dead_letters: Queue, worker: Worker) -> Self {
        Self { jobs, submissions, dead_letters, worker: Arc::new(worker) }
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

    /// Puts a message that can never succeed where it holds up nobody.
    async fn bury(&self, body: &str, reason: &(dyn std::fmt::Display + Sync)) -> Result<(), AwsError> {
        tracing::error!(%reason, "a message can never succeed; it goes to the dead-letter queue");
        self.dead_letters.send(body.to_owned()).await
    }
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
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}
