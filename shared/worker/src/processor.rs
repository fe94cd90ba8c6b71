//! Processes the messages of the jobs queue one by one. The failure of one does not affect others.

use std::{sync::Arc, time::Duration};

use aws::AwsError;
use futures::FutureExt as _;
use jobs::{Job, JobId, Time, WaitReason, WaitingFor};
use store::CreateOutcome;

use crate::{
    backoff,
    dead_letter::{DeadLetterReason, Refusal},
    job_service::JobService,
    job_types::Worker,
    metrics::Metrics,
    process::Processed,
    queue::{Message, Queue},
    submissions::Submissions,
};

/// Shortest delay of a job's next message.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// One delivery of a message.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The message's id.
    pub message_id: &'a str,
    /// The message's body.
    pub body: &'a str,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// The handle that changes the visibility timeout of this delivery.
    pub receipt_handle: Option<&'a str>,
    /// The number of receives of the message, including this one.
    pub receive_count: u32,
}

/// Processes the messages of the jobs queue.
pub struct Processor {
    jobs: JobService,
    submissions: Submissions,
    queue: Queue,
    dead_letter_queue: Queue,
    worker: Arc<Worker>,
    metrics: Metrics,
}

impl Processor {
    /// Creates a processor of the messages of `queue` that runs jobs with `worker`.
    #[must_use]
    pub fn new(
        jobs: JobService,
        submissions: Submissions,
        queue: Queue,
        dead_letter_queue: Queue,
        worker: Worker,
        metrics: Metrics,
    ) -> Self {
        Self {
            jobs,
            submissions,
            queue,
            dead_letter_queue,
            worker: Arc::new(worker),
            metrics,
        }
    }

    /// Processes one message, until `deadline` at the latest. Returns `false` if the message must
    /// be redelivered.
    pub async fn process(&self, delivery: &Delivery<'_>, deadline: Time) -> bool {
        // Boxed to erase its type: the SDK's futures nest too deep for the compiler.
        match self.handle(delivery, deadline).boxed().await {
            Ok(()) => true,
            Err(error) => {
                let message_id = delivery.message_id;
                tracing::warn!(message_id, %error, "failed to process a message; it will be redelivered");
                self.metrics.job_deferred(WaitReason::Backoff);
                self.retry_later(delivery).await;
                false
            }
        }
    }

    /// Returns whether the work of a stopped run continues, so that the process must end.
    #[must_use]
    pub fn has_hung_work(&self) -> bool {
        self.jobs.has_hung_work()
    }

    async fn handle(&self, delivery: &Delivery<'_>, deadline: Time) -> Result<(), AwsError> {
        let id = match Message::parse(delivery.body) {
            Ok(Message::Job(id)) => id,
            Ok(Message::Submission { job, key }) => {
                if let Some(refusal) = self.submissions.refusal(&job).await? {
                    return self.send_to_dead_letter_queue(delivery, &refusal).await;
                }
                let key = key.as_deref().unwrap_or(delivery.message_id);
                match self.submissions.create_delivered(&job, key).await? {
                    CreateOutcome::Created(job) => job.id,
                    CreateOutcome::Existing(id) => id,
                    // A message retries no job.
                    CreateOutcome::KeyReused | CreateOutcome::RetriedMissing => {
                        let reason = DeadLetterReason::KeyReused;
                        let refusal = Refusal::new(reason, reason.meaning());
                        return self.send_to_dead_letter_queue(delivery, &refusal).await;
                    }
                }
            }
            Err(refusal) => return self.send_to_dead_letter_queue(delivery, &refusal).await,
        };
        self.process_job(id, delivery, deadline).await
    }

    async fn process_job(
        &self,
        id: JobId,
        delivery: &Delivery<'_>,
        deadline: Time,
    ) -> Result<(), AwsError> {
        // Boxed: the SDK's calls add up to a future too large for the stack.
        let processed = Box::pin(self.jobs.process_job(id, &self.worker, deadline)).await?;
        match processed {
            Processed::Finished(job) => self.job_ended(&job),
            Processed::Waiting(job, delay) => self.job_deferred(&job, delay).await,
            Processed::Fenced => tracing::info!(job_id = %id, "run was fenced off"),
            Processed::Skipped(job) => {
                tracing::debug!(job_id = %id, status = %job.status(), "nothing to do");
            }
            Processed::Missing => {
                let detail = format!("job {id} does not exist");
                let refusal = Refusal::new(DeadLetterReason::UnknownJob, detail);
                return self.send_to_dead_letter_queue(delivery, &refusal).await;
            }
        }
        Ok(())
    }

    fn job_ended(&self, job: &Job) {
        let (attempt, status) = (job.attempt, job.status());
        let code = job.error().map(|error| error.code.as_str());
        tracing::info!(job_id = %job.id, attempt, %status, code, "job ended");
        self.metrics.job_ended(job);
    }

    async fn job_deferred(&self, job: &Job, delay: Duration) {
        let (job_id, attempt) = (job.id, job.attempt);
        let reason = job
            .waiting_for()
            .map_or(WaitReason::Queue, WaitingFor::reason);
        let delay_ms = delay.as_millis();
        tracing::info!(%job_id, attempt, %reason, delay_ms, "job deferred");
        self.metrics.job_deferred(reason);
        if let Err(error) = self.submissions.resend(job, delay.max(MIN_DELAY)).await {
            tracing::warn!(%job_id, %error, "failed to send a job's next message; the sweeper will retry");
        }
    }

    /// Makes a failed message visible again soon: its visibility timeout is long enough for a
    /// running job.
    async fn retry_later(&self, delivery: &Delivery<'_>) {
        let Some(receipt_handle) = delivery.receipt_handle else {
            return;
        };
        let delay = backoff::redelivery(delivery.receive_count);
        if let Err(error) = self
            .queue
            .set_visibility_timeout(receipt_handle, delay)
            .await
        {
            let message_id = delivery.message_id;
            tracing::warn!(message_id, %error, "failed to shorten a message's visibility timeout");
        }
    }

    async fn send_to_dead_letter_queue(
        &self,
        delivery: &Delivery<'_>,
        refusal: &Refusal,
    ) -> Result<(), AwsError> {
        let message_id = delivery.message_id;
        let (reason, detail) = (refusal.reason.as_str(), &refusal.detail);
        tracing::error!(
            message_id,
            reason,
            detail,
            "a message can never succeed; moving it to the dead-letter queue"
        );
        let attributes = refusal.attributes(message_id, delivery.request_id)?;
        self.dead_letter_queue.send(delivery.body, attributes).await
    }
}
