//! Processing one job: claim, heartbeat while it works, end.

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{JobService, report::Reporter};
use crate::{
    aws::AwsError,
    job::{ATTEMPTS_EXHAUSTED, Config, Failure, Job, JobId, Level, LogEntry, RELEASE_CHANGED},
    store::{Claimed, Completion, Finished, Held, RunEnd, RunHandle},
    time::Time,
};

/// How often the heartbeat looks whether there is something to write.
const TICK: Duration = Duration::from_secs(1);
/// How often it writes even so, to renew the lease and to learn of a cancel.
const BEAT: Duration = Duration::from_secs(2);
/// How long before the function's end a job that still works is stopped.
const MARGIN: Duration = Duration::from_secs(20);
/// How long the end of a run is tried when DynamoDB does not answer: well within the lease.
const END_TRIES: u32 = 5;
/// A chunk's lines stay below this many bytes: with its keys it is 4 KB, four write units.
const CHUNK_BYTES: usize = 3_800;

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
    fn run(&self, assignment: Assignment) -> impl Future<Output = Result<Completion, WorkError>> + Send;

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

/// How long a job waits after its attempt `attempt` failed: 5 s, 10 s, 20 s and so on up to five
/// minutes, and up to half as long again by chance (`jitter`, 0 to 1), so that jobs that failed
/// together do not come back together.
#[must_use]
pub fn backoff(attempt: u32, jitter: f64) -> Duration {
    let base = Duration::from_secs(5) * 2_u32.saturating_pow(attempt.saturating_sub(1).min(6));
    base.min(Duration::from_mins(5)).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0)
}

impl JobService {
    /// Claims a pending job and works on it to its end. The function that calls has until `deadline`.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked: the message must be delivered again, or the lease runs out.
    pub async fn process_job<W: Work>(&self, id: JobId, work: &Arc<W>, deadline: Time) -> Result<Processed, AwsError> {
        let job = match self.store().claim(id, self.clock.now()).await? {
            Claimed::Yes(job) => job,
            Claimed::Lost(job) => return Ok(Processed::Skipped(job)),
            Claimed::Missing => return Ok(Processed::Missing),
        };
        let config = match self.store().job_with_documents(id).await? {
            Some((_, documents)) => documents.config,
            None => Map::new(),
        };
        let log_from = job.runs.last().map_or(1, |run| run.log_from);
        let run = Attempt {
            service: self,
            handle: RunHandle::of(&job),
            report: Reporter::new(self.clock.clone(), log_from),
            deadline,
        };
        run.introduce(&job);
        let result = match typed(&job, &config) {
            Err(failure) => Err(WorkError::Failed(failure)),
            Ok(config) => {
                let assignment = Assignment { job: job.clone(), config, report: run.report.clone() };
                let task = Arc::clone(work);
                match run.work_on(async move { task.run(assignment).await }).await {
                    Some(result) => result,
                    None => return self.give_up(&job, work).await,
                }
            }
        };
        let processed = run.end(&job, result).await?;
        let completed = matches!(&processed, Processed::Finished(job) if job.error.is_none());
        if !completed {
            self.clean_up(&job, work).await;
        }
        Ok(processed)
    }

    async fn give_up<W: Work>(&self, job: &Job, work: &Arc<W>) -> Result<Processed, AwsError> {
        self.clean_up(job, work).await;
        Ok(Processed::Fenced)
    }

    async fn clean_up<W: Work>(&self, job: &Job, work: &Arc<W>) {
        if let Err(error) = work.clean_up(job).await {
            tracing::warn!(job_id = %job.id, %error, "what a run left could not be removed; the sweeper or S3's lifecycle will");
        }
    }
}

fn typed(job: &Job, config: &Map<String, Value>) -> Result<Config, Failure> {
    let job_type = job.job_type.ok_or_else(|| Failure::new("config_invalid", "The job has no type"))?;
    Config::parse(job_type, config).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
        Failure::new("config_invalid", format!("The configuration is not valid: {}", errors.join("; ")))
    })
}

/// One run of a job.
struct Attempt<'a> {
    service: &'a JobService,
    handle: RunHandle,
    report: Reporter,
    deadline: Time,
}

