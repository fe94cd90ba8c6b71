//! Processes one job: the checks, the claim, the run and its end.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use aws::AwsError;
use jobs::{Config, Failure, FailureCode, Job, JobId, JobState, Status, Time, WaitingFor};
use serde_json::{Map, Value};
use store::{Claim, FreePermit, Permit, PermitCheck, RunEnd, WriteOutcome};

use crate::{
    attempt::{Attempt, waiting_for},
    backoff,
    job_service::JobService,
    work::{Assignment, Work},
};

/// Maximum claims of a job that stays pending but changes between read and claim.
const MAX_CLAIM_TRIES: u32 = 3;
/// Tolerance for a message that is delivered early: its sender's clock may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(2);
/// Time limit for removing a run's files, well within its lease and the function's last seconds.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The outcome of processing a job.
#[derive(Debug)]
pub enum Processed {
    /// The job is final.
    Finished(Job),
    /// The job waits for its next run, whose message must be sent after the delay.
    Waiting(Job, Duration),
    /// The run was fenced off: the job was cancelled or rescued.
    Fenced,
    /// There was nothing to do: another run holds the job, or it is final, a draft, or deferred.
    Skipped(Job),
    /// The job does not exist.
    Missing,
}

impl JobService {
    /// Claims a pending job and works on it to its end. The calling function must end by
    /// `deadline`.
    ///
    /// # Errors
    /// The message must be delivered again. A run in progress loses its lease, and the sweeper
    /// rescues the job.
    pub async fn process_job<W: Work>(
        &self,
        id: JobId,
        work: &Arc<W>,
        deadline: Time,
    ) -> Result<Processed, AwsError> {
        for _ in 0..MAX_CLAIM_TRIES {
            let Some((seen, documents)) = self.store().job_with_documents(id).await? else {
                return Ok(Processed::Missing);
            };
            let config = parse_config(&seen, &documents.config);
            let permits = self.permits(&seen, config.as_ref().ok());
            let permits = match self.before_claim(&seen, &permits).await? {
                ControlFlow::Continue(permits) => permits,
                ControlFlow::Break(processed) => return Ok(processed),
            };
            match self.store().claim(&seen, self.clock().now()).await? {
                Claim::Won(job) => {
                    let attempt = Attempt::new(self, job, permits, deadline);
                    return self.run(attempt, config, work).await;
                }
                // A line was added to its log.
                Claim::Lost(job) if job.status() == Status::Pending => {}
                Claim::Lost(job) => return self.skip(job).await,
                Claim::Missing => return Ok(Processed::Missing),
            }
        }
        Err(AwsError::Contention("the job changed before every claim"))
    }

    /// Checks the permits of a job that may be claimed now. Skips or defers another.
    async fn before_claim(
        &self,
        seen: &Job,
        permits: &[Permit],
    ) -> Result<ControlFlow<Processed, Vec<FreePermit>>, AwsError> {
        let JobState::Pending {
            waiting_for: reason,
            deferred_until,
        } = &seen.state
        else {
            return self.skip(seen.clone()).await.map(ControlFlow::Break);
        };
        // Several messages may be in flight. None may start the job before its backoff ends.
        let earliest = self.clock().now().after(CLOCK_SKEW);
        let is_early = deferred_until.is_some_and(|until| until > earliest);
        if is_early && matches!(reason, WaitingFor::Backoff { .. }) {
            return self.skip(seen.clone()).await.map(ControlFlow::Break);
        }
        let mut free = Vec::new();
        for permit in permits {
            let now = self.clock().now();
            match self.store().check_permit(*permit, now).await? {
                PermitCheck::Free(permit) => free.push(permit),
                // Another message is on its way, and one is enough.
                PermitCheck::Full(_) if is_early => {
                    return self.skip(seen.clone()).await.map(ControlFlow::Break);
                }
                PermitCheck::Full(holder) => {
                    let deferred = self.defer(seen, waiting_for(*permit, holder)).await?;
                    return Ok(ControlFlow::Break(deferred));
                }
            }
        }
        Ok(ControlFlow::Continue(free))
    }

