//! Which encoding a text has, found from its bytes, and the text in it.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use oem_cp::{code_table::DECODING_TABLE_CP437, decode_string_complete_table};

/// An encoding that texts of releases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits.
    Ascii,
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, the low byte first, with a byte order mark.
    Utf16Le,
    /// UTF-16, the high byte first, with a byte order mark.
    Utf16Be,
    /// The code page of DOS, with its line drawings.
    Cp437,
    /// Western European, a superset of ISO-8859-1's letters.
    Windows1252,
}

impl Encoding {
    /// The name that an analysis shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Cp437 => "cp437",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// Finds the encoding of a text from its beginning, which may end within a character.
#[must_use]
pub fn detect(sample: &[u8]) -> Encoding {
    match sample {
        [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8,
        [0xFF, 0xFE, ..] => return Encoding::Utf16Le,
        [0xFE, 0xFF, ..] => return Encoding::Utf16Be,
        _ if sample.is_ascii() => return Encoding::Ascii,
        _ => {}
    }
    let is_utf8 = match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if is_utf8 {
        return Encoding::Utf8;
    }
    // CP437 draws with 0xB0 to 0xDF, where Windows-1252 has capitals and symbols that a text
    // seldom has two of in a row.
    let is_drawn = |byte: &u8| (0xB0..=0xDF).contains(byte);
    let drawings = sample.windows(2).filter(|pair| pair.iter().all(is_drawn)).count();
    if drawings > 0 { Encoding::Cp437 } else { Encoding::Windows1252 }
}

/// The text of `bytes`; what the encoding does not have is replaced.
#[must_use]
pub fn decode(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Ascii | Encoding::Utf8 => {
            String::from_utf8_lossy(bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes))
        }
        Encoding::Utf16Le => UTF_16LE.decode_with_bom_removal(bytes).0,
        Encoding::Utf16Be => UTF_16BE.decode_with_bom_removal(bytes).0,
        Encoding::Cp437 => decode_string_complete_table(bytes, &DECODING_TABLE_CP437).into(),
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_found_and_read() {
        for (bytes, encoding, text) in [
            (&b"plain"[..], Encoding::Ascii, "plain"),
            (b"\xEF\xBB\xBF\xC3\xA9", Encoding::Utf8, "é"),
            (b"\xC3\xA9 cut \xC3", Encoding::Utf8, "é cut \u{FFFD}"),
            (b"\xFF\xFEA\0", Encoding::Utf16Le, "A"),
            (b"\xFE\xFF\0A", Encoding::Utf16Be, "A"),
            (b"\xDB\xDB\xB2 x", Encoding::Cp437, "██▓ x"),
            (b"caf\xE9", Encoding::Windows1252, "café"),
        ] {
            assert_eq!(detect(bytes), encoding);
            assert_eq!(decode(bytes, encoding), text);
        }
    }
}
