//! Whether the time of a run allows another file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::service::Reporter;

/// What a run keeps of its time for the package's other files, and for putting the archive down.
const RESERVE: Duration = Duration::from_mins(1);

/// How far the files of a package are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// How many files.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Position {
    /// Behind the next file, of `size` bytes.
    pub(super) fn after(self, size: u64) -> Self {
        Self {
            files: self.files + 1,
            bytes: self.bytes + size,
        }
    }
}

/// How fast a run packs files.
pub(super) struct Pace {
    report: Reporter,
    from: Position,
    left_at_first: Duration,
}

impl Pace {
    /// The pace of a run that begins now, at `from`.
    pub(super) fn new(report: &Reporter, from: Position) -> Self {
        Self {
            report: report.clone(),
            from,
            left_at_first: report.time_left(),
        }
    }

    /// Whether a run that has come to `at` has the time for a file of `size` bytes. For its first
    /// file it always has: a job comes further in each run.
    pub(super) fn allows(&self, at: Position, size: u64) -> bool {
        let left = self.report.time_left();
        let elapsed = self.left_at_first.saturating_sub(left);
        at.files == self.from.files || fits(size, at.bytes - self.from.bytes, elapsed, left)
    }
}

/// Whether `size` bytes can be packed in the time that is `left`, a quarter of it to spare, going
/// by the `done` bytes that took `elapsed`.
fn fits(size: u64, done: u64, elapsed: Duration, left: Duration) -> bool {
    let millis = elapsed.as_millis() * u128::from(size) / u128::from(done.max(1));
    let needed = Duration::from_millis(u64::try_from(millis * 5 / 4).unwrap_or(u64::MAX));
    needed.saturating_add(RESERVE) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_begun_only_where_the_time_allows_it() {
        let seconds = Duration::from_secs;
        assert!(fits(100, 100, seconds(80), seconds(160)));
        assert!(!fits(100, 100, seconds(81), seconds(160)));
        assert!(fits(0, 0, seconds(800), RESERVE));
        assert!(!fits(0, 100, Duration::ZERO, seconds(59)));
    }
}
