//! Reads a complete PDF by its cross-references.

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use text::tidy_line;

use super::findings::{Findings, INFO_KEYS, decode_string};

/// The largest unpacked size of a structural stream, in bytes.
const MAX_STREAM_BYTES: usize = 4 * 1024 * 1024;

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
