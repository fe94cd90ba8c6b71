//! PDF: its version, its pages, and what its Info dictionary says.

use std::io::{Read, Seek};

use jobs::FailureCode;
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

use super::model::{MediaInfo, Metadata};
use super::pdf_scan::{self, Findings};
use super::source::Source;
use super::{isbn, text};
use crate::WorkError;
use crate::watch::Watch;

/// The largest PDF that is read as a whole, in bytes; of a larger one, only its ends are.
pub const WHOLE_LIMIT: u64 = 64 * 1024 * 1024;
/// How much of the start of a larger PDF is read, in bytes.
const HEAD: u64 = 256 * 1024;
/// How much of the end of a larger PDF is read, in bytes.
const TAIL: u64 = 2 * 1024 * 1024;
/// The most that one stream of a PDF's structure may unpack to, in bytes.
const STREAM_LIMIT: usize = 4 * 1024 * 1024;

/// The keys of an Info dictionary that are used.
pub(super) const INFO_KEYS: [&[u8]; 7] = [
    b"Title",
    b"Author",
    b"Subject",
    b"Keywords",
    b"Creator",
    b"Producer",
    b"CreationDate",
];

/// Reads what a PDF says about itself.
///
/// # Errors
/// [`FailureCode::PdfDamaged`] when nothing at all can be read, and the file's own errors.
pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    watch: &mut dyn Watch,
) -> Result<(Metadata, MediaInfo), WorkError> {
    let size = source.size();
    let (version, damaged, findings) = if size <= WHOLE_LIMIT {
        let bytes = source.window(0, size)?;
        watch.stopped()?;
        let parsed = parse(&bytes);
        let damaged = parsed.is_none();
        if damaged {
            watch.warn("The PDF is damaged; what could be found in it is given.".to_owned());
        }
        let findings = parsed.unwrap_or_else(|| pdf_scan::scan(&[&bytes], true));
        (pdf_scan::version(&bytes), damaged, findings)
    } else {
        watch.warn("The PDF is too large to be read as a whole; only its ends were.".to_owned());
        let head = source.window(0, HEAD)?;
        let tail = source.window(size - TAIL, TAIL)?;
        (
            pdf_scan::version(&head),
            false,
            pdf_scan::scan(&[&head, &tail], false),
        )
    };
    if damaged && findings.objects == 0 {
        let sentence = "The PDF is damaged: nothing in it can be read.";
        return Err(WorkError::failed(FailureCode::PdfDamaged, sentence));
    }
    if findings.encrypted {
        watch.info("The PDF is encrypted.".to_owned());
    }
    let info = MediaInfo {
        format: "pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        version: findings.version.clone().or(version),
        pages: findings.pages,
        producer: findings.get("Producer").or_else(|| findings.get("Creator")),
        encrypted: findings.encrypted,
        damaged,
        ..MediaInfo::default()
    };
    Ok((metadata(&findings), info))
}

fn metadata(findings: &Findings) -> Metadata {
    let keywords = findings.get("Keywords").unwrap_or_default();
    let places = ["Subject", "Keywords", "Title"];
    Metadata {
        title: findings.get("Title"),
        authors: text::people(&findings.get("Author").unwrap_or_default()),
        isbn: places
            .iter()
            .find_map(|key| isbn::find(&findings.get(key)?)),
        year: findings
            .get("CreationDate")
            .and_then(|date| text::year(&date)),
        language: findings.language.clone(),
        description: findings.get("Subject"),
        subjects: keywords.split([',', ';']).filter_map(text::field).collect(),
        ..Metadata::default()
    }
}

/// Reads the whole document; `None` when the library cannot, or finds no pages.
fn parse(bytes: &[u8]) -> Option<Findings> {
    let options = LoadOptions {
        filter: Some(keep),
        max_decompressed_size: Some(STREAM_LIMIT),
        ..LoadOptions::default()
    };
    // The library has seen fewer broken files than this system will: a panic of its is one more
    // way to say that the file is broken.
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
        // The catalog may raise the version of the header.
        let version = catalog.get(b"Version").and_then(Object::as_name).ok();
        findings.version = version.and_then(|name| text::field(&String::from_utf8_lossy(name)));
    }
    let info = document.trailer.get(b"Info").and_then(|info| match info {
        Object::Reference(id) => document.get_dictionary(*id),
        direct => direct.as_dict(),
    });
    if let Ok(info) = info {
        for key in INFO_KEYS {
            findings.set(key, string(info, key));
        }
    }
    Some(findings)
}

fn string(dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    pdf_scan::decode(dictionary.get(key).and_then(Object::as_str).ok()?)
}

/// Keeps what the structure needs and drops the rest, pages' content above all, while loading.
fn keep(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
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

/// Strips a dictionary to what is used; says whether anything is.
fn strip(dictionary: &mut Dictionary) -> bool {
    let keys: &[&[u8]] = match dictionary.get_type() {
        Ok(b"Page") => &[b"Type"],
        Ok(b"Pages") => &[b"Type", b"Kids", b"Count"],
        Ok(b"Catalog") => &[b"Type", b"Pages", b"Lang", b"Version"],
        Ok(_) => &[],
        // Info dictionaries have no type; nor have outline items, which have a parent.
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

#[cfg(test)]
#[path = "pdf_tests.rs"]
mod tests;
