//! What an analysis finds: the shapes of its JSON.

use serde::{Deserialize, Serialize};

/// The result of an analysis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// What the file says about the work in it.
    pub metadata: Metadata,
    /// What kind of file it is.
    pub mediainfo: MediaInfo,
    /// The files inside it.
    pub structure: Structure,
}

/// What a file says about the work in it, as the file has it; nothing is looked up elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The main title.
    pub title: Option<String>,
    /// The authors, in the file's order.
    pub authors: Vec<String>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The ISBN-13 or ISBN-10, digits only, its check digit right.
    pub isbn: Option<String>,
    /// The year of publication.
    pub year: Option<i32>,
    /// The language, as the file writes it: usually a BCP 47 tag.
    pub language: Option<String>,
    /// The description; may contain HTML, at most some 10,000 characters.
    pub description: Option<String>,
    /// Subjects, genres or keywords.
    pub subjects: Vec<String>,
    /// The series that the work belongs to.
    pub series: Option<String>,
    /// The place in the series, as the file writes it.
    pub series_index: Option<String>,
    /// Contributors who are not authors: translators, illustrators, editors.
    pub contributors: Vec<Contributor>,
    /// Every identifier the file has, the ISBN among them.
    pub identifiers: Vec<Identifier>,
}

/// Somebody who worked on it besides the authors.
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
    /// What kind it is, in lower case (`isbn`, `uuid`, `doi`); empty when the file does not say.
    pub scheme: String,
    /// The identifier itself.
    pub value: String,
}

/// What kind of file it is, found from its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaInfo {
    /// `epub`, `pdf`, `cbz`, `zip`, `text`, and others (see `detect`); `unknown` when nothing fits.
    pub format: String,
    /// The media type, `application/octet-stream` for an unknown format.
    pub media_type: String,
    /// The version of the format, as the file writes it: `3.0` for an EPUB, `1.7` for a PDF.
    pub version: Option<String>,
    /// The file's size, in bytes.
    pub size: u64,
    /// The number of pages, of formats that have pages.
    pub pages: Option<u64>,
    /// The number of chapter documents in reading order, of an EPUB.
    pub chapters: Option<u64>,
    /// The tables of contents it has, of an EPUB: `nav`, `ncx`.
    pub toc: Vec<String>,
    /// `reflowable` or `fixed`, of an EPUB.
    pub layout: Option<String>,
    /// The encoding of a text: `ascii`, `utf-8`, `utf-8-bom`, `utf-16le`, `utf-16be`, `cp437`,
    /// `windows-1252`.
    pub encoding: Option<String>,
    /// The number of lines of a text.
    pub lines: Option<u64>,
    /// The program that made the file, as it says itself.
    pub producer: Option<String>,
    /// Whether its content is encrypted: a password or a reader's licence is needed.
    pub encrypted: bool,
    /// Whether something could not be read and these findings are incomplete.
    pub damaged: bool,
    /// CRC-32 of the whole file, eight upper-case hex digits.
    pub crc32: String,
    /// SHA-256 of the whole file, 64 lower-case hex digits.
    pub sha256: String,
}

/// The files inside a container; empty for a file that contains none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// The first files, in the container's order; at most [`Structure::MAX_FILES`].
    pub files: Vec<StructureFile>,
    /// How many files there are, folders not counted.
    pub files_total: u64,
    /// Whether `files` leaves some out.
    pub files_truncated: bool,
    /// The unpacked size of all files, in bytes.
    pub total_size: u64,
}

impl Structure {
    /// The most files that are listed.
    pub const MAX_FILES: usize = 1000;

    /// Lists half as many files; says whether there was one to leave out.
    pub fn shorten(&mut self) -> bool {
        let all = self.files.len();
        self.files.truncate(all / 2);
        self.files_truncated |= all > 0;
        all > 0
    }
}

/// A file inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructureFile {
    /// Its path in the container, with forward slashes.
    pub path: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Its size in the container, in bytes.
    pub compressed_size: u64,
    /// Its CRC-32, eight upper-case hex digits.
    pub crc32: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
}
