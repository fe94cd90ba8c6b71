//! Reads the metadata and the file list of an NFO.

use std::collections::BTreeMap;

use serde::Serialize;
use text::tidy_line;

use super::{
    chapter_list::ChapterList,
    clean,
    field::Field,
    file_list::FileListParser,
    labels::{LabeledValue, cells, find_labels, parse_header},
    layout::{MAX_COLUMNS, has_ascii_frame, is_drawing, is_drawing_char, width},
    listed_file::ListedFile,
    markup::{hide_label_marks, is_emphasized, strip_block_ends, strip_marks},
    size::parse_size,
    value::{is_unknown, parse_value},
};
use crate::metadata::{find_year, isbn, split_authors};

/// The largest number of authors.
const MAX_AUTHORS: usize = 100;
/// The largest distance of prose from the column of the value that it continues, in columns.
const MAX_COLUMN_SHIFT: usize = 2;

/// The metadata in an NFO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NfoMetadata {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The authors, in the order of the NFO.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The year of publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// The ISBN-13 or ISBN-10: digits only, with a valid check digit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isbn: Option<String>,
    /// The language as written in the NFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The format as written in the NFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The group that released the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// The content of an NFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NfoContent {
    /// The metadata.
    pub metadata: NfoMetadata,
    /// The listed files, in the order of the NFO.
    pub files: Vec<ListedFile>,
}

/// Reads the text of an NFO.
#[must_use]
pub fn read(text: &str) -> NfoContent {
    let mut reader = NfoReader::default();
    for line in clean::lines_with_gaps(text) {
        reader.read_line(&line.text);
    }
    reader.end_value();
    NfoContent {
        metadata: reader.metadata(),
        files: reader.file_list.files,
    }
}

/// Parses the value of an author's label. A quoted name may be any, even "Unknown".
fn parse_authors(value: &str) -> Vec<String> {
    let mut names = split_authors(strip_marks(value));
    if !value.contains('"') {
        names.retain(|name| !is_unknown(name));
    }
    names
}

