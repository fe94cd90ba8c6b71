//! Decodes the text strings of a PDF (ISO 32000-2, 7.9.2.2).

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use lopdf::{Object, StringFormat};

/// The longest string, in bytes. It is even, so that it does not cut a unit of UTF-16.
pub const MAX_STRING_BYTES: usize = 16 * 1024;

/// The character around a language code within a Unicode string.
const LANGUAGE_ESCAPE: char = '\u{1b}';
/// The longest language code between two escapes, in bytes.
const MAX_LANGUAGE_BYTES: usize = 12;

/// Decodes a text string by its byte order mark, or else as `PDFDocEncoding`. UTF-16LE is not in
/// the standard, but other readers accept it.
pub fn decode_string(bytes: &[u8]) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(MAX_STRING_BYTES)];
    let text = match bytes {
        [0xFE, 0xFF, text @ ..] => strip_languages(&decode_utf16(text, UTF_16BE)),
        [0xFF, 0xFE, text @ ..] => strip_languages(&decode_utf16(text, UTF_16LE)),
        [0xEF, 0xBB, 0xBF, text @ ..] => strip_languages(&String::from_utf8_lossy(text)),
        _ => decode_pdf_doc(bytes),
    };
    (!text.trim().is_empty()).then_some(text)
}

fn decode_utf16(bytes: &[u8], encoding: &'static Encoding) -> String {
    // A byte that is left over is not a character.
    let whole = &bytes[..bytes.len() & !1];
    encoding.decode_without_bom_handling(whole).0.into_owned()
}

fn decode_pdf_doc(bytes: &[u8]) -> String {
    let object = Object::String(bytes.to_vec(), StringFormat::Literal);
    lopdf::decode_text_string(&object).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

/// Drops the language codes from a Unicode string: `ESC en ESC` or `ESC enUS ESC`.
fn strip_languages(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(LANGUAGE_ESCAPE) {
        stripped.push_str(before);
        rest = match after.split_once(LANGUAGE_ESCAPE) {
            Some((code, text)) if is_language(code) => text,
            _ => after,
        };
    }
    stripped.push_str(rest);
    stripped
}

fn is_language(code: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    code.len() <= MAX_LANGUAGE_BYTES && code.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_decoded_by_their_mark() {
        for (bytes, text) in [
            (&b"\xFE\xFF\0G\0r\0e\0y"[..], "Grey"),
            (b"\xFF\xFEG\0r\0e\0y\0", "Grey"),
            (b"\xFF\xFEG\0r\0\xE9\0y", "Gré"),
            (b"\xEF\xBB\xBF\xC3\x89t\xC3\xA9", "Été"),
            (b"caf\xE9 \x8D\x80\x8E", "café “•”"),
            (b"\xFE\xFF\xD8\x00\0G", "\u{FFFD}G"),
            (b"\xEF\xBB\xBFa\xFF", "a\u{FFFD}"),
        ] {
            assert_eq!(decode_string(bytes).as_deref(), Some(text), "{bytes:?}");
        }
        for blank in [
            &b""[..],
            b" \r\n",
            b"\xFE\xFF",
            b"\xFF\xFE \0",
            b"\xEF\xBB\xBF",
        ] {
            assert_eq!(decode_string(blank), None, "{blank:?}");
        }
    }

    #[test]
    fn language_codes_are_dropped() {
        for (text, stripped) in [
            ("\u{1b}en\u{1b}Grey", "Grey"),
            ("\u{1b}enUS\u{1b}Grey\u{1b}fr\u{1b} Gris", "Grey Gris"),
            ("Grey\u{1b}[0m", "Grey[0m"),
            ("\u{1b}no code at all\u{1b}", "no code at all"),
        ] {
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let marked = [b"\xFE\xFF", &utf16[..]].concat();
            assert_eq!(decode_string(&marked).as_deref(), Some(stripped));
            let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
            assert_eq!(decode_string(&marked).as_deref(), Some(stripped));
        }
    }

    #[test]
    fn long_string_is_truncated_to_whole_characters() {
        let utf16: Vec<u8> = "é"
            .repeat(20_000)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let text = decode_string(&[b"\xFF\xFE", &utf16[..]].concat()).unwrap();
        assert_eq!(text.chars().count(), MAX_STRING_BYTES / 2 - 1);
        assert!(text.chars().all(|c| c == 'é'));
    }
}
