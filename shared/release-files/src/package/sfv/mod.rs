//! Reads and writes SFVs, with the name and the CRC-32 of a file on each line.

use std::collections::BTreeMap;

use jobs::FailureCode;
use text::encoding::{self, Encoding};

mod line;
mod matching;

use self::line::{parse_line, parse_strict_line};
pub use self::matching::{MatchedSfv, match_files};
use crate::WorkError;
use crate::checksum::format_crc32;

/// The largest SFV, in bytes.
pub const MAX_SFV_BYTES: u64 = 1024 * 1024;

/// The CRC-32 of each file, by path in the package.
pub type Checksums = BTreeMap<String, u32>;

/// Renders an SFV with CRLF, sorted by path.
#[must_use]
pub fn render(checksums: &Checksums) -> String {
    checksums
        .iter()
        .flat_map(|(path, crc32)| [path, " ", &format_crc32(*crc32), "\r\n"].map(str::to_owned))
        .collect()
}

/// Parses an SFV of any tool. A line has a name, which may contain spaces, and a CRC-32, in either
/// order. Comments begin with `;`. Backslashes become slashes.
///
/// # Errors
/// [`FailureCode::SfvInvalid`] with the number of the line.
pub fn parse(bytes: &[u8]) -> Result<Checksums, WorkError> {
    parse_as(bytes, encoding::detect(bytes))
}

fn parse_as(bytes: &[u8], encoding: Encoding) -> Result<Checksums, WorkError> {
    if bytes.len() as u64 > MAX_SFV_BYTES {
        return Err(invalid("The SFV is larger than 1 MiB."));
    }
    let text = encoding::decode(bytes, encoding);
    let mut checksums = Checksums::new();
    for (line, number) in lines(&text).zip(1_usize..) {
        let line = trim(line);
        if line.is_empty() || line.trim_start().starts_with(';') {
            continue;
        }
        let invalid_line = |problem: String| {
            let message = format!("Line {number} of the SFV {problem}.");
            invalid(&message)
        };
        let (path, crc32) = match parse_line(line) {
            // The comments of some tools. A name may begin like one.
            Err(_) if line.starts_with('#') || line.starts_with("//") => continue,
            parsed => parsed.map_err(invalid_line)?,
        };
        // In the SFV that is written, this name would be a comment, too.
        if path.starts_with(';') {
            continue;
        }
        let earlier = checksums.insert(path, crc32);
        if earlier.is_some_and(|earlier| earlier != crc32) {
            let problem = "repeats a file with a different checksum";
            return Err(invalid_line(problem.to_owned()));
        }
    }
    Ok(checksums)
}

/// Returns whether every tool can read an SFV: it is UTF-8 without a byte order mark, its lines end
/// with LF, and each is a comment or a plain path with its checksum.
fn is_strict(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    text.split_inclusive('\n').all(|line| {
        let line = match line.strip_suffix('\n') {
            Some(line) => line.strip_suffix('\r').unwrap_or(line),
            None => line,
        };
        let is_comment = line.is_empty() || line.starts_with(';');
        let has_filler = trim(line).len() < line.trim_end().len();
        !has_filler && !line.contains('\r') && (is_comment || parse_strict_line(line).is_some())
    })
}

/// Iterates over lines that end with LF, CR, or both.
fn lines(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let end = text.find(['\r', '\n']).unwrap_or(text.len());
        let (line, rest) = text.split_at(end);
        let rest = rest.strip_prefix('\r').unwrap_or(rest);
        text = rest.strip_prefix('\n').unwrap_or(rest);
        Some(line)
    })
}

/// Removes what tools leave around a line: byte order marks, which joined SFVs have in the middle,
/// the DOS end-of-file character, NULs.
fn trim(line: &str) -> &str {
    let is_filler = |c: char| matches!(c, '\u{feff}' | '\u{1a}' | '\0');
    line.trim_start_matches(is_filler)
        .trim_end_matches(|c: char| is_filler(c) || c.is_whitespace())
}

