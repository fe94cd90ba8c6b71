//! Repairs an NFO. The result is UTF-8 without a byte order mark, and repairing it again changes
//! nothing.

use std::collections::BTreeMap;

use jobs::FailureCode;
use serde::Serialize;
use text::{
    encoding::Encoding,
    mojibake::{self, Mojibake},
};

pub use super::placeholder::PlaceholderValues;
use super::{
    MAX_NFO_BYTES,
    clean::{self, Line, LineEnd},
    decoded::DecodedNfo,
    layout::{Fit, fit_line, width},
    placeholder,
};
use crate::WorkError;

/// The largest number of listed changes of a kind. One more entry counts the rest.
const MAX_CHANGES_PER_KIND: usize = 50;
/// The longest quote in a detail, in characters.
const MAX_QUOTE_CHARS: usize = 60;

/// The kind of a repair, or of a remaining problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The text was converted to UTF-8 without a byte order mark, had invalid bytes, or was
    /// decoded as its author wrote it.
    Encoding,
    /// A SAUCE record after the text was removed.
    Sauce,
    /// Lines did not end with CR and LF.
    LineEnds,
    /// Escape sequences were removed.
    EscapeSequences,
    /// Control characters were removed.
    ControlCharacters,
    /// Tabs were replaced.
    Tabs,
    /// A placeholder was filled.
    Placeholder,
    /// A line was wider than 80 columns.
    LongLine,
    /// The text did not end with exactly one line end.
    FinalLineEnd,
    /// A placeholder was kept because it has no value.
    PlaceholderUnfilled,
    /// A line wider than 80 columns was kept because it is a drawing or a link.
    LongLineKept,
    /// A line has unreadable characters.
    Unreadable,
}

/// A repair, or a remaining problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The line of the original NFO, from 1.
    pub line: usize,
    /// The kind.
    #[serde(rename = "what")]
    pub kind: ChangeKind,
    /// A short description for people.
    pub detail: String,
}

/// A repaired NFO.
#[derive(Debug)]
pub struct RepairedNfo {
    /// The detected encoding.
    pub encoding: Encoding,
    /// The text, with CR and LF.
    pub text: String,
    /// The repairs, by line; empty only if the text is unchanged.
    pub changes: Vec<Change>,
    /// The remaining problems, by line, for the owner to check.
    pub notices: Vec<Change>,
}

/// Repairs an NFO and fills its placeholders.
///
/// # Errors
/// [`FailureCode::NfoTooLarge`] if the NFO is larger than [`MAX_NFO_BYTES`] before or after the
/// repair.
pub fn repair(bytes: &[u8], values: &PlaceholderValues) -> Result<RepairedNfo, WorkError> {
    check_size(bytes.len())?;
    let nfo = DecodedNfo::new(bytes);
    let mut repair = Repair::new(values);
    repair.note_encoding(&nfo, bytes);
    repair.repair_text(&nfo.text);
    // Without the characters that were removed, mojibake may be certain.
    while let Some((text, undone)) = mojibake::undo(&repair.text) {
        repair.note_mojibake(&undone);
        repair.repair_text(&text);
    }
    if let Some(line) = nfo.sauce_line {
        repair.changes.add(line, ChangeKind::Sauce, || {
            "removed the SAUCE record after the text".to_owned()
        });
    }
    check_size(repair.text.len())?;
    Ok(RepairedNfo {
        encoding: nfo.encoding,
        text: repair.text,
        changes: repair.changes.finish(),
        notices: repair.notices.finish(),
    })
}

/// Refuses an NFO larger than [`MAX_NFO_BYTES`].
///
/// # Errors
/// [`FailureCode::NfoTooLarge`].
pub fn check_size(bytes: usize) -> Result<(), WorkError> {
    if bytes <= MAX_NFO_BYTES {
        return Ok(());
    }
    let message = "The NFO is larger than 256 KiB, before or after the repair; shorten it.";
    Err(WorkError::failed(FailureCode::NfoTooLarge, message))
}

/// A repair in progress.
struct Repair<'v> {
    values: &'v PlaceholderValues,
    text: String,
    changes: ChangeList,
    notices: ChangeList,
    /// The first line without CR and LF, and the number of such lines.
    wrong_line_ends: Option<(usize, usize)>,
    /// True if the last line has text but no line ending.
    is_unterminated: bool,
}

impl<'v> Repair<'v> {
    fn new(values: &'v PlaceholderValues) -> Self {
        Self {
            values,
            text: String::new(),
            changes: ChangeList::default(),
            notices: ChangeList::default(),
            wrong_line_ends: None,
            is_unterminated: false,
        }
    }

    fn note_encoding(&mut self, nfo: &DecodedNfo, bytes: &[u8]) {
        let detail = match nfo.encoding {
            Encoding::Ascii | Encoding::Utf8 if std::str::from_utf8(bytes).is_ok() => None,
            // The invalid bytes may have been in a SAUCE record.
            Encoding::Ascii | Encoding::Utf8 if nfo.text.contains('\u{fffd}') => {
                Some("replaced bytes that are not UTF-8".to_owned())
            }
            Encoding::Ascii | Encoding::Utf8 => None,
            other => Some(format!("converted from {} to utf-8", other.as_str())),
        };
        if let Some(detail) = detail {
            self.changes.add(1, ChangeKind::Encoding, || detail);
        }
        self.note_mojibake(&nfo.mojibake);
    }

