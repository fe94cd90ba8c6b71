//! Detects the encoding of a text, and decodes it.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use oem_cp::{code_table::DECODING_TABLE_CP437, decode_string_complete_table};
use serde::{Deserialize, Serialize};

mod detect;
mod utf16;

pub use self::{detect::detect, utf16::detect_utf16};

/// The UTF-8 byte order mark.
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// An encoding of texts in releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// ASCII.
    #[serde(rename = "ascii")]
    Ascii,
    /// UTF-8 without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-8 with a byte order mark.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// UTF-16, little-endian.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, big-endian.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// The DOS code page, with box-drawing characters.
    #[serde(rename = "cp437")]
    Cp437,
    /// Western European, a superset of the printable ISO-8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// The name in a job's result and log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf8 => "utf-8",
            Self::Utf8Bom => "utf-8-bom",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Cp437 => "cp437",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// Decodes a text and drops its byte order mark, also a UTF-8 mark that a tool put before another
/// encoding. Invalid bytes become U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    let unmarked = strip_utf8_marks(bytes);
    match encoding {
        Encoding::Ascii | Encoding::Utf8 | Encoding::Utf8Bom => String::from_utf8_lossy(unmarked),
        Encoding::Utf16Le => UTF_16LE.decode_with_bom_removal(bytes).0,
        Encoding::Utf16Be => UTF_16BE.decode_with_bom_removal(bytes).0,
        Encoding::Cp437 => {
            let text = decode_string_complete_table(unmarked, &DECODING_TABLE_CP437);
            text.chars().map(cp437_glyph).collect::<String>().into()
        }
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(unmarked).0,
    }
}

/// Returns the bytes after their UTF-8 byte order marks. A file may have several.
fn strip_utf8_marks(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(UTF8_BOM) {
        bytes = rest;
    }
    bytes
}

