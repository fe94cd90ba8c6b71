//! Finds the header of a PDF, which need not be at the start of the file.
//!
//! Readers accept a header within the first 1,024 bytes: servers, mail programs and old Macs wrote
//! their own headers before it. Texts about PDF, and archives of PDFs, have the same bytes there.

use super::plain::looks_like_text;

/// The mark of a header. A version follows.
const MARK: &[u8] = b"%PDF-";
/// The largest offset of the end of a header, in bytes.
const MAX_HEADER_END: usize = 1024;
/// The least number of bytes above 127 in the comment that marks a file as binary.
const MIN_BINARY_BYTES: usize = 4;

/// The marks of formats that hold other files as they are, with their offset. An analysis does not
/// report these formats.
const CONTAINERS: [(usize, &[u8]); 11] = [
    (257, b"ustar"),
    (0, b"!<arch>\n"),
    (0, b"070701"),
    (0, b"070702"),
    (0, b"070707"),
    (0, b"MSCF\0\0\0\0"),
    (0, b"\xD0\xCF\x11\xE0"),
    (0, b"SIT!"),
    (0, b"WARC/"),
    (2, b"-lh"),
    (7, b"**ACE**"),
];

/// The certainty with which a file is a PDF.
#[derive(Debug, PartialEq, Eq)]
pub enum PdfHeader {
    /// It is one.
    Certain,
    /// It is one if it ends like one. Else it is a text that quotes one.
    IfEnded,
    /// It is none.
    Absent,
}

/// Looks for the header in the first bytes of a file that has no other mark.
pub fn find(head: &[u8]) -> PdfHeader {
    let early = &head[..head.len().min(MAX_HEADER_END)];
    let Some(at) = position(early, MARK) else {
        return PdfHeader::Absent;
    };
    let (before, header) = head.split_at(at);
    if is_container(before) {
        return PdfHeader::Absent;
    }
    let version = &header[MARK.len()..];
    let has_objects = has_object(version);
    if is_blank(before) {
        let is_pdf = has_objects || is_header_line(version) || !looks_like_text(head);
        return if is_pdf {
            PdfHeader::Certain
        } else {
            PdfHeader::Absent
        };
    }
    if !has_objects || !is_header_line(version) {
        PdfHeader::Absent
    } else if !looks_like_text(head) || has_binary_mark(version) {
        PdfHeader::Certain
    } else {
        PdfHeader::IfEnded
    }
}

/// Returns whether the last bytes of a file end a PDF.
pub fn is_end(tail: &[u8]) -> bool {
    position(tail, b"%%EOF").is_some()
}

fn is_container(before: &[u8]) -> bool {
    let has = |(offset, mark): &(usize, &[u8])| {
        before
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(mark))
    };
    CONTAINERS.iter().any(has) || position(before, b"PK\x03\x04").is_some()
}

/// Returns whether there is nothing but white space, zeros and byte order marks.
fn is_blank(before: &[u8]) -> bool {
    let before = before.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(before);
    before
        .iter()
        .all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// Returns whether a version follows and ends its line, apart from a comment. In a sentence, other
/// words follow.
fn is_header_line(version: &[u8]) -> bool {
    let [b'0'..=b'9', b'.', b'0'..=b'9', rest @ ..] = version else {
        return false;
    };
    let rest = rest.trim_ascii_start();
    let behind = &version[3..version.len() - rest.len()];
    rest.is_empty() || rest[0] == b'%' || behind.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Returns whether the comment in the second line marks the file as binary (ISO 32000-2, 7.5.2).
fn has_binary_mark(version: &[u8]) -> bool {
    let Some(start) = version.iter().position(|byte| *byte == b'%') else {
        return false;
    };
    let comment = &version[start + 1..];
    let end = comment
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'));
    let comment = &comment[..end.unwrap_or(comment.len())];
    let high_bytes = comment.iter().filter(|byte| **byte >= 0x80).count();
    high_bytes >= MIN_BINARY_BYTES && std::str::from_utf8(comment).is_err()
}

/// Returns whether an object begins: `1 0 obj`.
fn has_object(bytes: &[u8]) -> bool {
    bytes
        .windows(5)
        .any(|window| window[0].is_ascii_digit() && window.ends_with(b" obj"))
}

fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &[u8] = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<</Type/Catalog>>";
    const PLAIN: &[u8] = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>";

    #[test]
    fn header_behind_other_bytes_is_found() {
        let mac_binary = [&b"\0\x08Book.pdf"[..], &[0; 118]].concat();
        let http = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n";
        let php = b"<br />\n<b>Warning</b>: on line <b>3</b><br />\n";
        for before in [
            &b""[..],
            b"\xEF\xBB\xBF",
            b"\r\n \t",
            b"\0\0\0",
            b"\x01\x02\x03junk",
            &mac_binary,
            http,
            php,
            b"junk ",
        ] {
            assert_eq!(
                find(&[before, BINARY].concat()),
                PdfHeader::Certain,
                "{before:?}"
            );
        }
        for before in [&http[..], php, b"junk "] {
            assert_eq!(
                find(&[before, PLAIN].concat()),
                PdfHeader::IfEnded,
                "{before:?}"
            );
        }
        assert_eq!(find(b"%PDF-1.7\nnothing"), PdfHeader::Certain);
        assert_eq!(find(b"%PDF-1.7"), PdfHeader::Certain);
        assert_eq!(find(b"%PDF-x\n1 0 obj"), PdfHeader::Certain);
        assert!(is_end(b"startxref\n9\n%%EOF\r\n") && !is_end(b"startxref"));
    }

    #[test]
    fn header_in_other_files_is_none() {
        let tar = |name: &[u8]| {
            let mut header = name.to_vec();
            header.resize(257, 0);
            header.extend(b"ustar\x0000");
            header.resize(512, 0);
            header
        };
        for (before, header) in [
            (&tar(b"Book.pdf")[..], BINARY),
            (b"!<arch>\nBook.pdf/", BINARY),
            (b"070701000000Book.pdf\0", BINARY),
            (b"MSCF\0\0\0\0\x10\0\0\0", BINARY),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", BINARY),
            (b"WARC/1.0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", BINARY),
            (b"\x20\x30-lh0-\0\0", BINARY),
            (b"\xEF\xBB\xBFPK\x03\x04\x14\0\0\0", BINARY),
            (&[b'x'; 1020], BINARY),
            (b"Format: PDF (", b"%PDF-1.6)\r\nTitle: Salt\r\n"),
            (b"A PDF begins with ", b"%PDF-1.4 and 1 0 obj follows."),
            (
                b"A PDF begins with\r\n",
                b"%PDF-1.4\r\nand ends with %%EOF.\r\n",
            ),
            (b"", b"%PDF-1.4 is the mark of a PDF.\r\n"),
            (b"\0\x01\x02", b"%PDF-1.4\nand nothing else"),
            (b"no header", b""),
        ] {
            assert_eq!(
                find(&[before, header].concat()),
                PdfHeader::Absent,
                "{before:?}"
            );
        }
    }
}
