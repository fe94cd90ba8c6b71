//! Reading an NFO: what it says of the work, and the files it lists.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    clean,
    labels::{self, Field},
    layout::{is_art, is_drawn, is_framed, width},
    listing::{Listed, Listing},
    size,
};
use crate::formats::{isbn, text};

/// How many authors are read.
const MAX_AUTHORS: usize = 100;

/// What an NFO says of the work and its release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NfoMetadata {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The authors, in the NFO's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The year of publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// The ISBN-13 or ISBN-10, digits only, its check digit right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isbn: Option<String>,
    /// The language, as the NFO writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The format, as the NFO writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The size, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The group that released it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What an NFO says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Of the work.
    pub metadata: NfoMetadata,
    /// The files it lists, in its order.
    pub files: Vec<Listed>,
}

/// Reads the text of an NFO.
#[must_use]
pub fn read(text: &str) -> Reading {
    let mut reader = Reader::default();
    for line in clean::lines(clean::before_sauce(text).unwrap_or(text)) {
        reader.line(&unframed(&line.text));
    }
    reader.end_value();
    Reading {
        metadata: reader.metadata(),
        files: reader.listing.files,
    }
}

/// Tells the authors in one field apart.
#[must_use]
pub fn authors(field: &str) -> Vec<String> {
    // A word may stand within one name; between whole names it parts them.
    let whole_names = |word: &str| {
        let parts: Vec<&str> = field.split(word).collect();
        (parts.len() > 1 && parts.iter().all(|part| part.trim().contains(' '))).then_some(parts)
    };
    if field.contains(';') {
        return field.split(';').filter_map(text::field).collect();
    }
    match [" / ", " and ", " et "].into_iter().find_map(whole_names) {
        Some(parts) => parts.into_iter().flat_map(text::people).collect(),
        None => text::people(field),
    }
}

/// The line without what frames it, in the same columns; what parts cells becomes a gap.
fn unframed(line: &str) -> String {
    let text = line.trim();
    let frame = text.chars().next().filter(|_| is_framed(text));
    let is_frame = |c: char| is_drawn(c) || Some(c) == frame;
    if !text.starts_with(is_frame) && !text.ends_with(is_frame) {
        return line.to_owned();
    }
    let inner = text.trim_matches(|c| is_frame(c) || c == ' ');
    let start = line.find(inner).unwrap_or(0);
    let mut unframed = " ".repeat(width(&line[..start]));
    for c in inner.chars() {
        match c {
            '│' | '┃' | '║' | '|' => unframed.push_str("   "),
            c if is_drawn(c) => unframed.push(' '),
            c => unframed.push(c),
        }
    }
    unframed
}

/// A value that may go on in the next line.
struct Value {
    field: Option<Field>,
    text: String,
    label_column: usize,
    column: usize,
}

#[derive(Default)]
struct Reader {
    fields: BTreeMap<Field, Vec<String>>,
    current: Option<Value>,
    /// The fields of a table whose row follows.
    columns: Option<Vec<Field>>,
    listing: Listing,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if self.goes_on(line) {
            return;
        }
        self.end_value();
        if self.listing.take(line) || self.row(line) {
            return;
        }
        self.columns = labels::columns(line);
        if self.columns.is_some() {
            return;
        }
        let labels = labels::all(line);
        if let [only] = labels.as_slice() {
            self.current = Some(Value {
                field: labels::field(only.label),
                text: only.value.to_owned(),
                label_column: width(&line[..only.label_at]),
                column: width(&line[..only.value_at]),
            });
            return;
        }
        for label in labels {
            self.set(labels::field(label.label), label.value);
        }
        if let Some(isbn) = line
            .to_lowercase()
            .contains("isbn")
            .then(|| isbn::find(line))
            .flatten()
        {
            self.set(Some(Field::Isbn), &isbn);
        }
    }

    /// Whether the line goes on with the value above: it stands below it; or near, and is prose.
    fn goes_on(&mut self, line: &str) -> bool {
        let Some(value) = &mut self.current else {
            return false;
        };
        let text = line.trim();
        let column = width(&line[..line.len() - line.trim_start().len()]);
        let is_below = column == value.column && value.column > value.label_column;
        let is_near = column > value.label_column
            && (value.text.is_empty() || column.abs_diff(value.column) <= 2);
        let is_prose = || labels::all(line).is_empty() && !is_art(text);
        if text.is_empty() || !(is_below && !value.text.is_empty() || is_near && is_prose()) {
            return false;
        }
        let is_wide = |c: Option<char>| c.is_some_and(|c| width(c.encode_utf8(&mut [0; 4])) == 2);
        let joined = is_wide(value.text.chars().next_back()) && is_wide(text.chars().next());
        if !value.text.is_empty() && !joined {
            value.text.push(' ');
        }
        value.text.push_str(text);
        true
    }

    /// The row of a table whose first row named the fields.
    fn row(&mut self, line: &str) -> bool {
        let Some(fields) = self.columns.take() else {
            return false;
        };
        if !line.contains(char::is_alphanumeric) {
            self.columns = Some(fields);
            return true;
        }
        let cells: Vec<&str> = labels::cells(line).collect();
        let is_row = cells.len() == fields.len();
        if is_row {
            fields
                .into_iter()
                .zip(cells)
                .for_each(|(field, cell)| self.set(Some(field), cell));
        }
        is_row
    }

    fn end_value(&mut self) {
        if let Some(Value { field, text, .. }) = self.current.take() {
            self.set(field, &text);
        }
    }

    fn set(&mut self, field: Option<Field>, value: &str) {
        if let (Some(field), Some(value)) = (field, text::field(value)) {
            self.fields.entry(field).or_default().push(value);
        }
    }

    fn first(&self, field: Field) -> Option<String> {
        self.fields.get(&field)?.first().cloned()
    }

    fn all<T>(&self, field: Field, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.fields
            .get(&field)?
            .iter()
            .find_map(|value| read(value))
    }

    fn metadata(&self) -> NfoMetadata {
        let written = self.fields.get(&Field::Authors).into_iter().flatten();
        // A release's day tells no year of publication; a year alone does, whatever its label.
        let year_alone = |value: &str| text::year(value).filter(|_| value.trim().len() == 4);
        NfoMetadata {
            title: self.first(Field::Title),
            authors: written
                .flat_map(|authors| self::authors(authors))
                .take(MAX_AUTHORS)
                .collect(),
            publisher: self.first(Field::Publisher),
            year: self
                .all(Field::Year, text::year)
                .or_else(|| self.all(Field::Date, year_alone)),
            isbn: self.all(Field::Isbn, |value| {
                isbn::parse(value).or_else(|| isbn::find(value))
            }),
            language: self.first(Field::Language),
            format: self.first(Field::Format),
            size: self.all(Field::Size, size::parse),
            group: self.first(Field::Group),
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
