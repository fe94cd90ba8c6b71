//! One run of a job: its permits, its work and heartbeat, and its end.

use std::{future::Future, io, time::Duration};

use aws::AwsError;
use jobs::{Failure, FailureCode, Job, Level, Time, WaitingFor};
use release_files::{WorkError, find_cause};
use store::{
    Completion, EndOutcome, FreePermit, Leftovers, Permit, PermitOutcome, RunEnd, RunHandle,
    WriteOutcome,
};
use tokio::task::JoinError;
use tracing::Instrument;

use crate::{
    backoff,
    heartbeat::{Heartbeat, POLL_INTERVAL, StopReason, flush_log},
    job_service::JobService,
    process::Processed,
    reporter::Reporter,
};

/// Maximum tries to write the end of a run while DynamoDB is unavailable. Until the sweeper rescues
/// the job, an end also counts after the lease.
const MAX_END_TRIES: u32 = 5;
/// Delay of a job whose permit was taken between its check and its claim.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// One run of a job.
pub(crate) struct Attempt<'a> {
    service: &'a JobService,
    job: Job,
    handle: RunHandle,
    reporter: Reporter,
    permits: Vec<FreePermit>,
    deadline: Time,
}

impl<'a> Attempt<'a> {
    /// Creates the run that has just claimed `job`. It needs `permits` and must end by `deadline`.
    pub(crate) fn new(
        service: &'a JobService,
        job: Job,
        permits: Vec<FreePermit>,
        deadline: Time,
    ) -> Self {
        let first_log_seq = job.runs.last().map_or(1, |run| run.first_log_seq);
        let clock = service.clock().clone();
        Self {
            service,
            handle: RunHandle::from(&job),
            reporter: Reporter::resuming(clock, first_log_seq, job.progress, deadline),
            job,
            permits,
            deadline,
        }
    }

    /// Returns the job as claimed.
    pub(crate) const fn job(&self) -> &Job {
        &self.job
    }

    /// Returns the reporter of the run.
    pub(crate) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn now(&self) -> Time {
        self.service.clock().now()
    }

    /// Logs the first line of the run, with the failure of the previous run.
    pub(crate) fn log_start(&self) {
        let job = &self.job;
        let job_type = job.job_type.map_or("job", |job_type| job_type.as_str());
        let previous = job.runs.iter().rev().nth(1);
        let line = match (job.attempt, previous) {
            (1, None) => format!("Job {} ({job_type}) started", job.id),
            (attempt, previous) => {
                let error = previous.and_then(|run| run.error());
                let why =
                    error.map(|error| format!("; the previous run failed: {}", error.log_line()));
                let why = why.unwrap_or_default();
                format!("Attempt {attempt} ({job_type}) started{why}")
            }
        };
        self.reporter.log(Level::Info, &line);
    }

    /// Acquires the permits. They were free before the claim, but another run may have taken one
    /// since: then the job is deferred. Returns `None` if all were acquired.
    pub(crate) async fn acquire_permits(&self) -> Option<RunEnd> {
        for permit in &self.permits {
            let store = self.service.store();
            match store.acquire_permit(permit, &self.handle, self.now()).await {
                Ok(PermitOutcome::Granted) => {}
                Ok(PermitOutcome::Full(holder)) => {
                    let waiting_for = waiting_for(permit.permit(), holder);
                    return Some(RunEnd::Deferred(waiting_for, self.now().after(RETRY_DELAY)));
                }
                Err(error) => return Some(self.end_after_aws_error(&error)),
            }
        }
        None
    }

    /// Releases the permits of a job that was ended from outside, now that its work has stopped.
    pub(crate) async fn release_permits(&self) {
        if self.service.has_hung_work() {
            return;
        }
        for permit in &self.permits {
            let store = self.service.store();
            if let Err(error) = store.release_permit(permit.permit(), &self.handle).await {
                tracing::warn!(job_id = %self.job.id, %error, "failed to release a permit");
            }
        }
    }

