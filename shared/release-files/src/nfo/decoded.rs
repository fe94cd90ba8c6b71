//! Decodes the bytes of an NFO.

use text::{
    encoding::{Encoding, decode, detect},
    mojibake::{self, Mojibake},
};

use super::{clean, sauce};

/// The text of an NFO.
#[derive(Debug)]
pub struct DecodedNfo {
    /// The encoding of the file.
    pub encoding: Encoding,
    /// The text, without SAUCE records, decoded as its author wrote it.
    pub text: String,
    /// The number of the line before a removed SAUCE record, from 1.
    pub sauce_line: Option<usize>,
    /// The wrong decodings that the text went through before.
    pub mojibake: Vec<Mojibake>,
}

impl DecodedNfo {
    /// Decodes the bytes of an NFO.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        // The numbers in a record say nothing about the text, but may look like another encoding.
        let without_record = sauce::strip_from_bytes(bytes);
        let body = without_record.as_deref().unwrap_or(bytes);
        let encoding = detect(body);
        let is_utf8 = matches!(
            encoding,
            Encoding::Ascii | Encoding::Utf8 | Encoding::Utf8Bom
        );
        // A record that was converted to UTF-8 with its text is longer than 128 bytes, but has 128
        // characters.
        let text = decode(if is_utf8 { bytes } else { body }, encoding);
        let stripped = sauce::strip_from_text(&text);
        let first_at = match (&stripped, &without_record) {
            (Some(stripped), _) => Some(stripped.first_at),
            (None, Some(_)) => Some(text.len()),
            (None, None) => None,
        };
        let sauce_line = first_at.map(|at| clean::lines(&text[..at]).count().max(1));
        let text = stripped.map_or_else(|| text.into_owned(), |stripped| stripped.text);
        let (text, mojibake) = mojibake::undo(&text).unwrap_or((text, Vec::new()));
        Self {
            encoding,
            text,
            sauce_line,
            mojibake,
        }
    }
}

#[cfg(test)]
mod tests {
    use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_string_checked};

    use super::*;
    use crate::nfo::sauce::tests::record;

    const ART: &str = "╔════════╗\r\n║ L'été  ║\r\n╚════════╝\r\n";

    #[test]
    fn record_is_removed_from_text_in_every_encoding() {
        let utf16: Vec<u8> = ART.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (text, encoding) in [
            (
                encode_string_checked(ART, &ENCODING_TABLE_CP437).unwrap(),
                Encoding::Cp437,
            ),
            (ART.as_bytes().to_vec(), Encoding::Utf8),
            (utf16, Encoding::Utf16Le),
        ] {
            for mark in [&b""[..], b"\x1a"] {
                let nfo = DecodedNfo::new(&[&text, mark, &record(0)].concat());
                assert_eq!((nfo.text.as_str(), nfo.encoding), (ART, encoding));
                assert_eq!(nfo.sauce_line, Some(3));
            }
        }
    }

    #[test]
    fn record_that_was_converted_with_its_text_is_removed() {
        let record: String = record(0).iter().map(|byte| char::from(*byte)).collect();
        let text = format!("{ART}\u{1a}{record}after\r\n");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [text.as_bytes(), &utf16] {
            let nfo = DecodedNfo::new(bytes);
            assert_eq!(nfo.text, format!("{ART}after\r\n"));
            assert_eq!(nfo.sauce_line, Some(3));
        }
    }

    #[test]
    fn mojibake_is_undone() {
        let nfo = DecodedNfo::new("ÜÜÜÛÛÛÛÛßßß\r\n".as_bytes());
        assert_eq!(nfo.text, "▄▄▄█████▀▀▀\r\n");
        assert_eq!(nfo.mojibake.len(), 1);
        assert!(DecodedNfo::new(ART.as_bytes()).mojibake.is_empty());
    }
}
