//! Detects the encoding of a text, and decodes it.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use oem_cp::{code_table::DECODING_TABLE_CP437, decode_string_complete_table};
use serde::{Deserialize, Serialize};

/// The UTF-8 byte order mark.
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// The size from which a text that ends within a character counts as truncated.
const MIN_TRUNCATED_BYTES: usize = 4096;

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

/// Detects the encoding of a text from its beginning, which may end within a character.
#[must_use]
pub fn detect(sample: &[u8]) -> Encoding {
    if sample.starts_with(UTF8_BOM) {
        return Encoding::Utf8Bom;
    }
    if let Some(utf16) = detect_utf16(sample) {
        return utf16;
    }
    if sample.is_ascii() {
        return Encoding::Ascii;
    }
    match std::str::from_utf8(sample) {
        Ok(_) => Encoding::Utf8,
        Err(error) if error.error_len().is_none() => {
            // A single non-ASCII byte at the end may be a letter in another encoding.
            let before = &sample[..error.valid_up_to()];
            if !before.is_ascii() || sample.len() >= MIN_TRUNCATED_BYTES {
                Encoding::Utf8
            } else {
                detect_single_byte(sample)
            }
        }
        Err(_) if is_mostly_utf8(sample) => Encoding::Utf8,
        Err(_) => detect_single_byte(sample),
    }
}

/// Returns whether a damaged text is UTF-8. Text in another encoding rarely contains valid
/// multi-byte sequences.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sequences, mut errors) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        errors += usize::from(!chunk.invalid().is_empty());
    }
    sequences > 4 * errors
}

/// Decodes a text and drops its byte order mark. Invalid bytes become U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Ascii | Encoding::Utf8 | Encoding::Utf8Bom => {
            String::from_utf8_lossy(bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes))
        }
        Encoding::Utf16Le => UTF_16LE.decode_with_bom_removal(bytes).0,
        Encoding::Utf16Be => UTF_16BE.decode_with_bom_removal(bytes).0,
        Encoding::Cp437 => {
            let text = decode_string_complete_table(bytes, &DECODING_TABLE_CP437);
            text.chars().map(cp437_glyph).collect::<String>().into()
        }
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
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

/// Detects UTF-16 by its byte order mark, or by its high bytes: NUL for Latin letters, 0x20 to 0x26
/// for punctuation and box drawing.
fn detect_utf16(bytes: &[u8]) -> Option<Encoding> {
    if bytes.starts_with(b"\xFF\xFE") {
        return Some(Encoding::Utf16Le);
    }
    if bytes.starts_with(b"\xFE\xFF") {
        return Some(Encoding::Utf16Be);
    }
    let pairs = bytes.len() / 2;
    let count = |offset: usize, is: fn(u8) -> bool| {
        bytes
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| is(**byte))
            .count()
    };
    let nuls = |offset| count(offset, |byte| byte == 0);
    let is_high = |high: usize, low: usize| {
        let highs = count(high, |byte| matches!(byte, 0 | 0x20..=0x26));
        pairs >= 2 && nuls(low) == 0 && nuls(high) * 8 >= pairs && highs * 4 >= pairs * 3
    };
    if is_high(1, 0) {
        return Some(Encoding::Utf16Le);
    }
    is_high(0, 1).then_some(Encoding::Utf16Be)
}

/// Distinguishes CP437 from Windows-1252. CP437 has box drawing at 0xB0 to 0xDF, in runs or between
/// spaces, and accented letters at 0x80 to 0xA5. Windows-1252 has accented letters at 0xC0 to 0xFF,
/// single among ASCII letters, and quotes, dashes and signs at 0x80 to 0xA5.
fn detect_single_byte(bytes: &[u8]) -> Encoding {
    let (mut cp437, mut windows) = (0_usize, 0_usize);
    for (at, &byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).map_or(b' ', |at| bytes[at]);
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        let in_word = before.is_ascii_alphabetic() || after.is_ascii_alphabetic();
        let within_word = before.is_ascii_lowercase() && after.is_ascii_lowercase();
        match byte {
            0xB0..=0xDF if before == byte || after == byte => cp437 += 2,
            // The degree sign, the middle dot and `»` are common in Windows-1252.
            0xB0..=0xDF if !in_word && !matches!(byte, 0xB0 | 0xB7 | 0xBB) => cp437 += 1,
            // Windows-1252 does not define these.
            0x81 | 0x8D | 0x8F | 0x90 | 0x9D => cp437 += 3,
            0x80..=0x90 | 0x93..=0x9A | 0xA0..=0xA5 if within_word => cp437 += 2,
            // The word `à`. An ellipsis would follow a word without a space.
            0x85 if before == b' ' && after == b' ' => cp437 += 1,
            0xE0 if before == b' ' && after == b' ' => windows += 1,
            0xC0..=0xFF if in_word => windows += 2,
            0x80 | 0x85 | 0x91..=0x97 | 0xA0 | 0xA9 | 0xAB | 0xAE | 0xB0 | 0xB7 | 0xBB => {
                windows += 1;
            }
            _ => {}
        }
    }
    if windows > cp437 {
        Encoding::Windows1252
    } else {
        Encoding::Cp437
    }
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
        let truncated = [&[b'a'; MIN_TRUNCATED_BYTES][..], b"\xC3"].concat();
        assert_eq!(detect(&truncated), Encoding::Utf8);
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
