//! The time budget of a run that packs files.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reporter::Reporter;

/// Time reserved for the package's other files, and for suspending the archive.
const RESERVE: Duration = Duration::from_mins(1);

/// The packing progress of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackProgress {
    /// The number of packed files.
    pub files: usize,
    /// The size of the packed files in bytes.
    pub bytes: u64,
}

impl PackProgress {
    /// Returns the progress after another file of `size` bytes.
    pub(super) const fn after(self, size: u64) -> Self {
        Self {
            files: self.files + 1,
            bytes: self.bytes + size,
        }
    }
}

/// The time of a run, and its packing speed.
pub(super) struct TimeBudget {
    reporter: Reporter,
    start: PackProgress,
    time_left_at_start: Duration,
}

impl TimeBudget {
    /// Creates the budget of a run that begins now, at `start`.
    pub(super) fn new(reporter: &Reporter, start: PackProgress) -> Self {
        Self {
            reporter: reporter.clone(),
            start,
            time_left_at_start: reporter.time_left(),
        }
    }

    /// Returns `true` if a run at `progress` has time for a file of `size` bytes. It always has
    /// time for its first file, so that each run makes progress.
    pub(super) fn has_time_for(&self, size: u64, progress: PackProgress) -> bool {
        let left = self.reporter.time_left();
        let elapsed = self.time_left_at_start.saturating_sub(left);
        let packed = progress.bytes - self.start.bytes;
        progress.files == self.start.files || fits(size, packed, elapsed, left)
    }
}

/// Returns `true` if `size` bytes can be packed in the time `left`, with a quarter to spare, at the
/// speed of `packed` bytes in `elapsed`.
fn fits(size: u64, packed: u64, elapsed: Duration, left: Duration) -> bool {
    let millis = elapsed.as_millis() * u128::from(size) / u128::from(packed.max(1));
    let needed = Duration::from_millis(u64::try_from(millis * 5 / 4).unwrap_or(u64::MAX));
    needed.saturating_add(RESERVE) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_started_only_if_time_allows() {
        let seconds = Duration::from_secs;
        assert!(fits(100, 100, seconds(80), seconds(160)));
        assert!(!fits(100, 100, seconds(81), seconds(160)));
        assert!(fits(0, 0, seconds(800), RESERVE));
        assert!(!fits(0, 100, Duration::ZERO, seconds(59)));
    }
}
