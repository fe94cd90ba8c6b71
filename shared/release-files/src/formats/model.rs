//! The result of an analysis, in the shape of its JSON.

use serde::{Deserialize, Serialize};

use super::cover::Cover;
use super::findings::Finding;
use super::format::Format;
use super::image_facts::Images;
use super::pdf_facts::PdfFacts;

/// The result of an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The metadata of the work in the file.
    pub metadata: Metadata,
    /// The properties of the file.
    pub mediainfo: MediaInfo,
    /// The files inside it.
    pub structure: Structure,
    /// What the book contains.
    #[serde(default)]
    pub contents: Contents,
    /// The accessibility of an EPUB.
    #[serde(default)]
    pub accessibility: Option<Accessibility>,
    /// The cover of an EPUB or of a comic; `None` if it has none, or is locked.
    #[serde(default)]
    pub cover: Option<Cover>,
    /// The technical facts of a PDF.
    #[serde(default)]
    pub pdf: Option<PdfFacts>,
    /// The images of a CBZ or an EPUB.
    #[serde(default)]
    pub images: Option<Images>,
    /// What a store or a reading system will object to, the worst first: at most 500, of them at
    /// most 20 of a kind.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The number of all findings.
    #[serde(default)]
    pub findings_total: u64,
}

impl Analysis {
    /// Creates the result of a file without parts.
    #[must_use]
    pub fn new(metadata: Metadata, mediainfo: MediaInfo) -> Self {
        Self {
            metadata,
            mediainfo,
            structure: Structure::default(),
            contents: Contents::default(),
            accessibility: None,
            cover: None,
            pdf: None,
            images: None,
            findings: Vec::new(),
            findings_total: 0,
        }
    }
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

/// What a book contains, and how long it is; empty for other files, and for a book that is locked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {
    /// The table of contents: its first [`Contents::MAX_ENTRIES`] entries, as a tree of at most
    /// [`Contents::MAX_LEVELS`] levels.
    pub entries: Vec<ContentsEntry>,
    /// The number of all entries.
    pub entries_total: u64,
    /// The first [`Contents::MAX_CHAPTERS`] documents in the reading order.
    pub chapters: Vec<Chapter>,
    /// The number of all documents in the reading order.
    pub chapters_total: u64,
    /// The number of words, without those that are counted as `characters`; `None` if not all the
    /// text was read.
    pub words: Option<u64>,
    /// The number of characters of the scripts that do not separate words: Han, kana, Thai, Lao,
    /// Khmer and Burmese; `None` as before.
    pub characters: Option<u64>,
    /// The time to read it, in minutes; `None`, too, if it is not known for most of the text.
    pub reading_minutes: Option<u64>,
    /// The language of the text by a detector, as a primary tag of BCP 47; `None` if it is not sure.
    pub language: Option<String>,
}

impl Contents {
    /// The largest number of listed entries.
    pub const MAX_ENTRIES: u64 = 500;
    /// The largest number of levels. Deeper entries are listed at the last level.
    pub const MAX_LEVELS: usize = 8;
    /// The largest number of listed documents.
    pub const MAX_CHAPTERS: usize = 500;
}

/// An entry of a table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentsEntry {
    /// The title.
    pub title: String,
    /// The path of the document that it leads to; `None` if it is not in the book.
    pub path: Option<String>,
    /// The entries below it.
    pub entries: Vec<ContentsEntry>,
}

/// A document in the reading order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// The path in the container.
    pub path: String,
    /// The number of words, as in [`Contents`]; `None` if it was not read.
    pub words: Option<u64>,
    /// The number of characters, as in [`Contents`]; `None` if it was not read.
    pub characters: Option<u64>,
}

/// The accessibility of an EPUB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accessibility {
    /// What the book says.
    pub declared: DeclaredAccessibility,
    /// What its documents tell; `None` if they were not read.
    pub inferred: Option<InferredAccessibility>,
}

/// What a book says of its accessibility, in the words of its package document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeclaredAccessibility {
    /// The standards that it conforms to.
    pub conforms_to: Vec<String>,
    /// Who has certified that.
    pub certified_by: Option<String>,
    /// The credential of the certifier.
    pub certifier_credential: Option<String>,
    /// The address of the certifier's report.
    pub certifier_report: Option<String>,
    /// The ways of perceiving it: `textual`, `visual`, `auditory`, `tactile`.
    pub access_modes: Vec<String>,
    /// The sets of ways that are enough, each separated by commas.
    pub access_modes_sufficient: Vec<String>,
    /// The features: `tableOfContents`, `alternativeText`.
    pub features: Vec<String>,
    /// The hazards: `none`, `flashing`.
    pub hazards: Vec<String>,
    /// A summary for people.
    pub summary: Option<String>,
}

/// What the documents of a book tell of its accessibility.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InferredAccessibility {
    /// Whether it has a table of contents with entries.
    pub has_table_of_contents: bool,
    /// Whether it lists the pages of the printed book.
    pub has_page_list: bool,
    /// The number of images in its documents (`img`); `None` if not all were read.
    pub images: Option<u64>,
    /// The number of those images that have no text and are not for decoration; `None` as before.
    pub images_without_text: Option<u64>,
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
