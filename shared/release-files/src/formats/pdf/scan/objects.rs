//! Finds the objects of a damaged or partial PDF, and those in its object streams.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::lexer::{Dictionary, Value, parse_value, to_number};
use crate::formats::pdf::object_stream::index_numbers;

/// The largest unpacked size of a stream, in bytes.
const MAX_STREAM_BYTES: usize = 4 * 1024 * 1024;
/// The largest unpacked size of all object streams, in bytes.
const MAX_UNPACKED_BYTES: usize = 16 * 1024 * 1024;
/// The largest number of objects in an object stream.
const MAX_MEMBERS: usize = 20_000;
/// The largest number of references from value to value.
const MAX_REFERENCES: usize = 8;
/// The largest number of trailers that are read.
const MAX_TRAILERS: usize = 1_000;

/// The longest trailer, in bytes.
const MAX_TRAILER_BYTES: usize = 64 * 1024;

/// The keys in use. The last ones are those of an Info dictionary.
const KEYS: [&[u8]; 25] = [
    b"Type",
    b"Subtype",
    b"Root",
    b"Info",
    b"Encrypt",
    b"Pages",
    b"Kids",
    b"Count",
    b"Parent",
    b"MediaBox",
    b"Contents",
    b"Lang",
    b"Version",
    b"Metadata",
    b"Filter",
    b"DecodeParms",
    b"Length",
    b"First",
    b"Title",
    b"Author",
    b"Subject",
    b"Keywords",
    b"Creator",
    b"Producer",
    b"CreationDate",
];

/// An object: its number, if it is readable, and its bytes up to `endobj`.
pub struct RawObject<'a> {
    number: Option<u32>,
    body: &'a [u8],
    /// The dictionary at its start, if it is one or a stream.
    dictionary: Option<Dictionary<'a>>,
}

/// The object streams of a PDF, unpacked.
pub struct ObjectStreams(Vec<(usize, Vec<u8>)>);

/// The objects of a PDF.
pub struct Objects<'a> {
    all: Vec<RawObject<'a>>,
    /// The index in `all` of the last object with each number.
    by_number: BTreeMap<u32, usize>,
    trailers: Vec<Dictionary<'a>>,
}

impl ObjectStreams {
    /// Unpacks the object streams among the objects of a PDF that is not encrypted.
    pub fn unpack(objects: &[RawObject<'_>]) -> Self {
        let mut left = MAX_UNPACKED_BYTES;
        let mut streams = Vec::new();
        for dictionary in objects.iter().filter_map(|one| one.dictionary.as_ref()) {
            if dictionary.is(b"Type", b"ObjStm")
                && let Some(first) = dictionary.number(b"First")
                && let Some(content) = unpack(dictionary, left.min(MAX_STREAM_BYTES))
                && let Ok(first) = usize::try_from(first)
            {
                left -= content.len();
                streams.push((first, content));
            }
        }
        Self(streams)
    }
}

impl<'a> Objects<'a> {
    /// Combines the objects in pieces of a PDF with those in its object streams.
    pub fn new(
        pieces: &[&'a [u8]],
        raw_objects: Vec<RawObject<'a>>,
        streams: &'a ObjectStreams,
    ) -> Self {
        let members = streams
            .0
            .iter()
            .flat_map(|(first, content)| members(content, *first));
        // A later object replaces an earlier one, and any replaces a member of an object stream.
        let all: Vec<_> = members.chain(raw_objects).collect();
        let numbers = all.iter().zip(0..);
        let mut objects = Self {
            by_number: numbers
                .filter_map(|(object, index)| Some((object.number?, index)))
                .collect(),
            all,
            trailers: pieces.iter().copied().flat_map(trailers).collect(),
        };
        let is_trailer = |one: &Dictionary<'_>| one.is(b"Type", b"XRef");
        let streams = objects.dictionaries().filter(|one| is_trailer(one));
        let streams: Vec<_> = streams.take(MAX_TRAILERS).cloned().collect();
        objects.trailers.extend(streams);
        objects
    }

    /// The number of objects.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Returns whether a trailer names an encryption. Without a trailer, any mention of one counts.
    pub fn are_encrypted(&self, pieces: &[&[u8]]) -> bool {
        if self.trailers.is_empty() {
            pieces
                .iter()
                .any(|piece| find(piece, b"/Encrypt").is_some())
        } else {
            self.trailers.iter().any(|trailer| trailer.has(b"Encrypt"))
        }
    }

    /// The dictionaries of all objects, in the order of the file.
    pub fn dictionaries(&self) -> impl DoubleEndedIterator<Item = &Dictionary<'a>> {
        self.all
            .iter()
            .filter_map(|object| object.dictionary.as_ref())
    }

