//! The link between the work of a run and its heartbeat.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jobs::{Clock, Level, LogEntry, Time};
use store::RunProgress;
use text::one_line;
use tokio::sync::watch;

/// Takes the steps, progress and log lines of the work, and tells it to stop. It is cheap to call
/// from any thread. The heartbeat writes them within a second, a new percentage alone within four.
#[derive(Clone)]
pub struct Reporter {
    shared: Arc<Shared>,
    clock: Clock,
    deadline: Time,
}

struct Shared {
    state: Mutex<State>,
    stopped: watch::Sender<bool>,
    leaves_upload: AtomicBool,
}

struct State {
    progress: RunProgress,
    changed: bool,
    next_seq: u64,
    lines: Vec<LogEntry>,
}

impl Reporter {
    /// Creates the reporter of a run whose first log entry has the number `first_log_seq`.
    #[must_use]
    pub fn new(clock: Clock, first_log_seq: u64) -> Self {
        Self::resuming(clock, first_log_seq, 0, Time::from_millis(i64::MAX))
    }

    /// Like [`Reporter::new`], for a run that resumes at `percent` and must end by `deadline`.
    #[must_use]
    pub fn resuming(clock: Clock, first_log_seq: u64, percent: u8, deadline: Time) -> Self {
        let progress = RunProgress {
            percent,
            log_seq: first_log_seq.saturating_sub(1),
            ..RunProgress::default()
        };
        let state = State {
            progress,
            changed: false,
            next_seq: first_log_seq,
            lines: Vec::new(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            stopped: watch::Sender::new(false),
            leaves_upload: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
            clock,
            deadline,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves plain values, which are still valid.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a step.
    pub fn step(&self, step: &str) {
        let mut state = self.state();
        state.progress.step = Some(step.to_owned());
        state.changed = true;
    }

    /// Raises the progress to `percent`, at most to 99: only a completed job is at 100. A lower
    /// value than before is ignored.
    pub fn progress(&self, percent: u8) {
        let mut state = self.state();
        if percent.min(99) > state.progress.percent {
            state.progress.percent = percent.min(99);
        }
    }

    /// Sets the description of the state for people.
    pub fn message(&self, message: &str) {
        let mut state = self.state();
        state.progress.message = Some(one_line(message));
        state.changed = true;
    }

    /// Adds a line to the job's log.
    pub fn log(&self, level: Level, message: &str) {
        let timestamp = self.clock.now();
        let mut state = self.state();
        let entry = LogEntry {
            seq: state.next_seq,
            timestamp,
            level,
            message: one_line(message),
            step: state.progress.step.clone(),
        };
        state.next_seq += 1;
        state.lines.push(entry);
    }

    /// Returns the time left until the function's deadline.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.since(self.clock.now())
    }

    /// Returns `true` if the work must stop: the job was cancelled, the run was fenced off, or its
    /// time is up.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.shared.stopped.borrow()
    }

    /// Waits until the work must stop.
    pub async fn until_stopped(&self) {
        // The sender lives as long as this reporter.
        let _ = self
            .shared
            .stopped
            .subscribe()
            .wait_for(|stopped| *stopped)
            .await;
    }

    /// Tells the work to stop.
    pub fn stop(&self) {
        self.shared.stopped.send_replace(true);
    }

    /// Records that an upload could not be aborted, or that a write may still take effect. What it
    /// leaves is removed by the sweeper.
    pub fn leave_upload(&self) {
        self.shared.leaves_upload.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if an upload or a file may be left.
    #[must_use]
    pub fn leaves_upload(&self) -> bool {
        self.shared.leaves_upload.load(Ordering::Relaxed)
    }

    /// Returns the unwritten lines. They are kept until [`Reporter::mark_written`].
    #[must_use]
    pub fn unwritten(&self) -> Vec<LogEntry> {
        self.state().lines.clone()
    }

    /// Records that the lines up to `seq` have been written.
    pub fn mark_written(&self, seq: u64) {
        let mut state = self.state();
        state.lines.retain(|line| line.seq > seq);
        state.progress.log_seq = seq;
        state.changed = true;
    }

    /// Returns the progress of the run.
    #[must_use]
    pub fn snapshot(&self) -> RunProgress {
        self.state().progress.clone()
    }

    /// Returns `true` if the step, the message or the log has changed since the last call.
    #[must_use]
    pub fn take_changed(&self) -> bool {
        std::mem::take(&mut self.state().changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reporter(first_log_seq: u64) -> Reporter {
        Reporter::new(Clock::new(|| Time::from_millis(0)), first_log_seq)
    }

    #[test]
    fn progress_never_decreases_and_stays_below_100() {
        let reporter = reporter(1);
        for (reported, shown) in [(10, 10), (5, 10), (100, 99)] {
            reporter.progress(reported);
            assert_eq!(reporter.snapshot().percent, shown);
        }
    }

    #[test]
    fn log_lines_continue_the_numbering_and_are_kept_until_written() {
        let reporter = reporter(8);
        reporter.step("read");
        reporter.log(Level::Info, "one");
        reporter.log(Level::Warning, "two");
        let lines = reporter.unwritten();
        assert_eq!(
            lines.iter().map(|line| line.seq).collect::<Vec<_>>(),
            [8, 9]
        );
        assert_eq!(lines[1].step.as_deref(), Some("read"));
        reporter.mark_written(8);
        assert_eq!(reporter.unwritten().len(), 1);
        assert_eq!(reporter.snapshot().log_seq, 8);
        assert!(reporter.take_changed());
        assert!(!reporter.take_changed());
    }
}