    async fn run<W: Work>(
        &self,
        attempt: Attempt<'_>,
        config: Result<Config, Failure>,
        work: &Arc<W>,
    ) -> Result<Processed, AwsError> {
        attempt.log_start();
        let end = match config {
            Ok(config) => work_on(&attempt, config, work).await,
            Err(failure) => Some(RunEnd::Failed(failure)),
        };
        let processed = finish(&attempt, end, work).await;
        // The permits of a job that its own run ended are free as they are.
        if matches!(processed, Ok(Processed::Fenced)) {
            attempt.release_permits().await;
        }
        processed
    }

    async fn skip(&self, job: Job) -> Result<Processed, AwsError> {
        if job.fence > 0 {
            self.store().count_duplicate(job.id).await?;
        }
        Ok(Processed::Skipped(job))
    }

    async fn defer(&self, seen: &Job, reason: WaitingFor) -> Result<Processed, AwsError> {
        let now = self.clock().now();
        let delay = backoff::while_deferred(seen, now);
        let deferred = self.store().defer(seen, &reason, now.after(delay), now);
        Ok(match deferred.await? {
            WriteOutcome::Written(job) => Processed::Waiting(job, delay),
            WriteOutcome::Fenced(Some(job)) => Processed::Skipped(job),
            WriteOutcome::Fenced(None) => Processed::Missing,
        })
    }

    /// Returns the permits that a run of the job needs.
    fn permits(&self, job: &Job, config: Option<&Config>) -> Vec<Permit> {
        let changes_release = config.is_some_and(Config::changes_release);
        let release = job
            .release_id
            .filter(|_| changes_release)
            .map(Permit::Release);
        let user = self
            .user_limit()
            .map(|limit| Permit::User(job.created_by, limit));
        release.into_iter().chain(user).collect()
    }
}

impl Processed {
    fn is_completed(&self) -> bool {
        matches!(self, Self::Finished(job) if job.status() == Status::Completed)
    }
}

/// Acquires the permits and works. Returns `None` if the run was fenced off.
async fn work_on<W: Work>(attempt: &Attempt<'_>, config: Config, work: &Arc<W>) -> Option<RunEnd> {
    if let Some(end) = attempt.acquire_permits().await {
        return Some(end);
    }
    let assignment = Assignment {
        job: attempt.job().clone(),
        config,
        reporter: attempt.reporter().clone(),
    };
    let work = Arc::clone(work);
    attempt
        .drive(async move { work.run(assignment).await })
        .await
}

/// Writes the end of the run, which is `None` if the run was fenced off, and removes its files
/// unless they are still needed.
async fn finish<W: Work>(
    attempt: &Attempt<'_>,
    end: Option<RunEnd>,
    work: &Arc<W>,
) -> Result<Processed, AwsError> {
    match end {
        None => {
            clean_up(attempt.job(), work).await;
            Ok(Processed::Fenced)
        }
        // Its files are the release's package, unless the end is refused. If the answer is lost,
        // the end may have been written, and the files stay.
        Some(end @ RunEnd::Completed(_)) => {
            let processed = attempt.end(end, true).await;
            if processed
                .as_ref()
                .is_ok_and(|processed| !processed.is_completed())
            {
                clean_up(attempt.job(), work).await;
            }
            processed
        }
        // The next run continues with its files.
        Some(end @ RunEnd::Suspended) => attempt.end(end, false).await,
        // Its files are removed first: a crash in between then leaves an open job, not a final one
        // with forgotten files.
        Some(end) => {
            let is_clean = clean_up(attempt.job(), work).await;
            attempt.end(end, is_clean).await
        }
    }
}

/// Removes the files of a run. Returns `false` if they are left to the sweeper.
async fn clean_up<W: Work>(job: &Job, work: &Arc<W>) -> bool {
    // The lease is not renewed meanwhile.
    match tokio::time::timeout(CLEANUP_TIMEOUT, work.clean_up(job)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(job_id = %job.id, %error, "failed to remove a run's files; the sweeper will retry");
            false
        }
        Err(_) => {
            tracing::warn!(job_id = %job.id, "timed out removing a run's files; the sweeper will retry");
            false
        }
    }
}

fn parse_config(job: &Job, config: &Map<String, Value>) -> Result<Config, Failure> {
    let invalid = |message: String| Failure::new(FailureCode::ConfigInvalid, message);
    let job_type = job
        .job_type
        .ok_or_else(|| invalid("The job has no type.".to_owned()))?;
    Config::parse(job_type, config).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        invalid(format!(
            "The configuration is invalid: {}.",
            errors.join("; ")
        ))
    })
}
