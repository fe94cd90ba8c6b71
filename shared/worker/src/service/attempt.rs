//! One run of a job: the work and its heartbeat side by side, and its end.

use std::{future::Future, time::Duration};

use aws::AwsError;
use jobs::{
    ATTEMPTS_EXHAUSTED, Failure, INTERNAL, Job, JobId, Level, LogEntry, RELEASE_CHANGED, Run, Time,
    UNAVAILABLE, WaitingFor,
};
use store::{Completion, Finished, Held, Leftovers, Permits, Permitted, RunEnd, RunHandle};
use tracing::Instrument;

use super::{
    JobService,
    process::{Processed, WorkError, waiting_for},
    report::Reporter,
};

/// How often the heartbeat looks whether there is something to write.
const TICK: Duration = Duration::from_secs(1);
/// How often it writes even so, to renew the lease and to learn of a cancel.
const BEAT: Duration = Duration::from_secs(2);
/// How long before the function's end a job that still works is stopped.
const MARGIN: Duration = Duration::from_secs(20);
/// How long the end of a run is tried when DynamoDB does not answer: well within the lease.
const END_TRIES: u32 = 5;
/// When a run that was too late for its permit is tried again.
const SOON: Duration = Duration::from_secs(2);
/// A chunk's lines stay below this many bytes: with its keys it is 4 KB, four write units.
const CHUNK_BYTES: usize = 3_900;
/// What a line takes in its chunk besides its text: time, level, signs.
const LINE_BYTES: usize = 20;

/// How long a job waits after its attempt `attempt` failed: 5 s, 10 s, 20 s and so on up to five
/// minutes, and up to half as long again by chance (`jitter`, 0 to 1), so that jobs that failed
/// together do not come back together.
#[must_use]
pub fn backoff(attempt: u32, jitter: f64) -> Duration {
    let base = Duration::from_secs(5) * 2_u32.saturating_pow(attempt.saturating_sub(1).min(6));
    base.min(Duration::from_mins(5))
        .mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// One run of a job.
pub(super) struct Attempt<'a> {
    service: &'a JobService,
    handle: RunHandle,
    report: Reporter,
    permits: Vec<Permits>,
    deadline: Time,
}

impl<'a> Attempt<'a> {
    /// The run that has just claimed `job`, and has to have `permits`.
    pub fn new(service: &'a JobService, job: &Job, permits: Vec<Permits>, deadline: Time) -> Self {
        let log_from = job.runs.last().map_or(1, |run| run.log_from);
        let report = Reporter::going_on(service.clock.clone(), log_from, job.progress, deadline);
        Self {
            service,
            handle: RunHandle::of(job),
            report,
            permits,
            deadline,
        }
    }

    /// Where its work reports to.
    pub fn report(&self) -> &Reporter {
        &self.report
    }

    /// Takes the permits. They looked free before the claim, but another run may have been faster.
    pub async fn take_permits(&self) -> Result<(), WorkError> {
        for permits in &self.permits {
            match self
                .service
                .store()
                .take_permit(*permits, &self.handle, self.now())
                .await
            {
                Ok(Permitted::Yes) => {}
                Ok(Permitted::Full(holder)) => {
                    return Err(WorkError::Waits(waiting_for(*permits, holder)));
                }
                Err(error) if error.is_unavailable() => {
                    return Err(WorkError::Unavailable(error.to_string()));
                }
                Err(error) => {
                    tracing::error!(job_id = %self.handle.job_id, %error, "a permit was refused");
                    return Err(WorkError::Retry(Failure::new(
                        INTERNAL,
                        "A service refused the job's request",
                    )));
                }
            }
        }
        Ok(())
    }

    /// Gives the permits back. What cannot be given back now is taken by whoever finds it held by
    /// a run that has ended.
    pub async fn give_permits(&self) {
        for permits in &self.permits {
            if let Err(error) = self
                .service
                .store()
                .give_permit(*permits, &self.handle)
                .await
            {
                tracing::warn!(job_id = %self.handle.job_id, %error, "a permit could not be given back");
            }
        }
    }

