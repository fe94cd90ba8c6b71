//! Scans a damaged PDF, or the two ends of a large one, without its cross-references.
//!
//! It is written by hand because the library cannot read a document without its cross-references.

mod encryption;
mod lexer;
mod objects;

use lopdf::ObjectId;
use text::tidy_line;

use self::lexer::{Dictionary, Value, items};
use self::objects::{ObjectStreams, Objects, raw_objects, unpack};
use super::findings::{Findings, INFO_KEYS};
use super::page_tree::{self, Node};
use super::strings::decode_string;
use super::xmp::{MAX_XMP_BYTES, Xmp};

/// The largest number of streams that are searched for the XMP of a document without a catalog.
const MAX_XMP_STREAMS: usize = 10;

/// Scans pieces of a PDF. If `whole`, they are the complete file, so that pages can be counted.
pub fn scan(pieces: &[&[u8]], whole: bool) -> Findings {
    let raw_objects: Vec<_> = pieces.iter().copied().flat_map(raw_objects).collect();
    let streams = ObjectStreams::unpack(&raw_objects);
    let objects = Objects::new(pieces, raw_objects, &streams);
    let encrypted = objects.are_encrypted(pieces);
    let catalog = find_catalog(&objects);
    let mut findings = Findings {
        objects: objects.count(),
        pages: count_pages(&objects, catalog.as_ref(), whole),
        encrypted,
        ..Findings::default()
    };
    findings.facts.encryption = encryption::read(&objects);
    if let Some(catalog) = &catalog {
        findings.version = string_or_name(&objects, catalog, b"Version");
    }
    // Strings and streams are encrypted.
    if !encrypted {
        let language = |catalog| string_or_name(&objects, catalog, b"Lang");
        findings.language = catalog.as_ref().and_then(language);
        findings.xmp = read_xmp(&objects, catalog.as_ref()).unwrap_or_default();
        read_info(&objects, &mut findings);
    }
    findings
}

/// Returns the catalog that the trailer names, or else the last one.
fn find_catalog<'a>(objects: &Objects<'a>) -> Option<Dictionary<'a>> {
    let is_typed = |dictionary: &Dictionary<'_>| dictionary.is(b"Type", b"Catalog");
    objects
        .of_trailer(b"Root")
        .filter(|root| root.has(b"Pages") || is_typed(root))
        .or_else(|| {
            objects
                .dictionaries()
                .rev()
                .find(|one| is_typed(one))
                .cloned()
        })
}

/// Reads the Info dictionary that the trailer names, or else all dictionaries that look like one.
fn read_info<'a>(objects: &Objects<'a>, findings: &mut Findings) {
    let mut read = |info: &Dictionary<'a>| {
        for key in INFO_KEYS {
            findings.set_info(key, string(objects, info, key));
        }
    };
    match objects.of_trailer(b"Info") {
        Some(info) => read(&info),
        None => objects
            .dictionaries()
            .filter(|one| looks_like_info(one))
            .for_each(read),
    }
}

/// Returns whether a dictionary looks like an Info dictionary. Outline items have titles too, and
/// annotations have dates.
fn looks_like_info(dictionary: &Dictionary<'_>) -> bool {
    let others: [&[u8]; 4] = [b"Parent", b"Subtype", b"Kids", b"Pages"];
    let marks: [&[u8]; 3] = [b"Producer", b"CreationDate", b"Author"];
    let has_type = dictionary.has(b"Type") && !dictionary.is(b"Type", b"Info");
    let is_other = has_type || others.iter().any(|key| dictionary.has(key));
    !is_other && marks.iter().any(|key| dictionary.has(key))
}