    /// Runs the work and its heartbeat side by side. Returns `None` if the run was fenced off.
    pub(crate) async fn drive(
        &self,
        work: impl Future<Output = Result<Completion, WorkError>> + Send + 'static,
    ) -> Option<RunEnd> {
        let span = tracing::info_span!("run", job_id = %self.job.id, attempt = self.job.attempt);
        let mut work = tokio::spawn(work.instrument(span));
        let store = self.service.store();
        let mut heartbeat = Heartbeat::new(
            store,
            &self.handle,
            &self.reporter,
            self.service.clock(),
            self.deadline,
            self.job.is_watched,
        );
        // A job that ends before the first beat has neither a heartbeat nor a chunk of its own for its
        // first line.
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                () = tokio::time::sleep(heartbeat.interval()) => heartbeat.beat().await,
            }
            // The work may have stopped during a slow beat.
            if !work.is_finished() && heartbeat.has_waited_too_long(self.now()) {
                tracing::error!(job_id = %self.job.id, "work did not stop; the process must end");
                self.service.report_hung_work();
                break Ok(Err(WorkError::Stopped));
            }
        };
        match heartbeat.stopped_by() {
            Some(StopReason::Fenced) => None,
            stopped_by => Some(self.end_after_work(result, stopped_by)),
        }
    }

    /// Maps the outcome of the work to the end of the run.
    fn end_after_work(
        &self,
        result: Result<Result<Completion, WorkError>, JoinError>,
        stopped_by: Option<StopReason>,
    ) -> RunEnd {
        match result {
            Ok(Ok(completion)) => RunEnd::Completed(Box::new(completion)),
            Ok(Err(WorkError::Failed(failure))) => RunEnd::Failed(failure),
            Ok(Err(WorkError::Suspended)) => RunEnd::Suspended,
            Ok(Err(WorkError::Io(error))) => self.end_after_io_error(&error),
            Ok(Err(WorkError::Stopped)) => match stopped_by {
                Some(StopReason::LeaseLost) => self.outage("failed to renew the lease"),
                Some(StopReason::OutOfTime) => {
                    self.retry(FailureCode::TimedOut, "The attempt ran out of time.")
                }
                // Stopped for no known reason: requeue the job, as after a crash.
                Some(StopReason::Fenced) | None => RunEnd::Deferred(WaitingFor::Queue, self.now()),
            },
            Err(error) => {
                tracing::error!(job_id = %self.job.id, %error, "job panicked");
                self.retry(
                    FailureCode::Internal,
                    "An internal error ended the attempt.",
                )
            }
        }
    }

    fn end_after_io_error(&self, error: &io::Error) -> RunEnd {
        if let Some(error) = find_cause::<AwsError>(error) {
            return self.end_after_aws_error(error);
        }
        tracing::warn!(job_id = %self.job.id, %error, "failed to read or write a file");
        self.retry(FailureCode::Storage, "A file could not be read or written.")
    }

    fn end_after_aws_error(&self, error: &AwsError) -> RunEnd {
        if error.is_unavailable() {
            return self.outage(&error.to_string());
        }
        tracing::error!(job_id = %self.job.id, %error, "a service refused a call");
        self.retry(
            FailureCode::Internal,
            "A service refused the job's request.",
        )
    }

    /// Defers the job while a service is unavailable. The run does not count as an attempt.
    fn outage(&self, detail: &str) -> RunEnd {
        tracing::warn!(job_id = %self.job.id, detail, "a service is unavailable; job deferred");
        let until = self.now().after(backoff::after_outage(&self.job));
        RunEnd::Deferred(WaitingFor::Backoff { until }, until)
    }

    /// Ends a failed attempt. Another follows if any are left.
    fn retry(&self, code: FailureCode, message: &str) -> RunEnd {
        let job = &self.job;
        if job.has_attempts_left() {
            let at = self.now().after(backoff::after_failure(job));
            return RunEnd::Retry(Failure::new(code, message), at);
        }
        let message = format!(
            "All {} attempts failed. The last error: {message}",
            job.attempt
        );
        RunEnd::Failed(Failure::new(FailureCode::AttemptsExhausted, message))
    }

    /// Writes the end of the run. `is_clean` is `true` if the run left nothing but a package in the
    /// bucket.
    pub(crate) async fn end(&self, end: RunEnd, is_clean: bool) -> Result<Processed, AwsError> {
        // Earlier runs may have left files.
        let is_clean = is_clean && self.job.fence == 1 && !self.reporter.leaves_upload();
        let leftovers = if is_clean {
            Leftovers::None
        } else {
            Leftovers::Possible
        };
        self.log_end(&end);
        let (outcome, end) = match self.write_end(&end, leftovers).await {
            // Every attempt would be refused, so fail the job now.
            Err(error) if !error.is_unavailable() && matches!(end, RunEnd::Completed(_)) => {
                tracing::error!(job_id = %self.job.id, %error, "failed to store the result");
                let failure =
                    Failure::new(FailureCode::Internal, "The result could not be stored.");
                let end = RunEnd::Failed(failure);
                self.log_end(&end);
                (self.write_end(&end, Leftovers::Possible).await?, end)
            }
            outcome => (outcome?, end),
        };
        match outcome {
            EndOutcome::Written(job) => Ok(match end {
                RunEnd::Retry(_, at) | RunEnd::Deferred(_, at) => {
                    Processed::Waiting(job, at.since(self.now()))
                }
                RunEnd::Suspended => Processed::Waiting(job, Duration::ZERO),
                RunEnd::Completed(_) | RunEnd::Failed(_) => Processed::Finished(job),
            }),
            EndOutcome::Fenced(_) => Ok(Processed::Fenced),
            EndOutcome::ReleaseChanged => self.fail_release_changed().await,
        }
    }

    fn log_end(&self, end: &RunEnd) {
        let (level, line) = match end {
            RunEnd::Completed(_) => (Level::Info, "Job completed".to_owned()),
            RunEnd::Failed(failure) => (Level::Error, failure.log_line().to_owned()),
            RunEnd::Retry(failure, at) => {
                let (attempt, error) = (self.job.attempt, failure.log_line());
                let line =
                    format!("Attempt {attempt} failed: {error}; the next one starts after {at}");
                (Level::Warning, line)
            }
            RunEnd::Deferred(waiting_for, _) => (Level::Warning, waiting_for.to_string()),
            // The work has already logged its progress.
            RunEnd::Suspended => return,
        };
        self.reporter.log(level, &line);
    }

    /// Writes the end, and retries while DynamoDB is unavailable. All tries share one timestamp, by
    /// which the store recognizes its own write.
    async fn write_end(&self, end: &RunEnd, leftovers: Leftovers) -> Result<EndOutcome, AwsError> {
        let (mut tries, now) = (1, self.now());
        loop {
            match self.try_end(end, leftovers, now).await {
                Err(error) if error.is_unavailable() && tries < MAX_END_TRIES => {
                    tracing::warn!(job_id = %self.job.id, %error, tries, "failed to end the run");
                    tokio::time::sleep(POLL_INTERVAL * tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_end(
        &self,
        end: &RunEnd,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<EndOutcome, AwsError> {
        let store = self.service.store();
        if let WriteOutcome::Fenced(job) = flush_log(store, &self.handle, &self.reporter).await? {
            return Ok(EndOutcome::Fenced(job));
        }
        let progress = self.reporter.snapshot();
        store
            .end_run(&self.handle, &progress, end, leftovers, now)
            .await
    }

    async fn fail_release_changed(&self) -> Result<Processed, AwsError> {
        let end = RunEnd::Failed(Failure::new(
            FailureCode::ReleaseChanged,
            "The release changed while this job ran. Retry the job to use the current release.",
        ));
        self.log_end(&end);
        Ok(
            match self.try_end(&end, Leftovers::Possible, self.now()).await? {
                EndOutcome::Written(job) => Processed::Finished(job),
                EndOutcome::Fenced(_) | EndOutcome::ReleaseChanged => Processed::Fenced,
            },
        )
    }
}

/// Returns the wait for a `permit` that `holder` has.
pub(crate) const fn waiting_for(permit: Permit, holder: jobs::JobId) -> WaitingFor {
    match permit {
        Permit::Release(_) => WaitingFor::Release { job_id: holder },
        Permit::User(_, limit) => WaitingFor::UserLimit { limit },
    }
}
