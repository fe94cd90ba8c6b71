//! Deals with the messages of the jobs queue, each on its own: the failure of one does not affect another.

use std::{fmt::Display, sync::Arc, time::Duration};

use aws::AwsError;
use futures::FutureExt as _;
use jobs::{Failure, Job, JobId, Time, WaitingFor};

use crate::{
    job_types::Worker,
    metrics::Metrics,
    queue::{Message, Queue},
    service::{Intake, JobService, Processed, Submissions},
};

/// One delivery of a message.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The message's id.
    pub message_id: &'a str,
    /// Its body.
    pub body: &'a str,
    /// What changes this delivery's visibility timeout.
    pub receipt_handle: Option<&'a str>,
    /// How often it has been received, this time included.
    pub receive_count: u32,
}

/// What works off the jobs queue, built once.
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

    /// Deals with one message, until `deadline` at the latest. Returns `false` if it must be delivered again.
    pub async fn process(&self, delivery: &Delivery<'_>, deadline: Time) -> bool {
        // Its type erased: the SDK's futures nest too deep for the compiler.
        match self.handle(delivery, deadline).boxed().await {
            Ok(()) => true,
            Err(error) => {
                let message_id = delivery.message_id;
                tracing::warn!(message_id, %error, "a message is given back");
                self.metrics
                    .count(&[("Reason", "backoff")], &[("JobsPutOff", 1)]);
                self.give_back(delivery).await;
                false
            }
        }
    }

    async fn handle(&self, delivery: &Delivery<'_>, deadline: Time) -> Result<(), AwsError> {
        let id = match Message::parse(delivery.body) {
            Ok(Message::Job(id)) => id,
            Ok(Message::Submission { job, key }) => {
                let key = key.as_deref().unwrap_or(delivery.message_id);
                match self.submissions.create_delivered(&job, key).await? {
                    Intake::New(job) => job.id,
                    Intake::Same(id) => id,
                    Intake::KeyReused => {
                        let reason = "its idempotency key belongs to another job";
                        return self.bury(delivery, &reason).await;
                    }
                }
            }
            Err(reason) => return self.bury(delivery, &reason).await,
        };
        self.run(id, delivery, deadline).await
    }

    async fn run(
        &self,
        id: JobId,
        delivery: &Delivery<'_>,
        deadline: Time,
    ) -> Result<(), AwsError> {
        // Boxed: the SDK's calls add up to a future that is too large for the stack.
        match Box::pin(self.jobs.process_job(id, &self.worker, deadline)).await? {
            Processed::Finished(job) => self.ended(&job),
            // Lost here, the message is sent by the sweeper.
            Processed::Waiting(job, delay) => {
                let reason = job.waiting.as_ref().map_or("queue", WaitingFor::reason);
                tracing::info!(job_id = %id, attempt = job.attempt, reason, ?delay, "job waits for another run");
                self.metrics
                    .count(&[("Reason", reason)], &[("JobsPutOff", 1)]);
                let delay = delay.max(Duration::from_secs(1));
                if let Err(error) = self.submissions.send_again(&job, delay).await {
                    tracing::warn!(job_id = %id, %error, "the next run's message could not be sent");
                }
            }
            Processed::Fenced => tracing::info!(job_id = %id, "run fenced off"),
            Processed::Skipped(job) => {
                tracing::debug!(job_id = %id, status = %job.status, "nothing to do");
            }
            Processed::Missing => {
                return self.bury(delivery, &format!("there is no job {id}")).await;
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
    async fn give_back(&self, delivery: &Delivery<'_>) {
        let Some(receipt_handle) = delivery.receipt_handle else {
            return;
        };
        let delay = again_after(delivery.receive_count);
        if let Err(error) = self.queue.deliver_again(receipt_handle, delay).await {
            let message_id = delivery.message_id;
            tracing::warn!(message_id, %error, "a message comes again after its visibility timeout");
        }
    }

    /// Puts a message that can never succeed where it holds up nobody.
    async fn bury(
        &self,
        delivery: &Delivery<'_>,
        reason: &(dyn Display + Sync),
    ) -> Result<(), AwsError> {
        let message_id = delivery.message_id;
        tracing::error!(message_id, %reason, "a message can never succeed; it goes to the dead-letter queue");
        self.dead_letters.send(delivery.body.to_owned()).await
    }
}

/// When a message that was `received` so many times is delivered again: after 20 s, 40 s and so on
/// up to an hour, so that its ten receives last through more than two hours of an outage.
fn again_after(received: u32) -> Duration {
    let doubled = Duration::from_secs(20) * 2_u32.saturating_pow(received.saturating_sub(1).min(8));
    doubled.min(Duration::from_hours(1))
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
