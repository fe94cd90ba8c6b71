//! Fails the jobs whose message was delivered many times without their ever ending.

use aws::AwsError;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use jobs::{Clock, Failure, FailureCode, JobId, JobState};
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use store::{Store, WriteOutcome};
use worker::{Message, Metrics};

/// What the function needs, built once.
pub struct DeadJobs {
    /// The table.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
}

/// The function, as its settings say.
pub fn from_settings(settings: &mut Settings) -> DeadJobs {
    DeadJobs {
        store: settings.store(),
        clock: settings.clock(),
        metrics: settings.metrics(),
    }
}

/// Fails the job of each message that no run will finish.
///
/// # Errors
/// Never: a message that cannot be dealt with is reported, and delivered again.
pub async fn fail_dead_jobs(
    dead_jobs: &DeadJobs,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for record in event.payload.records {
        let message_id = record.message_id.unwrap_or_default();
        let body = record.body.unwrap_or_default();
        let dealt_with = match Message::parse(&body) {
            Ok(Message::Job(id)) => dead_jobs.fail(id).await.map_err(|error| error.to_string()),
            // A submission that never became a job is kept for the operator: the queue's own redrive moves it to the
            // dead-letter queue.
            _ => Err("it never became a job".to_owned()),
        };
        if let Err(error) = dealt_with {
            tracing::warn!(message_id, error, "failed to deal with a dead message");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

impl DeadJobs {
    /// Fails a job, unless it has ended, is a draft, or is alive.
    async fn fail(&self, id: JobId) -> Result<(), AwsError> {
        const CODE: FailureCode = FailureCode::DeadLettered;
        let Some(job) = self.store.job(id, true).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let is_alive = match job.state {
            JobState::Draft | JobState::Ended { .. } => true,
            // The delivery of another message has started it.
            JobState::Running { .. } => !job.lease_has_expired(now),
            JobState::Pending { .. } => false,
        };
        if is_alive {
            return Ok(());
        }
        let message = "The job's message was delivered many times, but the job never ended";
        let failure = Failure::new(CODE, message);
        let failed = self.store.fail_from_outside(&job, &failure, now).await?;
        if let WriteOutcome::Written(_) = failed {
            let (attempt, code) = (job.attempt, CODE.as_str());
            tracing::error!(job_id = %id, attempt, code, "job ended");
            self.metrics.job_failed(CODE);
        }
        Ok(())
    }
}
