//! The marks by which formats are known.
//!
//! A mark of letters alone also begins a text about it. It counts only if a field of the format
//! follows that cannot be text.

use super::format::Format;

/// The marks that no text has, with their offset.
const BYTES: [(usize, &[u8], Format); 4] = [
    (0, b"Rar!\x1A\x07", Format::Rar),
    (0, b"7z\xBC\xAF\x27\x1C", Format::SevenZip),
    (0, b"\x89PNG\r\n\x1A\n", Format::Png),
    (0, b"\x1A\x45\xDF\xA3", Format::Matroska),
];

/// A format, and a check of a file's first bytes for it.
type Check = (Format, fn(&[u8]) -> bool);

/// The formats whose marks need more than a comparison.
const CHECKS: [Check; 13] = [
    (Format::Gzip, is_gzip),
    (Format::Jpeg, is_jpeg),
    (Format::Mobi, is_mobi),
    (Format::Djvu, |head| follows(head, b"AT&TFORM", is_control)),
    (Format::Gif, is_gif),
    (Format::Webp, |head| is_riff(head, b"WEBP")),
    (Format::Wav, |head| is_riff(head, b"WAVE")),
    // The version: 2.2, 2.3 or 2.4.
    (Format::Mp3, |head| follows(head, b"ID3", is_control)),
    // The first block, which is the only one or is not.
    (Format::Flac, |head| {
        follows(head, b"fLaC", |byte| matches!(byte, 0 | 0x80))
    }),
    (Format::Ogg, |head| follows(head, b"OggS", |byte| byte == 0)),
    (Format::Mp4, is_mp4),
    (Format::Chm, |head| follows(head, b"ITSF", is_control)),
    (Format::Rtf, is_rtf),
];

/// Returns the format whose mark the file that begins with `head` has.
pub fn find(head: &[u8]) -> Option<Format> {
    let bytes = BYTES
        .iter()
        .find(|(offset, mark, _)| has(head, *offset, mark));
    let check = || CHECKS.iter().find(|(_, check)| check(head));
    bytes
        .map(|(.., format)| *format)
        .or_else(|| check().map(|(format, _)| *format))
}

fn has(head: &[u8], offset: usize, mark: &[u8]) -> bool {
    head.get(offset..)
        .is_some_and(|rest| rest.starts_with(mark))
}

/// Returns whether the file begins with a mark, and whether this is true of the next byte.
fn follows(head: &[u8], mark: &[u8], is_field: fn(u8) -> bool) -> bool {
    let next = head.strip_prefix(mark).and_then(|rest| rest.first());
    next.is_some_and(|byte| is_field(*byte))
}

/// Returns whether a byte is a control character before the tab. Texts have none.
fn is_control(byte: u8) -> bool {
    byte < b'\t'
}

/// The method is deflate, and no reserved flag is set.
fn is_gzip(head: &[u8]) -> bool {
    has(head, 0, b"\x1F\x8B\x08") && head.get(3).is_none_or(|flags| *flags < 0x20)
}

/// A segment follows the start of the image. In CP437, the mark is `╪` between two blanks.
fn is_jpeg(head: &[u8]) -> bool {
    let is_segment = |byte: &u8| matches!(byte, 0xC0..=0xCF | 0xDB..=0xFE);
    has(head, 0, b"\xFF\xD8\xFF") && head.get(3).is_none_or(is_segment)
}

/// The name and the dates before the mark have zeros.
fn is_mobi(head: &[u8]) -> bool {
    has(head, 60, b"BOOKMOBI") && head[..60].contains(&0)
}

/// A size, flags, a color and a ratio follow. The last two are nearly always zero.
fn is_gif(head: &[u8]) -> bool {
    let screen = head
        .strip_prefix(b"GIF87a")
        .or_else(|| head.strip_prefix(b"GIF89a"));
    screen.is_some_and(|screen| screen.iter().take(7).any(|byte| is_control(*byte)))
}

/// The high byte of the file's size or of the first chunk's is small.
fn is_riff(head: &[u8], kind: &[u8]) -> bool {
    let is_small = |at: usize| head.get(at).is_some_and(|byte| is_control(*byte));
    let (size, chunk_size) = match head.get(..4) {
        Some(b"RIFF" | b"RF64" | b"BW64") => (7, 19),
        Some(b"RIFX") => (4, 16),
        _ => return false,
    };
    has(head, 8, kind) && (is_small(size) || is_small(chunk_size))
}

