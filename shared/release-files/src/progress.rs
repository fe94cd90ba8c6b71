//! The progress and cancellation of long work.

use std::io::Read;

use crate::WorkError;

/// The bytes read between two checks for cancellation.
const CHUNK_BYTES: usize = 256 * 1024;

/// Receives the progress of a task, and can cancel it.
///
/// The task calls it from a blocking thread. [`update`](Progress::update) and
/// [`check_cancelled`](Progress::check_cancelled) are called for every chunk, so they must be
/// cheap.
pub trait Progress {
    /// Starts a new step, whose progress is zero.
    fn start_step(&mut self, step: &'static str);

    /// Sets the progress of the current step: `done` of `total` units (bytes or entries).
    ///
    /// A `total` of zero means that the step is over or has no measurable size.
    fn update(&mut self, done: u64, total: u64);

    /// Adds an event to the job's log.
    fn info(&mut self, message: String);

    /// Adds a warning for the owner to the job's log.
    fn warn(&mut self, message: String);

    /// Checks whether the task may continue.
    ///
    /// # Errors
    /// [`WorkError::Stopped`] if the job was cancelled, fenced off or out of time.
    fn check_cancelled(&self) -> Result<(), WorkError>;
}

/// Ignores progress and never cancels.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn start_step(&mut self, _step: &'static str) {}
    fn update(&mut self, _done: u64, _total: u64) {}
    fn info(&mut self, _message: String) {}
    fn warn(&mut self, _message: String) {}
    fn check_cancelled(&self) -> Result<(), WorkError> {
        Ok(())
    }
}

/// Reads files in chunks, and reports the total number of bytes read.
pub struct ReadProgress<'p> {
    progress: &'p mut dyn Progress,
    done: u64,
    total: u64,
}

impl<'p> ReadProgress<'p> {
    /// Creates a reader of `total` bytes that reports to `progress`.
    pub fn new(progress: &'p mut dyn Progress, total: u64) -> Self {
        Self {
            progress,
            done: 0,
            total,
        }
    }

    /// Starts the count at `done` bytes.
    #[must_use]
    pub fn starting_at(self, done: u64) -> Self {
        Self { done, ..self }
    }

    /// Reads `reader` to its end and passes each chunk to `consume`.
    pub fn read_all(
        &mut self,
        reader: &mut dyn Read,
        consume: &mut dyn FnMut(&[u8]) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            self.progress.check_cancelled()?;
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            consume(&buffer[..count])?;
            self.done += count as u64;
            self.progress.update(self.done, self.total);
        }
    }

    /// Adds an event to the job's log.
    pub fn info(&mut self, message: String) {
        self.progress.info(message);
    }

    /// The total number of bytes read.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod testing {
    //! A progress recorder for tests.

    use std::cell::Cell;

    use super::{Progress, WorkError};

    /// Records all calls, and can cancel the task after a number of checks.
    #[derive(Debug, Default)]
    pub struct Recorder {
        /// The steps, in order.
        pub steps: Vec<&'static str>,
        /// The updates, in order: done, total.
        pub updates: Vec<(u64, u64)>,
        /// The informational messages, in order.
        pub infos: Vec<String>,
        /// The warnings, in order.
        pub warnings: Vec<String>,
        /// The number of checks that still pass; `None` if all do.
        passing_checks: Cell<Option<u32>>,
    }

    impl Recorder {
        /// Creates a recorder that cancels the task after `checks` checks.
        #[must_use]
        pub fn cancelling_after(checks: u32) -> Self {
            Self {
                passing_checks: Cell::new(Some(checks)),
                ..Self::default()
            }
        }
    }

    impl Progress for Recorder {
        fn start_step(&mut self, step: &'static str) {
            self.steps.push(step);
        }
        fn update(&mut self, done: u64, total: u64) {
            self.updates.push((done, total));
        }
        fn info(&mut self, message: String) {
            self.infos.push(message);
        }
        fn warn(&mut self, message: String) {
            self.warnings.push(message);
        }
        fn check_cancelled(&self) -> Result<(), WorkError> {
            match self.passing_checks.get() {
                Some(0) => Err(WorkError::Stopped),
                Some(n) => {
                    self.passing_checks.set(Some(n - 1));
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }
}
