//! Reads a complete PDF by its cross-references. Any value may be a reference to it.

use lopdf::xref::XrefRecovery;
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use text::tidy_line;

use super::encryption;
use super::filter::{MAX_STREAM_BYTES, REFUSED, keep_structure};
use super::findings::{Findings, INFO_KEYS};
use super::fonts::Fonts;
use super::outline;
use super::page_tree::{self, Node};
use super::pages;
use super::strings::decode_string;
use super::xmp::{MAX_XMP_BYTES, Xmp};
use crate::formats::PdfFacts;

/// A document, and what the cross-references did not give.
pub struct Parsed {
    /// The facts.
    pub findings: Findings,
    /// True if the document names an Info dictionary that is not where it should be, or if its
    /// trailer, which would name one, is lost.
    pub lacks_info: bool,
}

/// Reads the document. Returns `None` if the library cannot read it or finds no pages.
pub fn parse(bytes: &[u8]) -> Option<Parsed> {
    let document = load(bytes, false)?;
    if let Some(parsed) = read(&document) {
        return Some(parsed);
    }
    if is_rebuilt(&document) {
        return None;
    }
    // The cross-references may be in order, but all point past their objects.
    drop(document);
    let mut parsed = read(&load(bytes, true)?)?;
    parsed.findings.damaged = true;
    Some(parsed)
}

/// Returns whether the library found the objects without cross-references.
fn is_rebuilt(document: &Document) -> bool {
    document.xref_recovery == Some(XrefRecovery::Reconstructed)
}

fn load(bytes: &[u8], without_references: bool) -> Option<Document> {
    let options = LoadOptions {
        filter: Some(keep_structure),
        max_decompressed_size: Some(MAX_STREAM_BYTES),
        force_reconstruct: without_references,
        ..LoadOptions::default()
    };
    // A panic of the library means that the file is damaged.
    let load = || Document::load_mem_with_options(bytes, options).ok();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(load)).ok()?
}

fn read(document: &Document) -> Option<Parsed> {
    let encrypted = document.was_encrypted() || document.trailer.has(b"Encrypt");
    let catalog = get(document, &document.trailer, b"Root").and_then(as_dictionary);
    let pages = catalog.map_or(0, |catalog| count_pages(document, catalog));
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
    if let Some(catalog) = catalog {
        findings.language = string_or_name(document, catalog, b"Lang");
        findings.version = string_or_name(document, catalog, b"Version");
        findings.xmp = read_xmp(document, catalog).unwrap_or_default();
        (findings.outline, findings.outline_total) = outline::read(document, catalog);
        findings.facts = read_facts(document, catalog, findings.outline_total > 0);
    }
    findings.facts.encryption = encryption::read(document);
    let info = get(document, &document.trailer, b"Info").and_then(as_dictionary);
    for key in INFO_KEYS {
        let value = info.and_then(|info| get(document, info, key)?.as_str().ok());
        findings.set_info(key, value.and_then(decode_string));
    }
    let is_named = document.trailer.has(b"Info");
    Some(Parsed {
        findings,
        lacks_info: info.is_none() && (is_named || is_rebuilt(document)) && !encrypted,
    })
}

/// Returns a value of a dictionary, or else the object that it refers to. A chain of references is
/// limited.
fn get<'d>(document: &'d Document, dictionary: &'d Dictionary, key: &[u8]) -> Option<&'d Object> {
    dictionary.get_deref(key, document).ok()
}

fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    object.as_dict().ok()
}

fn string_or_name(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    let text = match get(document, dictionary, key)? {
        Object::String(bytes, _) => decode_string(bytes)?,
        Object::Name(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return None,
    };
    tidy_line(&text)
}

fn read_facts(document: &Document, catalog: &Dictionary, has_outline: bool) -> PdfFacts {
    let mut fonts = Fonts::new(document);
    let (mut first, mut is_mixed) = (None, false);
    pages::walk(document, catalog, &mut |page| {
        let size = page.boxes.size();
        is_mixed |= !size.is_like(*first.get_or_insert(size));
        fonts.add_page(page);
    });
    let (fonts, fonts_not_embedded) = fonts.finish();
    let marks = get(document, catalog, b"MarkInfo").and_then(as_dictionary);
    let marked = marks.and_then(|marks| get(document, marks, b"Marked")?.as_bool().ok());
    PdfFacts {
        page_width: first.map(|size| size.width),
        page_height: first.map(|size| size.height),
        mixed_page_sizes: first.map(|_| is_mixed),
        tagged: Some(marked.unwrap_or(false)),
        has_outline: Some(has_outline),
        fonts: Some(fonts),
        fonts_not_embedded,
        ..PdfFacts::default()
    }
}

fn read_xmp(document: &Document, catalog: &Dictionary) -> Option<Xmp> {
    let stream = get(document, catalog, b"Metadata")?.as_stream().ok()?;
    let content = stream.get_plain_content_with_limit(MAX_XMP_BYTES).ok()?;
    Some(Xmp::parse(&content))
}

fn count_pages(document: &Document, catalog: &Dictionary) -> u64 {
    let id = catalog.get(b"Pages").and_then(Object::as_reference).ok();
    let root = get(document, catalog, b"Pages").and_then(as_dictionary);
    let kids = root.map(|root| kids(document, root)).unwrap_or_default();
    page_tree::count(id, kids, |id| {
        let node = document.get_dictionary(id).ok();
        match node.filter(|node| node.has(b"Kids") || node.has(b"Count")) {
            Some(node) => Node::Inner(self::kids(document, node)),
            None => Node::Page,
        }
    })
}

fn kids(document: &Document, node: &Dictionary) -> Vec<Option<ObjectId>> {
    let kids = get(document, node, b"Kids").and_then(|kids| kids.as_array().ok());
    let kid = |kid: &Object| match kid {
        Object::Reference(id) => Some(Some(*id)),
        Object::Dictionary(_) => Some(None),
        _ => None,
    };
    kids.into_iter().flatten().filter_map(kid).collect()
}
