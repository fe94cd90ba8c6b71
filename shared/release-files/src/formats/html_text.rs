//! The text of a short piece of HTML, such as a description.

use super::xml::{Node, walk_html};

/// Elements between whose texts there is no space.
const INLINE: [&str; 12] = [
    "a", "abbr", "b", "cite", "em", "i", "q", "small", "span", "strong", "sub", "sup",
];

/// Returns the text of a piece of HTML as one paragraph. What only looks like HTML is returned as it
/// is.
pub(crate) fn html_text(html: &str) -> String {
    let mut text = String::new();
    let is_whole = walk_html(html, &mut |node| match node {
        Node::Text(piece) => text.push_str(piece),
        Node::Open(name, _) | Node::Close(name) if !INLINE.contains(&name) => text.push(' '),
        Node::Open(..) | Node::Close(_) => {}
    });
    let text = if is_whole { &text } else { html };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_left_out() {
        for (html, expected) in [
            ("A plain  text", "A plain text"),
            ("<p>One <b>t</b>wo.</p><p>Three</p>", "One two. Three"),
            ("Salt &amp; Sea &eacute;", "Salt & Sea é"),
            ("AT&T<br>B", "AT&T B"),
            ("1 < 2", "1 < 2"),
            ("", ""),
        ] {
            assert_eq!(html_text(html), expected, "{html}");
        }
    }
}
