//! What a running attempt reports: its steps, progress and log lines.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jobs::{Clock, Level, LogEntry, Time};
use store::Progress;
use text::one_line;

/// The attempt's side of a running job: cheap to call from any thread. What it is told is written
/// by the heartbeat, a second later at the most.
#[derive(Clone)]
pub struct Reporter {
    shared: Arc<Shared>,
    clock: Clock,
    deadline: Time,
}

struct Shared {
    state: Mutex<State>,
    stopped: AtomicBool,
    leaves_upload: AtomicBool,
}

struct State {
    progress: Progress,
    changed: bool,
    next_seq: u64,
    lines: Vec<LogEntry>,
}

impl Reporter {
    /// The reporter of a run whose first log entry has `seq` `log_from`.
    #[must_use]
    pub fn new(clock: Clock, log_from: u64) -> Self {
        Self::going_on(clock, log_from, 0, Time::from_millis(i64::MAX))
    }

    /// As [`Reporter::new`], of a run that goes on from `percent` and has until `deadline`.
    #[must_use]
    pub fn going_on(clock: Clock, log_from: u64, percent: u8, deadline: Time) -> Self {
        let progress = Progress {
            percent,
            log_seq: log_from.saturating_sub(1),
            ..Progress::default()
        };
        let state = State {
            progress,
            changed: false,
            next_seq: log_from,
            lines: Vec::new(),
        };
        let (stopped, leaves_upload) = (AtomicBool::new(false), AtomicBool::new(false));
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                stopped,
                leaves_upload,
            }),
            clock,
            deadline,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves plain values: they are as good as any.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempt begins a step.
    pub fn step(&self, step: &str) {
        let mut state = self.state();
        state.progress.step = Some(step.to_owned());
        state.changed = true;
    }

    /// The attempt is at `percent` of its work: never less than before, and never 100, which
    /// only the end is.
    pub fn progress(&self, percent: u8) {
        let mut state = self.state();
        if percent.min(99) > state.progress.percent {
            state.progress.percent = percent.min(99);
            state.changed = true;
        }
    }

    /// What a person should read about the state.
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

    /// How long the function that runs it still has.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.since(self.clock.now())
    }

    /// Whether the attempt must stop: it was cancelled or fenced off, or its time is up.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Relaxed)
    }

    /// Tells the attempt to stop.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// The attempt could not abort an upload: the sweeper must.
    pub fn leave_upload(&self) {
        self.shared.leaves_upload.store(true, Ordering::Relaxed);
    }

    /// Whether the attempt could not abort an upload.
    #[must_use]
    pub fn leaves_upload(&self) -> bool {
        self.shared.leaves_upload.load(Ordering::Relaxed)
    }

    /// The lines that have not been written yet. They stay until [`Reporter::written`].
    #[must_use]
    pub fn unwritten(&self) -> Vec<LogEntry> {
        self.state().lines.clone()
    }

    /// The lines up to `seq` have been written.
    pub fn written(&self, seq: u64) {
        let mut state = self.state();
        state.lines.retain(|line| line.seq > seq);
        state.progress.log_seq = seq;
        state.changed = true;
    }

    /// How far the attempt is.
    #[must_use]
    pub fn snapshot(&self) -> Progress {
        self.state().progress.clone()
    }

    /// Whether anything is new since the last call.
    #[must_use]
    pub fn take_changed(&self) -> bool {
        std::mem::take(&mut self.state().changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_falls_and_is_100_only_at_the_end() {
        let reporter = Reporter::new(Clock::new(|| Time::from_millis(0)), 1);
        for (told, shown) in [(10, 10), (5, 10), (100, 99)] {
            reporter.progress(told);
            assert_eq!(reporter.snapshot().percent, shown);
        }
    }

    #[test]
    fn lines_are_numbered_on_from_the_last_attempt_and_kept_until_written() {
        let reporter = Reporter::new(Clock::new(|| Time::from_millis(0)), 8);
        reporter.step("read");
        reporter.log(Level::Info, "one");
        reporter.log(Level::Warning, "two");
        let lines = reporter.unwritten();
        assert_eq!(
            lines.iter().map(|line| line.seq).collect::<Vec<_>>(),
            [8, 9]
        );
        assert_eq!(lines[1].step.as_deref(), Some("read"));
        reporter.written(8);
        assert_eq!(reporter.unwritten().len(), 1);
        assert_eq!(reporter.snapshot().log_seq, 8);
        assert!(reporter.take_changed());
        assert!(!reporter.take_changed());
    }
}
