//! Keeps the objects of a PDF in use while it is loaded, and drops the rest.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Object, ObjectId, Stream};

use super::findings::INFO_KEYS;
use super::object_stream::index_numbers;
use super::strings::MAX_STRING_BYTES;

/// The largest unpacked size of a structural stream, in bytes.
pub const MAX_STREAM_BYTES: usize = 4 * 1024 * 1024;
/// What replaces an object that was refused. No other object of this kind is kept.
pub const REFUSED: Object = Object::Null;

/// The largest number of objects in an object stream. Programs write 100 to 200.
const MAX_MEMBERS: usize = 20_000;
/// The largest number of references in an array. A page tree has a few in each.
const MAX_REFERENCES: usize = 100_000;
/// The keys in use of the catalog, of the roots of the page tree and the outline, and of outline
/// items without a parent.
const STRUCTURE_KEYS: [&[u8]; 9] = [
    b"Kids",
    b"Count",
    b"Pages",
    b"Lang",
    b"Version",
    b"Metadata",
    b"Outlines",
    b"First",
    b"Next",
];
/// The keys of an outline item in use.
const OUTLINE_KEYS: [&[u8]; 3] = [b"Title", b"First", b"Next"];

/// The keys of a node of the page tree in use, apart from those that pages inherit.
const NODE_KEYS: [&[u8]; 2] = [b"Kids", b"Count"];
/// The keys in use of pages and of the nodes above them, and of annotations, which have parents, too.
const PAGE_KEYS: [&[u8]; 7] = [
    b"MediaBox",
    b"CropBox",
    b"Rotate",
    RESOURCES,
    b"Annots",
    b"AP",
    b"AS",
];
/// The keys in use of the catalog and its parts, of font descriptors, and of resources that are an
/// object of their own.
const OTHER_KEYS: [&[u8]; 8] = [
    b"MarkInfo",
    b"Marked",
    b"FontFile",
    b"FontFile2",
    b"FontFile3",
    FONT,
    b"XObject",
    b"Pattern",
];
/// The keys of a font in use.
const FONT_KEYS: [&[u8]; 4] = [
    b"Subtype",
    b"BaseFont",
    b"DescendantFonts",
    b"FontDescriptor",
];
/// The kinds of resources in use.
const RESOURCE_KEYS: [&[u8]; 3] = [FONT, b"XObject", b"Pattern"];
/// The key of resources, and that of the fonts in them.
const RESOURCES: &[u8] = b"Resources";
const FONT: &[u8] = b"Font";
/// The other keys whose values are stripped, too.
const NESTED_KEYS: [&[u8]; 4] = [b"Annots", b"AP", b"DescendantFonts", b"FontDescriptor"];
/// The number of numbers in a rectangle.
const RECTANGLE: usize = 4;
/// The deepest dictionary within another that is kept.
const MAX_DEPTH: usize = 6;

/// Keeps structural objects, and values that they may refer to. Drops the rest, mainly the content
/// of the pages.
pub fn keep_structure(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
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
        Object::Stream(stream) if stream.dict.has_type(b"ObjStm") || is_xmp(stream) => true,
        Object::Stream(stream) => match stream.dict.remove(RESOURCES) {
            // A form or a pattern. Its content is not in use.
            Some(resources) => {
                let mut entries = Dictionary::new();
                entries.set(RESOURCES, strip_value(RESOURCES, resources));
                *object = entries.into();
                true
            }
            None => false,
        },
        Object::Array(items) => keep_items(items),
        Object::Dictionary(dictionary) => strip(dictionary),
        Object::String(bytes, _) => {
            bytes.truncate(MAX_STRING_BYTES);
            bytes.shrink_to_fit();
            true
        }
        Object::Name(_)
        | Object::Reference(_)
        | Object::Boolean(_)
        | Object::Integer(_)
        | Object::Real(_) => true,
        Object::Null => false,
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
    let offsets: Vec<Option<u32>> = index_numbers(index)
        .skip(1)
        .step_by(2)
        .take(MAX_MEMBERS + 1)
        .collect();
    let distinct: BTreeSet<&Option<u32>> = offsets.iter().collect();
    offsets.len() <= MAX_MEMBERS && distinct.len() == offsets.len()
}

/// Returns whether a stream is XMP. A careless program may leave out its type.
fn is_xmp(stream: &Stream) -> bool {
    let subtype = stream.dict.get(b"Subtype").and_then(Object::as_name);
    let content = stream.content.trim_ascii_start();
    stream.dict.has_type(b"Metadata")
        || subtype.is_ok_and(|subtype| subtype == b"XML")
        || content.starts_with(b"<?xpacket")
        || content.starts_with(b"<x:xmpmeta")
}

