//! The facts found in a PDF, whether it was parsed or scanned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use text::tidy_line;

use super::xmp::Xmp;
use crate::formats::{ContentsEntry, PdfFacts};

/// The keys of an Info dictionary in use.
pub const INFO_KEYS: [&[u8]; 7] = [
    b"Title",
    b"Author",
    b"Subject",
    b"Keywords",
    b"Creator",
    b"Producer",
    b"CreationDate",
];

/// The facts found in a PDF.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Findings {
    /// The number of objects.
    pub objects: usize,
    /// The number of pages, if it was found.
    pub pages: Option<u64>,
    /// True if it is encrypted.
    pub encrypted: bool,
    /// True if its cross-references are damaged, so that it was scanned without them.
    pub damaged: bool,
    /// The version in its catalog; at last the later one of this and of its header's.
    pub version: Option<String>,
    /// The language in its catalog.
    pub language: Option<String>,
    /// The unmodified values of the Info dictionary; see [`Findings::info`].
    pub raw_info: BTreeMap<String, String>,
    /// The metadata in its XMP.
    pub xmp: Xmp,
    /// The first entries of its outline.
    pub outline: Vec<ContentsEntry>,
    /// The number of all entries of its outline.
    pub outline_total: u64,
    /// The technical facts, without the claims in the XMP.
    pub facts: PdfFacts,
}

impl Findings {
    /// Returns a value of the Info dictionary, cleaned up.
    pub fn info(&self, key: &str) -> Option<String> {
        self.raw_info.get(key).and_then(|value| tidy_line(value))
    }

    /// Sets a value of the Info dictionary, unless it is `None`.
    pub fn set_info(&mut self, key: &[u8], value: Option<String>) {
        if let Some(value) = value {
            self.raw_info
                .insert(String::from_utf8_lossy(key).into_owned(), value);
        }
    }
}
