//! Rescuing what is stuck: runs that died, and jobs whose message was lost. And tidying up: what
//! runs have left in the bucket, and packages whose time is over.

use std::time::Duration;

use aws::AwsError;
use jobs::{
    ATTEMPTS_EXHAUSTED, Clock, Failure, Job, JobId, LEASE, ReleaseId, Status, Time,
    release::{job_prefix, output_prefix},
};
use store::{DuePage, Finished, RESEND_AFTER, SHARDS, Store, deletes_at};

use crate::{files::Files, queue::Queue};

/// What is sent again less and less often: never more seldom than this.
const MAX_RESEND: Duration = Duration::from_hours(1);
/// How long after a job's end nothing of it writes any more: a run that cannot renew its lease
/// stops before the lease is over.
const QUIET_AFTER: Duration = LEASE.saturating_mul(2);
/// When files that could not be removed are looked at again.
const TIDY_AGAIN: Duration = Duration::from_mins(10);

/// Rescues stuck jobs and tidies up.
#[derive(Clone, Debug)]
pub struct Sweeper {
    store: Store,
    queue: Queue,
    files: Files,
    clock: Clock,
}

/// What one sweep has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs and releases looked at.
    pub examined: usize,
    /// Messages sent again for jobs that wait.
    pub resent: usize,
    /// Jobs of dead runs that wait for another attempt.
    pub rescued: usize,
    /// Jobs that have failed because their attempts are used up.
    pub failed: Vec<JobId>,
    /// Files of runs that came to nothing, and of expired packages, that were deleted.
    pub files_deleted: usize,
    /// Uploads of runs that came to nothing, that were aborted.
    pub uploads_aborted: usize,
    /// Jobs and releases that could not be helped this time; the next sweep comes to them.
    pub errors: usize,
    /// Shards of which it could not be listed, or not to the end, what is due.
    pub unlisted: usize,
}

