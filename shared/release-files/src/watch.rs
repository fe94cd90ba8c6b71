//! What long work tells the outside, and how the outside stops it.

use std::io::Read;

use crate::WorkError;

/// How much is read between two looks at the watch, in bytes.
const CHUNK: usize = 256 * 1024;

/// The ear and the brake of a piece of work.
///
/// The work calls these from a blocking thread; an implementation must be cheap, because
/// [`progress`](Watch::progress) and [`stopped`](Watch::stopped) are called for every buffer.
pub trait Watch {
    /// A new step begins; its progress starts from nothing.
    fn step(&mut self, step: &'static str);

    /// `done` of `total` units (bytes or entries) of the current step are finished.
    ///
    /// A `total` of zero means that the step is over or has no measurable size.
    fn progress(&mut self, done: u64, total: u64);

    /// Something worth a line in the job's log.
    fn info(&mut self, message: String);

    /// Something the job's owner should look at although the work goes on.
    fn warn(&mut self, message: String);

    /// Whether the work may go on.
    ///
    /// # Errors
    /// [`WorkError::Stopped`] when the job was cancelled, fenced off or given back.
    fn stopped(&self) -> Result<(), WorkError>;
}

/// A watch that hears nothing and never stops: for callers that need no progress.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&mut self, _step: &'static str) {}
    fn progress(&mut self, _done: u64, _total: u64) {}
    fn info(&mut self, _message: String) {}
    fn warn(&mut self, _message: String) {}
    fn stopped(&self) -> Result<(), WorkError> {
        Ok(())
    }
}

/// The progress of work over several files, in bytes.
pub struct Tally<'w> {
    watch: &'w mut dyn Watch,
    done: u64,
    total: u64,
}

impl<'w> Tally<'w> {
    /// Counts up to `total` bytes.
    pub fn new(watch: &'w mut dyn Watch, total: u64) -> Self {
        Self {
            watch,
            done: 0,
            total,
        }
    }

    /// Counts on from `done`.
    #[must_use]
    pub fn from(self, done: u64) -> Self {
        Self { done, ..self }
    }

    /// Gives `work` all that `reader` has, and counts it.
    ///
    /// # Errors
    /// Those of `reader` and `work`, and [`WorkError::Stopped`].
    pub fn take(
        &mut self,
        reader: &mut dyn Read,
        work: &mut dyn FnMut(&[u8]) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            self.watch.stopped()?;
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            work(&buffer[..count])?;
            self.done += count as u64;
            self.watch.progress(self.done, self.total);
        }
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod testing {
    //! A watch that remembers what it heard, for tests.

    use std::cell::Cell;

    use super::{Watch, WorkError};

    /// Remembers everything; stops after a number of questions when asked to.
    #[derive(Debug, Default)]
    pub struct Recorder {
        /// The steps, in order.
        pub steps: Vec<&'static str>,
        /// The progress reports, in order.
        pub progress: Vec<(u64, u64)>,
        /// The informational messages, in order.
        pub infos: Vec<String>,
        /// The warnings, in order.
        pub warnings: Vec<String>,
        /// `stopped` answers "go on" so many times, then "stop"; `None`: for ever.
        pub patience: Cell<Option<u32>>,
    }

    impl Recorder {
        /// A recorder that stops the work at the `n`th question.
        #[must_use]
        pub fn stopping_after(n: u32) -> Self {
            Self {
                patience: Cell::new(Some(n)),
                ..Self::default()
            }
        }
    }

    impl Watch for Recorder {
        fn step(&mut self, step: &'static str) {
            self.steps.push(step);
        }
        fn progress(&mut self, done: u64, total: u64) {
            self.progress.push((done, total));
        }
        fn info(&mut self, message: String) {
            self.infos.push(message);
        }
        fn warn(&mut self, message: String) {
            self.warnings.push(message);
        }
        fn stopped(&self) -> Result<(), WorkError> {
            match self.patience.get() {
                Some(0) => Err(WorkError::Stopped),
                Some(n) => {
                    self.patience.set(Some(n - 1));
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }
}
