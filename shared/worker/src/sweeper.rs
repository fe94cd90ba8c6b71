//! The sweeper: rescues stuck jobs after a crash or a lost message, and removes leftover files and
//! expired packages.

use std::time::Duration;

use aws::AwsError;
use futures::{StreamExt, future::join_all, stream};
use jobs::{
    Clock, Failure, FailureCode, Job, JobId, JobState, JobType, LEASE, ReleaseId, Status, Time,
    release::{Release, job_prefix, output_prefix},
};
use store::{DuePage, RESEND_AFTER, SHARDS, Store, WriteOutcome, files_deletable_at};

use crate::{files::Files, queue::Queue};

/// The number of jobs read at once: a `BatchGetItem` has at most 100 keys.
const BATCH: usize = 100;
/// The number of jobs or releases swept at the same time.
const CONCURRENCY: usize = 16;
/// Longest interval between the messages resent for a pending job. The interval grows with its age.
const MAX_RESEND_DELAY: Duration = Duration::from_hours(1);
/// Time after the end of a job by which all of its runs have stopped writing: a run that cannot
/// renew its lease stops before the lease expires.
const CLEANUP_GRACE: Duration = LEASE.saturating_mul(2);
/// Delay before a failed cleanup is tried again.
const CLEANUP_RETRY_DELAY: Duration = Duration::from_mins(10);

/// Rescues stuck jobs and cleans up.
#[derive(Clone, Debug)]
pub struct Sweeper {
    store: Store,
    queue: Queue,
    files: Files,
    clock: Clock,
}

/// The results of one sweep.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Jobs and releases examined.
    pub examined: usize,
    /// Messages resent for pending jobs.
    pub resent: usize,
    /// Jobs of dead runs that were requeued.
    pub rescued: usize,
    /// Jobs that failed because their attempts were used up.
    pub failed: Vec<JobId>,
    /// Jobs that failed because two of their runs in a row crashed.
    pub crashed: Vec<JobId>,
    /// Deleted files of incomplete runs and of expired packages.
    pub files_deleted: usize,
    /// Aborted uploads of incomplete runs.
    pub uploads_aborted: usize,
    /// Jobs and releases that could not be swept. The next sweep tries again.
    pub errors: usize,
    /// Shards whose due items could not all be listed.
    pub unlisted_shards: usize,
}

impl SweepReport {
    /// Adds the results of a part of the sweep.
    fn add(&mut self, mut part: Self) {
        self.examined += part.examined;
        self.resent += part.resent;
        self.rescued += part.rescued;
        self.failed.append(&mut part.failed);
        self.crashed.append(&mut part.crashed);
        self.files_deleted += part.files_deleted;
        self.uploads_aborted += part.uploads_aborted;
        self.errors += part.errors;
        self.unlisted_shards += part.unlisted_shards;
    }
}

fn is_running(job: &Job) -> bool {
    job.status() == Status::Running
}

/// Returns whether the output of a job's last run is that of its result, for as long as the job
/// exists: an analysis has the thumbnail of a cover there.
fn keeps_output(job: &Job) -> bool {
    job.status() == Status::Completed && job.job_type == Some(JobType::Analysis)
}

impl Sweeper {
    /// Creates a sweeper of `store` and `files` that sends messages to `queue`.
    #[must_use]
    pub const fn new(store: Store, queue: Queue, files: Files, clock: Clock) -> Self {
        Self {
            store,
            queue,
            files,
            clock,
        }
    }

    /// Examines everything due, and stops at `until`: expired leases first, then other jobs, then
    /// releases. Concurrent sweeps share the work: each change is a conditional write, and the loser
    /// continues with the next job. A failure is counted and blocks nothing else.
    pub async fn sweep(&self, until: Time) -> SweepReport {
        let mut report = SweepReport::default();
        let (jobs, releases) = self.due(&mut report).await;
        // A long list is read twice, since only the items tell which jobs have a dead run.
        if jobs.len() > BATCH {
            for batch in jobs.chunks(BATCH * CONCURRENCY) {
                self.sweep_jobs(batch, until, is_running, &mut report).await;
            }
        }
        for batch in jobs.chunks(BATCH) {
            self.sweep_jobs(batch, until, |_| true, &mut report).await;
        }
        let swept = releases.iter().map(|id| self.sweep_release(*id));
        self.run(swept, until, &mut report).await;
        report
    }

