//! Detects the format of a file from its first bytes.

use super::format::Format;

/// The number of bytes that [`detect`] needs.
pub const HEAD_BYTES: u64 = 4096;

/// The largest offset of a PDF header, in bytes.
const MAX_PDF_HEADER_OFFSET: usize = 1024;

/// The magic bytes of formats, with their offset.
const MAGIC: [(usize, &[u8], Format); 17] = [
    (0, b"Rar!\x1A\x07", Format::Rar),
    (0, b"7z\xBC\xAF\x27\x1C", Format::SevenZip),
    (0, b"\x1F\x8B", Format::Gzip),
    (60, b"BOOKMOBI", Format::Mobi),
    (0, b"AT&TFORM", Format::Djvu),
    (0, b"\xFF\xD8\xFF", Format::Jpeg),
    (0, b"\x89PNG\r\n\x1A\n", Format::Png),
    (0, b"GIF8", Format::Gif),
    (8, b"WEBP", Format::Webp),
    (8, b"WAVE", Format::Wav),
    (0, b"ID3", Format::Mp3),
    (0, b"fLaC", Format::Flac),
    (0, b"OggS", Format::Ogg),
    (4, b"ftyp", Format::Mp4),
    (0, b"\x1A\x45\xDF\xA3", Format::Matroska),
    (0, b"ITSF", Format::Chm),
    (0, b"{\\rtf", Format::Rtf),
];

/// Detects the format of the file that begins with `head`. A [`Format::Zip`] may turn out to be an
/// EPUB or a comic by its entries, and a [`Format::Text`] to have markup by its beginning.
#[must_use]
pub fn detect(head: &[u8]) -> Format {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Format::Zip;
    }
    let early = &head[..head.len().min(MAX_PDF_HEADER_OFFSET)];
    if early.windows(5).any(|window| window == b"%PDF-") {
        return Format::Pdf;
    }
    let matches = |(offset, magic, _): &&(usize, &[u8], Format)| {
        head.get(*offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    match MAGIC.iter().find(matches) {
        Some(&(.., format)) => format,
        None if looks_like_text(head) => Format::Text,
        None => Format::Unknown,
    }
}

/// Returns whether the file looks like text: no NUL, except in UTF-16, and few other control
/// characters. Some are allowed because NFOs use the low CP437 glyphs, which are control
/// characters.
fn looks_like_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return true;
    }
    let control = |byte: &&u8| matches!(byte, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    let controls = head.iter().filter(control).count();
    !head.contains(&0) && controls * 20 <= head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_detected_by_content() {
        for (head, expected) in [
            (&b"PK\x03\x04rest"[..], Format::Zip),
            (b"PK\x05\x06", Format::Zip),
            (b"%PDF-1.4", Format::Pdf),
            (b"\n\njunk %PDF-1.4", Format::Pdf),
            (b"GIF89a", Format::Gif),
            (b"RIFF....WEBPVP8 ", Format::Webp),
            (b"plain words\r\n", Format::Text),
            (b"\xFF\xFEa\0", Format::Text),
            (
                b"\xDB\xDB\xB2 art \x0e\r\n and more text to make it mostly text",
                Format::Text,
            ),
            (b"a\0b", Format::Unknown),
            (b"\x01\x02\x03", Format::Unknown),
        ] {
            assert_eq!(detect(head), expected, "{head:?}");
        }
        let mut mobi = vec![b'x'; 60];
        mobi.extend(b"BOOKMOBI");
        assert_eq!(detect(&mobi), Format::Mobi);
        assert_eq!(Format::Gif.media_type(), "image/gif");
        assert_eq!(Format::Webp.media_type(), "image/webp");
    }
}