impl Attempt<'_> {
    fn now(&self) -> Time {
        self.service.clock.now()
    }

    /// The run's first line: what it is, and why there is another after the last.
    fn introduce(&self, job: &Job) {
        let job_type = job.job_type.map_or("job", |job_type| job_type.as_str());
        let before = job.runs.len().checked_sub(2).and_then(|last| job.runs.get(last));
        let why = before
            .and_then(|run| run.error.as_ref())
            .map_or(String::new(), |error| format!(", since the last failed: {}", error.message));
        let line = match job.attempt {
            1 if before.is_none() => format!("Job {} ({job_type}) started", job.id),
            attempt => format!("Attempt {attempt} of {job_type} started{why}"),
        };
        self.report.log(Level::Info, &line);
    }

    /// Drives the work and the heartbeat side by side. `None`: the run has been fenced off.
    async fn work_on(
        &self,
        work: impl Future<Output = Result<Completion, WorkError>> + Send + 'static,
    ) -> Option<Result<Completion, WorkError>> {
        let mut work = tokio::spawn(work);
        let mut heartbeat = Heartbeat { last: self.now(), fenced: false, out_of_time: false };
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
            Ok(Err(WorkError::Stopped)) if heartbeat.out_of_time => {
                Err(WorkError::Retry(Failure::new("timed_out", "The attempt ran out of time")))
            }
            Ok(result) => result,
            // The panic's message is in the function's log; its owner is told what concerns them.
            Err(_) => Err(WorkError::Retry(Failure::new("internal", "The attempt ended by an internal error"))),
        })
    }

    async fn beat(&self, heartbeat: &mut Heartbeat) {
        let now = self.now();
        if now.after(MARGIN) >= self.deadline && !heartbeat.out_of_time {
            heartbeat.out_of_time = true;
            self.report.stop();
        }
        if heartbeat.fenced {
            return;
        }
        match self.write(now.since(heartbeat.last) >= BEAT).await {
            Ok(Wrote::Something) => heartbeat.last = now,
            Ok(Wrote::Nothing) => {}
            Ok(Wrote::Fenced) => {
                heartbeat.fenced = true;
                self.report.stop();
            }
            // The lease outlives some missed beats. When it may have run out, another run may
            // hold the job: stop before it does.
            Err(error) => {
                tracing::warn!(job_id = %self.handle.job_id, %error, "heartbeat failed");
                if now.since(heartbeat.last) >= crate::job::LEASE.mul_f64(0.75) {
                    heartbeat.fenced = true;
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
        Ok(match self.service.store().heartbeat(&self.handle, &progress, self.now()).await? {
            Held::Yes => Wrote::Something,
            Held::Fenced(_) => Wrote::Fenced,
        })
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

    async fn end(&self, job: &Job, result: Result<Completion, WorkError>) -> Result<Processed, AwsError> {
        let result = self.counted(job, result);
        match &result {
            Ok(_) => self.report.log(Level::Info, "Job completed"),
            Err(RunEnd::Failed(failure)) => self.report.log(Level::Error, &failure.message),
            Err(RunEnd::Retry(failure, at)) => {
                let line = format!("Attempt {} failed: {}; the next follows after {at}", job.attempt, failure.message);
                self.report.log(Level::Warning, &line);
            }
            Err(RunEnd::GivenBack(at)) => {
                self.report.log(Level::Warning, &format!("A service is not available; going on after {at}"));
            }
        }
        let mut tries = 0;
        let finished = loop {
            tries += 1;
            match self.try_end(&result).await {
                Err(error) if error.is_unavailable() && tries < END_TRIES => {
                    tracing::warn!(job_id = %self.handle.job_id, %error, tries, "the end of a run could not be written");
                    tokio::time::sleep(TICK * tries).await;
                }
                other => break other?,
            }
        };
        match (finished, result) {
            (Finished::Yes(job), Err(RunEnd::Retry(_, at) | RunEnd::GivenBack(at))) => {
                let delay = at.since(self.now());
                Ok(Processed::Waiting(job, delay))
            }
            (Finished::Yes(job), _) => Ok(Processed::Finished(job)),
            (Finished::Fenced(_), _) => Ok(Processed::Fenced),
            (Finished::ReleaseChanged, _) => self.fail_as_changed().await,
        }
    }

    async fn try_end(&self, result: &Result<Completion, RunEnd>) -> Result<Finished, AwsError> {
        if let Held::Fenced(job) = self.flush().await? {
            return Ok(Finished::Fenced(job));
        }
        let (progress, now) = (self.report.snapshot(), self.now());
        match result {
            Ok(completion) => self.service.store().complete(&self.handle, &progress, completion, now).await,
            Err(end) => self.service.store().end_run(&self.handle, &progress, end, now).await,
        }
    }

    async fn fail_as_changed(&self) -> Result<Processed, AwsError> {
        let failure = Failure::new(
            RELEASE_CHANGED,
            "The release changed while this job ran; start it again to work on it as it is now",
        );
        self.report.log(Level::Error, &failure.message);
        Ok(match self.try_end(&Err(RunEnd::Failed(failure))).await? {
            Finished::Yes(job) => Processed::Finished(job),
            Finished::Fenced(_) | Finished::ReleaseChanged => Processed::Fenced,
        })
    }

    /// What the work's end means for the job: another attempt while there is one left.
    fn counted(&self, job: &Job, result: Result<Completion, WorkError>) -> Result<Completion, RunEnd> {
        let again = |delay| self.now().after(delay);
        result.map_err(|error| match error {
            WorkError::Failed(failure) => RunEnd::Failed(failure),
            WorkError::Unavailable(detail) => {
                tracing::warn!(job_id = %job.id, detail, "a dependency is unavailable; the job is given back");
                RunEnd::GivenBack(again(backoff(3, jitter(job.id, job.fence))))
            }
            WorkError::Retry(failure) if job.has_attempts_left() => {
                RunEnd::Retry(failure, again(backoff(job.attempt, jitter(job.id, job.fence))))
            }
            WorkError::Retry(failure) => RunEnd::Failed(Failure::new(
                ATTEMPTS_EXHAUSTED,
                format!("All {} attempts failed; the last: {}", job.attempt, failure.message),
            )),
            // Stopped by nobody we know of: as if the process had died.
            WorkError::Stopped => RunEnd::GivenBack(again(Duration::ZERO)),
        })
    }
}

struct Heartbeat {
    last: Time,
    fenced: bool,
    out_of_time: bool,
}

enum Wrote {
    Something,
    Nothing,
    Fenced,
}

/// Differs from job to job and from run to run, and is the same again for the same run.
fn jitter(id: JobId, fence: u32) -> f64 {
    f64::from(u32::try_from((id.get() ^ u64::from(fence).wrapping_mul(0x9E37_79B9)) % 1_000).unwrap_or(0)) / 1_000.0
}

/// Cuts lines into runs that fit a chunk.
fn chunks(lines: &[LogEntry]) -> Vec<&[LogEntry]> {
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, line) in lines.iter().enumerate() {
        let size = line.message.len() + line.step.as_ref().map_or(0, String::len) + 24;
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
        assert!(chunks.len() > 3 && chunks.iter().all(|chunk| chunk.len() * 124 <= CHUNK_BYTES));
        assert!(super::chunks(&[]).is_empty());
    }
}
