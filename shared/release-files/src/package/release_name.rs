//! Builds release names from metadata.

use jobs::{
    FailureCode,
    release::{check_name, group_of},
};
use serde_json::{Map, Value};
use text::ascii::spell;

use super::{facts::plain_text, naming_rules::cut_at_word};
use crate::{WorkError, paths::file_name};

/// The longest release name, in bytes.
const MAX_NAME_BYTES: usize = 160;
/// The longest text that is read for a name, in characters.
const MAX_TEXT_CHARS: usize = 1_000;
/// The longest extension of a source file, in bytes.
const MAX_EXTENSION_BYTES: usize = 5;
/// Formats that are often packed once more: `book.fb2.zip`.
const INNER_EXTENSIONS: [&str; 3] = [".fb2", ".kepub", ".tar"];

/// The texts that can name a release, in order of precedence after the title in the metadata.
#[derive(Clone, Copy, Debug)]
pub struct NameSources<'a> {
    /// The metadata: title, authors, year.
    pub metadata: &'a Map<String, Value>,
    /// The release's own name.
    pub release: Option<&'a str>,
    /// The name of a file, without its extension.
    pub file_stem: Option<&'a str>,
}

/// The text that a release is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedAfter {
    /// The title in the metadata.
    Title,
    /// The release's own name.
    Release,
    /// The name of a file.
    File,
}

impl NamedAfter {
    /// The text in a job's log: "named after ...".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "the title",
            Self::Release => "the release's name",
            Self::File => "the file's name",
        }
    }
}

/// A release name, and the text it was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltName {
    /// The name.
    pub name: String,
    /// The source of its words.
    pub named_after: NamedAfter,
}

/// Builds a release name: `Author.Name-The.Title-2024-GROUP`. A title that is missing, or that has
/// a letter without a spelling, is replaced by the release's own name, or else by the file's.
///
/// # Errors
/// [`FailureCode::ReleaseNameInvalid`] if none of them gives a name that says more than a year and
/// follows the naming rules.
pub fn build_release_name(sources: &NameSources<'_>, group: &str) -> Result<BuiltName, WorkError> {
    let field = |name: &str| sources.metadata.get(name).map(name_text);
    let parts = Parts {
        // Half an author is worse than none.
        author: words(&first_author(sources.metadata)).unwrap_or_default(),
        year: field("year")
            .and_then(|year| words(&year))
            .unwrap_or_default(),
        group,
    };
    let by_title = || parts.join_title(&words(&field("title")?)?);
    let by_release = || parts.join_new(&parted_words(without_group(sources.release?, group))?);
    let by_file = || parts.join_new(&parted_words(sources.file_stem?)?);
    let built = by_title()
        .map(|name| (name, NamedAfter::Title))
        .or_else(|| Some((by_release()?, NamedAfter::Release)))
        .or_else(|| Some((by_file()?, NamedAfter::File)));
    match built {
        Some((name, named_after)) => Ok(BuiltName { name, named_after }),
        None => Err(WorkError::failed(
            FailureCode::ReleaseNameInvalid,
            "No release name can be built from the metadata; set `release_name`.",
        )),
    }
}

/// Returns the file name of a path without its extension.
#[must_use]
pub fn source_stem(path: &str) -> &str {
    let name = file_name(path);
    let is_extension = |ending: &str| {
        (1..=MAX_EXTENSION_BYTES).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && ending.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_extension(ending) => stem,
        _ => return name,
    };
    let lower = stem.to_ascii_lowercase();
    let inner = INNER_EXTENSIONS
        .into_iter()
        .find(|ending| lower.ends_with(ending) && lower.len() > ending.len());
    &stem[..stem.len() - inner.map_or(0, str::len)]
}

/// Returns the first author; empty if there is none.
fn first_author(metadata: &Map<String, Value>) -> String {
    let author = match metadata.get("authors") {
        Some(Value::Array(authors)) => authors.first(),
        Some(Value::String(names)) if !names.trim().is_empty() => metadata.get("authors"),
        _ => metadata.get("author"),
    };
    author.map(name_text).unwrap_or_default()
}

