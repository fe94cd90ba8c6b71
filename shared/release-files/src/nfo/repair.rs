//! Repairing an NFO. What comes out is UTF-8 without a byte order mark, and is its own repair.

use std::collections::BTreeMap;

use jobs::FailureCode;
use serde::Serialize;
use text::encoding::{Encoding, decode, detect};

pub use super::placeholder::Known;
use super::{
    MAX_BYTES,
    clean::{self, End, Line},
    layout::{Fit, fit, width},
    placeholder,
};
use crate::WorkError;

/// How many entries of one kind are listed; one more tells how many there were.
const MAX_EACH: usize = 50;
/// The longest text of an NFO that a detail quotes, in characters.
const MAX_QUOTE: usize = 60;

/// What was repaired, or what could not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The text had another encoding than UTF-8 without a byte order mark, or bytes that have none.
    Encoding,
    /// A SAUCE record stood behind the text.
    Sauce,
    /// Lines ended otherwise than with CR and LF.
    LineEnds,
    /// A line had escape sequences.
    EscapeSequences,
    /// A line had control characters.
    ControlCharacters,
    /// A line had tabs.
    Tabs,
    /// A placeholder was filled.
    Placeholder,
    /// A line was wider than 80 columns.
    LongLine,
    /// The text did not end with one line end.
    FinalLineEnd,
    /// A placeholder was left, because nothing is known for it.
    PlaceholderUnfilled,
    /// A line was left wider than 80 columns, because it is drawn or is a link.
    LongLineKept,
    /// A line has characters that could not be read.
    Unreadable,
}

/// A repair, or a remark on what was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The line of the NFO as it was, from 1.
    pub line: usize,
    /// What it is.
    pub what: What,
    /// A few words for a person.
    pub detail: String,
}

/// A repaired NFO.
#[derive(Debug)]
pub struct Repaired {
    /// The encoding that was found.
    pub encoding: Encoding,
    /// The text, with CR and LF.
    pub text: String,
    /// What was repaired, by line; empty exactly when the NFO was right.
    pub changes: Vec<Change>,
    /// What its owner should look at; it was left as it is.
    pub notices: Vec<Change>,
}

/// Repairs an NFO, filling its placeholders with what is known.
///
/// # Errors
/// [`FailureCode::NfoTooLarge`] when the NFO has, or would have, more than [`MAX_BYTES`].
pub fn repair(bytes: &[u8], known: &Known) -> Result<Repaired, WorkError> {
    check_size(bytes.len())?;
    let encoding = detect(bytes);
    let decoded = decode(bytes, encoding);
    let mut repair = Repair::new(known);
    repair.encoding(encoding, bytes);
    let body = clean::before_sauce(&decoded);
    let lines = clean::lines(body.unwrap_or(&decoded));
    let mut count = 0;
    for line in lines {
        count += 1;
        repair.line(count, line);
    }
    repair.end(count);
    if body.is_some() {
        repair.changes.add(count.max(1), What::Sauce, || {
            "removed the SAUCE record behind the text".to_owned()
        });
    }
    check_size(repair.text.len())?;
    Ok(Repaired {
        encoding,
        text: repair.text,
        changes: repair.changes.finish(),
        notices: repair.notices.finish(),
    })
}

/// Refuses an NFO that is too large to be worked on.
///
/// # Errors
/// [`FailureCode::NfoTooLarge`].
pub fn check_size(bytes: usize) -> Result<(), WorkError> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let sentence = "The NFO, as it is or repaired, has more than 256 KiB; shorten it";
    Err(WorkError::failed(FailureCode::NfoTooLarge, sentence))
}

/// A repair on its way through the lines.
struct Repair<'a> {
    known: &'a Known,
    text: String,
    changes: List,
    notices: List,
    /// The first line that ended wrong, and how many did.
    wrong_ends: Option<(usize, usize)>,
    open_end: bool,
}

impl<'a> Repair<'a> {
    fn new(known: &'a Known) -> Self {
        let (changes, notices) = (List::default(), List::default());
        Self {
            known,
            text: String::new(),
            changes,
            notices,
            wrong_ends: None,
            open_end: false,
        }
    }

    fn encoding(&mut self, encoding: Encoding, bytes: &[u8]) {
        let change = match encoding {
            Encoding::Ascii | Encoding::Utf8 if std::str::from_utf8(bytes).is_ok() => return,
            Encoding::Ascii | Encoding::Utf8 => "replaced bytes that are not UTF-8".to_owned(),
            other => format!("from {} to utf-8", other.name()),
        };
        self.changes.add(1, What::Encoding, || change);
    }

