//! Fails jobs whose message ran out of deliveries before they ended.

use std::time::Duration;

use aws::AwsError;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use jobs::{Clock, Failure, FailureCode, JobId, JobState};
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use store::{Store, WriteOutcome};
use worker::{Message, Metrics};

/// How long a pending job whose message is exhausted is left to the sweeper, which sends it another.
const MAX_PENDING: Duration = Duration::from_hours(24);

/// Fails dead jobs in the store.
pub struct DeadJobs {
    /// The table.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> DeadJobs {
    DeadJobs {
        store: settings.store(),
        clock: settings.clock(),
        metrics: settings.metrics(),
    }
}

/// Fails the job of each message, unless it has begun or another message may start it.
///
/// # Errors
/// Never. The response reports the messages that must be delivered again.
pub async fn fail_dead_jobs(
    dead_jobs: &DeadJobs,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for record in event.payload.records {
        let message_id = record.message_id.unwrap_or_default();
        let body = record.body.unwrap_or_default();
        let result = match Message::parse(&body) {
            Ok(Message::Job(id)) => dead_jobs.fail(id).await.map_err(|error| error.to_string()),
            // A submission that never became a job is kept for the operator: the redrive policy
            // moves it to the dead-letter queue.
            _ => Err("the message never became a job".to_owned()),
        };
        if let Err(error) = result {
            tracing::warn!(message_id, error, "failed to process a dead message");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

impl DeadJobs {
    /// Fails a job that is pending without another message to come.
    async fn fail(&self, id: JobId) -> Result<(), AwsError> {
        const CODE: FailureCode = FailureCode::DeadLettered;
        let Some(job) = self.store.job(id, true).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let is_dead = match job.state {
            // The sweeper ends or rescues a running job whose lease has expired.
            JobState::Draft | JobState::Running { .. } | JobState::Ended { .. } => false,
            // An outage can exhaust a message, but not the job: the sweeper sends another message once
            // the job is due. A job that no message starts within a day is dead.
            JobState::Pending { .. } => {
                job.due_at.is_none() || now.since(job.updated_at) > MAX_PENDING
            }
        };
        if !is_dead {
            return Ok(());
        }
        let message = "The job's message was delivered many times, but the job never ended.";
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
