//! Processing one job: whether it may run, the claim, the run, and what follows from its end.

use std::{future::Future, sync::Arc, time::Duration};

use aws::AwsError;
use jobs::{Config, Event, Failure, Job, JobId, Status, Time, WaitingFor};
use serde_json::{Map, Value};
use store::{Claimed, Completion, Finished, Permits, Permitted};

use super::{JobService, attempt::Attempt, report::Reporter};

/// How often a claim is tried again whose job has changed meanwhile, but still waits.
const CLAIM_TRIES: u32 = 3;
/// How early a message may come: whoever sent it may have another clock.
const EARLY: Duration = Duration::from_secs(2);
/// How long a run may remove what it has left: well within its lease, and the function's last seconds.
const TIDIES_FOR: Duration = Duration::from_secs(10);
/// How soon, and how late, a job is tried again that waits for another: a quarter of its age.
const WAITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));

/// What a job type is given to work on.
#[derive(Clone)]
pub struct Assignment {
    /// The job, as it was claimed.
    pub job: Job,
    /// Its configuration.
    pub config: Config,
    /// Where it reports to.
    pub report: Reporter,
}

/// The work of the job types.
pub trait Work: Send + Sync + 'static {
    /// Works on a job until its end, or until the reporter says stop.
    fn run(
        &self,
        assignment: Assignment,
    ) -> impl Future<Output = Result<Completion, WorkError>> + Send;

    /// Removes what a run that did not complete has left. It may be called when nothing is left.
    fn clean_up(&self, job: &Job) -> impl Future<Output = Result<(), AwsError>> + Send;
}

/// Why work did not complete.
#[derive(Debug)]
pub enum WorkError {
    /// It can never succeed.
    Failed(Failure),
    /// It may succeed in another attempt.
    Retry(Failure),
    /// A dependency is unavailable: no fault of the job's.
    Unavailable(String),
    /// Another job holds what it needs.
    Waits(WaitingFor),
    /// Its time is nearly up: it goes on in another run, with what this one keeps for it.
    Paused,
    /// The reporter said stop.
    Stopped,
}

/// What came of processing a job.
#[derive(Debug)]
pub enum Processed {
    /// It is final.
    Finished(Job),
    /// It waits for its next run, for which a message must be sent after the delay.
    Waiting(Job, Duration),
    /// It was fenced off while it ran: cancelled, or rescued.
    Fenced,
    /// There was nothing to do: another run holds it, or it is final, or a draft.
    Skipped(Job),
    /// There is no such job.
    Missing,
}

impl JobService {
    /// Claims a pending job and works on it to its end. The function that calls has until `deadline`.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked: the message must be delivered again, or the lease runs out.
    pub async fn process_job<W: Work>(
        &self,
        id: JobId,
        work: &Arc<W>,
        deadline: Time,
    ) -> Result<Processed, AwsError> {
        for _ in 0..CLAIM_TRIES {
            let Some((seen, documents)) = self.store().job_with_documents(id).await? else {
                return Ok(Processed::Missing);
            };
            if seen.status.after(Event::Claim).is_none() {
                return self.skip(seen).await;
            }
            // Several messages may be under way for it: none goes before its backoff.
            let is_early = seen
                .waits_until
                .is_some_and(|until| until > self.clock.now().after(EARLY));
            if is_early && matches!(seen.waiting, Some(WaitingFor::Backoff { .. })) {
                return self.skip(seen).await;
            }
            let config = typed(&seen, &documents.config);
            let permits = self.permits(&seen, config.as_ref().ok());
            for each in &permits {
                if let Permitted::Full(holder) =
                    self.store().has_permit(*each, self.clock.now()).await?
                {
                    // Another message that was put off comes: one is enough.
                    if is_early {
                        return self.skip(seen).await;
                    }
                    return self.put_off(&seen, waiting_for(*each, holder)).await;
                }
            }
            match self.store().claim(&seen, self.clock.now()).await? {
                Claimed::Yes(job) => {
                    return self
                        .run(
                            Attempt::new(self, &job, permits, deadline),
                            job,
                            config,
                            work,
                        )
                        .await;
                }
                // It has changed, but still waits: a line was added to its log.
                Claimed::Lost(job) if job.status == Status::Pending => {}
                Claimed::Lost(job) => return self.skip(job).await,
                Claimed::Missing => return Ok(Processed::Missing),
            }
        }
        Err(AwsError::Unavailable {
            service: "jobs",
            detail: "the job changed again and again".to_owned(),
        })
    }