/// Returns whether an ISBN may stand in a line beside the values of its labels. A title, a name or a
/// publisher is text of any kind.
fn may_have_isbn(labels: &[LabeledValue<'_>]) -> bool {
    let is_text = |field| matches!(field, Field::Title | Field::Authors | Field::Publisher);
    let mut fields = labels.iter().filter_map(|one| Field::from_label(one.label));
    !fields.any(is_text)
}

/// Replaces a line's frame with spaces, so that the text keeps its column. A frame between cells
/// becomes a gap.
fn remove_frame(line: &str) -> String {
    let text = line.trim();
    let ascii_frame = text.chars().next().filter(|_| has_ascii_frame(text));
    let ascii_frame = ascii_frame.filter(|_| !is_emphasized(text));
    let is_frame = |c: char| is_drawing_char(c) || Some(c) == ascii_frame;
    if !text.starts_with(is_frame) && !text.ends_with(is_frame) {
        return line.to_owned();
    }
    let inner = text.trim_matches(|c| is_frame(c) || c == ' ');
    let start = line.find(inner).unwrap_or(0);
    let mut unframed = " ".repeat(width(&line[..start]));
    for c in inner.chars() {
        match c {
            '│' | '┃' | '║' | '|' => unframed.push_str("   "),
            c if is_drawing_char(c) => unframed.push(' '),
            c => unframed.push(c),
        }
    }
    unframed
}

/// A value that may continue on the next line.
struct OpenValue {
    field: Option<Field>,
    text: String,
    label_column: usize,
    column: usize,
    /// The width of its last line with the indentation, in columns.
    last_width: usize,
    /// `true` after an odd number of quotes.
    is_quote_open: bool,
}

impl OpenValue {
    /// Returns whether `line`, with its frame, continues the value because it is directly below a
    /// quoted value whose quote is still open.
    fn continues_quote(&self, line: &str) -> bool {
        self.is_quote_open && !line.trim().is_empty() && indentation(line) == self.column
    }

    /// Returns whether `line`, without its frame, continues the value because it is directly below
    /// the value, or is prose near it.
    fn continues(&self, line: &str) -> bool {
        let text = line.trim();
        let column = indentation(line);
        if text.is_empty() || column <= self.label_column {
            return false;
        }
        let is_below = !self.text.is_empty() && column == self.column;
        let is_near = self.text.is_empty() || column.abs_diff(self.column) <= MAX_COLUMN_SHIFT;
        is_below || is_near && find_labels(line).is_empty() && !is_drawing(text)
    }

    /// Appends a line, with a space unless the line above is full and both sides are wide
    /// characters: the text was split there.
    fn append_continuation(&mut self, line: &str) {
        let text = line.trim();
        let is_wide = |c: Option<char>| c.is_some_and(|c| width(c.encode_utf8(&mut [0; 4])) == 2);
        let is_split = self.last_width + 1 >= MAX_COLUMNS
            && is_wide(self.text.chars().next_back())
            && is_wide(text.chars().next());
        if !self.text.is_empty() && !is_split {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.last_width = width(line.trim_end());
        self.is_quote_open ^= has_open_quote(text);
    }
}

fn has_open_quote(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}

/// The width of the spaces at the start of a line.
fn indentation(line: &str) -> usize {
    width(&line[..line.len() - line.trim_start().len()])
}

#[derive(Default)]
struct NfoReader {
    fields: BTreeMap<Field, Vec<String>>,
    open: Option<OpenValue>,
    /// The fields of a table header, until its row is read.
    header: Option<Vec<Field>>,
    chapters: ChapterList,
    file_list: FileListParser,
}

impl NfoReader {
    fn read_line(&mut self, framed: &str) {
        if let Some(value) = &mut self.open
            && value.continues_quote(framed)
        {
            value.append_continuation(framed);
            return;
        }
        let line = &remove_frame(framed);
        if let Some(value) = &mut self.open
            && value.continues(line)
        {
            value.append_continuation(line);
            return;
        }
        self.end_value();
        if self.chapters.push_line(line) || self.file_list.push_line(line) || self.read_row(line) {
            return;
        }
        self.header = parse_header(line);
        if self.header.is_none() {
            self.read_labels(line);
        }
    }

    fn read_labels(&mut self, line: &str) {
        let line = &hide_label_marks(line);
        let labels = find_labels(line);
        if may_have_isbn(&labels)
            && line.to_lowercase().contains("isbn")
            && let Some(isbn) = isbn::find(line)
        {
            self.add(Some(Field::Isbn), &isbn);
        }
        if let [only] = labels.as_slice() {
            self.open = Some(OpenValue {
                field: Field::from_label(only.label),
                text: only.value.to_owned(),
                label_column: width(&line[..only.label_at]),
                column: width(&line[..only.value_at]),
                last_width: width(line.trim_end()),
                is_quote_open: has_open_quote(only.value),
            });
            return;
        }
        for label in labels {
            self.add(Field::from_label(label.label), label.value);
        }
    }

    /// Reads the row below a table header. Returns whether the line belongs to the table.
    fn read_row(&mut self, line: &str) -> bool {
        let Some(fields) = self.header.take() else {
            return false;
        };
        if !line.contains(char::is_alphanumeric) {
            self.header = Some(fields);
            return true;
        }
        let cells: Vec<&str> = cells(line).collect();
        let is_row = cells.len() == fields.len();
        if is_row {
            for (field, cell) in fields.into_iter().zip(cells) {
                self.add(Some(field), cell);
            }
        }
        is_row
    }

    fn end_value(&mut self) {
        if let Some(OpenValue { field, text, .. }) = self.open.take() {
            self.add(field, &text);
        }
    }

    fn add(&mut self, field: Option<Field>, value: &str) {
        if let (Some(field), Some(value)) = (field, tidy_line(strip_block_ends(value))) {
            self.fields.entry(field).or_default().push(value);
        }
    }

    /// Returns the first value of a field that is known.
    fn first(&self, field: Field) -> Option<String> {
        self.parsed(field, parse_value)
    }

    /// Returns the first value of a field that `parse` accepts.
    fn parsed<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.fields
            .get(&field)?
            .iter()
            .find_map(|value| parse(value))
    }

    fn metadata(&self) -> NfoMetadata {
        let authors = self.fields.get(&Field::Authors).into_iter().flatten();
        // A full date is the release date, but a year alone is the year of publication.
        let year_alone = |value: &str| find_year(value).filter(|_| value.trim().len() == 4);
        NfoMetadata {
            title: self.first(Field::Title),
            authors: authors
                .flat_map(|authors| parse_authors(authors))
                .take(MAX_AUTHORS)
                .collect(),
            publisher: self.first(Field::Publisher),
            year: self
                .parsed(Field::Year, find_year)
                .or_else(|| self.parsed(Field::Date, year_alone)),
            isbn: self.parsed(Field::Isbn, |value| {
                isbn::parse(value).or_else(|| isbn::find(value))
            }),
            language: self.first(Field::Language),
            format: self.first(Field::Format),
            size: self.parsed(Field::Size, parse_size),
            group: self.first(Field::Group),
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
