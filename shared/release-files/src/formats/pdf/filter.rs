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
/// The keys of the catalog and of the root of the page tree in use.
const STRUCTURE_KEYS: [&[u8]; 6] = [
    b"Kids",
    b"Count",
    b"Pages",
    b"Lang",
    b"Version",
    b"Metadata",
];

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
        Object::Stream(stream) => stream.dict.has_type(b"ObjStm") || is_xmp(stream),
        Object::Array(items) => items
            .iter()
            .all(|item| matches!(item, Object::Reference(_))),
        Object::Dictionary(dictionary) => strip(dictionary),
        Object::String(bytes, _) => {
            bytes.truncate(MAX_STRING_BYTES);
            bytes.shrink_to_fit();
            true
        }
        Object::Name(_) | Object::Reference(_) => true,
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

/// Strips a dictionary to the keys in use. Ignores its type, which may be missing or wrong.
/// Returns whether any are left. A page has none.
fn strip(dictionary: &mut Dictionary) -> bool {
    let is_node = dictionary.has(b"Kids") || dictionary.has_type(b"Pages");
    // The nodes of a tree have a parent: pages, and outline items, which have titles too.
    let keys: Vec<&[u8]> = match dictionary.has(b"Parent") {
        true if is_node => vec![b"Kids", b"Count"],
        true => Vec::new(),
        false => STRUCTURE_KEYS.into_iter().chain(INFO_KEYS).collect(),
    };
    let mut stripped = Dictionary::new();
    for key in keys {
        if let Some(value) = dictionary.remove(key) {
            stripped.set(key, value);
        }
    }
    *dictionary = stripped;
    !dictionary.is_empty()
}
