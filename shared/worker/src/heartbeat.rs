//! The heartbeat of a run: renews the lease, writes the progress and the log, and stops the work.
//!
//! A write costs five times as much as a read. So a beat writes only a new line, step or message, or
//! what is due. Between two writes it reads the job, to notice a cancel just as soon.

use std::time::Duration;

use aws::AwsError;
use jobs::{Clock, LogEntry, STOP_TIME, Status, Time};
use store::{RunHandle, RunProgress, Store, WriteOutcome};

use crate::reporter::Reporter;

/// Interval at which the heartbeat checks for something to write.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The same while a client follows the job live.
const LIVE_INTERVAL: Duration = Duration::from_millis(250);
/// Interval at which it reads the job, unless it writes, to notice a cancel.
const READ_INTERVAL: Duration = Duration::from_secs(2);
/// Interval at which it writes in any case: to renew the lease, and to show the percentage.
const WRITE_INTERVAL: Duration = Duration::from_secs(4);
/// Time before the function's deadline at which the work is stopped.
const DEADLINE_MARGIN: Duration = Duration::from_secs(20);
/// Time without a renewal of the lease after which the work is stopped: three quarters of
/// [`jobs::LEASE`]. Once the lease expires, another run may claim the job.
const LEASE_LOST_AFTER: Duration = Duration::from_secs(45);
/// Maximum bytes of the lines in a chunk. With its keys, a chunk fits 4 KB: four write units.
const CHUNK_BYTES: usize = 3_900;
/// Bytes that a line takes in its chunk besides its text: time, level, punctuation.
const LINE_OVERHEAD_BYTES: usize = 20;

/// The reason why the heartbeat stopped the work. Later variants outrank earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopReason {
    /// The function's deadline is near.
    OutOfTime,
    /// The lease could not be renewed for too long.
    LeaseLost,
    /// The run was ended from outside.
    Fenced,
}

/// What a beat has learned about its run.
enum Learned {
    /// Nothing: nothing was due.
    Nothing,
    /// The run holds its job.
    Ours { is_watched: bool },
    /// The run was ended from outside.
    Fenced,
}

/// The heartbeat of one run.
pub(crate) struct Heartbeat<'a> {
    store: &'a Store,
    run: &'a RunHandle,
    reporter: &'a Reporter,
    clock: &'a Clock,
    deadline: Time,
    last_write: Time,
    last_contact: Time,
    written_percent: u8,
    has_news: bool,
    is_watched: bool,
    stopped_by: Option<StopReason>,
    stopped_at: Option<Time>,
}

impl<'a> Heartbeat<'a> {
    /// Creates the heartbeat of a run that begins now and must end by `deadline`. Until its first
    /// request tells otherwise, `is_watched` says whether a client follows the job live.
    pub(crate) fn new(
        store: &'a Store,
        run: &'a RunHandle,
        reporter: &'a Reporter,
        clock: &'a Clock,
        deadline: Time,
        is_watched: bool,
    ) -> Self {
        let now = clock.now();
        Self {
            store,
            run,
            reporter,
            clock,
            deadline,
            last_write: now,
            last_contact: now,
            written_percent: reporter.snapshot().percent,
            has_news: false,
            is_watched,
            stopped_by: None,
            stopped_at: None,
        }
    }

    /// Returns the reason why it stopped the work; `None` if it did not.
    pub(crate) const fn stopped_by(&self) -> Option<StopReason> {
        self.stopped_by
    }

    /// Returns whether the work continues at `now`, although it was stopped [`STOP_TIME`] ago.
    pub(crate) fn has_waited_too_long(&self, now: Time) -> bool {
        self.stopped_at
            .is_some_and(|stopped| now.since(stopped) >= STOP_TIME)
    }

    /// Returns the time until the next beat.
    pub(crate) const fn interval(&self) -> Duration {
        if self.is_watched {
            LIVE_INTERVAL
        } else {
            POLL_INTERVAL
        }
    }

    /// Beats once, until a second after the lease counts as lost at the latest.
    pub(crate) async fn beat(&mut self) {
        let now = self.clock.now();
        if now.after(DEADLINE_MARGIN) >= self.deadline {
            self.stop(StopReason::OutOfTime);
        }
        if self.stopped_by >= Some(StopReason::LeaseLost) {
            return;
        }
        let left = LEASE_LOST_AFTER.saturating_sub(now.since(self.last_write));
        // A process that was paused for long may still have its lease.
        let left = left.max(POLL_INTERVAL);
        let exchange = tokio::time::timeout(left, self.exchange(now)).await;
        let no_answer = |_| Err(AwsError::unavailable("DynamoDB", "no answer in time"));
        match exchange.unwrap_or_else(no_answer) {
            Ok(Learned::Ours { is_watched }) => {
                self.last_contact = now;
                self.is_watched = is_watched;
            }
            Ok(Learned::Nothing) => {}
            Ok(Learned::Fenced) => self.stop(StopReason::Fenced),
            // The lease survives a few missed beats.
            Err(error) => {
                tracing::warn!(job_id = %self.run.job_id, %error, "heartbeat failed");
                if self.clock.now().since(self.last_write) >= LEASE_LOST_AFTER {
                    self.stop(StopReason::LeaseLost);
                }
            }
        }
    }

