//! The job service: what the functions call to move jobs through their lives.

mod attempt;
mod process;
mod report;
mod submissions;
mod sweep;

use aws::AwsError;
use jobs::{Caller, Clock, Event, Failure, Job, JobId, Level, Status, UserId};
use store::{Cancelled, Finished, Store, Submitted};

pub use self::{
    attempt::backoff,
    process::{Assignment, Processed, Work, WorkError},
    report::Reporter,
    submissions::{Intake, Submissions, create_release},
    sweep::{Sweeper, Swept},
};

/// The service over the store.
#[derive(Clone, Debug)]
pub struct JobService {
    store: Store,
    clock: Clock,
    user_limit: Option<u32>,
}

/// What came of asking for a status.
#[derive(Debug)]
pub enum StatusUpdated {
    /// The job has it.
    Yes(Job),
    /// The status machine, or the run that holds the job, does not allow it.
    Refused(Job),
    /// There is no such job.
    Missing,
}

impl JobService {
    /// The service over `store`.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            user_limit: None,
        }
    }

    /// The same, running at most `limit` jobs of a user at a time; as many as there are without one.
    #[must_use]
    pub fn with_user_limit(self, limit: Option<u32>) -> Self {
        Self {
            user_limit: limit,
            ..self
        }
    }

    /// The store that the service works on.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Moves a job to `status`, and adds `logs` to its log, for whoever is not the attempt that
    /// works on it: so a running job only ends, and only an attempt makes it run or complete.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn update_status(
        &self,
        id: JobId,
        status: Status,
        logs: Option<&str>,
    ) -> Result<StatusUpdated, AwsError> {
        let Some(job) = self.store.job(id, true).await? else {
            return Ok(StatusUpdated::Missing);
        };
        let now = self.clock.now();
        if let Some(line) = logs
            && !job.status.is_final()
        {
            self.append_log(id, line, Level::Info).await?;
        }
        let Some(job) = self.store.job(id, true).await? else {
            return Ok(StatusUpdated::Missing);
        };
        match (job.status, status) {
            (Status::Draft, Status::Pending) => Ok(match self.store.submit(&job, now).await? {
                Submitted::Yes(job) => StatusUpdated::Yes(job),
                Submitted::NotADraft(job) => StatusUpdated::Refused(job),
                Submitted::Missing => StatusUpdated::Missing,
            }),
            (from, Status::Failed) if from.after(Event::Fail).is_some() => {
                let failure = Failure::new("failed", logs.unwrap_or("Failed by an operator"));
                Ok(
                    match self.store.fail_from_outside(&job, &failure, now).await? {
                        Finished::Yes(job) => StatusUpdated::Yes(job),
                        Finished::Fenced(Some(job)) => StatusUpdated::Refused(job),
                        Finished::Fenced(None) | Finished::ReleaseChanged => StatusUpdated::Missing,
                    },
                )
            }
            (_, Status::Cancelled) => Ok(
                match self.store.cancel(id, job.created_by, false, now).await? {
                    Cancelled::Yes(job) | Cancelled::Final(job)
                        if job.status == Status::Cancelled =>
                    {
                        StatusUpdated::Yes(job)
                    }
                    Cancelled::Yes(job) | Cancelled::Final(job) => StatusUpdated::Refused(job),
                    Cancelled::Forbidden | Cancelled::Missing => StatusUpdated::Missing,
                },
            ),
            _ => Ok(StatusUpdated::Refused(job)),
        }
    }

    /// Adds a line to the log of a job that waits. A running job's log belongs to its attempt,
    /// which writes through its [`Reporter`]; a final job's log is closed. `false` says so.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn append_log(
        &self,
        id: JobId,
        message: &str,
        level: Level,
    ) -> Result<bool, AwsError> {
        // Another line may come between the read and the write: then once more.
        for _ in 0..5 {
            let Some(job) = self.store.job(id, true).await? else {
                return Ok(false);
            };
            if !matches!(job.status, Status::Draft | Status::Pending) {
                return Ok(false);
            }
            if self
                .store
                .append_log(&job, level, message, self.clock.now())
                .await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Cancels a job for `caller`.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn cancel(&self, id: JobId, caller: Caller) -> Result<Cancelled, AwsError> {
        self.store
            .cancel(id, caller.user_id, caller.admin, self.clock.now())
            .await
    }

    /// Cancels a job for its owner; says whether it is cancelled.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn cancel_job(&self, id: JobId, owner: UserId) -> Result<bool, AwsError> {
        let caller = Caller {
            user_id: owner,
            admin: false,
        };
        Ok(matches!(self.cancel(id, caller).await?, Cancelled::Yes(_)))
    }
}
