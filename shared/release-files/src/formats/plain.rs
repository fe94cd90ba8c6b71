//! Detects the encoding and the markup of plain text.

use text::encoding;

use super::format::Format;
use super::model::MediaInfo;

/// The size of the sample for encoding detection, in bytes.
pub const SAMPLE_BYTES: u64 = 64 * 1024;

/// Describes the text that begins with `sample`.
#[must_use]
pub fn read(sample: &[u8]) -> MediaInfo {
    let encoding = encoding::detect(sample);
    let start = encoding::decode(&sample[..sample.len().min(1024)], encoding);
    MediaInfo {
        encoding: Some(encoding),
        ..MediaInfo::new(markup(start.trim_start()))
    }
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

#[cfg(test)]
mod tests {
    use text::encoding::Encoding;

    use super::*;

    #[test]
    fn markup_and_encodings_are_detected() {
        for (sample, format, encoding) in [
            (&b"Hello\r\n"[..], Format::Text, Encoding::Ascii),
            (
                "  <!DOCTYPE html><p>é".as_bytes(),
                Format::Html,
                Encoding::Utf8,
            ),
            (
                b"<?xml version='1.0'?>\n<FictionBook>",
                Format::FictionBook,
                Encoding::Ascii,
            ),
            (b"<?xml version='1.0'?><x/>", Format::Xml, Encoding::Ascii),
            (
                b"\xDB\xDB\xDB\xB2\xB1\xB0 NFO",
                Format::Text,
                Encoding::Cp437,
            ),
        ] {
            let info = read(sample);
            assert_eq!(info.format, format);
            assert_eq!(info.encoding, Some(encoding));
        }
    }
}
