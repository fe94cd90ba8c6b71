//! Detects plain text, its encoding and its markup.

use text::encoding::{self, Encoding};

use super::format::Format;
use super::model::MediaInfo;

/// The size of the sample for encoding detection, in bytes.
pub const SAMPLE_BYTES: u64 = 64 * 1024;

/// The number of bytes in which markup declares itself and its encoding.
const DECLARATION_BYTES: usize = 1024;
/// The mark of a SAUCE record, which describes a drawing at its end.
const SAUCE_MARK: &[u8] = b"SAUCE00";
/// The size of a SAUCE record, with some bytes that a program may have added, in bytes.
const MAX_SAUCE_BYTES: usize = 256;
/// The mark of the comments before a SAUCE record, and the size of each in bytes.
const COMMENT_MARK: &[u8] = b"COMNT";
const COMMENT_BYTES: usize = 64;

/// Returns whether the file that begins with `head` looks like text: no NUL, except in UTF-16, in
/// padding and in a SAUCE record, and few other control characters. Some are allowed because NFOs
/// use the low CP437 glyphs, which are control characters.
pub fn looks_like_text(head: &[u8]) -> bool {
    let text = text_part(head);
    if let encoding @ (Encoding::Utf16Le | Encoding::Utf16Be) = encoding::detect(head) {
        let text = encoding::decode(head, encoding);
        let is_odd = |c: &char| {
            let is_space = matches!(c, '\t' | '\n' | '\r' | '\x0C' | '\x1A' | '\x1B');
            (c.is_control() && !is_space) || *c == char::REPLACEMENT_CHARACTER
        };
        let odd = text.chars().filter(is_odd).count();
        if odd * 20 <= text.chars().count() {
            return true;
        }
    }
    let control = |byte: &&u8| matches!(byte, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    let controls = text.iter().filter(control).count();
    !text.is_empty() && !text.contains(&0) && controls * 20 <= text.len()
}

/// Describes the text that begins with `sample`.
#[must_use]
pub fn read(sample: &[u8]) -> MediaInfo {
    let text = text_part(sample);
    let detected = encoding::detect(text);
    let start = encoding::decode(&text[..text.len().min(DECLARATION_BYTES)], detected);
    let format = markup(start.trim_start());
    let declared = match format {
        Format::Text => None,
        _ => declared_encoding(&start).filter(|declared| fits(text, detected, declared)),
    };
    MediaInfo {
        encoding: Some(match declared {
            Some(declared) => declared.name().to_ascii_lowercase(),
            None => detected.as_str().to_owned(),
        }),
        ..MediaInfo::new(format)
    }
}

/// Returns a text without the SAUCE record, its comments and zeros at the end.
fn text_part(bytes: &[u8]) -> &[u8] {
    let last = &bytes[bytes.len().saturating_sub(MAX_SAUCE_BYTES)..];
    let sauce = last
        .windows(SAUCE_MARK.len())
        .rposition(|window| window == SAUCE_MARK);
    let text = match sauce {
        Some(at) => without_comments(&bytes[..bytes.len() - last.len() + at]),
        None => before_cut_comments(bytes),
    };
    let zeros = text.iter().rev().take_while(|byte| **byte == 0).count();
    &text[..text.len() - zeros]
}

/// Returns the text before a SAUCE record without the record's comments.
fn without_comments(text: &[u8]) -> &[u8] {
    let starts = (1..=255_usize).map(|count| count * COMMENT_BYTES + COMMENT_MARK.len());
    let start = starts
        .filter_map(|length| text.len().checked_sub(length))
        .find(|start| text[*start..].starts_with(COMMENT_MARK));
    let text = &text[..start.unwrap_or(text.len())];
    text.strip_suffix(b"\x1A").unwrap_or(text)
}

/// Returns the text before comments if it is cut before their SAUCE record.
fn before_cut_comments(text: &[u8]) -> &[u8] {
    let mark = [b"\x1A", COMMENT_MARK].concat();
    let start = text.windows(mark.len()).rposition(|window| window == mark);
    &text[..start.unwrap_or(text.len())]
}

fn markup(start: &str) -> Format {
    let lower = start.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.contains("<html") {
        Format::Html
    } else if lower.contains("<fictionbook") {
        Format::FictionBook
    } else if lower.starts_with("<?xml") {
        Format::Xml
    } else {
        Format::Text
    }
}

/// Returns the encoding that an XML declaration or an HTML `meta` declares.
fn declared_encoding(start: &str) -> Option<&'static encoding_rs::Encoding> {
    let lower = start.to_ascii_lowercase();
    let (_, rest) = match lower.trim_start().strip_prefix("<?xml") {
        Some(rest) => rest.split("?>").next()?.split_once("encoding")?,
        None => lower.split_once("<meta")?.1.split_once("charset")?,
    };
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)));
    let label = &value[..end.unwrap_or(value.len())];
    encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())
}

/// Returns whether a text may be in the declared encoding. A byte order mark, UTF-16 and valid
/// UTF-8 are surer than any declaration.
fn fits(text: &[u8], detected: Encoding, declared: &'static encoding_rs::Encoding) -> bool {
    let may_be_wrong = match detected {
        Encoding::Utf8 => std::str::from_utf8(text).is_err_and(|error| error.error_len().is_some()),
        Encoding::Cp437 | Encoding::Windows1252 => true,
        Encoding::Ascii | Encoding::Utf8Bom | Encoding::Utf16Le | Encoding::Utf16Be => false,
    };
    // A declaration that is readable as ASCII cannot be in UTF-16, even if it claims to be.
    may_be_wrong && declared.is_ascii_compatible() && decodes(text, declared)
}

