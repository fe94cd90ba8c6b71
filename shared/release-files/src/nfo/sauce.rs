//! Finds SAUCE records, which drawing programs append to a text.
//!
//! A record has 128 bytes: `SAUCE00`, title (35), author (20), group (20), date (8), and numbers and
//! flags. The DOS end-of-file character should precede it, and so may a block of comments: `COMNT`
//! and lines of 64 bytes. Some writers forget the end-of-file character, and some editors remove the
//! NULs. See <https://www.acid.org/info/sauce/sauce.htm>.

use std::ops::Range;

const RECORD_MARK: &[u8] = b"SAUCE00";
const RECORD_BYTES: usize = 128;
/// The offset of the date in a record.
const DATE_AT: usize = 82;
/// The offset of the first number in a record.
const NUMBERS_AT: usize = 90;
/// The offset of the number of comment lines in a record.
const COMMENT_LINES_AT: usize = 104;
const COMMENT_MARK: &[u8] = b"COMNT";
const COMMENT_LINE_BYTES: usize = 64;
const MAX_COMMENT_LINES: usize = 255;
/// The DOS end-of-file character.
const END_OF_FILE: u8 = 0x1A;

/// Returns the bytes without SAUCE records; `None` if there is none.
pub fn strip_from_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let records = find_records(bytes);
    (!records.is_empty()).then(|| bytes_without(bytes, &records))
}

/// A text without SAUCE records.
#[derive(Debug, PartialEq, Eq)]
pub struct Stripped {
    /// The text.
    pub text: String,
    /// The length of the text before the first record, in bytes.
    pub first_at: usize,
}

/// Returns a text without SAUCE records; `None` if there is none.
pub fn strip_from_text(text: &str) -> Option<Stripped> {
    if !text.contains("SAUCE00") {
        return None;
    }
    let chars: Vec<char> = text.chars().collect();
    // A record that was converted to another encoding has one character for each byte.
    let bytes: Vec<u8> = chars
        .iter()
        .map(|c| u8::try_from(u32::from(*c)).unwrap_or(b'?'))
        .collect();
    let records = find_records(&bytes);
    let first = records.first()?;
    let first_at = chars[..first.start].iter().map(|c| c.len_utf8()).sum();
    let text = (0..chars.len())
        .filter(|at| !contains(&records, *at))
        .map(|at| chars[at])
        .collect();
    Some(Stripped { text, first_at })
}

fn contains(records: &[Range<usize>], at: usize) -> bool {
    let after = records.partition_point(|record| record.end <= at);
    records
        .get(after)
        .is_some_and(|record| record.contains(&at))
}