    fn stop(&mut self, reason: StopReason) {
        self.stopped_by = self.stopped_by.max(Some(reason));
        self.stopped_at.get_or_insert_with(|| self.clock.now());
        self.reporter.stop();
    }

    /// Writes or reads the job, whichever is due.
    async fn exchange(&mut self, now: Time) -> Result<Learned, AwsError> {
        if let WriteOutcome::Fenced(_) = flush_log(self.store, self.run, self.reporter).await? {
            return Ok(Learned::Fenced);
        }
        // News stay news until they are written.
        self.has_news |= self.reporter.take_changed();
        let progress = self.reporter.snapshot();
        let has_moved = self.is_watched && progress.percent > self.written_percent;
        if self.has_news || has_moved || now.since(self.last_write) >= WRITE_INTERVAL {
            return self.write(&progress, now).await;
        }
        if now.since(self.last_contact) >= READ_INTERVAL {
            return self.read().await;
        }
        Ok(Learned::Nothing)
    }

    async fn write(&mut self, progress: &RunProgress, now: Time) -> Result<Learned, AwsError> {
        let outcome = self.store.heartbeat(self.run, progress, now).await?;
        let WriteOutcome::Written(is_watched) = outcome else {
            return Ok(Learned::Fenced);
        };
        self.last_write = now;
        self.written_percent = progress.percent;
        self.has_news = false;
        Ok(Learned::Ours { is_watched })
    }

    /// Reads the job, consistently: `stops_by` of a cancel counts on it.
    async fn read(&self) -> Result<Learned, AwsError> {
        let job = self.store.job(self.run.job_id, true).await?;
        let ours = job.filter(|job| job.fence == self.run.fence && job.status() == Status::Running);
        Ok(ours.map_or(Learned::Fenced, |job| Learned::Ours {
            is_watched: job.is_watched,
        }))
    }
}

/// Writes the log lines reported since the last call.
pub(crate) async fn flush_log(
    store: &Store,
    run: &RunHandle,
    reporter: &Reporter,
) -> Result<WriteOutcome<()>, AwsError> {
    let lines = reporter.unwritten();
    for chunk in chunks(&lines) {
        let outcome = store.put_log(run, chunk).await?;
        if let WriteOutcome::Fenced(_) = outcome {
            return Ok(outcome);
        }
        reporter.mark_written(chunk.last().map_or(0, |line| line.seq));
    }
    Ok(WriteOutcome::Written(()))
}

/// Splits lines into groups that fit a chunk.
fn chunks(lines: &[LogEntry]) -> Vec<&[LogEntry]> {
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, line) in lines.iter().enumerate() {
        // A chunk stores the step only on lines where it changes.
        let has_new_step = at == start || line.step != lines[at - 1].step;
        let step = line.step.as_ref().filter(|_| has_new_step);
        let size = line.message.len() + step.map_or(0, String::len) + LINE_OVERHEAD_BYTES;
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
    use jobs::{
        Level,
        testing::{ManualClock, START},
    };
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn beat_waits_for_no_answer_after_which_the_lease_would_be_lost() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let store = Store::new(&store::testing::client(&endpoint), "jobs");
        let run = RunHandle {
            job_id: 1_u64.try_into().unwrap(),
            fence: 1,
            attempt: 1,
            expires_at: START,
        };
        let (manual, never) = (ManualClock::default(), Time::from_millis(i64::MAX));
        let (clock, reporter) = (manual.clock(), Reporter::new(manual.clock(), 1));
        let mut heartbeat = Heartbeat::new(&store, &run, &reporter, &clock, never, false);
        manual.advance(44);
        let beat = tokio::time::timeout(Duration::from_secs(10), heartbeat.beat());
        beat.await.expect("the beat ends");
        assert_eq!(heartbeat.stopped_by(), None);
        manual.advance(1);
        heartbeat.beat().await;
        assert_eq!(heartbeat.stopped_by(), Some(StopReason::LeaseLost));
        assert!(!heartbeat.has_waited_too_long(clock.now()));
    }

    #[test]
    fn log_lines_are_split_into_chunks_of_4_kb() {
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
        let fits = |chunk: &&[LogEntry]| chunk.len() * (100 + LINE_OVERHEAD_BYTES) <= CHUNK_BYTES;
        assert!(chunks.len() > 3 && chunks.iter().all(fits));
        assert!(super::chunks(&[]).is_empty());
    }
}
