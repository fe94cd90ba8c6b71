//! What kind of file it is, from its first bytes.

/// How many of the first bytes [`detect`] wants to see.
pub const HEAD: u64 = 4096;

/// How far into the file a PDF's header may stand.
const PDF_HEADER_WITHIN: usize = 1024;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A PDF.
    Pdf,
    /// A zip archive; its entries tell an EPUB from a comic.
    Zip,
    /// A kind that is known by name only: its format and media type.
    Other(&'static str, &'static str),
    /// Text, as far as the first bytes show.
    Text,
    /// Nothing known.
    Unknown,
}

/// Formats known by the bytes at an offset.
const MAGIC: [(usize, &[u8], &str, &str); 17] = [
    (0, b"Rar!\x1A\x07", "rar", "application/vnd.rar"),
    (
        0,
        b"7z\xBC\xAF\x27\x1C",
        "7z",
        "application/x-7z-compressed",
    ),
    (0, b"\x1F\x8B", "gzip", "application/gzip"),
    (60, b"BOOKMOBI", "mobi", "application/x-mobipocket-ebook"),
    (0, b"AT&TFORM", "djvu", "image/vnd.djvu"),
    (0, b"\xFF\xD8\xFF", "jpeg", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1A\n", "png", "image/png"),
    (0, b"GIF8", "gif", "image/gif"),
    (8, b"WEBP", "webp", "image/webp"),
    (8, b"WAVE", "wav", "audio/wav"),
    (0, b"ID3", "mp3", "audio/mpeg"),
    (0, b"fLaC", "flac", "audio/flac"),
    (0, b"OggS", "ogg", "audio/ogg"),
    (4, b"ftyp", "mp4", "video/mp4"),
    (0, b"\x1A\x45\xDF\xA3", "matroska", "video/x-matroska"),
    (0, b"ITSF", "chm", "application/vnd.ms-htmlhelp"),
    (0, b"{\\rtf", "rtf", "application/rtf"),
];

/// The kind of the file that begins with `head`.
#[must_use]
pub fn detect(head: &[u8]) -> Kind {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    let early = &head[..head.len().min(PDF_HEADER_WITHIN)];
    if early.windows(5).any(|window| window == b"%PDF-") {
        return Kind::Pdf;
    }
    let matches = |(at, magic, ..): &&(usize, &[u8], &str, &str)| {
        head.get(*at..).is_some_and(|rest| rest.starts_with(magic))
    };
    match MAGIC.iter().find(matches) {
        Some(&(_, _, format, media_type)) => Kind::Other(format, media_type),
        None if looks_like_text(head) => Kind::Text,
        None => Kind::Unknown,
    }
}

/// Text has no NUL (but in UTF-16) and few other control characters. The low CP437 glyphs that
/// NFOs draw with are control characters too, so a few are allowed.
fn looks_like_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return true;
    }
    let control = |byte: &&u8| matches!(byte, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    let controls = head.iter().filter(control).count();
    !head.contains(&0) && controls * 20 <= head.len()
}

/// The extensions that files of a format usually have; empty where any will do.
#[must_use]
pub fn usual_extensions(format: &str) -> &'static [&'static str] {
    match format {
        "epub" => &["epub"],
        "pdf" => &["pdf"],
        "cbz" => &["cbz", "zip"],
        "rar" => &["rar", "cbr"],
        "7z" => &["7z", "cb7"],
        "mobi" => &["mobi", "azw", "azw3", "prc"],
        "djvu" => &["djvu", "djv"],
        "jpeg" => &["jpg", "jpeg", "jfif"],
        "png" => &["png"],
        "gif" => &["gif"],
        "webp" => &["webp"],
        "rtf" => &["rtf"],
        "chm" => &["chm"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_content() {
        for (head, expected) in [
            (&b"PK\x03\x04rest"[..], Kind::Zip),
            (b"PK\x05\x06", Kind::Zip),
            (b"%PDF-1.4", Kind::Pdf),
            (b"\n\njunk %PDF-1.4", Kind::Pdf),
            (b"GIF89a", Kind::Other("gif", "image/gif")),
            (b"RIFF....WEBPVP8 ", Kind::Other("webp", "image/webp")),
            (b"plain words\r\n", Kind::Text),
            (b"\xFF\xFEa\0", Kind::Text),
            (
                b"\xDB\xDB\xB2 art \x0e\r\n and more text to make it mostly text",
                Kind::Text,
            ),
            (b"a\0b", Kind::Unknown),
            (b"\x01\x02\x03", Kind::Unknown),
        ] {
            assert_eq!(detect(head), expected, "{head:?}");
        }
        let mut mobi = vec![b'x'; 60];
        mobi.extend(b"BOOKMOBI");
        assert!(matches!(detect(&mobi), Kind::Other("mobi", _)));
    }

    #[test]
    fn every_known_extension_belongs_to_a_known_format() {
        assert_eq!(usual_extensions("cbz"), ["cbz", "zip"]);
        for (_, _, format, _) in MAGIC {
            let _ = usual_extensions(format);
        }
        assert!(usual_extensions("text").is_empty());
    }
}