    /// The value of the newest trailer with this key, if it is a dictionary or refers to one.
    pub fn of_trailer(&self, key: &[u8]) -> Option<Dictionary<'a>> {
        let trailer = self.trailers.iter().rev().find(|one| one.has(key))?;
        self.dictionary(trailer, key)
    }

    /// The value of [`Objects::of_trailer`] with other keys than those in use. A dictionary or a
    /// reference to one.
    pub fn of_trailer_with(&self, key: &[u8], keys: &[&'static [u8]]) -> Option<Dictionary<'a>> {
        let trailer = self.trailers.iter().rev().find(|one| one.has(key))?;
        match trailer.get(key)? {
            Value::Dictionary(bytes) => Dictionary::parse(bytes, keys),
            Value::Reference(number) => Dictionary::parse(self.object(number)?.body, keys),
            _ => None,
        }
    }

    /// The object with this number, if it is a dictionary or a stream.
    pub fn by_number(&self, number: u32) -> Option<&Dictionary<'a>> {
        self.object(number)?.dictionary.as_ref()
    }

    /// The value with this key, or else the object that it refers to.
    pub fn value(&self, dictionary: &Dictionary<'a>, key: &[u8]) -> Option<Value<'a>> {
        let mut value = dictionary.get(key)?;
        for _ in 0..MAX_REFERENCES {
            match value {
                Value::Reference(number) => value = parse_value(self.object(number)?.body)?,
                found => return Some(found),
            }
        }
        None
    }

    /// The dictionary with this key, or else the dictionary or the stream that it refers to.
    pub fn dictionary(&self, dictionary: &Dictionary<'a>, key: &[u8]) -> Option<Dictionary<'a>> {
        let mut value = dictionary.get(key)?;
        for _ in 0..MAX_REFERENCES {
            match value {
                Value::Dictionary(bytes) => return parse_dictionary(bytes),
                Value::Reference(number) => {
                    let object = self.object(number)?;
                    if object.dictionary.is_some() {
                        return object.dictionary.clone();
                    }
                    value = parse_value(object.body)?;
                }
                _ => return None,
            }
        }
        None
    }

    fn object(&self, number: u32) -> Option<&RawObject<'a>> {
        self.all.get(*self.by_number.get(&number)?)
    }
}

impl<'a> RawObject<'a> {
    fn new(number: Option<u32>, body: &'a [u8]) -> Self {
        Self {
            number,
            body,
            dictionary: parse_dictionary(body),
        }
    }
}

fn parse_dictionary(body: &[u8]) -> Option<Dictionary<'_>> {
    Dictionary::parse(body, &KEYS)
}

/// Iterates over the indirect objects, from `obj` to `endobj`.
pub fn raw_objects(piece: &[u8]) -> impl Iterator<Item = RawObject<'_>> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let mark = find(rest, b" obj")?;
        let number = number_before(&rest[..mark]);
        let body = &rest[mark + 4..];
        let end = find(body, b"endobj").unwrap_or(body.len());
        rest = &body[end..];
        Some(RawObject::new(number, &body[..end]))
    })
}

