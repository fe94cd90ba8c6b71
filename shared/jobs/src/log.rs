//! The log of a job, written for its owner.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Time;

/// The severity of a log entry.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// A detail for finding the cause of a problem.
    Debug,
    /// A step of the job.
    #[default]
    Info,
    /// A problem that did not stop the job.
    Warning,
    /// The error that ended the job or an attempt.
    Error,
}

impl Level {
    /// Every level, in order of severity.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warning, Self::Error];

    /// The name in the API and the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a level.
#[derive(Debug, thiserror::Error)]
#[error("must be one of DEBUG, INFO, WARNING, ERROR")]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownLevel)
    }
}

/// An entry in a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its position in the job's log, from 1, without gaps across all attempts.
    pub seq: u64,
    /// The time it was written.
    pub timestamp: Time,
    /// Its severity.
    pub level: Level,
    /// The event, on one line.
    pub message: String,
    /// The job's step at that time.
    pub step: Option<String>,
}

impl fmt::Display for LogEntry {
    /// Writes the entry as a line of text, without a line ending.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {}", self.timestamp, self.level, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_displayed_as_time_level_and_message() {
        let entry = LogEntry {
            seq: 1,
            timestamp: Time::from_millis(1_763_892_300_123),
            level: Level::Info,
            message: "Packaging started".to_owned(),
            step: None,
        };
        assert_eq!(
            entry.to_string(),
            "2025-11-23T10:05:00.123Z [INFO] Packaging started"
        );
    }

    #[test]
    fn levels_are_ordered_and_parsed_in_any_case() {
        assert!(
            Level::Debug < Level::Info
                && Level::Info < Level::Warning
                && Level::Warning < Level::Error
        );
        assert_eq!("warning".parse::<Level>().unwrap(), Level::Warning);
        assert!("LOUD".parse::<Level>().is_err());
    }
}