/// Keeps an array of references, a rectangle, and the annotations or fonts of an array that are no
/// objects of their own. Returns whether any are left.
fn keep_items(items: &mut Vec<Object>) -> bool {
    let is_number = |item: &Object| matches!(item, Object::Integer(_) | Object::Real(_));
    let is_rectangle = items.len() == RECTANGLE
        && items
            .iter()
            .all(|item| is_number(item) || matches!(item, Object::Reference(_)));
    let is_list = items
        .iter()
        .all(|item| matches!(item, Object::Reference(_) | Object::Dictionary(_)));
    if is_list {
        items.retain_mut(|item| match item {
            Object::Dictionary(dictionary) => strip(dictionary),
            _ => true,
        });
    }
    is_rectangle || is_list
}

/// Strips a dictionary to the keys in use. Ignores its type, which may be missing or wrong.
/// Returns whether any are left.
fn strip(dictionary: &mut Dictionary) -> bool {
    let mut stripped = Dictionary::new();
    if is_map(dictionary) {
        for (key, value) in std::mem::take(dictionary) {
            stripped.set(key, strip_within(value, MAX_DEPTH));
        }
    } else {
        for key in keys_of(dictionary) {
            if let Some(value) = dictionary.remove(key) {
                stripped.set(key, strip_value(key, value));
            }
        }
    }
    *dictionary = stripped;
    !dictionary.is_empty()
}

/// Returns whether a dictionary has names of its own for other objects: for fonts, forms, or the
/// appearances of an annotation.
fn is_map(dictionary: &Dictionary) -> bool {
    let is_object = |value: &Object| match value {
        Object::Reference(_) => true,
        Object::Dictionary(dictionary) => is_font(dictionary),
        _ => false,
    };
    dictionary.iter().all(|(_, value)| is_object(value))
}

fn is_font(dictionary: &Dictionary) -> bool {
    dictionary.has_type(FONT) || dictionary.has(b"BaseFont") || dictionary.has(b"DescendantFonts")
}

fn keys_of(dictionary: &Dictionary) -> Vec<&'static [u8]> {
    if is_font(dictionary) {
        return FONT_KEYS.to_vec();
    }
    let is_node = dictionary.has(b"Kids") || dictionary.has_type(b"Pages");
    // The nodes of a tree have a parent: pages, and outline items, which have titles.
    match dictionary.has(b"Parent") {
        true if is_node => [&NODE_KEYS[..], &PAGE_KEYS].concat(),
        true if dictionary.has(b"Title") => OUTLINE_KEYS.to_vec(),
        true => PAGE_KEYS.to_vec(),
        false => [&STRUCTURE_KEYS[..], &INFO_KEYS, &PAGE_KEYS, &OTHER_KEYS].concat(),
    }
}

/// Strips the value of a key: what is within resources, annotations and fonts.
fn strip_value(key: &[u8], mut value: Object) -> Object {
    if let (RESOURCES, Object::Dictionary(resources)) = (key, &mut value) {
        let mut kept = Dictionary::new();
        for kind in RESOURCE_KEYS {
            if let Some(names) = resources.remove(kind) {
                kept.set(kind, strip_within(names, MAX_DEPTH));
            }
        }
        return kept.into();
    }
    let is_nested = RESOURCE_KEYS.contains(&key) || NESTED_KEYS.contains(&key);
    if is_nested {
        return strip_within(value, MAX_DEPTH);
    }
    value
}

/// Strips a value within another to references and names, and the lists of these.
fn strip_within(value: Object, depth: usize) -> Object {
    let below = depth.saturating_sub(1);
    let is_kept = |value: &Object| match value {
        Object::Reference(_) | Object::Name(_) => true,
        Object::Dictionary(_) | Object::Array(_) => depth > 0,
        _ => false,
    };
    match value {
        Object::Dictionary(dictionary) => {
            let kept = dictionary.into_iter().filter(|(_, value)| is_kept(value));
            let kept = kept.map(|(key, value)| (key, strip_within(value, below)));
            Object::Dictionary(kept.collect())
        }
        Object::Array(items) => {
            let kept = items.into_iter().filter(is_kept);
            Object::Array(kept.map(|item| strip_within(item, below)).collect())
        }
        value => value,
    }
}
