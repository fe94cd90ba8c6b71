//! Checks of the media types: of items, of the reading order, and of images by their first bytes.

use super::package::{Item, Package, Version};
use super::package_document::MAX_FALLBACKS;
use super::{FindingId as Id, FindingList, Spot};

/// The media type of XHTML.
pub const XHTML: &str = "application/xhtml+xml";
/// The media type of SVG.
pub const SVG: &str = "image/svg+xml";
/// The media type of an NCX.
pub const NCX: &str = "application/x-dtbncx+xml";

/// The images with a mark at their start.
const MARKS: [(&str, &[u8]); 3] = [
    ("image/jpeg", b"\xFF\xD8"),
    ("image/gif", b"GIF8"),
    ("image/png", b"\x89PNG"),
];

/// The bytes of an image that [`check_image`] looks at.
pub const MARK_BYTES: usize = 4;

/// Whether a type is that of a document that any reading system shows.
pub fn is_content_type(media_type: &str, version: Version) -> bool {
    match version {
        Version::Two => matches!(media_type, XHTML | "application/x-dtbook+xml"),
        Version::Three => matches!(media_type, XHTML | SVG),
    }
}

/// Whether a type is a former name of one of a document.
pub fn is_former_content_type(media_type: &str) -> bool {
    matches!(media_type, "text/x-oeb1-document" | "text/html")
}

fn is_image_type(media_type: &str) -> bool {
    matches!(media_type, "image/gif" | "image/png" | "image/jpeg" | SVG)
}

/// Whether a type is that of a document that is read.
pub fn is_markup(media_type: &str, version: Version) -> bool {
    matches!(media_type, XHTML | SVG | NCX)
        || (version == Version::Two && is_former_content_type(media_type))
}

/// Whether a link to an item leads to a document: to itself or to a fallback.
pub fn has_content(package: &Package, item: &Item, version: Version) -> bool {
    let mut next = Some(item);
    for _ in 0..MAX_FALLBACKS {
        let Some(item) = next else { return false };
        let media_type = item.media_type.as_str();
        if is_content_type(media_type, version) || is_former_content_type(media_type) {
            return true;
        }
        let fallback = item.fallback.as_deref();
        next = fallback.and_then(|id| package.item(id));
    }
    false
}

/// Checks the types of the items.
pub fn check(package: &Package, version: Version, findings: &mut FindingList) {
    for item in &package.items {
        if version == Version::Two {
            check_former_type(package, item, findings);
        }
        check_extension(package, item, version, findings);
        if item.position.is_some() {
            check_spine_type(package, item, version, findings);
        }
    }
}

fn check_former_type(package: &Package, item: &Item, findings: &mut FindingList) {
    let (spot, id) = (Spot::line(&package.path, item.line), &item.id);
    match item.media_type.as_str() {
        "text/html" => {
            let message = format!("The item {id:?} has the type text/html instead of {XHTML}.");
            findings.add(Id::Opf035, spot, message);
        }
        former @ ("text/x-oeb1-document" | "text/x-oeb1-css") => {
            let message = format!("The item {id:?} has the deprecated type {former}.");
            findings.add(Id::Opf037, spot, message);
        }
        _ => {}
    }
}

fn check_extension(package: &Package, item: &Item, version: Version, findings: &mut FindingList) {
    let Some(path) = item.path.as_deref().filter(|_| item.media_type == XHTML) else {
        return;
    };
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let extension = extension.to_ascii_lowercase();
    match version {
        Version::Three if extension != "xhtml" => {
            let message = format!("The name of the XHTML document {path:?} has no .xhtml.");
            findings.add(Id::Htm014a, Spot::line(&package.path, item.line), message);
        }
        Version::Two if !matches!(extension.as_str(), "html" | "htm" | "xhtml") => {
            let message = format!("The extension of the document {path:?} is not one of XHTML.");
            findings.add(Id::Htm014, Spot::file(path), message);
        }
        _ => {}
    }
}

fn check_spine_type(package: &Package, item: &Item, version: Version, findings: &mut FindingList) {
    let (media_type, id) = (item.media_type.as_str(), &item.id);
    let spot = Spot::line(&package.path, item.line);
    if is_content_type(media_type, version) {
        return;
    }
    if version == Version::Two {
        if is_image_type(media_type) || matches!(media_type, "text/css" | "text/x-oeb1-css") {
            let message = format!("The reading order has {id:?}, which is of type {media_type}.");
            findings.add(Id::Opf042, spot, message);
            return;
        }
        if is_former_content_type(media_type) {
            return;
        }
    }
    match item.fallback.as_deref().map(|id| package.item(id)) {
        None => {
            let message = format!(
                "The reading order has {id:?} of type {media_type}, which has no fallback."
            );
            findings.add(Id::Opf043, spot, message);
        }
        Some(None) if version == Version::Two => {}
        Some(_) if !has_fallback(package, item, version) => {
            let message = format!("No fallback of {id:?} is an XHTML or SVG document.");
            findings.add(Id::Opf044, spot, message);
        }
        Some(_) => {}
    }
}

/// Whether a fallback of an item is a document.
fn has_fallback(package: &Package, item: &Item, version: Version) -> bool {
    let fallback = item.fallback.as_deref().and_then(|id| package.item(id));
    fallback.is_some_and(|item| has_content(package, item, version))
}

/// Whether the first bytes of an item's file tell its type.
pub fn has_mark(item: &Item) -> bool {
    MARKS
        .iter()
        .any(|(media_type, _)| *media_type == item.media_type)
}

/// Checks an image by its first bytes.
pub fn check_image(item: &Item, path: &str, head: &[u8], findings: &mut FindingList) {
    let mut marks = MARKS
        .iter()
        .filter(|(media_type, _)| *media_type == item.media_type);
    let is_like_it = marks.any(|(_, mark)| head.starts_with(mark));
    if head.len() >= MARK_BYTES && !is_like_it {
        let media_type = &item.media_type;
        let message = format!("The content of {path:?} is not of the type {media_type}.");
        findings.add(Id::Opf029, Spot::file(path), message);
    }
}

/// Whether a text is a UUID.
pub fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<_> = text.split('-').collect();
    let is_part = |(part, length): (&&str, usize)| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    parts.len() == lengths.len() && parts.iter().zip(lengths).all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_has_five_parts() {
        assert!(is_uuid("0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11"));
        for text in [
            "",
            "0f9ba4b09c1a4e539c0c5c5a7f0a4a11",
            "0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4ag1",
        ] {
            assert!(!is_uuid(text), "{text}");
        }
    }

    #[test]
    fn image_is_known_by_its_first_bytes() {
        let found = |media_type: &str, head: &[u8]| {
            let item = Item {
                media_type: media_type.to_owned(),
                ..Item::default()
            };
            let mut findings = FindingList::default();
            check_image(&item, "a", head, &mut findings);
            findings.finish().1
        };
        assert_eq!(found("image/png", b"\x89PNG"), 0);
        assert_eq!(found("image/png", b"\xFF\xD8\xFF\xE0"), 1);
        assert_eq!(found("image/jpeg", b"\xFF\xD8\xFF\xE0"), 0);
        assert_eq!(found("image/gif", b"GIF89a"), 0);
        assert_eq!(found("image/gif", b""), 0);
    }
}