/// Reads the XMP that the catalog names. Without a catalog, reads the first XMP that says that it is
/// about a PDF: images have XMP too.
fn read_xmp(objects: &Objects<'_>, catalog: Option<&Dictionary<'_>>) -> Option<Xmp> {
    if let Some(catalog) = catalog {
        let stream = objects.dictionary(catalog, b"Metadata")?;
        return Some(Xmp::parse(&unpack(&stream, MAX_XMP_BYTES)?));
    }
    let is_xmp = |stream: &Dictionary<'_>| stream.is(b"Type", b"Metadata");
    let streams = objects.dictionaries().filter(|one| is_xmp(one));
    streams
        .take(MAX_XMP_STREAMS)
        .filter_map(|stream| Some(Xmp::parse(&unpack(stream, MAX_XMP_BYTES)?)))
        .find(|xmp| xmp.raw("format") == Some("application/pdf"))
}

fn string<'a>(objects: &Objects<'a>, dictionary: &Dictionary<'a>, key: &[u8]) -> Option<String> {
    match objects.value(dictionary, key)? {
        Value::String(bytes) => decode_string(&bytes),
        _ => None,
    }
}

fn string_or_name<'a>(
    objects: &Objects<'a>,
    dictionary: &Dictionary<'a>,
    key: &[u8],
) -> Option<String> {
    let text = match objects.value(dictionary, key)? {
        Value::String(bytes) => decode_string(&bytes)?,
        Value::Name(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => return None,
    };
    tidy_line(&text)
}

/// Counts the pages of a whole PDF. In a part of one, or without a tree, takes the tree's own count.
fn count_pages(
    objects: &Objects<'_>,
    catalog: Option<&Dictionary<'_>>,
    whole: bool,
) -> Option<u64> {
    let root = catalog.and_then(|catalog| objects.dictionary(catalog, b"Pages"));
    let counted = match (catalog, &root) {
        (Some(catalog), Some(root)) if whole => walk_pages(objects, catalog, root),
        _ => 0,
    };
    if counted > 0 {
        return Some(counted);
    }
    root.and_then(|root| count(objects, &root))
        .or_else(|| largest_count(objects))
        .or_else(|| Some(loose_pages(objects)).filter(|pages| whole && *pages > 0))
}

fn walk_pages<'a>(objects: &Objects<'a>, catalog: &Dictionary<'a>, root: &Dictionary<'a>) -> u64 {
    let id = match catalog.get(b"Pages") {
        Some(Value::Reference(number)) => Some((number, 0)),
        _ => None,
    };
    page_tree::count(id, kids(objects, root), |(number, _)| {
        let node = objects.by_number(number);
        match node.filter(|node| node.has(b"Kids") || node.has(b"Count")) {
            Some(node) => Node::Inner(kids(objects, node)),
            None => Node::Page,
        }
    })
}

fn kids<'a>(objects: &Objects<'a>, node: &Dictionary<'a>) -> Vec<Option<ObjectId>> {
    let Some(Value::Array(array)) = objects.value(node, b"Kids") else {
        return Vec::new();
    };
    let kid = |kid| match kid {
        Value::Reference(number) => Some(Some((number, 0))),
        Value::Dictionary(_) => Some(None),
        _ => None,
    };
    items(array).filter_map(kid).collect()
}

fn count<'a>(objects: &Objects<'a>, node: &Dictionary<'a>) -> Option<u64> {
    match objects.value(node, b"Count")? {
        Value::Number(count) if count > 0 => Some(count),
        _ => None,
    }
}

/// The largest count of a node with kids, which is that of the root. Outlines have counts too.
fn largest_count(objects: &Objects<'_>) -> Option<u64> {
    let is_node = |one: &Dictionary<'_>| one.has(b"Kids") || one.is(b"Type", b"Pages");
    objects
        .dictionaries()
        .filter(|one| is_node(one))
        .filter_map(|node| count(objects, node))
        .max()
}

/// The number of pages, with or without a type.
fn loose_pages(objects: &Objects<'_>) -> u64 {
    let is_page = |one: &Dictionary<'_>| {
        let is_untyped = !one.has(b"Type") && !one.has(b"Kids");
        let is_page_like = one.has(b"Parent") && (one.has(b"MediaBox") || one.has(b"Contents"));
        one.is(b"Type", b"Page") || (is_untyped && is_page_like)
    };
    objects.dictionaries().filter(|one| is_page(one)).count() as u64
}

#[cfg(test)]
mod tests;