/// Returns whether a text, which may be cut within a character, is valid in an encoding.
fn decodes(text: &[u8], encoding: &'static encoding_rs::Encoding) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(text.len());
    let mut out = String::with_capacity(room.unwrap_or_default());
    let (result, _) = decoder.decode_to_string_without_replacement(text, &mut out, false);
    result == encoding_rs::DecoderResult::InputEmpty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sauce(comments: usize) -> Vec<u8> {
        let mut record = b"\x1A".to_vec();
        if comments > 0 {
            record.extend(b"COMNT");
            record.extend(
                [b"A comment"[..].to_vec(), vec![0; 55]]
                    .concat()
                    .repeat(comments),
            );
        }
        record.extend(b"SAUCE00Title");
        record.resize(record.len() + 116, 0);
        record
    }

    #[test]
    fn text_is_recognized() {
        let art = b"\xDB\xDB\xB2 art \x0e\r\n and more text to make it mostly text";
        let little: Vec<u8> = "Title: Été\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "Title: Été\r\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for text in [
            &b"plain words\r\n"[..],
            b"\xFF\xFEa\0",
            art,
            &[&art[..], &sauce(0)].concat(),
            &[&art[..], &sauce(0)[1..]].concat(),
            &[&art[..], &sauce(0), b"\r\n"].concat(),
            &[&art[..], &sauce(3)].concat(),
            &[&art[..], &sauce(5)[..200]].concat(),
            &[&art[..], &[0; 100]].concat(),
            &little,
            &big,
        ] {
            assert!(looks_like_text(text), "{text:?}");
        }
    }

    #[test]
    fn binary_is_not_text() {
        let numbers: Vec<u8> = (1..200_u16).flat_map(u16::to_le_bytes).collect();
        for bytes in [
            &b"a\0b"[..],
            b"\x01\x02\x03",
            &[0; 50],
            &numbers,
            &[&[0; 40][..], &sauce(0)].concat(),
            b"SAUCE00 is a mark\0 and not a record",
            &[&b"SAUCE00"[..], &[b'x'; 300], b"\0\x01\x02"].concat(),
        ] {
            assert!(!looks_like_text(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn markup_and_encodings_are_detected() {
        let drawn = b"\xDB\xDB\xDB\xB2\xB1\xB0 NFO";
        for (sample, format, encoding) in [
            (&b"Hello\r\n"[..], Format::Text, "ascii"),
            ("  <!DOCTYPE html><p>é".as_bytes(), Format::Html, "utf-8"),
            (
                b"<?xml version='1.0'?>\n<FictionBook>",
                Format::FictionBook,
                "ascii",
            ),
            (b"<?xml version='1.0'?><x/>", Format::Xml, "ascii"),
            (drawn, Format::Text, "cp437"),
            (&[&drawn[..], &sauce(2)].concat(), Format::Text, "cp437"),
            (b"A\0B\0C\0D\0\r\0\n\0", Format::Text, "utf-16le"),
        ] {
            let info = read(sample);
            assert_eq!(info.format, format);
            assert_eq!(info.encoding.as_deref(), Some(encoding), "{sample:?}");
        }
    }

    #[test]
    fn declared_encoding_counts_if_the_bytes_fit() {
        let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode("Серая гавань");
        let (koi, _, _) = encoding_rs::KOI8_R.encode("Серая гавань");
        let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("灰色の港");
        for (start, text, encoding) in [
            (
                "<?xml version=\"1.0\" encoding=\"windows-1251\"?><FictionBook>",
                &cyrillic[..],
                "windows-1251",
            ),
            (
                "<?xml version='1.0' encoding = 'WINDOWS-1251' standalone='no'?><x>",
                &cyrillic,
                "windows-1251",
            ),
            (
                "<?xml version='1.0' encoding='koi8-r'?><FictionBook>",
                &koi,
                "koi8-r",
            ),
            (
                "<html><head><meta charset=\"windows-1251\">",
                &cyrillic,
                "windows-1251",
            ),
            (
                "<html><META http-equiv='Content-Type' content='text/html; charset=cp1251'>",
                &cyrillic,
                "windows-1251",
            ),
            ("<html><meta charset=Shift_JIS>", &japanese, "shift_jis"),
            (
                "<html><meta charset='iso-8859-1'>",
                b"caf\xE9",
                "windows-1252",
            ),
            // Declarations that are wrong.
            (
                "<?xml version='1.0' encoding='windows-1251'?><x>",
                "Серая".as_bytes(),
                "utf-8",
            ),
            (
                "<?xml version='1.0' encoding='utf-8'?><x>",
                b"caf\xE9 noir",
                "windows-1252",
            ),
            (
                "<?xml version='1.0' encoding='utf-16'?><x>",
                b"caf\xE9 noir",
                "windows-1252",
            ),
            (
                "<?xml version='1.0' encoding='made-up'?><x>",
                b"caf\xE9 noir",
                "windows-1252",
            ),
            (
                "<?xml version='1.0'?><x encoding='koi8-r'>",
                b"caf\xE9 noir",
                "windows-1252",
            ),
            (
                "\u{FEFF}<?xml version='1.0' encoding='koi8-r'?><x>",
                "é".as_bytes(),
                "utf-8-bom",
            ),
            (
                "<?xml version='1.0' encoding='koi8-r'?><x>",
                b"plain",
                "ascii",
            ),
            // Not markup.
            (
                "encoding='windows-1251' charset=koi8-r",
                b"caf\xE9 noir",
                "windows-1252",
            ),
        ] {
            let sample = [start.as_bytes(), text].concat();
            assert_eq!(read(&sample).encoding.as_deref(), Some(encoding), "{start}");
        }
    }
}
