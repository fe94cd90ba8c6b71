//! The SFV: the name and the CRC-32 of each file, a line per file.

use std::collections::BTreeMap;

use jobs::FailureCode;
use text::encoding;

use crate::WorkError;
use crate::checksum::format_crc32;
use crate::paths::check_entry_name;

/// The largest SFV that is read, in bytes.
pub const MAX_SFV_BYTES: u64 = 1024 * 1024;

/// The CRC-32 of each file, by its path in the package.
pub type Checksums = BTreeMap<String, u32>;

/// Renders an SFV, with CRLF, in the order of the paths.
#[must_use]
pub fn render(checksums: &Checksums) -> String {
    checksums
        .iter()
        .flat_map(|(path, crc32)| [path, " ", &format_crc32(*crc32), "\r\n"].map(str::to_owned))
        .collect()
}

/// Parses an SFV. A line has a name, which may have spaces, and eight hexadecimal digits; comments
/// begin with `;`. Backslashes between folders become slashes.
///
/// # Errors
/// [`FailureCode::SfvInvalid`], naming the line.
pub fn parse(bytes: &[u8]) -> Result<Checksums, WorkError> {
    if bytes.len() as u64 > MAX_SFV_BYTES {
        return Err(invalid("The SFV is larger than 1 MiB."));
    }
    let text = encoding::decode(bytes, encoding::detect(bytes));
    let mut checksums = Checksums::new();
    for (line, number) in text.lines().zip(1_usize..) {
        // Concatenated files have a byte order mark at the start of each.
        let line = line.trim_start_matches('\u{feff}').trim_end();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        let fault = |problem: String| invalid(&format!("Line {number} of the SFV {problem}."));
        let (path, crc32) = parse_line(line).map_err(fault)?;
        let earlier = checksums.insert(path, crc32);
        if earlier.is_some_and(|earlier| earlier != crc32) {
            return Err(fault("names a file again with another checksum".to_owned()));
        }
    }
    Ok(checksums)
}

/// Parses a line into path and CRC-32; an error is the end of a sentence.
fn parse_line(line: &str) -> Result<(String, u32), String> {
    let (name, digits) = line
        .rsplit_once(char::is_whitespace)
        .ok_or("has no checksum after the name")?;
    let crc32 = parse_crc32(digits).ok_or("does not end in eight hexadecimal digits")?;
    let path = name.trim_end().replace('\\', "/");
    check_entry_name(&path).map_err(|reason| format!("has a name that {reason}"))?;
    Ok((path, crc32))
}

fn invalid(sentence: &str) -> WorkError {
    WorkError::failed(FailureCode::SfvInvalid, sentence)
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

    fn sentence(bytes: &[u8]) -> String {
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
    fn an_sfv_of_another_tool_is_read() {
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
    fn a_fault_is_reported_with_its_line() {
        for (text, part) in [
            (&b"a.zip"[..], "Line 1 of the SFV has no checksum"),
            (b"; x\na.zip 123", "Line 2 of the SFV does not end in eight"),
            (b"a.zip +1234567", "does not end in eight"),
            (b"../a.zip 00000000", "leaves its folder"),
            (b" 00000000", "is empty"),
            (
                b"a 00000000\na 00000001",
                "Line 2 of the SFV names a file again",
            ),
        ] {
            assert!(sentence(text).contains(part), "{}", sentence(text));
        }
        let limit = usize::try_from(MAX_SFV_BYTES).unwrap();
        assert!(sentence(&vec![b'\n'; limit + 1]).contains("1 MiB"));
    }

    proptest! {
        #[test]
        fn a_rendered_sfv_is_read_back(
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