fn invalid(message: &str) -> WorkError {
    WorkError::failed(FailureCode::SfvInvalid, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text::check_entry_name;

    use super::*;

    fn message(bytes: &[u8]) -> String {
        match parse(bytes) {
            Err(WorkError::Failed(failure)) if failure.code == FailureCode::SfvInvalid => {
                failure.message
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn name_that_would_be_a_comment_is_not_listed() {
        for line in ["./; y 0000000A", "\";y\" 0000000A", "CRC32 (;y) = 0000000A"] {
            assert_eq!(parse(line.as_bytes()).unwrap(), Checksums::new(), "{line}");
        }
    }

    #[test]
    fn each_file_has_a_line_with_its_crc32() {
        let checksums =
            Checksums::from([("b.nfo".to_owned(), 0), ("a.zip".to_owned(), 0xCBF4_3926)]);
        assert_eq!(render(&checksums), "a.zip CBF43926\r\nb.nfo 00000000\r\n");
    }

    #[test]
    fn foreign_sfv_is_read() {
        let text = b"; made by hand\n\na file.zip   cbf43926\r\nart\\caf\xE9.jpg\t0000000A  \n;";
        let expected = Checksums::from([
            ("a file.zip".to_owned(), 0xCBF4_3926),
            ("art/caf\u{e9}.jpg".to_owned(), 10),
        ]);
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(
            parse(b"\xEF\xBB\xBFa 00000001").unwrap(),
            Checksums::from([("a".to_owned(), 1)])
        );
        assert!(parse(b"").unwrap().is_empty());
        let expected = Checksums::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        for text in [
            "a 00000001\rb 00000002\r",
            "a 00000001\r\r\nb 00000002\r\r\n",
            "a 00000001\r\nb 00000002\r\n\u{1a}",
            "a 00000001\r\nb 00000002\u{1a}\0\0",
            "# made by hand\n// x\n  ; x\na 00000001\n\u{feff}b 00000002",
            "./a 1\n.\\b 2\n",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
        let utf16: Vec<u8> = "a 00000001\r\nb 00000002\r\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(parse(&utf16).unwrap(), expected);
        let numbered = Checksums::from([("#1.zip".to_owned(), 1)]);
        assert_eq!(parse(b"#1.zip 00000001").unwrap(), numbered);
    }

    #[test]
    fn error_is_reported_with_its_line() {
        for (text, part) in [
            (&b"a.zip"[..], "Line 1 of the SFV has no checksum"),
            (
                b"; x\na.zip size",
                "Line 2 of the SFV does not end in eight",
            ),
            (b"x\ra 1", "Line 1 of the SFV has no checksum"),
            (b"a 000000001", "does not end in eight"),
            (b"a.zip +1234567", "does not end in eight"),
            (b"../a.zip 00000000", "contains a `.` or `..` component"),
            (b" 00000000", "is empty"),
            (
                b"a 00000000\na 00000001",
                "Line 2 of the SFV repeats a file",
            ),
        ] {
            assert!(message(text).contains(part), "{}", message(text));
        }
        let limit = usize::try_from(MAX_SFV_BYTES).unwrap();
        assert!(message(&vec![b'\n'; limit + 1]).contains("1 MiB"));
    }

    proptest! {
        #[test]
        fn rendered_sfv_is_read_back(
            checksums in prop::collection::btree_map("[A-Za-z0-9._-]{1,20}(/[A-Za-z0-9 ._-]{0,20}[a-z])?", any::<u32>(), 0..20)
        ) {
            let names = checksums.keys().all(|path| check_entry_name(path).is_ok());
            prop_assume!(names);
            prop_assert_eq!(parse(render(&checksums).as_bytes()).unwrap(), checksums);
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(checksums) = parse(&bytes) {
                prop_assert!(checksums.len() <= bytes.len());
            }
        }
    }
}