    /// Lists the due jobs, longest overdue first, and the due releases.
    async fn due(&self, report: &mut SweepReport) -> (Vec<JobId>, Vec<ReleaseId>) {
        let now = self.clock.now();
        let shards = join_all((0..SHARDS).map(|shard| self.due_in_shard(shard, now))).await;
        let (mut jobs, mut releases) = (Vec::new(), Vec::new());
        for (shard, (page, done)) in (0..SHARDS).zip(shards) {
            jobs.extend(page.jobs);
            releases.extend(page.releases);
            if let Err(error) = done {
                report.unlisted_shards += 1;
                tracing::error!(shard, %error, "failed to list due jobs");
            }
        }
        jobs.sort_unstable();
        (jobs.into_iter().map(|(_, id)| id).collect(), releases)
    }

    /// Lists the due items of a shard: all of them, or those before an error.
    async fn due_in_shard(&self, shard: u64, now: Time) -> (DuePage, Result<(), AwsError>) {
        let mut all = DuePage::default();
        loop {
            match self.store.due(shard, now, all.next.take()).await {
                Ok(page) => {
                    all.jobs.extend(page.jobs);
                    all.releases.extend(page.releases);
                    all.next = page.next;
                }
                Err(error) => return (all, Err(error)),
            }
            if all.next.is_none() {
                return (all, Ok(()));
            }
        }
    }

    /// Sweeps those of the jobs that are `wanted`.
    async fn sweep_jobs(
        &self,
        ids: &[JobId],
        until: Time,
        wanted: impl Fn(&Job) -> bool,
        report: &mut SweepReport,
    ) {
        let now = self.clock.now();
        if now >= until {
            return;
        }
        let jobs = match self.store.available_jobs(ids).await {
            Ok(jobs) => jobs,
            Err(error) => {
                report.errors += ids.len();
                tracing::warn!(%error, "failed to read due jobs");
                return;
            }
        };
        // A job that another sweep has handled meanwhile is no longer due.
        let is_due = |job: &Job| job.due_at.is_some_and(|at| at <= now);
        let mut jobs: Vec<Job> = jobs.into_values().filter(is_due).filter(wanted).collect();
        // Cleanup can wait; owners are waiting for their jobs.
        jobs.sort_by_key(|job| (!is_running(job), job.status().is_final(), job.due_at));
        let swept = jobs.iter().map(|job| self.sweep_due_job(job));
        self.run(swept, until, report).await;
    }

    /// Runs parts of the sweep, some at a time, and starts no more of them after `until`.
    async fn run<F>(&self, parts: impl Iterator<Item = F>, until: Time, report: &mut SweepReport)
    where
        F: Future<Output = SweepReport>,
    {
        let in_time = parts.take_while(|_| self.clock.now() < until);
        let mut swept = stream::iter(in_time).buffer_unordered(CONCURRENCY);
        while let Some(part) = swept.next().await {
            report.add(part);
        }
    }

    async fn sweep_due_job(&self, job: &Job) -> SweepReport {
        let mut report = SweepReport {
            examined: 1,
            ..SweepReport::default()
        };
        if let Err(error) = self.sweep_job(job, &mut report).await {
            report.errors = 1;
            tracing::warn!(job_id = %job.id, %error, "failed to sweep a job");
        }
        report
    }

    async fn sweep_release(&self, id: ReleaseId) -> SweepReport {
        let mut report = SweepReport {
            examined: 1,
            ..SweepReport::default()
        };
        if let Err(error) = self.delete_expired_packages(id, &mut report).await {
            report.errors = 1;
            tracing::warn!(release_id = %id, %error, "failed to delete expired packages");
        }
        report
    }

