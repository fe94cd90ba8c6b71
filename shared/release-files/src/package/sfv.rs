//! Reads and writes SFVs, with the name and the CRC-32 of a file on each line.

use std::collections::BTreeMap;

use jobs::FailureCode;
use text::encoding;

use crate::WorkError;
use crate::checksum::format_crc32;
use text::check_entry_name;

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

/// Parses an SFV. A line has a name, which may contain spaces, and eight hexadecimal digits.
/// Comments begin with `;`. Backslashes become slashes.
///
/// # Errors
/// [`FailureCode::SfvInvalid`] with the number of the line.
pub fn parse(bytes: &[u8]) -> Result<Checksums, WorkError> {
    if bytes.len() as u64 > MAX_SFV_BYTES {
        return Err(invalid("The SFV is larger than 1 MiB."));
    }
    let text = encoding::decode(bytes, encoding::detect(bytes));
    let mut checksums = Checksums::new();
    for (line, number) in text.lines().zip(1_usize..) {
        // Concatenated SFVs may have a byte order mark in the middle.
        let line = line.trim_start_matches('\u{feff}').trim_end();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        let invalid_line = |problem: String| {
            let message = format!("Line {number} of the SFV {problem}.");
            invalid(&message)
        };
        let (path, crc32) = parse_line(line).map_err(invalid_line)?;
        let earlier = checksums.insert(path, crc32);
        if earlier.is_some_and(|earlier| earlier != crc32) {
            let problem = "repeats a file with a different checksum";
            return Err(invalid_line(problem.to_owned()));
        }
    }
    Ok(checksums)
}

/// Parses a line into path and CRC-32. The error completes "the line ...".
fn parse_line(line: &str) -> Result<(String, u32), String> {
    let (name, digits) = line
        .rsplit_once(char::is_whitespace)
        .ok_or("has no checksum after the name")?;
    let crc32 = parse_crc32(digits).ok_or("does not end in eight hexadecimal digits")?;
    let path = name.trim_end().replace('\\', "/");
    check_entry_name(&path).map_err(|reason| format!("has a name that {reason}"))?;
    Ok((path, crc32))
}

fn invalid(message: &str) -> WorkError {
    WorkError::failed(FailureCode::SfvInvalid, message)
}

fn parse_crc32(digits: &str) -> Option<u32> {
    let is_hex = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    }

    #[test]
    fn error_is_reported_with_its_line() {
        for (text, part) in [
            (&b"a.zip"[..], "Line 1 of the SFV has no checksum"),
            (b"; x\na.zip 123", "Line 2 of the SFV does not end in eight"),
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
