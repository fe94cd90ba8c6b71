//! Reports the progress of file work as the progress of the job.

use jobs::Level;
use release_files::{WorkError, progress::Progress};

use crate::reporter::Reporter;

/// Maps the progress of each step to a range of the job's progress.
pub(crate) struct JobProgress {
    reporter: Reporter,
    from: u8,
    to: u8,
}

impl JobProgress {
    /// Reports to `reporter`. The work covers the job's progress from `from` to `to` percent.
    pub(crate) fn new(reporter: Reporter, from: u8, to: u8) -> Self {
        reporter.progress(from);
        Self { reporter, from, to }
    }
}

impl Progress for JobProgress {
    fn start_step(&mut self, step: &'static str) {
        self.reporter.step(step);
    }

    fn update(&mut self, done: u64, total: u64) {
        let span = u64::from(self.to - self.from);
        let share = (done.min(total) * span).checked_div(total).unwrap_or(0);
        let share = u8::try_from(share).unwrap_or(0);
        self.reporter.progress(self.from + share);
    }

    fn info(&mut self, message: String) {
        self.reporter.log(Level::Info, &message);
    }

    fn warn(&mut self, message: String) {
        self.reporter.log(Level::Warning, &message);
    }

    fn check_cancelled(&self) -> Result<(), WorkError> {
        if self.reporter.is_stopped() {
            Err(WorkError::Stopped)
        } else {
            Ok(())
        }
    }
}
