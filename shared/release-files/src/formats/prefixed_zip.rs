//! Detects zip archives that do not begin with a local header: other bytes are before it, such as a
//! byte order mark, the marker of a spanned archive or a program that unpacks it, or its signature is
//! damaged.

use std::io::{Read, Seek};

use super::format::Format;
use super::local_header::SIGNATURE;
use super::source::Source;
use crate::WorkError;

/// The signature of an entry in the directory.
const DIRECTORY_SIGNATURE: &[u8] = b"PK\x01\x02";
/// The signature of the record that ends an archive.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
/// The signature of the record before it in a zip64 archive.
const LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";
/// The size of the end record without its comment, in bytes.
const END_BYTES: usize = 22;
/// The size of the zip64 locator, in bytes.
const LOCATOR_BYTES: usize = 20;
/// The largest number of places in a file where the end record is tried.
const MAX_ENDS: usize = 8;

/// Returns whether the file, which begins with `head` and looks like `format`, is an archive with a
/// directory at its end. Reads the end only if the format leaves room for doubt.
pub(super) fn is_zip<R: Read + Seek>(
    format: Format,
    head: &[u8],
    source: &mut Source<'_, R>,
) -> Result<bool, WorkError> {
    let is_doubtful = match format {
        Format::Unknown => may_begin_before_an_archive(head),
        Format::Text => find(head, &SIGNATURE).is_some(),
        // A PDF in an archive, rather than an archive in a PDF.
        Format::Pdf => {
            find(head, &SIGNATURE).is_some_and(|at| find(&head[..at], b"%PDF-").is_none())
        }
        _ => false,
    };
    if !is_doubtful {
        return Ok(false);
    }
    let longest = (END_BYTES + usize::from(u16::MAX)) as u64;
    let tail_start = source.size().saturating_sub(longest);
    let tail = source.read_at(tail_start, longest)?;
    let mut end = tail.len();
    for _ in 0..MAX_ENDS {
        let Some(at) = find_last(&tail[..end], END_SIGNATURE) else {
            break;
        };
        if ends_archive(&tail, tail_start, at, source)? {
            return Ok(true);
        }
        end = at + END_SIGNATURE.len() - 1;
    }
    Ok(false)
}

/// Returns whether a file of no known format may be an archive behind other bytes, by its `head`: a
/// local header is near the start, its signature is damaged, or a program comes first. For any other
/// file, a read of its end would cost another request.
fn may_begin_before_an_archive(head: &[u8]) -> bool {
    let starts = [b"PK".as_slice(), b"MZ", b"\x7fELF", b"#!"];
    find(head, &SIGNATURE).is_some() || starts.iter().any(|start| head.starts_with(start))
}

/// Returns whether the end record at `at` of the file's tail is preceded by a directory.
fn ends_archive<R: Read + Seek>(
    tail: &[u8],
    tail_start: u64,
    at: usize,
    source: &mut Source<'_, R>,
) -> Result<bool, WorkError> {
    let Some(record) = tail[at..].first_chunk::<END_BYTES>() else {
        return Ok(false);
    };
    let before = &tail[..at];
    if let Some(locator) = before.last_chunk::<LOCATOR_BYTES>()
        && locator.starts_with(LOCATOR_SIGNATURE)
    {
        return Ok(true);
    }
    let number = |at: usize| {
        let bytes = [record[at], record[at + 1], record[at + 2], record[at + 3]];
        u64::from(u32::from_le_bytes(bytes))
    };
    let (size, offset) = (number(12), number(16));
    // The offset may count from the file's start or from the archive's.
    let before_end = (tail_start + at as u64).checked_sub(size);
    for start in before_end.into_iter().chain([offset]) {
        if source.read_at(start, DIRECTORY_SIGNATURE.len() as u64)? == DIRECTORY_SIGNATURE {
            return Ok(true);
        }
    }
    Ok(false)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn find_last(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).rposition(|window| window == part)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::formats::samples;

    fn is_zip_of(format: Format, bytes: &[u8]) -> bool {
        let mut cursor = Cursor::new(bytes);
        let mut source = Source::new(&mut cursor, bytes.len() as u64);
        let head = source.read_at(0, 4096).unwrap();
        is_zip(format, &head, &mut source).unwrap()
    }

    #[test]
    fn archive_behind_other_bytes_is_found() {
        let zip = samples::zip(&[("a.txt", b"one"), ("b.txt", b"two")]);
        let long = [&b"MZ program"[..], &vec![0; 200_000]].concat();
        for prefix in [&b"\xEF\xBB\xBF"[..], b"PK00", &[0; 3_000], &long, b""] {
            let bytes = [prefix, &zip].concat();
            assert!(is_zip_of(Format::Unknown, &bytes));
            let garbage = [&bytes[..], b"PK\x05\x06 and more garbage"].concat();
            assert!(is_zip_of(Format::Unknown, &garbage));
        }
    }

    #[test]
    fn other_files_are_no_archives() {
        let zip = samples::zip(&[("a.txt", b"one")]);
        let pdf = [b"%PDF-1.4 stream ", &zip[..]].concat();
        let zipped_pdf = [&zip[..35], b"%PDF-1.4", &zip[35..]].concat();
        let end = zip.len() - END_BYTES;
        for (format, bytes, expected) in [
            (Format::Jpeg, &zip[..], false),
            (Format::Text, &zip, true),
            (Format::Text, &zip[5..], false),
            (Format::Pdf, &pdf, false),
            (Format::Pdf, &zipped_pdf, true),
            (Format::Unknown, &zip[..end], false),
            (Format::Unknown, &zip[end..], false),
            (Format::Unknown, &zip[end..end + 10], false),
            (Format::Unknown, b"PK\x05\x06", false),
            (Format::Unknown, &[&[0; 5_000], &zip[..]].concat(), false),
            (Format::Unknown, b"", false),
        ] {
            assert_eq!(is_zip_of(format, bytes), expected, "{format:?} {bytes:?}");
        }
    }
}
