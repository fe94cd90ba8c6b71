//! Whether a run has the time for another file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reporter::Reporter;

/// The time that a run reserves for the package's other files, and for suspending the archive.
const RESERVE: Duration = Duration::from_mins(1);

/// How far the files of a package are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackProgress {
    /// How many files.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

impl PackProgress {
    /// The progress after the next file, of `size` bytes.
    pub(super) const fn after(self, size: u64) -> Self {
        Self {
            files: self.files + 1,
            bytes: self.bytes + size,
        }
    }
}

/// The time of a run, and how fast it packs files.
pub(super) struct TimeBudget {
    reporter: Reporter,
    start: PackProgress,
    time_left_at_start: Duration,
}

impl TimeBudget {
    /// The budget of a run that begins now, at `start`.
    pub(super) fn new(reporter: &Reporter, start: PackProgress) -> Self {
        Self {
            reporter: reporter.clone(),
            start,
            time_left_at_start: reporter.time_left(),
        }
    }

    /// Whether a run that has come to `progress` has the time for a file of `size` bytes. It always has the time for
    /// its first file: each run makes progress.
    pub(super) fn has_time_for(&self, size: u64, progress: PackProgress) -> bool {
        let left = self.reporter.time_left();
        let elapsed = self.time_left_at_start.saturating_sub(left);
        let packed = progress.bytes - self.start.bytes;
        progress.files == self.start.files || fits(size, packed, elapsed, left)
    }
}

/// Whether `size` bytes can be packed in the time that is `left`, with a quarter to spare, at the speed of the `packed`
/// bytes that took `elapsed`.
fn fits(size: u64, packed: u64, elapsed: Duration, left: Duration) -> bool {
    let millis = elapsed.as_millis() * u128::from(size) / u128::from(packed.max(1));
    let needed = Duration::from_millis(u64::try_from(millis * 5 / 4).unwrap_or(u64::MAX));
    needed.saturating_add(RESERVE) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_started_only_if_the_time_allows_it() {
        let seconds = Duration::from_secs;
        assert!(fits(100, 100, seconds(80), seconds(160)));
        assert!(!fits(100, 100, seconds(81), seconds(160)));
        assert!(fits(0, 0, seconds(800), RESERVE));
        assert!(!fits(0, 100, Duration::ZERO, seconds(59)));
    }
}