/// Returns the number of an object whose generation ends here.
fn number_before(bytes: &[u8]) -> Option<u32> {
    let (number, _) = split_digits(bytes)?;
    let (_, digits) = split_digits(number.trim_ascii_end())?;
    to_number(digits)?.try_into().ok()
}

fn split_digits(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = bytes.iter().rposition(|byte| !byte.is_ascii_digit());
    let (before, digits) = bytes.split_at(start.map_or(0, |start| start + 1));
    (!digits.is_empty()).then_some((before, digits))
}

fn trailers(piece: &[u8]) -> impl Iterator<Item = Dictionary<'_>> {
    let mut rest = piece;
    let dictionaries = std::iter::from_fn(move || {
        rest = &rest[find(rest, b"trailer")? + b"trailer".len()..];
        Some(parse_dictionary(&rest[..rest.len().min(MAX_TRAILER_BYTES)]))
    });
    dictionaries.take(MAX_TRAILERS).flatten()
}

/// Iterates over the members of an object stream. Each ends where the next one begins, so that no
/// byte is parsed twice.
fn members(content: &[u8], first: usize) -> impl Iterator<Item = RawObject<'_>> {
    let index = content.get(..first).unwrap_or_default();
    let numbers: Vec<_> = index_numbers(index).take(2 * MAX_MEMBERS).collect();
    let mut starts: Vec<(usize, u32)> = numbers
        .chunks_exact(2)
        .filter_map(|pair| {
            Some((
                first.checked_add(usize::try_from(pair[1]?).ok()?)?,
                pair[0]?,
            ))
        })
        .filter(|(start, _)| *start < content.len())
        .collect();
    starts.sort_unstable();
    starts.dedup_by_key(|(start, _)| *start);
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([content.len()])
        .collect();
    let ranges = starts.into_iter().zip(ends);
    ranges.map(|((start, number), end)| RawObject::new(Some(number), &content[start..end]))
}

/// Unpacks a stream up to this size. Returns `None` for a stream with an unusual filter.
pub fn unpack(dictionary: &Dictionary<'_>, limit: usize) -> Option<Vec<u8>> {
    let content = raw_content(dictionary)?;
    let filters = match dictionary.get(b"Filter") {
        None => vec![],
        Some(Value::Name(name)) => vec![name],
        Some(Value::Array(array)) => super::lexer::items(array)
            .filter_map(|item| match item {
                Value::Name(name) => Some(name),
                _ => None,
            })
            .collect(),
        Some(_) => return None,
    };
    match filters.iter().map(AsRef::as_ref).collect::<Vec<_>>()[..] {
        [] => (content.len() <= limit).then(|| content.to_vec()),
        [b"FlateDecode" | b"Fl"] if !dictionary.has(b"DecodeParms") => inflate(content, limit),
        _ => None,
    }
}

/// Inflates as much as is readable. Returns `None` if it is larger than the limit.
fn inflate(content: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    // A stream that is cut short is still of use.
    let _ = ZlibDecoder::new(content)
        .take(limit as u64 + 1)
        .read_to_end(&mut unpacked);
    (unpacked.len() <= limit).then_some(unpacked)
}

/// The bytes of a stream behind its dictionary.
fn raw_content<'a>(dictionary: &Dictionary<'a>) -> Option<&'a [u8]> {
    let rest = dictionary.rest.trim_ascii_start().strip_prefix(b"stream")?;
    let content = match rest {
        [b'\r', b'\n', content @ ..] | [b'\r' | b'\n', content @ ..] | content => content,
    };
    let length = dictionary.number(b"Length");
    let by_length = length
        .and_then(|length| content.split_at_checked(usize::try_from(length).ok()?))
        .filter(|(_, after)| after.trim_ascii_start().starts_with(b"endstream"));
    match by_length {
        Some((content, _)) => Some(content),
        None => Some(&content[..find(content, b"endstream").unwrap_or(content.len())]),
    }
}

/// Returns the offset of the first occurrence.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
