//! Log entries, as a job's owner reads them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Time;

/// How much an entry matters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Of use to whoever looks for the cause of something.
    Debug,
    /// What the job did.
    #[default]
    Info,
    /// Worth a look; the job goes on.
    Warning,
    /// Why the job, or an attempt, ended.
    Error,
}

impl Level {
    /// Every level, from the least to the most important.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warning, Self::Error];

    /// The name that the API and the table use.
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

/// The text names no level.
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

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its place in the job's log: 1, 2, 3 and so on without a gap, over all attempts.
    pub seq: u64,
    /// When it was written.
    pub timestamp: Time,
    /// How much it matters.
    pub level: Level,
    /// What happened, in one line.
    pub message: String,
    /// The job's step at that time.
    pub step: Option<String>,
}

impl fmt::Display for LogEntry {
    /// The entry as a line of text, without a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {}", self.timestamp, self.level, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_shown_as_time_level_and_message() {
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
    fn levels_are_ordered_and_read_in_any_case() {
        assert!(
            Level::Debug < Level::Info
                && Level::Info < Level::Warning
                && Level::Warning < Level::Error
        );
        assert_eq!("warning".parse::<Level>().unwrap(), Level::Warning);
        assert!("LOUD".parse::<Level>().is_err());
    }
}
