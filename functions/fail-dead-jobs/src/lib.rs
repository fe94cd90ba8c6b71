//! Messages that were delivered over and over without an end: their jobs become failed.

use aws::AwsError;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use jobs::{Clock, DEAD_LETTERED, Failure, JobId, Status};
use lambda_runtime::{Error, LambdaEvent};
use store::{Finished, Store};
use worker::{metrics::Metrics, queue::Message};

/// Fails the job of each message that no run will finish.
///
/// # Errors
/// Never: a message that cannot be dealt with now is reported, and delivered again.
pub async fn fail_dead_jobs(
    store: &Store,
    clock: &Clock,
    metrics: &Metrics,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for record in event.payload.records {
        let message_id = record.message_id.unwrap_or_default();
        let dealt_with = match Message::parse(record.body.as_deref().unwrap_or_default()) {
            Ok(Message::Job(id)) => fail(store, clock, id)
                .await
                .map_err(|error| error.to_string()),
            // A submission that never became a job is kept for the operator: the queue's own
            // redrive moves it on to the dead-letter queue.
            _ => Err("it never became a job".to_owned()),
        };
        match dealt_with {
            Ok(failed) => metrics.count(&[], &[("JobsBroken", u32::from(failed))]),
            Err(error) => {
                tracing::warn!(message_id, error, "a dead message could not be dealt with");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message_id;
                response.batch_item_failures.push(failure);
            }
        }
    }
    Ok(response)
}

/// Whether the job has failed by this.
async fn fail(store: &Store, clock: &Clock, id: JobId) -> Result<bool, AwsError> {
    let Some(job) = store.job(id, true).await? else {
        return Ok(false);
    };
    let now = clock.now();
    // A run that renews its lease is alive: another message's delivery has started it.
    let alive = job.status == Status::Running && !job.lease_has_expired(now);
    if job.status.is_final() || job.status == Status::Draft || alive {
        return Ok(false);
    }
    let failure = Failure::new(
        DEAD_LETTERED,
        "The job was handed out many times and never came to an end",
    );
    let failed = matches!(
        store.fail_from_outside(&job, &failure, now).await?,
        Finished::Yes(_)
    );
    if failed {
        tracing::error!(job_id = %id, attempt = job.attempt, code = DEAD_LETTERED, "job ended");
    }
    Ok(failed)
}