    fn note_mojibake(&mut self, undone: &[Mojibake]) {
        for mojibake in undone {
            self.changes.add(1, ChangeKind::Encoding, || {
                format!(
                    "undid the decoding of {} as {}",
                    mojibake.encoding.as_str(),
                    mojibake.decoded_as.as_str()
                )
            });
        }
    }

    fn repair_text(&mut self, text: &str) {
        self.text.clear();
        self.notices = ChangeList::default();
        (self.wrong_line_ends, self.is_unterminated) = (None, false);
        let mut count = 0;
        for line in clean::lines(text) {
            count += 1;
            self.repair_line(count, line);
        }
        self.repair_end(count);
    }

    fn repair_line(&mut self, number: usize, line: Line) {
        self.note_cleaning(number, &line);
        let Line { text, end, .. } = line;
        let text = self.fill_placeholders(number, text);
        if text.contains('\u{fffd}') {
            self.notices.add(number, ChangeKind::Unreadable, || {
                "has unreadable characters".to_owned()
            });
        }
        match end {
            LineEnd::Crlf => {}
            LineEnd::Other => {
                let (first, count) = self.wrong_line_ends.unwrap_or((number, 0));
                self.wrong_line_ends = Some((first, count + 1));
            }
            LineEnd::Missing => self.is_unterminated = !text.is_empty(),
        }
        if end != LineEnd::Missing || !text.is_empty() {
            self.push_fitted(number, &text);
        }
    }

    fn note_cleaning(&mut self, number: usize, line: &Line) {
        let removed = [
            (ChangeKind::EscapeSequences, line.escapes, "escape sequence"),
            (
                ChangeKind::ControlCharacters,
                line.controls,
                "control character",
            ),
        ];
        for (kind, count, noun) in removed {
            if count > 0 {
                self.changes
                    .add(number, kind, || format!("removed {}", counted(count, noun)));
            }
        }
        if line.tabs > 0 {
            self.changes.add(number, ChangeKind::Tabs, || {
                format!("replaced {} with spaces", counted(line.tabs, "tab"))
            });
        }
    }

    fn fill_placeholders(&mut self, number: usize, mut text: String) -> String {
        if let Some((filled, placeholders)) = placeholder::fill(&text, self.values) {
            for (placeholder, value) in placeholders {
                self.changes.add(number, ChangeKind::Placeholder, || {
                    format!("{} became {}", quote(&placeholder), quote(&value))
                });
            }
            text = filled;
        }
        for unfilled in placeholder::find_placeholders(&text) {
            self.notices
                .add(number, ChangeKind::PlaceholderUnfilled, || {
                    format!("{} has no value", quote(unfilled))
                });
        }
        text
    }

    fn push_fitted(&mut self, number: usize, text: &str) {
        let lines = match fit_line(text) {
            Fit::Fits => return self.push(text),
            Fit::Unbreakable(reason) => {
                self.notices.add(number, ChangeKind::LongLineKept, || {
                    format!("{} columns, kept because it {reason}", width(text))
                });
                return self.push(text);
            }
            Fit::Lines(lines) => lines,
        };
        self.changes
            .add(number, ChangeKind::LongLine, || match lines.len() {
                1 => "removed trailing spaces".to_owned(),
                count => format!("wrapped {} columns into {count} lines", width(text)),
            });
        for line in &lines {
            self.push(line);
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str("\r\n");
    }

    /// Ends the text with exactly one line ending, after its last line `number`.
    fn repair_end(&mut self, number: usize) {
        if let Some((first, count)) = self.wrong_line_ends {
            self.changes.add(first, ChangeKind::LineEnds, || {
                let lines = counted(count, "line");
                format!("{lines}, starting here, did not end with CR and LF")
            });
        }
        let (mut end, mut text_end) = (0, 0);
        for line in self.text.split_inclusive("\r\n") {
            end += line.len();
            if !line.trim().is_empty() {
                text_end = end;
            }
        }
        self.text.truncate(text_end);
        if text_end < end {
            self.changes.add(number, ChangeKind::FinalLineEnd, || {
                "removed blank lines at the end".to_owned()
            });
        } else if self.is_unterminated {
            self.changes.add(number, ChangeKind::FinalLineEnd, || {
                "added the final line ending".to_owned()
            });
        }
    }
}

/// Formats a count with its noun.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Quotes a text in a detail, truncated if it is long.
fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(MAX_QUOTE_CHARS).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

/// Changes, at most [`MAX_CHANGES_PER_KIND`] of each kind.
#[derive(Default)]
struct ChangeList {
    changes: Vec<Change>,
    /// The number of changes of each kind, and the line of the first unlisted one.
    counts: BTreeMap<ChangeKind, (usize, usize)>,
}

impl ChangeList {
    fn add(&mut self, line: usize, kind: ChangeKind, detail: impl FnOnce() -> String) {
        let (count, first_unlisted) = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= MAX_CHANGES_PER_KIND {
            let detail = detail();
            self.changes.push(Change { line, kind, detail });
        } else if *count == MAX_CHANGES_PER_KIND + 1 {
            *first_unlisted = line;
        }
    }

    fn finish(mut self) -> Vec<Change> {
        for (kind, (count, line)) in self.counts {
            if count > MAX_CHANGES_PER_KIND {
                let detail = format!("and {} more, starting here", count - MAX_CHANGES_PER_KIND);
                self.changes.push(Change { line, kind, detail });
            }
        }
        self.changes
            .sort_by_key(|change| (change.line, change.kind));
        self.changes
    }
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