impl Sweeper {
    /// Sweeps `store` and `files`, and sends messages to `queue`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, files: Files, clock: Clock) -> Self {
        Self {
            store,
            queue,
            files,
            clock,
        }
    }

    /// Looks at everything that is due. Two sweeps at once share the work: each change is a
    /// conditional write, and whoever loses it goes on to the next job. What cannot be helped, or
    /// listed, is counted, and holds up nothing else.
    pub async fn sweep(&self, until: Time) -> Swept {
        let mut swept = Swept::default();
        let now = self.clock.now();
        // Each minute another begins, so that one that takes all the time starves no other.
        let first = u64::try_from(now.millis() / 60_000).unwrap_or(0);
        for shard in (0..SHARDS).map(|shard| (first + shard) % SHARDS) {
            if let Err(error) = self.sweep_shard(shard, now, until, &mut swept).await {
                swept.unlisted += 1;
                tracing::error!(shard, %error, "it could not be listed what is due");
            }
            if self.clock.now() >= until {
                break;
            }
        }
        swept
    }

    async fn sweep_shard(
        &self,
        shard: u64,
        now: Time,
        until: Time,
        swept: &mut Swept,
    ) -> Result<(), AwsError> {
        let mut from = None;
        loop {
            let page = self.store.due(shard, now, from).await?;
            self.sweep_page(&page, until, swept).await?;
            from = page.next;
            if from.is_none() || self.clock.now() >= until {
                return Ok(());
            }
        }
    }

    async fn sweep_page(
        &self,
        page: &DuePage,
        until: Time,
        swept: &mut Swept,
    ) -> Result<(), AwsError> {
        let mut jobs: Vec<Job> = self
            .store
            .jobs(&page.jobs, false)
            .await?
            .into_values()
            .collect();
        // Files can wait; who waits for a job should not.
        jobs.sort_by_key(|job| (job.status.is_final(), job.due_at));
        for job in &jobs {
            swept.examined += 1;
            if let Err(error) = self.look_at(job, swept).await {
                swept.errors += 1;
                tracing::warn!(job_id = %job.id, %error, "a stuck job could not be helped");
            }
            if self.clock.now() >= until {
                return Ok(());
            }
        }
        for release in &page.releases {
            swept.examined += 1;
            if let Err(error) = self.delete_expired(*release, swept).await {
                swept.errors += 1;
                tracing::warn!(release_id = %release, %error, "expired packages could not be deleted");
            }
            if self.clock.now() >= until {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn look_at(&self, job: &Job, swept: &mut Swept) -> Result<(), AwsError> {
        let now = self.clock.now();
        match job.status {
            Status::Pending => {
                let wait = now.since(job.updated_at).clamp(RESEND_AFTER, MAX_RESEND);
                if let Finished::Yes(_) = self.store.look_again(job, Some(now.after(wait))).await? {
                    self.queue
                        .send_job(job.id, job.created_by, Duration::ZERO)
                        .await?;
                    swept.resent += 1;
                }
            }
            Status::Running if !job.lease_has_expired(now) => {
                let lease = job.lease_expires_at.unwrap_or(now);
                self.store.look_again(job, Some(lease)).await?;
            }
            Status::Running if job.has_attempts_left() => {
                if let Finished::Yes(_) = self.store.rescue(job, now).await? {
                    self.queue
                        .send_job(job.id, job.created_by, Duration::ZERO)
                        .await?;
                    swept.rescued += 1;
                }
            }
            Status::Running => {
                let text = format!(
                    "All {} attempts stopped without an end; the last without a word",
                    job.attempt
                );
                let failure = Failure::new(ATTEMPTS_EXHAUSTED, text);
                if let Finished::Yes(job) = self.store.fail_from_outside(job, &failure, now).await?
                {
                    tracing::error!(job_id = %job.id, attempt = job.attempt, code = failure.code, "job ended");
                    swept.failed.push(job.id);
                }
            }
            Status::Completed | Status::Failed | Status::Cancelled => {
                if let Err(error) = self.tidy(job, swept).await {
                    self.store
                        .look_again(job, Some(now.after(TIDY_AGAIN)))
                        .await?;
                    return Err(error);
                }
            }
            // The index may be a moment behind.
            Status::Draft => {}
        }
        Ok(())
    }

    /// Removes what the runs of a final job have left, once none of them can write any more.
    async fn tidy(&self, job: &Job, swept: &mut Swept) -> Result<(), AwsError> {
        let quiet_at = job.finished_at.unwrap_or(job.updated_at).after(QUIET_AFTER);
        let mut again = None;
        if let Some(release) = job.release_id.filter(|_| job.fence > 0) {
            if self.clock.now() < quiet_at {
                again = Some(quiet_at);
            } else {
                let folder = job_prefix(release, job.id);
                let known = self.store.release(release).await?;
                let built = known.as_ref().and_then(|release| release.built_by(job.id));
                let package = built.map(|package| output_prefix(release, job.id, package.fence));
                swept.uploads_aborted += self.files.abort_uploads(&folder).await?;
                swept.files_deleted += self
                    .files
                    .delete_all_but(&folder, package.as_deref())
                    .await?;
            }
        }
        self.store.look_again(job, again).await?;
        Ok(())
    }

    /// Deletes the packages of a release whose time is over. They are forgotten afterwards: a
    /// crash between the two deletes them again.
    async fn delete_expired(&self, id: ReleaseId, swept: &mut Swept) -> Result<(), AwsError> {
        let Some(release) = self.store.release(id).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let (over, rest): (Vec<_>, Vec<_>) = release
            .replaced
            .iter()
            .cloned()
            .partition(|replaced| deletes_at(replaced) <= now);
        for replaced in &over {
            let folder = output_prefix(id, replaced.package.job_id, replaced.package.fence);
            swept.files_deleted += self.files.delete_all_but(&folder, None).await?;
        }
        self.store.forget_packages(&release, &rest).await?;
        Ok(())
    }
}
