//! The result of an analysis, as its JSON has it.

use serde::{Deserialize, Serialize};
use text::encoding::Encoding;

use super::format::Format;

/// The result of an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The metadata of the work in the file.
    pub metadata: Metadata,
    /// The properties of the file.
    pub mediainfo: MediaInfo,
    /// The files inside it.
    pub structure: Structure,
}

/// The metadata of the work, as the file has it; nothing is looked up elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The main title.
    pub title: Option<String>,
    /// The authors, in the file's order.
    pub authors: Vec<String>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The ISBN-13 or ISBN-10: digits only, with a valid check digit.
    pub isbn: Option<String>,
    /// The year of publication.
    pub year: Option<i32>,
    /// The language, as the file writes it: usually a BCP 47 tag.
    pub language: Option<String>,
    /// The description; may contain HTML, at most 10,000 characters.
    pub description: Option<String>,
    /// Subjects, genres or keywords.
    pub subjects: Vec<String>,
    /// The series that the work belongs to.
    pub series: Option<String>,
    /// The place in the series, as the file writes it.
    pub series_index: Option<String>,
    /// Contributors who are not authors: translators, illustrators, editors.
    pub contributors: Vec<Contributor>,
    /// Every identifier that the file has, including the ISBN.
    pub identifiers: Vec<Identifier>,
}

/// A contributor who is not an author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// The name.
    pub name: String,
    /// The role as the file has it: a MARC code (`trl`, `ill`) or a word; empty when not given.
    pub role: String,
}

/// An identifier of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// The kind, in lower case (`isbn`, `uuid`, `doi`); empty when the file does not say.
    pub scheme: String,
    /// The identifier itself.
    pub value: String,
}

/// The properties of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// The format, found from the content.
    pub format: Format,
    /// The format's media type.
    pub media_type: String,
    /// The version of the format, as the file writes it: `3.0` for an EPUB, `1.7` for a PDF.
    pub version: Option<String>,
    /// The file's size, in bytes.
    pub size: u64,
    /// The number of pages, of formats that have pages.
    pub pages: Option<u64>,
    /// The number of chapter documents in reading order, of an EPUB.
    pub chapters: Option<u64>,
    /// The tables of contents of an EPUB.
    pub toc: Vec<TableOfContents>,
    /// The layout of an EPUB.
    pub layout: Option<Layout>,
    /// The encoding of a text.
    pub encoding: Option<Encoding>,
    /// The number of lines of a text.
    pub lines: Option<u64>,
    /// The program that made the file, as it says itself.
    pub producer: Option<String>,
    /// True if its content is encrypted, so that a password or a reader's license is needed.
    pub encrypted: bool,
    /// True if part of it could not be read, so that these properties are incomplete.
    pub damaged: bool,
    /// The CRC-32 of the whole file: eight upper-case hexadecimal digits.
    pub crc32: String,
    /// The SHA-256 of the whole file: 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl MediaInfo {
    /// The properties of a file of which only the format is known.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            media_type: format.media_type().to_owned(),
            version: None,
            size: 0,
            pages: None,
            chapters: None,
            toc: Vec::new(),
            layout: None,
            encoding: None,
            lines: None,
            producer: None,
            encrypted: false,
            damaged: false,
            crc32: String::new(),
            sha256: String::new(),
        }
    }
}

/// A table of contents of an EPUB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableOfContents {
    /// The navigation document of EPUB 3.
    Nav,
    /// The NCX of EPUB 2.
    Ncx,
}

/// The layout of an EPUB's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Pages adapt to the screen.
    Reflowable,
    /// Pages have a fixed size.
    Fixed,
}

/// The files inside a container; empty for a file that contains none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// The first files, in the container's order; at most [`Structure::MAX_FILES`].
    pub files: Vec<StructureFile>,
    /// The number of all files, without folders.
    pub files_total: u64,
    /// True if `files` leaves some out.
    pub files_truncated: bool,
    /// The unpacked size of all files, in bytes.
    pub total_size: u64,
}

impl Structure {
    /// The most files that are listed.
    pub const MAX_FILES: usize = 1000;

    /// Drops the second half of the list; returns whether there was one to drop.
    pub fn halve_files(&mut self) -> bool {
        let all = self.files.len();
        self.files.truncate(all / 2);
        self.files_truncated |= all > 0;
        all > 0
    }
}

/// A file inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructureFile {
    /// The path in the container, with forward slashes.
    pub path: String,
    /// The size, in bytes.
    pub size: u64,
    /// The size in the container, in bytes.
    pub compressed_size: u64,
    /// The CRC-32: eight upper-case hexadecimal digits.
    pub crc32: String,
    /// True if it is encrypted.
    pub encrypted: bool,
}
