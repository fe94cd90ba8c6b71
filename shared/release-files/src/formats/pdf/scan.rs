//! Scans a damaged PDF, or the two ends of a large one, without its cross-references.
//!
//! It is written by hand because the library cannot read a document without its cross-references.

use text::tidy_line;

use super::findings::{Findings, INFO_KEYS, MAX_STRING_BYTES, decode_string};

/// Returns the version in the header.
pub fn header_version(bytes: &[u8]) -> Option<String> {
    let at = find(bytes, b"%PDF-")? + 5;
    let version = bytes[at..].iter().take(8);
    let version = version.take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
    tidy_line(&version.map(|&byte| char::from(byte)).collect::<String>())
}

/// Scans pieces of a PDF. If `whole`, they are the complete file, so that pages can be counted.
pub fn scan(pieces: &[&[u8]], whole: bool) -> Findings {
    let mut findings = Findings {
        encrypted: pieces
            .iter()
            .any(|piece| find(piece, b"/Encrypt").is_some()),
        ..Findings::default()
    };
    let mut counted = 0;
    for object in pieces.iter().flat_map(|piece| objects(piece)) {
        findings.objects += 1;
        match object_type(object) {
            Some(b"Page") => counted += 1,
            Some(b"Pages") => findings.pages = findings.pages.max(number(object, b"/Count")),
            Some(b"Catalog") => findings.language = string(object, b"/Lang"),
            None if !findings.encrypted => scan_info(object, &mut findings),
            Some(_) | None => {}
        }
    }
    if whole && findings.pages.is_none() && counted > 0 {
        findings.pages = Some(counted);
    }
    findings
}

fn scan_info(object: &[u8], findings: &mut Findings) {
    // Outline items have titles too, but none of these keys.
    let marks: [&[u8]; 3] = [b"/Producer", b"/CreationDate", b"/Author"];
    if marks.iter().any(|mark| find(object, mark).is_some()) {
        for key in INFO_KEYS {
            findings.set_info(key, string(object, &[b"/", key].concat()));
        }
    }
}

/// Iterates over the dictionaries of the indirect objects, from `obj` to `stream` or `endobj`.
fn objects(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let start = find(rest, b" obj")? + 4;
        let body = &rest[start..];
        let end = find(body, b"endobj").unwrap_or(body.len());
        rest = &body[end..];
        let object = &body[..end];
        let dictionary = find(object, b"stream").unwrap_or(object.len());
        Some(&object[..dictionary])
    })
}

fn object_type(object: &[u8]) -> Option<&[u8]> {
    let rest = object[find(object, b"/Type")? + 5..].trim_ascii_start();
    let name = rest.strip_prefix(b"/")?;
    let end = name.iter().position(|byte| !byte.is_ascii_alphanumeric());
    Some(&name[..end.unwrap_or(name.len())])
}

fn number(object: &[u8], key: &[u8]) -> Option<u64> {
    let rest = object[find(object, key)? + key.len()..].trim_ascii_start();
    let digits = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit());
    digits
        .map(|&byte| char::from(byte))
        .collect::<String>()
        .parse()
        .ok()
}

fn string(object: &[u8], key: &[u8]) -> Option<String> {
    let rest = object[find(object, key)? + key.len()..].trim_ascii_start();
    match rest.split_first()? {
        (b'(', rest) => decode_string(&read_literal(rest)),
        (b'<', rest) => decode_string(&read_hexadecimal(rest)),
        _ => None,
    }
}

/// Returns the bytes of a literal string, up to its closing parenthesis.
fn read_literal(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut depth = 0_u32;
    let mut bytes = input.iter().copied().take(MAX_STRING_BYTES).peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'\\' => {
                out.extend(read_escape(&mut bytes));
                continue;
            }
            _ => {}
        }
        out.push(byte);
    }
    out
}

fn read_escape(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<u8> {
    let byte = bytes.next()?;
    Some(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => b' ',
        b'\n' => return None,
        b'\r' => {
            bytes.next_if_eq(&b'\n');
            return None;
        }
        b'0'..=b'7' => {
            let mut value = u16::from(byte - b'0');
            for _ in 0..2 {
                let Some(next) = bytes.next_if(|next| (b'0'..=b'7').contains(next)) else {
                    break;
                };
                value = value * 8 + u16::from(next - b'0');
            }
            // Three octal digits reach 511; the format says to ignore the overflow (ISO 32000-1,
            // 7.3.4.2).
            value.to_le_bytes()[0]
        }
        other => other,
    })
}

fn read_hexadecimal(input: &[u8]) -> Vec<u8> {
    let body = input
        .iter()
        .take(MAX_STRING_BYTES)
        .take_while(|byte| **byte != b'>');
    let digits: Vec<u8> = body
        .filter_map(|&byte| char::from(byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair.get(1).copied().unwrap_or(0))
        .collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_the_header() {
        assert_eq!(header_version(b"junk\n%PDF-1.7\n").as_deref(), Some("1.7"));
        assert_eq!(header_version(b"%PDF-"), None);
        assert_eq!(header_version(b"nothing"), None);
    }

    #[test]
    fn literal_and_hexadecimal_strings_are_read() {
        let object = br"<</Title (A \(nested (one)\) \351t\351\
 line\n) /Author <FEFF00C90074> /Producer<41 4> /X 3>>";
        assert_eq!(
            string(object, b"/Title").as_deref(),
            Some("A (nested (one)) été line\n")
        );
        assert_eq!(string(object, b"/Author").as_deref(), Some("Ét"));
        assert_eq!(string(object, b"/Producer").as_deref(), Some("A@"));
        assert_eq!(string(object, b"/X"), None);
        assert_eq!(read_literal(b"a\\\r\nb\\tc\\rd\\fe\\53"), b"ab\tc\rd e+");
        assert_eq!(read_literal(b"a\\"), b"a");
    }

    #[test]
    fn objects_are_found_without_cross_references() {
        let pdf = b"%PDF-1.4\n1 0 obj <</Type/Catalog/Lang(fr)>> endobj\n\
            2 0 obj <</Type /Pages /Count 12>> endobj 3 0 obj <</Type/Page>> endobj\n\
            4 0 obj <</Title(Chapter 1)/Parent 9 0 R>> endobj\n\
            5 0 obj <</Title(The Book)/Producer(Maker)>> endobj 6 0 obj <</Length 3>> stream /Count";
        let findings = scan(&[pdf], true);
        assert_eq!(findings.objects, 6);
        assert_eq!(findings.pages, Some(12));
        assert_eq!(findings.language.as_deref(), Some("fr"));
        assert_eq!(findings.info("Title").as_deref(), Some("The Book"));
        let pages = scan(
            &[b"1 0 obj <</Type/Page>> endobj 2 0 obj <</Type /Page>> endobj"],
            true,
        );
        assert_eq!(pages.pages, Some(2));
    }

    #[test]
    fn encrypted_strings_are_dropped() {
        let findings = scan(
            &[b"5 0 obj <</Title(x)/Author(y)>> endobj trailer <</Encrypt 7 0 R>>"],
            true,
        );
        assert!(findings.encrypted);
        assert_eq!(findings.info("Title"), None);
    }
}
