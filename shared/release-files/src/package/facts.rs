//! The facts about a release in its NFO and DIZ.

use jobs::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use text::tidy_line;

use super::package_file::PackageFile;
use crate::formats::Extent;
use crate::metadata::join_authors;
use crate::nfo::{field::Field, repair::PlaceholderValues};

/// The facts about a release in its NFO and DIZ. An unknown fact is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// The release's name.
    pub release_name: String,
    /// The group.
    pub group: String,
    /// The title.
    pub title: String,
    /// The authors, joined with commas, or with semicolons where commas would be ambiguous.
    pub authors: String,
    /// Each author; empty if the metadata has a text instead of a list.
    #[serde(skip)]
    pub author_names: Vec<String>,
    /// The publisher.
    pub publisher: String,
    /// The year.
    pub year: String,
    /// The language.
    pub language: String,
    /// The ISBN.
    pub isbn: String,
    /// The format of the source.
    pub format: String,
    /// The number of pages.
    pub pages: String,
    /// The number of words, without those that are counted as characters.
    pub words: String,
    /// The number of characters of the scripts that do not separate words.
    pub characters: String,
    /// The width and height of the cover, in pixels: `1600 x 2400`.
    pub cover: String,
    /// The titles of the chapters.
    pub chapters: Vec<String>,
    /// The release date: `2026-11-23`.
    pub date: String,
    /// The size of the archive, in bytes.
    pub size: u64,
    /// The files of the archive.
    pub files: Vec<PackageFile>,
}

impl Facts {
    /// The largest number of chapters that are listed.
    pub const MAX_CHAPTERS: usize = 100;

    /// Collects the facts about a package whose archive consists of `files`.
    #[must_use]
    pub fn new(
        name: &str,
        group: &str,
        metadata: &Map<String, Value>,
        files: &[PackageFile],
        date: Time,
    ) -> Self {
        let text = |name: &str| metadata.get(name).map(plain_text).unwrap_or_default();
        let author_names: Vec<String> = match metadata.get("authors") {
            Some(Value::Array(names)) => {
                let names = names.iter().map(plain_text);
                names.filter(|name| !name.is_empty()).collect()
            }
            _ => Vec::new(),
        };
        let authors = match metadata.get("authors") {
            Some(Value::Array(_)) => join_authors(&author_names),
            Some(authors) => plain_text(authors),
            None => text("author"),
        };
        Self {
            release_name: name.to_owned(),
            group: group.to_owned(),
            title: text("title"),
            authors,
            author_names,
            publisher: text("publisher"),
            year: text("year"),
            language: text("language"),
            isbn: text("isbn"),
            format: text("format"),
            pages: String::new(),
            words: String::new(),
            characters: String::new(),
            cover: String::new(),
            chapters: Vec::new(),
            date: date.to_string().chars().take(10).collect(),
            size: files.iter().map(|file| file.size).sum(),
            files: files.to_vec(),
        }
    }

    /// Adds how much there is of the work. A chapter without a letter or a digit is not listed.
    #[must_use]
    pub fn with_extent(self, extent: &Extent) -> Self {
        let count = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let titles = extent.chapters.iter().filter_map(|title| tidy_line(title));
        let cover = extent
            .cover
            .map(|(width, height)| format!("{width} x {height}"));
        Self {
            pages: count(extent.pages),
            words: count(extent.words),
            characters: count(extent.characters),
            cover: cover.unwrap_or_default(),
            chapters: titles
                .filter(|title| title.contains(char::is_alphanumeric))
                .take(Self::MAX_CHAPTERS)
                .collect(),
            ..self
        }
    }
}

impl From<&Facts> for PlaceholderValues {
    /// Takes all facts except for the size and the date.
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

/// Returns a metadata value as one line of text with single spaces; empty for an object, a boolean
/// or null.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => tidy_line(text).unwrap_or_default(),
        Value::Array(values) => values.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
