//! The findings of an analysis: what a store or a reading system will object to in a file.
//!
//! A finding has the id that epubcheck gives to it, if it gives one, so that a publisher finds it
//! in the tools that they know. `docs/findings.md` lists all ids.

mod accessibility;
mod address;
mod book;
mod container;
mod content;
mod dates;
mod document;
mod document_reader;
mod id;
mod lines;
mod links;
mod list;
mod media_types;
mod navigation;
mod package;
mod package_document;
mod rules;

use serde::{Deserialize, Serialize};

pub(super) use self::accessibility::check as check_accessibility;
pub(super) use self::address::percent_decode;
pub(super) use self::book::{BookCheck, Container};
pub(super) use self::container::check_head;
pub(super) use self::document_reader::DocumentReader;
pub use self::id::FindingId;
pub(super) use self::list::{FindingList, Spot, write_log};
pub(super) use self::media_types::MARK_BYTES;

/// How much a finding matters: epubcheck's default severity of its id, if epubcheck has it. The
/// least comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be read.
    Fatal,
    /// The file breaks its standard. Stores refuse it.
    Error,
    /// A part may not work everywhere.
    Warning,
    /// A fact that is worth knowing.
    Info,
}

impl Severity {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Something in a file that a store or a reading system will object to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of finding.
    pub id: FindingId,
    /// How much it matters.
    pub severity: Severity,
    /// The file in the container; `None` if it is about the whole.
    pub path: Option<String>,
    /// The line in that file, from 1; `None` if it is not about a line.
    pub line: Option<u64>,
    /// A sentence that says what is wrong, at most [`Finding::MAX_MESSAGE_CHARS`] long.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Finding {
    /// The longest message, in characters.
    pub const MAX_MESSAGE_CHARS: usize = 500;
    /// The longest path, in characters.
    pub const MAX_PATH_CHARS: usize = 1024;
}

#[cfg(test)]
mod tests;