/// The high byte of the first box's size is zero.
fn is_mp4(head: &[u8]) -> bool {
    has(head, 4, b"ftyp") && head[0] == 0
}

/// The version, another word or a group follows; blanks may be between.
fn is_rtf(head: &[u8]) -> bool {
    let next = |rest: &[u8]| match rest.first() {
        Some(byte) if byte.is_ascii_digit() => true,
        _ => matches!(rest.trim_ascii_start().first(), Some(b'\\' | b'{' | b'}')),
    };
    head.strip_prefix(b"{\\rtf").is_some_and(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mobi(start: &[u8]) -> Vec<u8> {
        let mut head = start.to_vec();
        head.resize(60, 0);
        [&head[..], b"BOOKMOBI\0\0"].concat()
    }

    #[test]
    fn every_format_is_known_by_its_mark() {
        let mobi = mobi(b"A_Title");
        for (head, format) in [
            (&b"Rar!\x1A\x07\x01\0"[..], Format::Rar),
            (b"7z\xBC\xAF\x27\x1C\0\x04", Format::SevenZip),
            (b"\x1F\x8B\x08\x08\0\0", Format::Gzip),
            (&mobi, Format::Mobi),
            (b"AT&TFORM\0\0\x10\0DJVUINFO", Format::Djvu),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", Format::Jpeg),
            (b"\xFF\xD8\xFF\xDB\0\x43", Format::Jpeg),
            (b"\x89PNG\r\n\x1A\n\0\0", Format::Png),
            (b"GIF89a\x01\0\x01\0\x80\0\0", Format::Gif),
            (b"GIF87a\x20\x20\x20\x20\xF7\0\0", Format::Gif),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Format::Webp),
            (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", Format::Wav),
            (b"RIFFaaaaWAVEfmt \x10\0\0\0", Format::Wav),
            (b"RIFX\0\0\0\x24WAVEfmt \0\0\0\x10", Format::Wav),
            (b"ID3\x03\0\0\0\0\0\0", Format::Mp3),
            (b"fLaC\0\0\0\x22", Format::Flac),
            (b"fLaC\x80\0\0\x22", Format::Flac),
            (b"OggS\0\x02\0\0", Format::Ogg),
            (b"\0\0\0\x18ftypisom", Format::Mp4),
            (b"\x1A\x45\xDF\xA3\x01", Format::Matroska),
            (b"ITSF\x03\0\0\0", Format::Chm),
            (b"{\\rtf1\\ansi A}", Format::Rtf),
            (b"{\\rtf\\ansi A}", Format::Rtf),
            (b"{\\rtf \r\n{\\fonttbl}}", Format::Rtf),
        ] {
            assert_eq!(find(head), Some(format), "{head:?}");
            for cut in 0..head.len() {
                let found = find(&head[..cut]);
                assert!(found.is_none_or(|found| found == format), "{head:?}");
            }
        }
    }

    #[test]
    fn texts_about_marks_have_none() {
        let mobi = [&[b'x'; 60][..], b"BOOKMOBI at byte sixty"].concat();
        for head in [
            &b"GIF89a was published in 1989."[..],
            b"GIF89a  and GIF87a",
            b"GIF89a\r\nGIF87a\r\n",
            b"GIF89a",
            b"GIF89a \xE0 la mode",
            b"ID3 tags: a guide",
            b"ID3\r\n===\r\n",
            b"ID3v2",
            b"The New WAVE of sea novels",
            b"RIFF or WAVE: a question",
            b"RIFFs\r\n\r\nWEBP\r\n",
            b"ITSF: a text",
            b"ITSF\nCHM",
            b"fLaC is free",
            b"OggS begins a page",
            b"The ftyp box",
            b"AT&TFORMs and others",
            b"{\\rtf is the mark",
            b"Rar! is a mark",
            b"7z is a mark",
            b"\xFF\xD8\xFF\xD8\xFF\xD8 drawn",
            b"\x1F\x8B\x1F\x8B drawn",
            b"PNG",
            b"BM",
            b"MZ",
            &mobi,
        ] {
            assert_eq!(find(head), None, "{head:?}");
        }
    }
}
