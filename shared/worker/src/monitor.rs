//! The watch over file work that reports to the job.

use jobs::Level;
use release_files::{failure::WorkError, watch::Watch};

use crate::service::Reporter;

/// Maps the progress of each step into its share of the job's.
pub struct Monitor {
    report: Reporter,
    from: u8,
    to: u8,
}

impl Monitor {
    /// Reports to `report`; the work is the part from `from` to `to` per cent of the job.
    pub fn new(report: Reporter, from: u8, to: u8) -> Self {
        report.progress(from);
        Self { report, from, to }
    }
}

impl Watch for Monitor {
    fn step(&mut self, step: &'static str) {
        self.report.step(step);
    }

    fn progress(&mut self, done: u64, total: u64) {
        let span = u64::from(self.to - self.from);
        let part = (done.min(total) * span).checked_div(total).unwrap_or(0);
        self.report
            .progress(self.from + u8::try_from(part).unwrap_or(0));
    }

    fn info(&mut self, message: String) {
        self.report.log(Level::Info, &message);
    }

    fn warn(&mut self, message: String) {
        self.report.log(Level::Warning, &message);
    }

    fn stopped(&self) -> Result<(), WorkError> {
        if self.report.is_stopped() {
            Err(WorkError::Stopped)
        } else {
            Ok(())
        }
    }
}
