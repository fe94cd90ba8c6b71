//! Collects the findings of one analysis, within bounds.

use std::collections::HashMap;

use text::excerpt;

use super::{Finding, FindingId, Severity};
use crate::progress::Progress;

/// The largest number of findings in a result.
const MAX_FINDINGS: usize = 500;
/// The largest number of findings with one id in a result.
const MAX_OF_ONE_ID: usize = 20;
/// The largest number of findings in the job's log.
const MAX_LOG_LINES: usize = 20;

/// Where a finding is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spot<'a> {
    path: Option<&'a str>,
    line: Option<u64>,
}

impl<'a> Spot<'a> {
    /// The whole file that is analyzed.
    pub const WHOLE: Self = Self {
        path: None,
        line: None,
    };

    /// A file in it.
    pub const fn file(path: &'a str) -> Self {
        Self {
            path: Some(path),
            line: None,
        }
    }

    /// A line of a file in it.
    pub const fn line(path: &'a str, line: u64) -> Self {
        Self {
            path: Some(path),
            line: Some(line),
        }
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub struct FindingList {
    kept: Vec<Finding>,
    of_each: HashMap<FindingId, usize>,
    total: u64,
}

impl FindingList {
    /// Adds a finding. Of many with one id, the first are kept and the others are counted.
    pub fn add(&mut self, id: FindingId, spot: Spot<'_>, message: impl AsRef<str>) {
        self.total += 1;
        let found = self.of_each.entry(id).or_default();
        *found += 1;
        if *found > MAX_OF_ONE_ID {
            return;
        }
        let path = spot.path.map(|path| excerpt(path, Finding::MAX_PATH_CHARS));
        self.kept.push(Finding {
            id,
            severity: id.severity(),
            path,
            line: spot.line,
            message: excerpt(message.as_ref(), Finding::MAX_MESSAGE_CHARS),
            hint: id.hint().to_owned(),
        });
    }

    /// Returns the findings, the worst first, and the number of all.
    pub fn finish(mut self) -> (Vec<Finding>, u64) {
        // The sort is stable: those of one severity stay in the order of their discovery.
        self.kept.sort_by_key(|finding| finding.severity);
        self.kept.truncate(MAX_FINDINGS);
        (self.kept, self.total)
    }
}

/// Writes the findings that are at least warnings to the job's log: the first lines of them, and
/// how many more there are.
pub fn write_log(findings: &[Finding], progress: &mut dyn Progress) {
    let is_worth_a_line = |finding: &&Finding| finding.severity <= Severity::Warning;
    let worth = findings.iter().filter(is_worth_a_line);
    for finding in worth.clone().take(MAX_LOG_LINES) {
        progress.warn(log_line(finding));
    }
    let more = worth.count().saturating_sub(MAX_LOG_LINES);
    if more > 0 {
        progress.warn(format!("{more} more are in `findings` of the result"));
    }
}

/// A line of the log, which ends without a period.
fn log_line(finding: &Finding) -> String {
    let message = &finding.message;
    message.strip_suffix('.').unwrap_or(message).to_owned()
}
