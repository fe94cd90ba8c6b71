//! Markup around labels and values: Markdown, HTML and forum tags.

use std::borrow::Cow;

/// The marks of emphasis, those of several characters first.
const MARKS: [(&str, &str); 16] = [
    ("***", "***"),
    ("**", "**"),
    ("*", "*"),
    ("___", "___"),
    ("__", "__"),
    ("_", "_"),
    ("`", "`"),
    ("[b]", "[/b]"),
    ("[i]", "[/i]"),
    ("[u]", "[/u]"),
    ("<b>", "</b>"),
    ("<i>", "</i>"),
    ("<u>", "</u>"),
    ("<em>", "</em>"),
    ("<strong>", "</strong>"),
    ("<code>", "</code>"),
];
/// The tags with a parameter: their beginning, its last character, and the closing tag.
const TAGS_WITH_PARAMETER: [(&str, char, &str); 8] = [
    ("[color=", ']', "[/color]"),
    ("[size=", ']', "[/size]"),
    ("[font=", ']', "[/font]"),
    ("[url=", ']', "[/url]"),
    ("<a ", '>', "</a>"),
    ("<b ", '>', "</b>"),
    ("<font ", '>', "</font>"),
    ("<span ", '>', "</span>"),
];
/// The names of tags around a paragraph, an item or a row.
const BLOCKS: [&str; 13] = [
    "p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "tbody", "tr", "th", "td",
];
/// The largest number of block tags at an end of a line.
const MAX_BLOCKS: usize = 8;
/// The longest tag, in bytes.
const MAX_TAG_BYTES: usize = 256;
/// The largest number of marks within one another.
const MAX_DEPTH: usize = 3;
/// The longest emphasized text at the start of a line, in bytes, if it is a label.
const MAX_LABEL_BYTES: usize = 64;

/// Replaces the marks around the label at the start of a line with spaces, so that the text keeps
/// its column: `**Title:** X` becomes `  Title:   X`.
pub fn hide_label_marks(line: &str) -> Cow<'_, str> {
    let mut line = hide_blocks(line);
    for _ in 0..MAX_DEPTH {
        let Some(hidden) = hide_marks_once(&line) else {
            break;
        };
        line = Cow::Owned(hidden);
    }
    line
}

fn hide_marks_once(line: &str) -> Option<String> {
    let start = label_mark_at(line);
    let text = &line[start..];
    let (open, close) = find_open_mark(text)?;
    let inner = &text[open.len()..];
    let starts_label = inner.starts_with(char::is_alphabetic)
        || find_open_mark(inner).is_some_and(|(inner_open, _)| inner_open != open);
    let near = &inner[..inner.floor_char_boundary(MAX_LABEL_BYTES + close.len())];
    let end = near
        .to_ascii_lowercase()
        .find(close)
        .or_else(|| strip_suffix_ignore_case(inner.trim_end(), close).map(str::len))?;
    let (inner, after) = inner.split_at(end);
    let spaces = |text: &str| " ".repeat(text.len());
    (starts_label && inner.contains(char::is_alphabetic)).then(|| {
        let after = &after[close.len()..];
        [&line[..start], &spaces(open), inner, &spaces(close), after].concat()
    })
}

/// Replaces the block tags at the start of a line with spaces, and the tags between two cells.
fn hide_blocks(line: &str) -> Cow<'_, str> {
    let mut text = line.trim_start();
    let mut is_cell = false;
    for _ in 0..MAX_BLOCKS {
        let Some((name, tag)) = block_at(text).filter(|(_, tag)| !tag.starts_with("</")) else {
            break;
        };
        is_cell |= matches!(name, "td" | "th" | "dt");
        text = text[tag.len()..].trim_start();
    }
    let start = line.len() - text.len();
    if text.len() == line.trim_start().len() {
        return Cow::Borrowed(line);
    }
    let between = text.match_indices("</").find_map(|(at, _)| {
        let (_, end) = block_at(&text[at..])?;
        let gap = text[at + end.len()..].trim_start();
        let (_, next) = block_at(gap).filter(|(name, _)| matches!(*name, "td" | "dd"))?;
        Some((at, &gap[next.len()..]))
    });
    let spaces = |length: usize| " ".repeat(length);
    Cow::Owned(match between.filter(|_| is_cell) {
        Some((at, value)) => {
            let gap = text.len() - at - value.len();
            [&spaces(start), &text[..at], &spaces(gap), value].concat()
        }
        None => spaces(start) + text,
    })
}

/// Returns the name of the block tag at the start of a text, and the tag.
fn block_at(text: &str) -> Option<(&'static str, &str)> {
    let inner = text.strip_prefix('<')?;
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let name = inner.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    let name = BLOCKS
        .into_iter()
        .find(|one| name.eq_ignore_ascii_case(one))?;
    let end = text[..text.floor_char_boundary(MAX_TAG_BYTES)].find('>')?;
    let is_tag = inner[name.len()..].starts_with([' ', '>']);
    is_tag.then(|| (name, &text[..=end]))
}

