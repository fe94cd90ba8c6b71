//! Reads a complete PDF by its cross-references.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};
use text::tidy_line;

use super::findings::{Findings, INFO_KEYS, decode_string};

/// The largest unpacked size of a structural stream, in bytes.
const MAX_STREAM_BYTES: usize = 4 * 1024 * 1024;
/// The largest number of objects in an object stream. Programs write 100 to 200.
const MAX_MEMBERS: usize = 20_000;
/// The largest number of references in an array. A page tree has a few in each.
const MAX_REFERENCES: usize = 100_000;
/// What replaces an object that was refused. No other object of this kind is kept.
const REFUSED: Object = Object::Null;

/// Reads the document. Returns `None` if the library cannot read it or finds no pages.
pub fn parse(bytes: &[u8]) -> Option<Findings> {
    let options = LoadOptions {
        filter: Some(keep_structure),
        max_decompressed_size: Some(MAX_STREAM_BYTES),
        ..LoadOptions::default()
    };
    // A panic of the library means that the file is damaged.
    let load = || Document::load_mem_with_options(bytes, options).ok();
    let document = std::panic::catch_unwind(std::panic::AssertUnwindSafe(load)).ok()??;
    let encrypted = document.was_encrypted() || document.trailer.has(b"Encrypt");
    let pages = document.page_iter().count() as u64;
    if pages == 0 && !encrypted {
        return None;
    }
    let mut findings = Findings {
        objects: document.objects.len(),
        pages: (pages > 0).then_some(pages),
        encrypted,
        damaged: document.objects.values().any(|object| *object == REFUSED),
        ..Findings::default()
    };
    if let Ok(catalog) = document.catalog() {
        findings.language = string(catalog, b"Lang");
        // The catalog may declare a later version than the header.
        let version = catalog.get(b"Version").and_then(Object::as_name).ok();
        findings.version = version.and_then(|name| tidy_line(&String::from_utf8_lossy(name)));
    }
    if let Some(info) = info_dictionary(&document) {
        for key in INFO_KEYS {
            findings.set_info(key, string(info, key));
        }
    }
    Some(findings)
}

fn info_dictionary(document: &Document) -> Option<&Dictionary> {
    match document.trailer.get(b"Info").ok()? {
        Object::Reference(id) => document.get_dictionary(*id).ok(),
        direct => direct.as_dict().ok(),
    }
}

fn string(dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    decode_string(dictionary.get(key).and_then(Object::as_str).ok()?)
}

/// Keeps structural objects while loading and drops the rest, mainly the content of the pages.
fn keep_structure(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    // The library parses each member of an object stream as soon as this returns.
    let is_refused = match object {
        Object::Stream(stream) => stream.dict.has_type(b"ObjStm") && !has_sound_index(stream),
        Object::Array(items) => items.len() > MAX_REFERENCES,
        _ => false,
    };
    if is_refused {
        *object = REFUSED;
        return Some((id, REFUSED));
    }
    let kept = match object {
        Object::Stream(stream) => stream.dict.has_type(b"ObjStm"),
        Object::Array(items) => items
            .iter()
            .all(|item| matches!(item, Object::Reference(_))),
        Object::Dictionary(dictionary) => strip(dictionary),
        _ => false,
    };
    kept.then(|| (id, object.clone()))
}

/// Returns whether an object stream has few enough members, each at an offset of its own. With one
/// offset for many members, the library would parse its object as many times.
fn has_sound_index(stream: &Stream) -> bool {
    let first = stream.dict.get(b"First").and_then(Object::as_i64);
    let first = first.ok().and_then(|first| usize::try_from(first).ok());
    let Ok(content) = stream.get_plain_content_with_limit(MAX_STREAM_BYTES) else {
        return false;
    };
    let Some(index) = first.and_then(|first| content.get(..first)) else {
        return false;
    };
    // As the library reads it: a comment runs to the end of its line.
    let numbers = index
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .filter_map(|line| line.split(|byte| *byte == b'%').next())
        .flat_map(|line| line.split(u8::is_ascii_whitespace))
        .filter(|number| !number.is_empty());
    let offsets: Vec<Option<u32>> = numbers
        .skip(1)
        .step_by(2)
        .take(MAX_MEMBERS + 1)
        .map(|number| std::str::from_utf8(number).ok()?.parse().ok())
        .collect();
    let distinct: BTreeSet<&Option<u32>> = offsets.iter().collect();
    offsets.len() <= MAX_MEMBERS && distinct.len() == offsets.len()
}

/// Strips a dictionary to the keys in use. Returns whether any are left.
fn strip(dictionary: &mut Dictionary) -> bool {
    let keys: &[&[u8]] = match dictionary.get_type() {
        Ok(b"Page") => &[b"Type"],
        Ok(b"Pages") => &[b"Type", b"Kids", b"Count"],
        Ok(b"Catalog") => &[b"Type", b"Pages", b"Lang", b"Version"],
        Ok(_) => &[],
        // Info dictionaries have no type; neither do outline items, which have a parent.
        Err(_) if dictionary.has(b"Parent") => &[],
        Err(_) => &INFO_KEYS,
    };
    let mut stripped = Dictionary::new();
    for key in keys {
        if let Ok(value) = dictionary.get(key) {
            stripped.set(key.to_vec(), value.clone());
        }
    }
    *dictionary = stripped;
    !dictionary.is_empty()
}
