//! Rescuing what is stuck: runs that died, and jobs whose message was lost.

use std::time::Duration;

use crate::{
    aws::AwsError,
    job::{ATTEMPTS_EXHAUSTED, Failure, Job, JobId, Status},
    queue::Queue,
    store::{Finished, RESEND_AFTER, SHARDS, Store},
    time::{Clock, Time},
};

/// What is sent again less and less often: never more seldom than this.
const MAX_RESEND: Duration = Duration::from_hours(1);

/// Rescues stuck jobs.
#[derive(Clone, Debug)]
pub struct Sweeper {
    store: Store,
    queue: Queue,
    clock: Clock,
}

/// What one sweep has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs looked at.
    pub examined: usize,
    /// Messages sent again for jobs that wait.
    pub resent: usize,
    /// Jobs of dead runs that wait for another attempt.
    pub rescued: usize,
    /// Jobs that have failed because their attempts are used up.
    pub failed: Vec<JobId>,
    /// Jobs that could not be helped this time; the next sweep comes to them.
    pub errors: usize,
}

impl Sweeper {
    /// Sweeps `store`, and sends messages to `queue`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, clock: Clock) -> Self {
        Self { store, queue, clock }
    }

    /// The time now, by the sweeper's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Looks at every job that is due. Two sweeps at once share the work: each change is a
    /// conditional write, and whoever loses it goes on to the next job.
    ///
    /// # Errors
    /// When the due jobs cannot be listed. A job that cannot be helped is counted, and holds up
    /// no other.
    pub async fn sweep(&self, until: Time) -> Result<Swept, AwsError> {
        let mut swept = Swept::default();
        let now = self.clock.now();
        for shard in 0..SHARDS {
            let mut from = None;
            loop {
                let (ids, next) = self.store.due_jobs(shard, now, from).await?;
                let jobs = self.store.jobs(&ids, false).await?;
                for job in jobs.values() {
                    swept.examined += 1;
                    if let Err(error) = self.look_at(job, &mut swept).await {
                        swept.errors += 1;
                        tracing::warn!(job_id = %job.id, %error, "a stuck job could not be helped");
                    }
                }
                from = next;
                if from.is_none() || self.clock.now() >= until {
                    break;
                }
            }
        }
        Ok(swept)
    }

    async fn look_at(&self, job: &Job, swept: &mut Swept) -> Result<(), AwsError> {
        let now = self.clock.now();
        match job.status {
            Status::Pending => {
                let wait = now.since(job.updated_at).clamp(RESEND_AFTER, MAX_RESEND);
                if let Finished::Yes(_) = self.store.look_again(job, now.after(wait)).await? {
                    self.queue.send_job(job.id, job.created_by, Duration::ZERO).await?;
                    swept.resent += 1;
                }
            }
            Status::Running if !job.lease_has_expired(now) => {
                let lease = job.lease_expires_at.unwrap_or(now);
                self.store.look_again(job, lease).await?;
            }
            Status::Running if job.has_attempts_left() => {
                if let Finished::Yes(_) = self.store.rescue(job, now).await? {
                    self.queue.send_job(job.id, job.created_by, Duration::ZERO).await?;
                    swept.rescued += 1;
                }
            }
            Status::Running => {
                let text = format!("All {} attempts stopped without an end; the last without a word", job.attempt);
                let failure = Failure::new(ATTEMPTS_EXHAUSTED, text);
                if let Finished::Yes(_) = self.store.fail_from_outside(job, &failure, now).await? {
                    swept.failed.push(job.id);
                }
            }
            // The index may be a moment behind.
            Status::Draft | Status::Completed | Status::Failed | Status::Cancelled => {}
        }
        Ok(())
    }
}