    async fn run<W: Work>(
        &self,
        run: Attempt<'_>,
        job: Job,
        config: Result<Config, Failure>,
        work: &Arc<W>,
    ) -> Result<Processed, AwsError> {
        run.introduce(&job);
        let result = match (config, run.take_permits().await) {
            (Err(failure), _) => Some(Err(WorkError::Failed(failure))),
            (Ok(_), Err(error)) => Some(Err(error)),
            (Ok(config), Ok(())) => {
                let assignment = Assignment {
                    job: job.clone(),
                    config,
                    report: run.report().clone(),
                };
                let task = Arc::clone(work);
                run.work_on(async move { task.run(assignment).await }).await
            }
        };
        // Before the end is written: a crash between the two leaves an open job, not a final one
        // with files that nobody knows of.
        let succeeds = matches!(result, Some(Ok(_)));
        let goes_on = matches!(result, Some(Err(WorkError::Paused)));
        let clean = (succeeds || (!goes_on && self.clean_up(&job, work).await))
            && !run.report().leaves_upload();
        let ended = match result {
            Some(result) => run.end(&job, result, clean).await,
            None => Ok(Processed::Fenced),
        };
        // Where the end could not be written, it may have been all the same: what is there stays.
        let completed = matches!(&ended, Ok(Processed::Finished(job)) if job.error.is_none());
        if succeeds && !completed && ended.is_ok() {
            self.clean_up(&job, work).await;
        }
        run.give_permits().await;
        ended
    }

    async fn skip(&self, job: Job) -> Result<Processed, AwsError> {
        if job.fence > 0 {
            self.store().count_duplicate(job.id).await?;
        }
        Ok(Processed::Skipped(job))
    }

    fn permits(&self, job: &Job, config: Option<&Config>) -> Vec<Permits> {
        let release = job
            .release_id
            .filter(|_| config.is_some_and(Config::changes_release))
            .map(Permits::Release);
        let user = self
            .user_limit
            .map(|limit| Permits::User(job.created_by, limit));
        release.into_iter().chain(user).collect()
    }

    async fn put_off(&self, seen: &Job, why: WaitingFor) -> Result<Processed, AwsError> {
        let now = self.clock.now();
        let delay = (now.since(seen.created_at()) / 4).clamp(WAITS.0, WAITS.1);
        Ok(
            match self
                .store()
                .put_off(seen, &why, now.after(delay), now)
                .await?
            {
                Finished::Yes(job) => Processed::Waiting(job, delay),
                Finished::Fenced(Some(job)) => Processed::Skipped(job),
                Finished::Fenced(None) | Finished::ReleaseChanged => Processed::Missing,
            },
        )
    }

    /// Removes what a run has left; `false` where that is for the sweeper to do.
    async fn clean_up<W: Work>(&self, job: &Job, work: &Arc<W>) -> bool {
        // Nothing renews the lease meanwhile.
        match tokio::time::timeout(TIDIES_FOR, work.clean_up(job)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::warn!(job_id = %job.id, %error, "what a run left could not be removed; the sweeper will");
            }
            Err(_) => {
                tracing::warn!(job_id = %job.id, "what a run left takes long to remove; the sweeper will");
            }
        }
        false
    }
}

/// Why a job waits that found no permit.
pub(super) fn waiting_for(permits: Permits, holder: JobId) -> WaitingFor {
    match permits {
        Permits::Release(_) => WaitingFor::Release { job_id: holder },
        Permits::User(_, limit) => WaitingFor::UserLimit { limit },
    }
}

fn typed(job: &Job, config: &Map<String, Value>) -> Result<Config, Failure> {
    let job_type = job
        .job_type
        .ok_or_else(|| Failure::new("config_invalid", "The job has no type"))?;
    Config::parse(job_type, config).map_err(|errors| {
        let errors: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.message))
            .collect();
        Failure::new(
            "config_invalid",
            format!("The configuration is not valid: {}", errors.join("; ")),
        )
    })
}