    async fn sweep_job(&self, job: &Job, report: &mut SweepReport) -> Result<(), AwsError> {
        let now = self.clock.now();
        match job.state {
            JobState::Pending { .. } => {
                let delay = now
                    .since(job.updated_at)
                    .clamp(RESEND_AFTER, MAX_RESEND_DELAY);
                let rescheduled = self.store.reschedule_sweep(job, Some(now.after(delay)));
                if let WriteOutcome::Written(_) = rescheduled.await? {
                    self.send(job).await?;
                    report.resent += 1;
                }
            }
            JobState::Running { lease_expires_at } if lease_expires_at > now => {
                self.store
                    .reschedule_sweep(job, Some(lease_expires_at))
                    .await?;
            }
            JobState::Running { .. } if job.crashes_again() => {
                let failure = Failure::new(
                    FailureCode::AttemptCrashed,
                    "The process died in two attempts in a row, most likely because of the job's \
                     files. Check them, then retry the job.",
                );
                self.fail(job, &failure, now, report).await?;
            }
            JobState::Running { .. } if job.has_attempts_left() => {
                if let WriteOutcome::Written(_) = self.store.rescue(job, now).await? {
                    self.send(job).await?;
                    report.rescued += 1;
                }
            }
            JobState::Running { .. } => {
                let message = format!(
                    "The worker stopped responding in the last of {} attempts.",
                    job.attempt
                );
                let failure = Failure::new(FailureCode::AttemptsExhausted, message);
                self.fail(job, &failure, now, report).await?;
            }
            JobState::Ended { finished_at, .. } => {
                if let Err(error) = self.clean_up(job, finished_at, report).await {
                    let retry_at = now.after(CLEANUP_RETRY_DELAY);
                    self.store.reschedule_sweep(job, Some(retry_at)).await?;
                    return Err(error);
                }
            }
            // The index may lag behind.
            JobState::Draft => {}
        }
        Ok(())
    }

    async fn send(&self, job: &Job) -> Result<(), AwsError> {
        self.queue
            .send_job(job.id, job.created_by, Duration::ZERO)
            .await
    }

    async fn fail(
        &self,
        job: &Job,
        failure: &Failure,
        now: Time,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        let failed = self.store.fail_from_outside(job, failure, now);
        if let WriteOutcome::Written(job) = failed.await? {
            let (attempt, code) = (job.attempt, failure.code.as_str());
            tracing::error!(job_id = %job.id, attempt, code, "job ended");
            let ended = if failure.code.is_internal() {
                &mut report.failed
            } else {
                &mut report.crashed
            };
            ended.push(job.id);
        }
        Ok(())
    }

    /// Removes the leftovers of a final job's runs, once they have all stopped writing.
    async fn clean_up(
        &self,
        job: &Job,
        finished_at: Time,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        let mut next = None;
        if let Some(release) = job.release_id.filter(|_| job.fence > 0) {
            let quiet_at = finished_at.after(CLEANUP_GRACE);
            if self.clock.now() < quiet_at {
                next = Some(quiet_at);
            } else {
                self.remove_leftovers(job, release, report).await?;
            }
        }
        self.store.reschedule_sweep(job, next).await?;
        Ok(())
    }

    async fn remove_leftovers(
        &self,
        job: &Job,
        release: ReleaseId,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        let known = self.store.release(release).await?;
        let package = known.as_ref().and_then(|release| release.built_by(job.id));
        let fence = package.map(|package| package.fence);
        let fence = fence.or_else(|| keeps_output(job).then_some(job.fence));
        let kept = fence.map(|fence| output_prefix(release, job.id, fence));
        let folder = job_prefix(release, job.id);
        report.uploads_aborted += self.files.abort_uploads(&folder).await?;
        report.files_deleted += self.files.delete_all_but(&folder, kept.as_deref()).await?;
        Ok(())
    }

    /// Deletes the expired packages of a release, then forgets them. After a crash in between, they
    /// are deleted again.
    async fn delete_expired_packages(
        &self,
        id: ReleaseId,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        let Some(release) = self.store.release(id).await? else {
            return Ok(());
        };
        let Release { replaced, .. } = &release;
        let now = self.clock.now();
        let (expired, rest): (Vec<_>, Vec<_>) = replaced
            .iter()
            .cloned()
            .partition(|replaced| files_deletable_at(replaced) <= now);
        for replaced in &expired {
            let folder = output_prefix(id, replaced.package.job_id, replaced.package.fence);
            report.files_deleted += self.files.delete_all_but(&folder, None).await?;
        }
        self.store.forget_packages(&release, &rest).await?;
        Ok(())
    }
}
