//! Plain files: what can be said about a text.

use text::encoding;

use super::model::MediaInfo;

/// How much of a text is looked at to find its encoding, in bytes.
pub const SAMPLE: u64 = 64 * 1024;

/// What the first bytes of a text tell.
#[must_use]
pub fn read(sample: &[u8]) -> MediaInfo {
    let encoding = encoding::detect(sample);
    let start = encoding::decode(&sample[..sample.len().min(1024)], encoding);
    let (format, media_type) = dialect(start.trim_start());
    MediaInfo {
        format: format.to_owned(),
        media_type: media_type.to_owned(),
        encoding: Some(encoding.name().to_owned()),
        ..MediaInfo::default()
    }
}

fn dialect(start: &str) -> (&'static str, &'static str) {
    let lower = start.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.contains("<html") {
        ("html", "text/html")
    } else if lower.contains("<fictionbook") {
        ("fb2", "application/x-fictionbook+xml")
    } else if lower.starts_with("<?xml") {
        ("xml", "application/xml")
    } else {
        ("text", "text/plain")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_and_encodings_are_told_apart() {
        for (sample, format, encoding) in [
            (&b"Hello\r\n"[..], "text", "ascii"),
            ("  <!DOCTYPE html><p>é".as_bytes(), "html", "utf-8"),
            (b"<?xml version='1.0'?>\n<FictionBook>", "fb2", "ascii"),
            (b"<?xml version='1.0'?><x/>", "xml", "ascii"),
            (b"\xDB\xDB\xDB\xB2\xB1\xB0 NFO", "text", "cp437"),
        ] {
            let info = read(sample);
            assert_eq!(info.format, format);
            assert_eq!(info.encoding.as_deref(), Some(encoding));
        }
    }
}
