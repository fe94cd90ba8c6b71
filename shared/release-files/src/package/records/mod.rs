//! The catalogue records of a package: what its OPF and its ONIX message say about the book.

mod onix;
mod onix_codes;
mod opf;
mod xml_writer;

use jobs::Time;
use serde_json::{Map, Value};
use text::{tidy_line, tidy_text};

pub use self::onix::render as render_onix;
pub use self::opf::render as render_opf;
use super::facts::{Facts, plain_text};
use crate::formats::{Contributor, DeclaredAccessibility, Identifier};
use crate::metadata::isbn;

/// The ending of the name of a package's OPF.
pub const OPF_ENDING: &str = ".opf";
/// The ending of the name of a package's ONIX message.
pub const ONIX_ENDING: &str = ".onix.xml";

/// What a package's OPF and ONIX message say. An unknown text is empty.
#[derive(Clone, Debug)]
pub struct Record {
    release_name: String,
    group: String,
    title: String,
    authors: Vec<String>,
    publisher: String,
    year: String,
    language: String,
    /// An ISBN-13 with a valid check digit.
    isbn: Option<String>,
    /// The ISBN in the metadata.
    given_isbn: String,
    description: String,
    subjects: Vec<String>,
    series: String,
    series_index: String,
    contributors: Vec<Contributor>,
    identifiers: Vec<Identifier>,
    format: String,
    accessibility: DeclaredAccessibility,
    /// The time of the job. An attempt that repeats another writes the same bytes.
    created_at: Time,
}

impl Record {
    /// Collects what is known of the book in a package with these facts: the metadata, from which
    /// the facts come, too, and what the book says of its accessibility.
    #[must_use]
    pub fn new(
        facts: &Facts,
        metadata: &Map<String, Value>,
        accessibility: DeclaredAccessibility,
        created_at: Time,
    ) -> Self {
        let line = |name: &str| metadata.get(name).map(plain_text).unwrap_or_default();
        let description = metadata.get("description").and_then(Value::as_str);
        let authors = match facts.author_names.as_slice() {
            [] if facts.authors.is_empty() => Vec::new(),
            [] => vec![facts.authors.clone()],
            names => names.to_vec(),
        };
        Self {
            release_name: facts.release_name.clone(),
            group: facts.group.clone(),
            title: facts.title.clone(),
            authors,
            publisher: facts.publisher.clone(),
            year: facts.year.clone(),
            language: facts.language.clone(),
            isbn: isbn::parse(&facts.isbn).and_then(|isbn| isbn::to_isbn_13(&isbn)),
            given_isbn: facts.isbn.clone(),
            description: description.and_then(tidy_text).unwrap_or_default(),
            subjects: values(metadata, "subjects").filter_map(as_line).collect(),
            series: line("series"),
            series_index: line("series_index"),
            contributors: values(metadata, "contributors")
                .filter_map(contributor)
                .collect(),
            identifiers: values(metadata, "identifiers")
                .filter_map(identifier)
                .collect(),
            format: facts.format.clone(),
            accessibility,
            created_at,
        }
    }

    /// Returns the ISBN of the metadata if its check digit is wrong, so that the records leave it out.
    #[must_use]
    pub fn invalid_isbn(&self) -> Option<&str> {
        let is_invalid = self.isbn.is_none() && !self.given_isbn.is_empty();
        is_invalid.then_some(self.given_isbn.as_str())
    }
}

/// The values of a list; of a single value, that one.
fn values<'m>(
    metadata: &'m Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'m Value> + use<'m> {
    let found = metadata.get(name);
    let list = found.and_then(Value::as_array);
    let single = found.filter(|value| !value.is_array());
    list.into_iter().flatten().chain(single)
}

fn as_line(value: &Value) -> Option<String> {
    let line = plain_text(value);
    (!line.is_empty()).then_some(line)
}

fn contributor(value: &Value) -> Option<Contributor> {
    let role = value.get("role").and_then(as_line).unwrap_or_default();
    let name = value.get("name").and_then(as_line);
    let name = name.or_else(|| value.as_str().and_then(tidy_line))?;
    Some(Contributor { name, role })
}

fn identifier(value: &Value) -> Option<Identifier> {
    let scheme = value.get("scheme").and_then(as_line).unwrap_or_default();
    let value = value.get("value").and_then(as_line)?;
    Some(Identifier { scheme, value })
}

#[cfg(test)]
mod tests;
