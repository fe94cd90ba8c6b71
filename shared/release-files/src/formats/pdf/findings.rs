//! The facts found in a PDF, by either way of reading it.

use std::collections::BTreeMap;

use lopdf::{Object, StringFormat};
use text::tidy_line;

/// The longest string that is read, in bytes.
pub const MAX_STRING_BYTES: usize = 16 * 1024;

/// The keys of an Info dictionary that are used.
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
#[derive(Debug, Default)]
pub struct Findings {
    /// The number of objects.
    pub objects: usize,
    /// The number of pages, when it could be found.
    pub pages: Option<u64>,
    /// True if it is encrypted.
    pub encrypted: bool,
    /// True if it had to be read without its cross-references because these are damaged.
    pub damaged: bool,
    /// The version that its catalog declares, or else its header.
    pub version: Option<String>,
    /// The language that its catalog declares, if any.
    pub language: Option<String>,
    /// The Info dictionary as it was found; [`Findings::info`] tidies it.
    pub raw_info: BTreeMap<String, String>,
}

impl Findings {
    /// Returns a value of the Info dictionary, tidied.
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

/// Decodes a text string: UTF-16BE or UTF-8 by its byte order mark, else `PDFDocEncoding`.
pub fn decode_string(bytes: &[u8]) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(MAX_STRING_BYTES)];
    let object = Object::String(bytes.to_vec(), StringFormat::Literal);
    let decoded = lopdf::decode_text_string(&object);
    let text = decoded.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
    (!text.trim().is_empty()).then_some(text)
}
