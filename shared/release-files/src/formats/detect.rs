//! Detects the format of a file from its first bytes.

use super::format::Format;
use super::marks;
use super::pdf_header::{self, PdfHeader};
use super::plain::looks_like_text;
use crate::WorkError;

/// The number of bytes at the start of a file that [`detect`] needs.
pub const HEAD_BYTES: u64 = 4096;
/// The number of bytes at the end of a file that [`detect`] may ask for.
pub const TAIL_BYTES: u64 = 1024;

/// Detects the format of the file that begins with `head`. Reads the `tail` only if the file may be
/// a text that quotes a PDF. A [`Format::Zip`] may turn out to be an EPUB or a comic by its entries,
/// and a [`Format::Text`] to have markup by its beginning.
pub fn detect(
    head: &[u8],
    tail: impl FnOnce() -> Result<Vec<u8>, WorkError>,
) -> Result<Format, WorkError> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Format::Zip);
    }
    if let Some(format) = marks::find(head) {
        return Ok(format);
    }
    let is_pdf = match pdf_header::find(head) {
        PdfHeader::Certain => true,
        PdfHeader::IfEnded => pdf_header::is_end(&tail()?),
        PdfHeader::Absent => false,
    };
    Ok(match head {
        _ if is_pdf => Format::Pdf,
        _ if looks_like_text(head) => Format::Text,
        _ => Format::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detect_whole(bytes: &[u8]) -> Format {
        detect(bytes, || Ok(bytes.to_vec())).unwrap()
    }

    #[test]
    fn formats_are_detected_by_content() {
        for (head, expected) in [
            (&b"PK\x03\x04rest"[..], Format::Zip),
            (b"PK\x05\x06", Format::Zip),
            (b"%PDF-1.4", Format::Pdf),
            (b"\n\njunk %PDF-1.4\n1 0 obj<<>>endobj\n%%EOF", Format::Pdf),
            (b"\n\njunk %PDF-1.4\n1 0 obj<<>>endobj\n", Format::Text),
            (b"GIF89a\x01\0\x01\0\0\0\0", Format::Gif),
            (b"plain words\r\n", Format::Text),
            (b"a\0b", Format::Unknown),
            (b"\x01\x02\x03", Format::Unknown),
        ] {
            assert_eq!(detect_whole(head), expected, "{head:?}");
        }
        assert_eq!(Format::Gif.media_type(), "image/gif");
        assert_eq!(Format::Webp.media_type(), "image/webp");
    }

    #[test]
    fn pdf_within_another_format_does_not_count() {
        let pdf = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n1 0 obj<<>>endobj\n%%EOF";
        let mut mobi = b"Title".to_vec();
        mobi.resize(60, 0);
        mobi.extend(b"BOOKMOBI\0\0");
        for (before, format) in [
            (&b"7z\xBC\xAF\x27\x1C\0\x04"[..], Format::SevenZip),
            (b"Rar!\x1A\x07\x01\0", Format::Rar),
            (&mobi, Format::Mobi),
            (b"{\\rtf1\\ansi ", Format::Rtf),
            (b"\x1F\x8B\x08\0", Format::Gzip),
            (b"PK\x03\x04", Format::Zip),
        ] {
            assert_eq!(detect_whole(&[before, pdf].concat()), format);
        }
    }

    #[test]
    fn tail_is_read_only_for_a_text_that_quotes_a_pdf() {
        let unread = || panic!("the tail is read");
        for head in [
            &b"%PDF-1.4\n"[..],
            b"plain words",
            b"see %PDF-1.4, please",
            b"\0\x01",
        ] {
            detect(head, unread).unwrap();
        }
        let lost = || Err(WorkError::Stopped);
        let quote = b"Quote:\n%PDF-1.4\n1 0 obj\n";
        assert!(matches!(detect(quote, lost), Err(WorkError::Stopped)));
    }

    /// The marks of formats, as words.
    const WORDS: [&str; 24] = [
        "PK", "Rar!", "7z", "BOOKMOBI", "AT&TFORM", "PNG", "GIF89a", "GIF87a", "RIFF", "WEBP",
        "WAVE", "ID3", "fLaC", "OggS", "ftyp", "ITSF", "{\\rtf", "%PDF-", "%PDF-1.4", "BM", "MZ",
        "BZh9", "%!PS", "II*",
    ];

    proptest! {
        #[test]
        fn text_with_marks_as_words_is_text(
            before in "[a-zA-Z ,.\r\n]{0,70}",
            word in prop::sample::select(&WORDS[..]),
            after in "( [a-zé,.]{1,9}| [0-9]{1,4}\r\n[A-Z]{3}){1,20}",
        ) {
            for text in [format!("{before}{word}{after}"), format!("{word}{after}")] {
                prop_assert_eq!(detect_whole(text.as_bytes()), Format::Text, "{:?}", text);
            }
        }

        #[test]
        fn marks_at_their_offset_in_a_text_are_text(
            fill in "[a-zA-Z ,.]{60}",
            after in "( [a-z,.]{1,9}){1,20}",
        ) {
            for (offset, word) in [(4, "ftyp"), (8, "WAVE"), (8, "WEBP"), (60, "BOOKMOBI")] {
                let text = format!("{}{word}{after}", &fill[..offset]);
                prop_assert_eq!(detect_whole(text.as_bytes()), Format::Text, "{:?}", text);
            }
            let text = format!("RIFF{}WAVE{after}", &fill[..4]);
            prop_assert_eq!(detect_whole(text.as_bytes()), Format::Text, "{:?}", text);
        }
    }
}
