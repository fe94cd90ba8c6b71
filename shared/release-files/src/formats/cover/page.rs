//! A page of an EPUB that shows its cover.

use super::super::chapter;
use super::super::xml::{self, Node};

/// The most words, or characters of scripts without words, of a page that is there for its image: a
/// heading such as "Front cover".
const MAX_WORDS: u64 = 3;

/// Returns the address of the first image of a document: of an `img`, or of an `image` in an SVG.
pub fn first_image(document: &str) -> Option<String> {
    let mut found = None;
    xml::walk_html(document, &mut |node| {
        if let Node::Open(name, attributes) = node
            && found.is_none()
        {
            found = match name.to_ascii_lowercase().as_str() {
                "img" => attributes.get("src"),
                "image" => attributes.get("href"),
                _ => None,
            };
        }
    });
    found
}

/// Returns whether a document has hardly any text.
pub fn is_image_page(document: &str) -> bool {
    chapter::read(document)
        .is_some_and(|reading| reading.length.words + reading.length.characters <= MAX_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_image_is_an_img_or_one_in_an_svg() {
        for (document, expected) in [
            (
                "<body><img src='a%20b.jpg' alt=''><img src='c'></body>",
                Some("a%20b.jpg"),
            ),
            (
                "<body><svg:svg xmlns:svg='s'><svg:image xlink:href='../a.png'/></svg:svg></body>",
                Some("../a.png"),
            ),
            ("<svg><image href='b.png'/></svg>", Some("b.png")),
            ("<body><IMG SRC='no'><p>x</p></body>", None),
            ("<body><p>No image</p></body>", None),
        ] {
            assert_eq!(first_image(document).as_deref(), expected, "{document}");
        }
    }

    #[test]
    fn page_with_a_text_is_no_image_page() {
        assert!(is_image_page(
            "<body><h1>Front cover</h1><img src='a'/></body>"
        ));
        assert!(!is_image_page(
            "<body><p>Once upon a time</p><img src='a'/></body>"
        ));
    }
}