    fn line(&mut self, number: usize, line: Line) {
        let Line {
            mut text,
            escapes,
            controls,
            tabs,
            end,
        } = line;
        for (what, count, things) in [
            (What::EscapeSequences, escapes, "escape sequences"),
            (What::ControlCharacters, controls, "control characters"),
            (What::Tabs, tabs, "tabs by spaces"),
        ] {
            let verb = if what == What::Tabs {
                "replaced"
            } else {
                "removed"
            };
            if count > 0 {
                self.changes
                    .add(number, what, || format!("{verb} {count} {things}"));
            }
        }
        if let Some((filled, placeholders)) = placeholder::fill(&text, self.known) {
            for (placeholder, value) in placeholders {
                self.changes.add(number, What::Placeholder, || {
                    format!("{} became {}", quote(&placeholder), quote(&value))
                });
            }
            text = filled;
        }
        for left in placeholder::unfilled(&text) {
            self.notices.add(number, What::PlaceholderUnfilled, || {
                format!("nothing is known for {}", quote(left))
            });
        }
        if text.contains('\u{fffd}') {
            self.notices.add(number, What::Unreadable, || {
                "has characters that could not be read".to_owned()
            });
        }
        match end {
            End::Crlf => {}
            End::Other => {
                self.wrong_ends = Some(
                    self.wrong_ends
                        .map_or((number, 1), |(first, count)| (first, count + 1)),
                );
            }
            End::Missing => self.open_end = !text.is_empty(),
        }
        if end != End::Missing || !text.is_empty() {
            self.fitted(number, &text);
        }
    }

    fn fitted(&mut self, number: usize, text: &str) {
        let lines = match fit(text) {
            Fit::Fits => return self.push(text),
            Fit::Kept(why) => {
                let notice = || format!("{} columns, left because {why}", width(text));
                self.notices.add(number, What::LongLineKept, notice);
                return self.push(text);
            }
            Fit::Lines(lines) => lines,
        };
        self.changes
            .add(number, What::LongLine, || match lines.len() {
                1 => "removed spaces at the end of the line".to_owned(),
                count => format!("{} columns, now {count} lines", width(text)),
            });
        for line in &lines {
            self.push(line);
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str("\r\n");
    }

    /// Ends the text with one line end, behind its last line `number`.
    fn end(&mut self, number: usize) {
        if let Some((first, count)) = self.wrong_ends {
            let lines = if count == 1 {
                "1 line".to_owned()
            } else {
                format!("{count} lines, this is the first,")
            };
            self.changes.add(first, What::LineEnds, || {
                format!("{lines} did not end with CR and LF")
            });
        }
        let (mut at, mut kept) = (0, 0);
        for line in self.text.split_inclusive("\r\n") {
            at += line.len();
            kept = if line.trim().is_empty() { kept } else { at };
        }
        let blank = kept < at;
        self.text.truncate(kept);
        if blank {
            self.changes.add(number, What::FinalLineEnd, || {
                "removed blank lines at the end".to_owned()
            });
        } else if self.open_end {
            self.changes.add(number, What::FinalLineEnd, || {
                "added the line end".to_owned()
            });
        }
    }
}

/// A text as a detail shows it: in quotes, cut where it is long.
fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(MAX_QUOTE).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

/// Entries, of each kind no more than [`MAX_EACH`].
#[derive(Default)]
struct List {
    entries: Vec<Change>,
    /// How many there are of each kind, and the first line that is not listed.
    counts: BTreeMap<What, (usize, usize)>,
}

impl List {
    fn add(&mut self, line: usize, what: What, detail: impl FnOnce() -> String) {
        let (count, unlisted) = self.counts.entry(what).or_default();
        *count += 1;
        if *count <= MAX_EACH {
            self.entries.push(Change {
                line,
                what,
                detail: detail(),
            });
        } else if *count == MAX_EACH + 1 {
            *unlisted = line;
        }
    }

    fn finish(mut self) -> Vec<Change> {
        for (what, (count, line)) in self.counts {
            if count > MAX_EACH {
                let detail = format!("and {} more from here on", count - MAX_EACH);
                self.entries.push(Change { line, what, detail });
            }
        }
        self.entries
            .sort_by_key(|change| (change.line, change.what));
        self.entries
    }
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