/// Removes the line breaks and the closing block tags at the end of a value: `X</td></tr>` is `X`.
pub fn strip_block_ends(value: &str) -> &str {
    let mut value = value.trim_end();
    for _ in 0..MAX_BLOCKS {
        let Some(at) = value.rfind('<').filter(|_| value.ends_with('>')) else {
            break;
        };
        let name = value[at + 1..value.len() - 1].trim_end_matches(['/', ' ']);
        let is_end = name.eq_ignore_ascii_case("br")
            || name.starts_with('/') && block_at(&value[at..]).is_some();
        if !is_end {
            break;
        }
        value = value[..at].trim_end();
    }
    value
}

/// Returns whether a line starts and ends with emphasis, which looks like a frame: `**Title:** *X*`.
pub fn is_emphasized(line: &str) -> bool {
    let text = line.trim_end_matches('*');
    text.len() < line.len() && !text.ends_with(' ') && hide_label_marks(line) != line
}

/// The offset of the first character after indentation and the bullet of a list or a quote.
fn label_mark_at(line: &str) -> usize {
    let text = line.trim_start_matches([' ', '-', '>', '+', '#', '|', '•', '·']);
    // An asterisk is a bullet before a space only.
    let text = text
        .strip_prefix("* ")
        .unwrap_or(text)
        .trim_start_matches(' ');
    line.len() - text.len()
}

/// Removes the marks around a whole value: `**X**` is `X`.
pub fn strip_marks(mut value: &str) -> &str {
    for _ in 0..MAX_DEPTH {
        let Some((open, close)) = find_open_mark(value) else {
            break;
        };
        let inner = strip_suffix_ignore_case(&value[open.len()..], close);
        let is_marked =
            |inner: &&str| !inner.is_empty() && *inner == inner.trim() && !inner.contains(open);
        let Some(inner) = inner.filter(is_marked) else {
            break;
        };
        value = inner;
    }
    value
}

/// Returns the mark or the tag at the start of a text, and what closes it.
fn find_open_mark(text: &str) -> Option<(&str, &'static str)> {
    let starts_with = |open: &str| {
        let start = text.get(..open.len())?;
        start.eq_ignore_ascii_case(open).then_some(start)
    };
    let mark = MARKS
        .into_iter()
        .find_map(|(open, close)| Some((starts_with(open)?, close)));
    mark.or_else(|| {
        TAGS_WITH_PARAMETER
            .into_iter()
            .find_map(|(open, last, close)| {
                starts_with(open)?;
                let end = text[..text.floor_char_boundary(MAX_TAG_BYTES)].find(last)?;
                Some((&text[..=end], close))
            })
    })
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let end = text.get(at..)?;
    end.eq_ignore_ascii_case(suffix).then(|| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_around_a_label_become_spaces() {
        for (line, hidden) in [
            ("**Title:** X", "  Title:   X"),
            ("  **Title**: X", "    Title  : X"),
            ("* **Title**: X", "*   Title  : X"),
            ("- __Title__ : X", "-   Title   : X"),
            ("*Title:* X", " Title:  X"),
            ("**Title: X**", "  Title: X  "),
            ("`Title`: X", " Title : X"),
            ("[b]Title:[/b] X", "   Title:     X"),
            ("<strong>Title</strong>: X", "        Title         : X"),
            ("[b][u]Title[/u]:[/b] X", "      Title    :     X"),
            ("> **Éditeur** : X", ">   Éditeur   : X"),
            ("[B]Title:[/B] X", "   Title:     X"),
            ("[color=red]Title:[/color] X", "           Title:         X"),
            ("<p><b>Title:</b> X</p>", "      Title:     X</p>"),
            ("  <li>Title: X</li>", "      Title: X</li>"),
            (
                "<tr><td>Title</td><td>X</td></tr>",
                "        Title         X</td></tr>",
            ),
        ] {
            assert_eq!(hide_label_marks(line), hidden, "{line}");
        }
    }

    #[test]
    fn other_lines_are_kept() {
        for line in [
            "",
            "* Title: X",
            "Title: **X**",
            "*** GREETINGS ***",
            "_______",
            "**** X",
            "**Title: X",
            "[Title] X",
            "* * *",
            "Title____: X",
            "<pre>Title: X",
            "<p",
        ] {
            assert_eq!(hide_label_marks(line), line);
        }
    }

    #[test]
    fn marks_around_a_value_are_removed() {
        for (value, inner) in [
            ("**X**", "X"),
            ("*The Sea*", "The Sea"),
            ("**_X_**", "X"),
            ("[b]X[/b]", "X"),
            ("[url=http://x]X[/url]", "X"),
            ("<a href=\"http://x\">X</A>", "X"),
            ("* * *", "* * *"),
            ("**", "**"),
            ("*A* and *B*", "*A* and *B*"),
            ("X*", "X*"),
            ("", ""),
        ] {
            assert_eq!(strip_marks(value), inner);
        }
    }

    #[test]
    fn block_ends_after_a_value_are_removed() {
        for (value, inner) in [
            ("X<br>", "X"),
            ("X <BR /> ", "X"),
            ("X</td></tr>", "X"),
            ("X</p><br/>", "X"),
            ("X <pre>", "X <pre>"),
            ("X<p>", "X<p>"),
            ("A < B >", "A < B >"),
            ("<br>", ""),
        ] {
            assert_eq!(strip_block_ends(value), inner);
        }
    }
}
