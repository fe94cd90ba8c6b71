//! The result of an analysis, in the shape of its JSON.

use serde::{Deserialize, Serialize};

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

/// The metadata of the work, from the file alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The main title.
    pub title: Option<String>,
    /// The authors, in the order of the file.
    pub authors: Vec<String>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The ISBN-13 or ISBN-10: digits only, with a valid check digit.
    pub isbn: Option<String>,
    /// The year of publication.
    pub year: Option<i32>,
    /// The language as written in the file, usually a BCP 47 tag.
    pub language: Option<String>,
    /// The description, at most 10,000 characters; may contain HTML.
    pub description: Option<String>,
    /// Subjects, genres or keywords.
    pub subjects: Vec<String>,
    /// The series that the work belongs to.
    pub series: Option<String>,
    /// The position in the series, as written in the file.
    pub series_index: Option<String>,
    /// Contributors other than the authors: translators, illustrators, editors.
    pub contributors: Vec<Contributor>,
    /// All identifiers, including the ISBN.
    pub identifiers: Vec<Identifier>,
}

/// A contributor other than an author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// The name.
    pub name: String,
    /// The role: a MARC code (`trl`, `ill`), or else the word in the file; empty if absent.
    pub role: String,
}

/// An identifier of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// The kind in lower case (`isbn`, `uuid`, `doi`); empty if absent.
    pub scheme: String,
    /// The identifier.
    pub value: String,
}

/// The properties of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// The format, detected from the content.
    pub format: Format,
    /// The format's media type.
    pub media_type: String,
    /// The version of the format, as written in the file: `3.0` for an EPUB, `1.7` for a PDF.
    pub version: Option<String>,
    /// The file's size, in bytes.
    pub size: u64,
    /// The number of pages, for formats with pages.
    pub pages: Option<u64>,
    /// The number of chapter documents in the reading order of an EPUB.
    pub chapters: Option<u64>,
    /// The tables of contents of an EPUB.
    pub toc: Vec<TableOfContents>,
    /// The layout of an EPUB.
    pub layout: Option<Layout>,
    /// The encoding of a text, in lower case: one of [`text::encoding::Encoding`], or another that a
    /// document in HTML or XML declares.
    pub encoding: Option<String>,
    /// The number of lines of a text.
    pub lines: Option<u64>,
    /// The program that created the file, according to the file.
    pub producer: Option<String>,
    /// True if the content is encrypted and needs a password or a license to read.
    pub encrypted: bool,
    /// True if part of the file could not be read, so that these properties may be incomplete.
    pub damaged: bool,
    /// The CRC-32 of the whole file: eight upper-case hexadecimal digits.
    pub crc32: String,
    /// The SHA-256 of the whole file: 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl MediaInfo {
    /// Creates the properties of a file when only its format is known.
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

/// The files inside a container; empty for other files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// The first [`Structure::MAX_FILES`] files, in the order of the container.
    pub files: Vec<StructureFile>,
    /// The number of all files, excluding folders.
    pub files_total: u64,
    /// True if `files` leaves some out.
    pub files_truncated: bool,
    /// The unpacked size of all files, in bytes.
    pub total_size: u64,
}

impl Structure {
    /// The largest number of listed files.
    pub const MAX_FILES: usize = 1000;
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
