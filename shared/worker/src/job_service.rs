//! The job service: updates, cancels and processes jobs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws::AwsError;
use jobs::{Caller, Clock, Event, Failure, FailureCode, Job, JobId, Level, Status, UserId};
use store::{CancelOutcome, Store, SubmitOutcome, WriteOutcome};

/// Maximum tries to append a log line while others are appended concurrently.
const MAX_APPEND_TRIES: u32 = 5;

/// Updates, cancels and processes jobs in the store.
#[derive(Clone, Debug)]
pub struct JobService {
    store: Store,
    clock: Clock,
    user_limit: Option<u32>,
    has_hung_work: Arc<AtomicBool>,
}

/// The outcome of [`JobService::update_status`].
#[derive(Debug)]
pub enum UpdateStatusOutcome {
    /// The job has the new status.
    Updated(Job),
    /// The status machine or the run that holds the job forbids it.
    Refused(Job),
    /// The job does not exist.
    Missing,
}

impl JobService {
    /// Creates the service over `store`.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            user_limit: None,
            has_hung_work: Arc::default(),
        }
    }

    /// Limits the running jobs of each user to `limit`. `None` means no limit.
    #[must_use]
    pub fn with_user_limit(self, limit: Option<u32>) -> Self {
        Self {
            user_limit: limit,
            ..self
        }
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) const fn user_limit(&self) -> Option<u32> {
        self.user_limit
    }

    /// Returns whether the work of a run continues although it was stopped. A thread cannot be stopped
    /// from outside, so the process must end.
    #[must_use]
    pub fn has_hung_work(&self) -> bool {
        self.has_hung_work.load(Ordering::Relaxed)
    }

    pub(crate) fn report_hung_work(&self) {
        self.has_hung_work.store(true, Ordering::Relaxed);
    }

    /// Moves a job to `status` and adds `logs` to its log. This can end a running job, but only a
    /// run can start or complete a job.
    pub async fn update_status(
        &self,
        id: JobId,
        status: Status,
        logs: Option<&str>,
    ) -> Result<UpdateStatusOutcome, AwsError> {
        if let Some(line) = logs {
            self.append_log(id, line, Level::Info).await?;
        }
        let Some(job) = self.store.job(id, true).await? else {
            return Ok(UpdateStatusOutcome::Missing);
        };
        let now = self.clock.now();
        Ok(match (job.status(), status) {
            (Status::Draft, Status::Pending) => {
                let submitted = self.store.submit(&job, job.by_admin, now);
                submitted.await?.into()
            }
            (from, Status::Failed) if from.after(Event::Fail).is_some() => {
                let message = logs.unwrap_or("Failed by an operator.");
                let failure = Failure::new(FailureCode::Failed, message);
                self.store
                    .fail_from_outside(&job, &failure, now)
                    .await?
                    .into()
            }
            (_, Status::Cancelled) => {
                let owner = Caller {
                    user_id: job.created_by,
                    admin: false,
                };
                self.store.cancel(id, owner, None, now).await?.into()
            }
            _ => UpdateStatusOutcome::Refused(job),
        })
    }

    /// Adds a line to the log of a draft or pending job. Returns `false` for a running job, whose
    /// log belongs to its run, and for a final one, whose log is closed.
    pub async fn append_log(
        &self,
        id: JobId,
        message: &str,
        level: Level,
    ) -> Result<bool, AwsError> {
        for _ in 0..MAX_APPEND_TRIES {
            let Some(job) = self.store.job(id, true).await? else {
                return Ok(false);
            };
            if !matches!(job.status(), Status::Draft | Status::Pending) {
                return Ok(false);
            }
            let now = self.clock.now();
            if self.store.append_log(&job, level, message, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Cancels a job for `caller`, who may give a reason.
    pub async fn cancel(
        &self,
        id: JobId,
        caller: Caller,
        reason: Option<&str>,
    ) -> Result<CancelOutcome, AwsError> {
        let now = self.clock.now();
        self.store.cancel(id, caller, reason, now).await
    }

    /// Cancels a job for its owner. Returns `true` if the job is cancelled.
    pub async fn cancel_job(&self, id: JobId, owner: UserId) -> Result<bool, AwsError> {
        let caller = Caller {
            user_id: owner,
            admin: false,
        };
        let outcome = self.cancel(id, caller, None).await?;
        Ok(matches!(outcome, CancelOutcome::Cancelled(_)))
    }
}

impl From<SubmitOutcome> for UpdateStatusOutcome {
    fn from(outcome: SubmitOutcome) -> Self {
        match outcome {
            SubmitOutcome::Submitted(job) => Self::Updated(job),
            SubmitOutcome::NotADraft(job) => Self::Refused(job),
            SubmitOutcome::Missing => Self::Missing,
        }
    }
}

impl From<WriteOutcome> for UpdateStatusOutcome {
    fn from(outcome: WriteOutcome) -> Self {
        match outcome {
            WriteOutcome::Written(job) => Self::Updated(job),
            WriteOutcome::Fenced(Some(job)) => Self::Refused(job),
            WriteOutcome::Fenced(None) => Self::Missing,
        }
    }
}

impl From<CancelOutcome> for UpdateStatusOutcome {
    fn from(outcome: CancelOutcome) -> Self {
        match outcome {
            CancelOutcome::Cancelled(job) => Self::Updated(job),
            CancelOutcome::Final(job) => Self::Refused(job),
            CancelOutcome::Forbidden | CancelOutcome::Missing => Self::Missing,
        }
    }
}
