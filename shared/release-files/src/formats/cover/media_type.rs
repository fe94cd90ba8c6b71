//! The media types of images, by their first bytes.

use super::super::format::Format;
use super::super::xml::{self, Node};
use super::super::{detect, marks};

/// The number of bytes at the start of a file that [`find`] needs.
pub const HEAD_BYTES: u64 = detect::HEAD_BYTES;

/// The marks of images that are no format of an analysis, with their offset.
const MARKS: [(usize, &[u8], &str); 9] = [
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"JXL \r\n\x87\n", "image/jxl"),
    (0, b"\xFF\x0A", "image/jxl"),
    (4, b"jP  \r\n\x87\n", "image/jp2"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"BM", "image/bmp"),
];

/// Returns the media type of the image that begins with `head`, or `None` if it is no image.
pub fn find(head: &[u8]) -> Option<&'static str> {
    let has = |offset: usize, mark| head.get(offset..).is_some_and(|at| at.starts_with(mark));
    // An AVIF is also a kind of MP4.
    let marked = MARKS.iter().find(|(offset, mark, _)| has(*offset, mark));
    if let Some((.., media_type)) = marked {
        return Some(media_type);
    }
    match marks::find(head) {
        Some(format @ (Format::Jpeg | Format::Png | Format::Gif | Format::Webp)) => {
            Some(format.media_type())
        }
        Some(_) => None,
        None => is_svg(head).then_some("image/svg+xml"),
    }
}

/// Returns whether the first element is that of an SVG. A page may have one further inside.
fn is_svg(head: &[u8]) -> bool {
    let mut root = None;
    xml::walk_html(&xml::decode(head), &mut |node| {
        if let Node::Open(name, _) = node
            && root.is_none()
        {
            root = Some(name == "svg");
        }
    });
    root == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_content() {
        for (head, expected) in [
            (&b"\xFF\xD8\xFF\xE0"[..], Some("image/jpeg")),
            (b"\x89PNG\r\n\x1A\n", Some("image/png")),
            (b"GIF89a\x01\0\x01\0\0\0\0", Some("image/gif")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x20ftypavif\0\0\0\0", Some("image/avif")),
            (b"II*\0\x08\0\0\0", Some("image/tiff")),
            (
                b"<?xml version='1.0'?><!DOCTYPE svg><svg xmlns='x'/>",
                Some("image/svg+xml"),
            ),
            (b"<s:svg xmlns:s='x'>", Some("image/svg+xml")),
            (b"<html><body><svg/></body></html>", None),
            (b"%PDF-1.4", None),
            (b"plain", None),
            (b"", None),
        ] {
            assert_eq!(find(head), expected, "{head:?}");
        }
    }
}