    fn now(&self) -> Time {
        self.service.clock.now()
    }

    /// The run's first line: what it is, and why there is another after the last.
    pub fn introduce(&self, job: &Job) {
        let job_type = job.job_type.map_or("job", |job_type| job_type.as_str());
        let before = job
            .runs
            .len()
            .checked_sub(2)
            .and_then(|last| job.runs.get(last));
        let why = before
            .and_then(|run| run.error.as_ref())
            .map_or(String::new(), |error| {
                format!(", since the last failed: {}", error.message)
            });
        let line = match job.attempt {
            1 if before.is_none() => format!("Job {} ({job_type}) started", job.id),
            attempt => format!("Attempt {attempt} of {job_type} started{why}"),
        };
        self.report.log(Level::Info, &line);
    }

    /// Drives the work and the heartbeat side by side. `None`: the run has been fenced off.
    pub async fn work_on(
        &self,
        work: impl Future<Output = Result<Completion, WorkError>> + Send + 'static,
    ) -> Option<Result<Completion, WorkError>> {
        let run =
            tracing::info_span!("run", job_id = %self.handle.job_id, attempt = self.handle.attempt);
        let mut work = tokio::spawn(work.instrument(run));
        let mut heartbeat = Heartbeat {
            last: self.now(),
            fenced: false,
            lost: false,
            out_of_time: false,
        };
        let mut ticks = tokio::time::interval(TICK);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = ticks.tick() => self.beat(&mut heartbeat).await,
            }
        };
        if heartbeat.fenced {
            return None;
        }
        Some(match result {
            Ok(Err(WorkError::Stopped)) if heartbeat.lost => Err(WorkError::Unavailable(
                "the lease could not be renewed".to_owned(),
            )),
            Ok(Err(WorkError::Stopped)) if heartbeat.out_of_time => Err(WorkError::Retry(
                Failure::new("timed_out", "The attempt ran out of time"),
            )),
            Ok(result) => result,
            // Its owner is told what concerns them.
            Err(panic) => {
                tracing::error!(job_id = %self.handle.job_id, %panic, "the work ended by an internal error");
                Err(WorkError::Retry(Failure::new(
                    INTERNAL,
                    "The attempt ended by an internal error",
                )))
            }
        })
    }

    async fn beat(&self, heartbeat: &mut Heartbeat) {
        let now = self.now();
        if now.after(MARGIN) >= self.deadline && !heartbeat.out_of_time {
            heartbeat.out_of_time = true;
            self.report.stop();
        }
        if heartbeat.fenced || heartbeat.lost {
            return;
        }
        match self.write(now.since(heartbeat.last) >= BEAT).await {
            Ok(Wrote::Something) => heartbeat.last = now,
            Ok(Wrote::Nothing) => {}
            Ok(Wrote::Fenced) => {
                heartbeat.fenced = true;
                self.report.stop();
            }
            // The lease outlives some missed beats. When it may have run out, another run may hold
            // the job: stop before it does. Until then, or a rescue, the job can be given back.
            Err(error) => {
                tracing::warn!(job_id = %self.handle.job_id, %error, "heartbeat failed");
                if now.since(heartbeat.last) >= jobs::LEASE.mul_f64(0.75) {
                    heartbeat.lost = true;
                    self.report.stop();
                }
            }
        }
    }

    async fn write(&self, even_if_unchanged: bool) -> Result<Wrote, AwsError> {
        if let Held::Fenced(_) = self.flush().await? {
            return Ok(Wrote::Fenced);
        }
        if !self.report.take_changed() && !even_if_unchanged {
            return Ok(Wrote::Nothing);
        }
        let progress = self.report.snapshot();
        Ok(
            match self
                .service
                .store()
                .heartbeat(&self.handle, &progress, self.now())
                .await?
            {
                Held::Yes => Wrote::Something,
                Held::Fenced(_) => Wrote::Fenced,
            },
        )
    }

    /// Puts the log lines that have come since the last time.
    async fn flush(&self) -> Result<Held, AwsError> {
        let lines = self.report.unwritten();
        for chunk in chunks(&lines) {
            if let Held::Fenced(job) = self.service.store().put_log(&self.handle, chunk).await? {
                return Ok(Held::Fenced(job));
            }
            self.report.written(chunk.last().map_or(0, |line| line.seq));
        }
        Ok(Held::Yes)
    }

    /// Writes the run's end. `clean` says that this run has left nothing in the bucket.
    pub async fn end(
        &self,
        job: &Job,
        result: Result<Completion, WorkError>,
        clean: bool,
    ) -> Result<Processed, AwsError> {
        // What earlier runs left is only known where there was none.
        let mut leftovers = if clean && job.fence == 1 {
            Leftovers::None
        } else {
            Leftovers::Perhaps
        };
        let mut result = self.counted(job, result);
        match &result {
            Ok(_) => self.report.log(Level::Info, "Job completed"),
            Err(RunEnd::Failed(failure)) => self.report.log(Level::Error, &failure.message),
            Err(RunEnd::Retry(failure, at)) => {
                let line = format!(
                    "Attempt {} failed: {}; the next follows after {at}",
                    job.attempt, failure.message
                );
                self.report.log(Level::Warning, &line);
            }
            Err(RunEnd::GivenBack(why, _)) => self.report.log(Level::Warning, &why.to_string()),
        }
        // One time for all tries: that is how the store knows its own write again.
        let (mut tries, now) = (0, self.now());
        let finished = loop {
            tries += 1;
            match self.try_end(&result, leftovers, now).await {
                Err(error) if error.is_unavailable() && tries < END_TRIES => {
                    tracing::warn!(job_id = %self.handle.job_id, %error, tries, "the end of a run could not be written");
                    tokio::time::sleep(TICK * tries).await;
                }
                // It would be refused each time: its owner is told now, not after all attempts.
                Err(error) if !error.is_unavailable() && result.is_ok() => {
                    tracing::error!(job_id = %self.handle.job_id, %error, "a result was refused");
                    let failure = Failure::new(INTERNAL, "The result could not be stored");
                    self.report.log(Level::Error, &failure.message);
                    result = Err(RunEnd::Failed(failure));
                    leftovers = Leftovers::Perhaps;
                }
                other => break other?,
            }
        };
        match (finished, result) {
            (Finished::Yes(job), Err(RunEnd::Retry(_, at) | RunEnd::GivenBack(_, at))) => {
                let delay = at.since(self.now());
                Ok(Processed::Waiting(job, delay))
            }
            (Finished::Yes(job), _) => Ok(Processed::Finished(job)),
            (Finished::Fenced(_), _) => Ok(Processed::Fenced),
            (Finished::ReleaseChanged, _) => self.fail_as_changed().await,
        }
    }

    async fn try_end(
        &self,
        result: &Result<Completion, RunEnd>,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<Finished, AwsError> {
        if let Held::Fenced(job) = self.flush().await? {
            return Ok(Finished::Fenced(job));
        }
        let progress = self.report.snapshot();
        match result {
            Ok(completion) => {
                self.service
                    .store()
                    .complete(&self.handle, &progress, completion, leftovers, now)
                    .await
            }
            Err(end) => {
                self.service
                    .store()
                    .end_run(&self.handle, &progress, end, leftovers, now)
                    .await
            }
        }
    }

    async fn fail_as_changed(&self) -> Result<Processed, AwsError> {
        let failure = Failure::new(
            RELEASE_CHANGED,
            "The release changed while this job ran; start it again to work on it as it is now",
        );
        self.report.log(Level::Error, &failure.message);
        Ok(
            match self
                .try_end(
                    &Err(RunEnd::Failed(failure)),
                    Leftovers::Perhaps,
                    self.now(),
                )
                .await?
            {
                Finished::Yes(job) => Processed::Finished(job),
                Finished::Fenced(_) | Finished::ReleaseChanged => Processed::Fenced,
            },
        )
    }

    /// What the work's end means for the job: another attempt while there is one left.
    fn counted(
        &self,
        job: &Job,
        result: Result<Completion, WorkError>,
    ) -> Result<Completion, RunEnd> {
        let again = |delay| self.now().after(delay);
        result.map_err(|error| match error {
            WorkError::Failed(failure) => RunEnd::Failed(failure),
            WorkError::Unavailable(detail) => {
                tracing::warn!(job_id = %job.id, detail, "a dependency is unavailable; the job is given back");
                let until = again(backoff(outages_before(job).saturating_add(3), jitter(job.id, job.fence)));
                RunEnd::GivenBack(WaitingFor::Backoff { until }, until)
            }
            WorkError::Retry(failure) if job.has_attempts_left() => {
                RunEnd::Retry(failure, again(backoff(job.attempt, jitter(job.id, job.fence))))
            }
            WorkError::Retry(failure) => RunEnd::Failed(Failure::new(
                ATTEMPTS_EXHAUSTED,
                format!("All {} attempts failed; the last: {}", job.attempt, failure.message),
            )),
            // Or stopped by nobody we know of: as if the process had died.
            WorkError::Paused | WorkError::Stopped => RunEnd::GivenBack(WaitingFor::Queue, self.now()),
            WorkError::Waits(why) => RunEnd::GivenBack(why, again(SOON)),
        })
    }
}