/// Returns a metadata value as text. Unlike in an NFO, an invisible character separates no words.
fn name_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().take(MAX_TEXT_CHARS).collect(),
        value => plain_text(value),
    }
}

/// The parts of a name around its title.
struct Parts<'a> {
    author: String,
    year: String,
    group: &'a str,
}

impl Parts<'_> {
    /// Joins the parts and the title in the metadata, which may be a number: `1984-1949-GRP`.
    fn join_title(&self, title: &str) -> Option<String> {
        let is_named = self.has_letter(title) || is_numeric_title(title, &self.year);
        is_named.then(|| self.join(title))?
    }

    /// Returns whether the author or a title has a letter: another name of digits says nothing.
    fn has_letter(&self, title: &str) -> bool {
        let mut letters = self.author.bytes().chain(title.bytes());
        letters.any(|byte| byte.is_ascii_alphabetic())
    }

    /// Joins the parts and a title. Returns `None` if they break the naming rules.
    fn join(&self, title: &str) -> Option<String> {
        let Self {
            author,
            year,
            group,
        } = self;
        let ending = match year.as_str() {
            "" => format!("-{group}"),
            year => format!("-{year}-{group}"),
        };
        let room = MAX_NAME_BYTES.checked_sub(ending.len())?;
        // The author keeps half of the room, or more if the title is short.
        let author_room = (room / 2).max(room.saturating_sub(title.len() + 1));
        let mut name = cut_at_word(author, author_room).to_owned();
        if !name.is_empty() {
            name.push('-');
        }
        let title = cut_at_word(title, room - name.len());
        name.push_str(title);
        name.push_str(&ending);
        check_name(&name).is_ok().then_some(name)
    }

    /// Joins a title and the parts that it does not name itself.
    fn join_new(&self, title: &str) -> Option<String> {
        let dotted = |text: &str| format!(".{}.", text.replace('-', ".").to_ascii_lowercase());
        let own = dotted(title);
        let unless_named = |part: &str| {
            let is_named = own.contains(&dotted(part));
            if is_named {
                String::new()
            } else {
                part.to_owned()
            }
        };
        let parts = Parts {
            author: unless_named(&self.author),
            year: unless_named(&self.year),
            group: self.group,
        };
        parts.has_letter(title).then(|| parts.join(title))?
    }
}

/// Returns whether a title of digits says something: it is neither a single digit nor, in a name
/// without a year, what looks like one.
fn is_numeric_title(title: &str, year: &str) -> bool {
    let is_year = title.len() == 4 && !title.contains('.');
    title.len() > 1 && !(is_year && year.is_empty())
}

/// Returns the words of a text, joined with dots, in ASCII; `None` if it has none, or one without a
/// spelling.
fn words(text: &str) -> Option<String> {
    Some(dotted_words(&spell(text)?)).filter(|words| !words.is_empty())
}

/// Like [`words`], for the name of a release or a file: a dash between its parts stays.
fn parted_words(text: &str) -> Option<String> {
    let ascii = spell(text)?;
    let dash = if ascii.contains(' ') { " - " } else { "-" };
    let parts = ascii.split(dash).map(dotted_words);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("-"))
}

/// Joins the words of an ASCII text with dots. Apostrophes within a word vanish.
fn dotted_words(ascii: &str) -> String {
    let mut words = String::new();
    let mut is_between_words = false;
    let bytes = ascii.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_letter = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_alphabetic)
        };
        match byte {
            byte if byte.is_ascii_alphanumeric() => {
                if is_between_words && !words.is_empty() {
                    words.push('.');
                }
                is_between_words = false;
                words.push(char::from(*byte));
            }
            b'\'' | b'`' if is_letter(at.checked_sub(1)) || is_letter(Some(at + 1)) => {}
            _ => is_between_words = true,
        }
    }
    words
}

/// Returns a release name without this group at its end.
fn without_group<'a>(name: &'a str, group: &str) -> &'a str {
    if check_name(name).is_ok() && group_of(name) == Some(group) {
        &name[..name.len() - group.len() - 1]
    } else {
        name
    }
}

#[cfg(test)]
#[path = "release_name_tests.rs"]
mod tests;