/// Returns the glyph that DOS displays for a control character, such as a card suit or an arrow.
/// Characters with a control function (NUL, bell to line feed, CR, end of file, ESC) are kept.
fn cp437_glyph(c: char) -> char {
    const GLYPHS: [char; 32] = [
        '\0', '☺', '☻', '♥', '♦', '♣', '♠', '\u{7}', '\u{8}', '\t', '\n', '♂', '♀', '\r', '♫', '☼',
        '►', '◄', '↕', '‼', '¶', '§', '▬', '↨', '↑', '↓', '\u{1a}', '\u{1b}', '∟', '↔', '▲', '▼',
    ];
    GLYPHS.get(c as usize).copied().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_string_checked};

    use super::*;

    fn detect_and_decode(bytes: &[u8]) -> (Encoding, Cow<'_, str>) {
        let encoding = detect(bytes);
        (encoding, decode(bytes, encoding))
    }

    #[test]
    fn each_encoding_is_detected_and_decoded() {
        for (bytes, encoding, text) in [
            (&b"plain"[..], Encoding::Ascii, "plain"),
            (b"\xC3\xA9", Encoding::Utf8, "é"),
            (b"\xEF\xBB\xBF\xC3\xA9", Encoding::Utf8Bom, "é"),
            (b"\xC3\xA9 cut \xC3", Encoding::Utf8, "é cut \u{FFFD}"),
            (b"\xFF\xFEA\0", Encoding::Utf16Le, "A"),
            (b"\xFE\xFF\0A", Encoding::Utf16Be, "A"),
            (b"A\0B\0C\0", Encoding::Utf16Le, "ABC"),
            (b"\0A\0B\0C", Encoding::Utf16Be, "ABC"),
            (b"\xDB\xDB\xB2 x", Encoding::Cp437, "██▓ x"),
            (b"caf\xE9", Encoding::Windows1252, "café"),
            (b"il va \xE0 Rome", Encoding::Windows1252, "il va à Rome"),
            (b"il va \x85 Rome", Encoding::Cp437, "il va à Rome"),
            (b"\xDB\xDB \x10 \x03", Encoding::Cp437, "██ ► ♥"),
            ("░▒▓█é\u{FFFD}".as_bytes(), Encoding::Utf8, "░▒▓█é\u{FFFD}"),
            (
                b"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9 \xE9",
                Encoding::Utf8,
                "ééééé \u{FFFD}",
            ),
            (b"\x88\x25\x88\x25A\0\r\0\n\0", Encoding::Utf16Le, "██A\r\n"),
            (b"\x25\x88\x25\x88\0A\0\r\0\n", Encoding::Utf16Be, "██A\r\n"),
        ] {
            assert_eq!(detect_and_decode(bytes), (encoding, text.into()));
        }
        let truncated = [&[b'a'; 4096][..], b"\xC3"].concat();
        assert_eq!(detect(&truncated), Encoding::Utf8);
    }

    #[test]
    fn mark_is_believed_only_before_text_in_its_encoding() {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        let art = "▄▄▄▄███▀▀▀ ░▒▓ GREY ▓▒░ ▀▀▀███▄▄▄▄\r\n║ Titre : L'été ║\r\n╔═╗ █▓▒░ ╚═╝\r\n";
        let dos = encode_string_checked(art, &ENCODING_TABLE_CP437).unwrap();
        let french = "Éditeur : L’été, déjà…\r\n";
        let windows = WINDOWS_1252.encode(french).0.into_owned();
        let broken = [art.as_bytes(), b"\xE9 \xE2\x96 x"].concat();
        for (bytes, encoding, text) in [
            (dos.as_slice(), Encoding::Cp437, art),
            (&windows, Encoding::Windows1252, french),
            (b"caf\xE9", Encoding::Windows1252, "café"),
            (art.as_bytes(), Encoding::Utf8Bom, art),
            (b"", Encoding::Utf8Bom, ""),
            (b"plain", Encoding::Utf8Bom, "plain"),
            (b"\xC3\xA9 cut \xC3", Encoding::Utf8Bom, "é cut \u{FFFD}"),
            (b"\xC3\xA9 \xE9.", Encoding::Utf8Bom, "é \u{FFFD}."),
            (
                &broken,
                Encoding::Utf8Bom,
                &format!("{art}\u{FFFD} \u{FFFD} x"),
            ),
        ] {
            for marks in 1..3 {
                let marked = [&MARK.repeat(marks), bytes].concat();
                assert_eq!(detect_and_decode(&marked), (encoding, text.into()));
            }
        }
        let starts_like_a_mark = [b"\xFE\xFF\xFE ", dos.as_slice()].concat();
        let expected = (Encoding::Cp437, format!("■\u{a0}■ {art}").into());
        assert_eq!(detect_and_decode(&starts_like_a_mark), expected);
    }

    #[test]
    fn cp437_is_detected_by_box_drawing_and_words() {
        for text in [
            "▄▄▄███▀▀▀ ░▒▓ GROUP ▓▒░ ▀▀▀███▄▄▄\r\n║ Title...: Le café ║\r\n╚═══════════╝",
            "Le détour du café à côté du collège",
        ] {
            let bytes = encode_string_checked(text, &ENCODING_TABLE_CP437).unwrap();
            assert_eq!(detect_and_decode(&bytes), (Encoding::Cp437, text.into()));
        }
    }

    #[test]
    fn windows_1252_is_detected_by_words() {
        for text in ["Le “détour” – déjà vu, à l’été… «Noël»", "Ünlü Größe"]
        {
            let bytes = WINDOWS_1252.encode(text).0.into_owned();
            let expected = (Encoding::Windows1252, text.into());
            assert_eq!(detect_and_decode(&bytes), expected);
        }
    }

    #[test]
    fn encoding_names_are_unique_and_serialized() {
        use Encoding::{Ascii, Cp437, Utf8, Utf8Bom, Utf16Be, Utf16Le, Windows1252};
        let all = [Ascii, Utf8, Utf8Bom, Utf16Le, Utf16Be, Cp437, Windows1252];
        let names: BTreeSet<_> = all.map(Encoding::as_str).into();
        assert_eq!(names.len(), all.len());
        for encoding in all {
            assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.as_str());
        }
    }
}