struct Heartbeat {
    last: Time,
    /// Another party has ended the run.
    fenced: bool,
    /// The lease could not be renewed for too long.
    lost: bool,
    out_of_time: bool,
}

enum Wrote {
    Something,
    Nothing,
    Fenced,
}

/// How many runs before this one found a service away, one behind the other.
fn outages_before(job: &Job) -> u32 {
    let found_it_away = |run: &&Run| {
        run.error
            .as_ref()
            .is_some_and(|error| error.code == UNAVAILABLE)
    };
    let before = job
        .runs
        .iter()
        .rev()
        .skip(1)
        .take_while(found_it_away)
        .count();
    u32::try_from(before).unwrap_or(u32::MAX)
}

/// Differs from job to job and from run to run, and is the same again for the same run.
fn jitter(id: JobId, fence: u32) -> f64 {
    f64::from(
        u32::try_from((id.get() ^ u64::from(fence).wrapping_mul(0x9E37_79B9)) % 1_000).unwrap_or(0),
    ) / 1_000.0
}

/// Cuts lines into runs that fit a chunk.
fn chunks(lines: &[LogEntry]) -> Vec<&[LogEntry]> {
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, line) in lines.iter().enumerate() {
        // A chunk has the step only where it changes.
        let step = line
            .step
            .as_ref()
            .filter(|_| at == start || line.step != lines[at - 1].step);
        let size = line.message.len() + step.map_or(0, String::len) + LINE_BYTES;
        if bytes + size > CHUNK_BYTES && at > start {
            chunks.push(&lines[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < lines.len() {
        chunks.push(&lines[start..]);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_five_minutes_with_jitter() {
        assert_eq!(backoff(1, 0.0), Duration::from_secs(5));
        assert_eq!(backoff(2, 0.0), Duration::from_secs(10));
        assert_eq!(backoff(2, 1.0), Duration::from_secs(15));
        assert_eq!(backoff(40, 0.0), Duration::from_mins(5));
    }

    #[test]
    fn log_lines_are_cut_into_chunks_of_some_4_kb_without_loss() {
        let line = |seq| LogEntry {
            seq,
            timestamp: Time::from_millis(0),
            level: Level::Info,
            message: "x".repeat(100),
            step: None,
        };
        let lines: Vec<LogEntry> = (1..=100).map(line).collect();
        let chunks = chunks(&lines);
        assert_eq!(chunks.concat(), lines);
        assert!(
            chunks.len() > 3
                && chunks
                    .iter()
                    .all(|chunk| chunk.len() * (100 + LINE_BYTES) <= CHUNK_BYTES)
        );
        assert!(super::chunks(&[]).is_empty());
    }
}
