//! The facts about a release that NFO and DIZ show.

use jobs::Time;
use serde::Serialize;
use serde_json::{Map, Value};

use super::package_file::PackageFile;
use crate::metadata::join_authors;
use crate::nfo::{field::Field, repair::PlaceholderValues};

/// The facts about a release that NFO and DIZ show; an unknown one is empty.
#[derive(Debug, Serialize)]
pub struct Facts {
    /// The release's name.
    pub release_name: String,
    /// The group.
    pub group: String,
    /// The title.
    pub title: String,
    /// The authors, joined with commas, or with semicolons where commas would be ambiguous.
    pub authors: String,
    /// The publisher.
    pub publisher: String,
    /// The year.
    pub year: String,
    /// The language.
    pub language: String,
    /// The ISBN.
    pub isbn: String,
    /// The source's format.
    pub format: String,
    /// The day of the release: `2026-11-23`.
    pub date: String,
    /// The size of the archive, in bytes.
    pub size: u64,
    /// The archive's files.
    pub files: Vec<PackageFile>,
}

impl Facts {
    /// The facts about a package whose archive is `files`.
    #[must_use]
    pub fn new(
        name: &str,
        group: &str,
        metadata: &Map<String, Value>,
        files: &[PackageFile],
        date: Time,
    ) -> Self {
        let text = |name: &str| metadata.get(name).map(plain_text).unwrap_or_default();
        let authors = match metadata.get("authors") {
            Some(Value::Array(names)) => {
                join_authors(&names.iter().map(plain_text).collect::<Vec<_>>())
            }
            Some(authors) => plain_text(authors),
            None => text("author"),
        };
        Self {
            release_name: name.to_owned(),
            group: group.to_owned(),
            title: text("title"),
            authors,
            publisher: text("publisher"),
            year: text("year"),
            language: text("language"),
            isbn: text("isbn"),
            format: text("format"),
            date: date.to_string().chars().take(10).collect(),
            size: files.iter().map(|file| file.size).sum(),
            files: files.to_vec(),
        }
    }
}

impl From<&Facts> for PlaceholderValues {
    /// Takes all facts about the work and its release, but neither its size nor its day.
    fn from(facts: &Facts) -> Self {
        Self::new([
            (Field::ReleaseName, facts.release_name.as_str()),
            (Field::Group, &facts.group),
            (Field::Title, &facts.title),
            (Field::Authors, &facts.authors),
            (Field::Publisher, &facts.publisher),
            (Field::Year, &facts.year),
            (Field::Language, &facts.language),
            (Field::Isbn, &facts.isbn),
            (Field::Format, &facts.format),
        ])
    }
}

/// A value of a release's metadata as text in one line; empty for an object, a boolean and null.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text::one_line(text),
        Value::Array(values) => values.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