fn bytes_without(bytes: &[u8], records: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for record in records {
        kept.extend_from_slice(&bytes[from..record.start]);
        from = record.end;
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

/// Finds the records with their comments, in order.
fn find_records(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_blank = |byte: &u8| matches!(*byte, 0 | END_OF_FILE | b' ' | b'\r' | b'\n');
    let last = bytes.iter().rposition(|byte| !is_blank(byte));
    let content_end = last.map_or(0, |at| at + 1);
    let mut records: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(offset) = find(&bytes[from..], RECORD_MARK) {
        let at = from + offset;
        let earlier = records.last().map_or(0, |record| record.end);
        let head = trim_end_of_file(&bytes[earlier..at]);
        let is_marked = earlier + head.len() < at;
        let Some(length) = record_length(&bytes[at..], content_end - at, is_marked) else {
            from = at + RECORD_MARK.len();
            continue;
        };
        let lines = bytes.get(at + COMMENT_LINES_AT).copied().unwrap_or(0);
        let comments = comments_length(head, usize::from(lines));
        let head = trim_end_of_file(&head[..head.len() - comments]);
        let is_filler = |byte: &u8| matches!(*byte, 0 | END_OF_FILE);
        from = at + length;
        from += bytes[from..]
            .iter()
            .take_while(|byte| is_filler(byte))
            .count();
        records.push(earlier + head.len()..from);
    }
    records
}

/// Returns the length of the record that `bytes`, with `content_length` bytes before blanks, starts
/// with; `None` if the text only mentions the mark. It has a date at the right place, and control characters or the end-of-file character
/// before it. If an editor removed its NULs, it reaches the end.
fn record_length(bytes: &[u8], content_length: usize, is_marked: bool) -> Option<usize> {
    if let Some(record) = bytes.get(..RECORD_BYTES)
        && is_date(&record[DATE_AT..NUMBERS_AT])
        && !record[..DATE_AT].iter().copied().any(is_line_end)
        && (is_marked || record[NUMBERS_AT..].iter().copied().any(is_control))
    {
        return Some(RECORD_BYTES);
    }
    let is_shortened = content_length <= RECORD_BYTES
        && (is_marked
            || bytes.iter().copied().any(is_control) && has_date(&bytes[..content_length]));
    is_shortened.then_some(bytes.len())
}

/// Returns whether a field is a date, or was left empty.
fn is_date(field: &[u8]) -> bool {
    field.iter().all(u8::is_ascii_digit) || field.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// Returns whether the first line of a shortened record has a date of this century or the last.
fn has_date(record: &[u8]) -> bool {
    let line_end = record
        .iter()
        .copied()
        .position(is_line_end)
        .unwrap_or(record.len());
    record[..line_end.min(NUMBERS_AT)].windows(8).any(|digits| {
        digits.iter().all(u8::is_ascii_digit)
            && (digits.starts_with(b"19") || digits.starts_with(b"20"))
    })
}

/// Returns the length of the block of comments at the end of `head`.
fn comments_length(head: &[u8], lines: usize) -> usize {
    let longest = COMMENT_MARK.len() + MAX_COMMENT_LINES * COMMENT_LINE_BYTES;
    let area = &head[head.len().saturating_sub(longest + 1)..];
    let mut marks = area.windows(COMMENT_MARK.len()).enumerate();
    let found = marks.rfind(|(at, window)| {
        let length = area.len() - at;
        *window == COMMENT_MARK
            && (*at > 0 && area[at - 1] == END_OF_FILE
                || lines > 0 && length == COMMENT_MARK.len() + lines * COMMENT_LINE_BYTES)
    });
    found.map_or(0, |(at, _)| area.len() - at)
}

fn trim_end_of_file(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != END_OF_FILE);
    &bytes[..end.map_or(0, |at| at + 1)]
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Returns whether a byte is a control character that no text has, so that a repaired text never has
/// a record.
const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0B | 0x0C | 0x0E..=0x1A | 0x1C..=0x1F)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record with the given number of comment lines, without the end-of-file character.
    pub fn record(comment_lines: u8) -> Vec<u8> {
        let mut record = format!(
            "SAUCE00{:35}{:20}{:20}20240101",
            "Grey Harbour", "Mara", "GRP"
        )
        .into_bytes();
        record.extend([0xF4, 1, 0, 0, 1, 0, 80, 0, 25, 0, 0, 0, 0, 0]);
        record.extend([comment_lines, 0]);
        record.extend(b"IBM VGA");
        record.resize(RECORD_BYTES, 0);
        record
    }

    fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
        let stripped = strip_from_bytes(bytes);
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let text = strip_from_text(&text).map(|stripped| stripped.text);
        let as_text = |bytes: &Vec<u8>| bytes.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(stripped.as_ref().map(as_text), text);
        stripped
    }

    #[test]
    fn record_is_found_with_and_without_end_of_file_and_nuls() {
        let whole = record(0);
        let without_nuls: Vec<u8> = whole.iter().copied().filter(|byte| *byte != 0).collect();
        for record in [whole, without_nuls] {
            for mark in ["", "\u{1a}", "\u{1a}\u{1a}"] {
                for end in ["", "\0", "\u{1a}", "\r\n"] {
                    let parts = [b"art\r\n", mark.as_bytes(), &record, end.as_bytes()];
                    let found = stripped(&parts.concat()).unwrap();
                    assert_eq!(found.trim_ascii_end(), b"art", "{mark:?} {end:?}");
                }
            }
        }
        assert_eq!(stripped(b"art\x1aSAUCE00Title").unwrap(), b"art");
        assert_eq!(stripped(&record(0)).unwrap(), b"");
    }

    #[test]
    fn comments_are_part_of_the_record() {
        for mark in [&b""[..], b"\x1a"] {
            let comments = [b"COMNT", [b'x'; 128].as_slice()].concat();
            let parts = [b"art", mark, &comments, &record(2)];
            assert_eq!(stripped(&parts.concat()).unwrap(), b"art");
            let parts = [b"art", mark, &comments, b"\x1a", &record(2)];
            assert_eq!(stripped(&parts.concat()).unwrap(), b"art");
        }
        let found = stripped(b"art\x1aCOMNTx\x1aSAUCE00Title");
        assert_eq!(found.unwrap(), b"art");
    }

    #[test]
    fn text_after_a_record_is_kept() {
        let record = record(0);
        let parts = [
            b"one\r\n\x1a",
            record.as_slice(),
            b"two\r\n",
            &record,
            b"three",
        ];
        assert_eq!(stripped(&parts.concat()).unwrap(), b"one\r\ntwo\r\nthree");
        let text = parts
            .concat()
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>();
        assert_eq!(strip_from_text(&text).unwrap().first_at, 5);
    }

    #[test]
    fn text_that_mentions_a_record_is_kept() {
        let long = [b"\x1aSAUCE00 is a mark.\r\n", [b'x'; 200].as_slice()].concat();
        for text in [
            &b"art\x1a"[..],
            b"SAUCE00 is the mark of a record, as of 20240101.\r\n",
            b"SAUCE00 is \x10 a mark.\r\n",
            b"COMNT is a mark.\r\n\x1aCOMNT",
            &long,
        ] {
            assert_eq!(stripped(text), None, "{text:?}");
        }
    }

    #[test]
    fn many_marks_take_linear_time() {
        for piece in [
            "SAUCE00",
            "\u{1a}SAUCE00",
            "\u{1a}COMNT",
            "COMNT\u{1a}SAUCE00",
        ] {
            let text = piece.repeat(256 * 1024 / piece.len());
            assert!(strip_from_text(&text).is_none_or(|found| found.text.len() < text.len()));
        }
    }
}
