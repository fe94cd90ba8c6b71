//! Reads a document of an EPUB: the length of its text, and its images.

use super::findings::DocumentReader;
use super::words::Length;
use super::xml::{self, Attributes, Node};

/// Elements that do not end a word, as in `<b>W</b>ord`.
pub(super) const INLINE: [&str; 35] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "ins", "kbd", "mark", "q", "rb", "rbc", "ruby", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];
/// Elements whose text is not read, replaces what a reader cannot show, or is a reading aid.
pub(super) const HIDDEN: [&str; 14] = [
    "head",
    "script",
    "style",
    "template",
    "noscript",
    "audio",
    "video",
    "object",
    "annotation",
    "desc",
    "title",
    "rp",
    "rt",
    "rtc",
];

/// What a document has to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// The length of its text.
    pub length: Length,
    /// The number of its images (`img`).
    pub images: u64,
    /// The number of those images that have no text and are not for decoration.
    pub images_without_text: u64,
}

/// Reads a document; `None` if its markup is so faulty that its end was not reached.
pub fn read(document: &str) -> Option<Reading> {
    let mut counter = Counter::default();
    let is_whole = xml::walk_html(document, &mut |node| counter.visit(&node));
    counter.finish(is_whole)
}

/// Reads a document like [`read`], and shows each event to another reader, too.
pub fn read_with(document: &str, reader: &mut DocumentReader<'_>) -> Option<Reading> {
    let mut counter = Counter::default();
    let is_whole = xml::walk_events(document, &mut |event, end| {
        reader.visit(event, end);
        xml::visit_event(event, &mut |node| counter.visit(&node));
    });
    reader.end(is_whole);
    counter.finish(is_whole)
}

#[derive(Default)]
struct Counter {
    reading: Reading,
    /// The text of the block so far.
    block: String,
    /// The outermost open element that is hidden, and how many of its name are open.
    hidden: Option<(String, u32)>,
}

impl Counter {
    fn finish(mut self, is_whole: bool) -> Option<Reading> {
        self.end_block();
        is_whole.then_some(self.reading)
    }

    fn visit(&mut self, node: &Node<'_>) {
        match node {
            Node::Open(name, attributes) => {
                self.end_block_at(name);
                match &mut self.hidden {
                    Some((hidden, depth)) => *depth += u32::from(hidden == name),
                    None if HIDDEN.contains(name) => self.hidden = Some(((*name).to_owned(), 1)),
                    None if *name == "img" => {
                        self.reading.images += 1;
                        self.reading.images_without_text += u64::from(lacks_text(attributes));
                    }
                    None => {}
                }
            }
            Node::Text(text) if self.hidden.is_none() => self.block.push_str(text),
            Node::Text(_) => {}
            Node::Close(name) => {
                self.end_block_at(name);
                if let Some((hidden, depth)) = &mut self.hidden {
                    *depth -= u32::from(hidden == name);
                    if *depth == 0 {
                        self.hidden = None;
                    }
                }
            }
        }
    }

    fn end_block_at(&mut self, name: &str) {
        let is_reading_aid = matches!(name, "rp" | "rt" | "rtc");
        if !INLINE.contains(&name) && !is_reading_aid {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        self.reading.length += Length::count(&self.block);
        self.block.clear();
    }
}

/// Whether an image has nothing to read, and does not say that it needs nothing.
fn lacks_text(image: &Attributes<'_>) -> bool {
    let role = image.get("role").unwrap_or_default();
    let is_hidden = role == "presentation"
        || role == "none"
        || image.get("aria-hidden").as_deref() == Some("true");
    let labels = ["aria-label", "aria-labelledby"];
    let has_label = labels
        .iter()
        .any(|label| image.get(label).is_some_and(|text| !text.trim().is_empty()));
    // An empty `alt` says that the image is for decoration.
    !is_hidden && !has_label && image.get("alt").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(body: &str) -> (u64, u64) {
        let document =
            format!("<html><head><title>Not read</title></head><body>{body}</body></html>");
        let length = read(&document).unwrap().length;
        (length.words, length.characters)
    }

    #[test]
    fn words_are_counted_as_a_person_reads_them() {
        for (body, expected) in [
            ("<p>One two, three.</p><p>Four</p>", (4, 0)),
            ("<p><b>W</b>ord and an<i>other</i></p>", (3, 0)),
            (
                "<p>Caf&eacute; d'&#xE9;t&#233; can't &mdash; 1,234.5</p>",
                (4, 0),
            ),
            ("<p>one<br/>two</p><td>three</td><td>four</td>", (4, 0)),
            ("<script>var a = 1;</script><style>p {}</style>x", (1, 0)),
            ("<p>Salt & sea", (2, 0)),
            ("", (0, 0)),
        ] {
            assert_eq!(counted(body), expected, "{body}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_counted_in_characters() {
        for (body, expected) in [
            ("<p>吾輩は猫である。</p>", (0, 7)),
            ("<p><ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby></p>", (0, 2)),
            ("<p>カタカナ and words</p>", (2, 4)),
            ("<p>한국어 단어</p>", (2, 0)),
        ] {
            assert_eq!(counted(body), expected, "{body}");
        }
    }

    #[test]
    fn html_is_read_as_browsers_do() {
        for (document, words) in [
            (
                "<html><head><meta charset='utf-8'><title>No</title></head><p>one<br>two",
                2,
            ),
            ("<body><p>one two</p><p>three</b> four</body>", 4),
            (
                "<!DOCTYPE html [<!ENTITY nbsp '&#160;'>]><p>one&nbsp;two</p>",
                2,
            ),
            (
                "<p>one</p><style>p {</style><video>No video</video><p>two</p>",
                2,
            ),
        ] {
            assert_eq!(read(document).unwrap().length.words, words, "{document}");
        }
        assert_eq!(read("<p>one</p><!-- no end"), None);
    }

    #[test]
    fn images_need_a_text_unless_they_are_hidden() {
        let body = "<p>a <img src='a.png'/><img src='b' alt=''/><img src='c' alt='A map'/>\
            <img src='d' role='presentation'/><img src='e' aria-hidden='true'/>\
            <img src='f' aria-label=' '/></p>";
        let found = read(&format!("<html><body>{body}</body></html>")).unwrap();
        assert_eq!((found.images, found.images_without_text), (6, 2));
        assert_eq!(found.length.words, 1);
    }
}
