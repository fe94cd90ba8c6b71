//! The encryption of a damaged or partial PDF, which was not opened.

use text::tidy_line;

use super::lexer::{Dictionary, Value};
use super::objects::Objects;
use crate::formats::PdfEncryption;
use crate::formats::pdf::encryption::Entries;

/// The keys of an encryption dictionary in use.
const KEYS: [&[u8]; 7] = [b"Filter", b"V", b"R", b"P", b"Length", b"CF", b"StmF"];
/// The crypt filter that all programs use (ISO 32000-2, 7.6.5).
const STANDARD_FILTER: &[u8] = b"StdCF";

/// Reads the encryption that a trailer names.
pub fn read(objects: &Objects<'_>) -> Option<PdfEncryption> {
    let encryption = objects.of_trailer_with(b"Encrypt", &KEYS)?;
    let entries = Entries {
        handler: match encryption.get(b"Filter") {
            Some(Value::Name(name)) => tidy_line(&String::from_utf8_lossy(&name)),
            _ => None,
        },
        version: encryption.integer(b"V"),
        revision: encryption.integer(b"R"),
        length: encryption.integer(b"Length"),
        flags: encryption.integer(b"P"),
        method: method(&encryption),
    };
    Some(entries.describe(None))
}

/// The method of the crypt filter for streams.
fn method(encryption: &Dictionary<'_>) -> Option<Vec<u8>> {
    if !encryption.is(b"StmF", STANDARD_FILTER) {
        return None;
    }
    let filters = inner(encryption, b"CF", STANDARD_FILTER)?;
    let filter = inner(&filters, STANDARD_FILTER, b"CFM")?;
    match filter.get(b"CFM")? {
        Value::Name(method) => Some(method.into_owned()),
        _ => None,
    }
}

/// The dictionary with this key within another, for one key of its own.
fn inner<'a>(outer: &Dictionary<'a>, key: &[u8], inner: &'static [u8]) -> Option<Dictionary<'a>> {
    match outer.get(key)? {
        Value::Dictionary(bytes) => Dictionary::parse(bytes, &[inner]),
        _ => None,
    }
}
