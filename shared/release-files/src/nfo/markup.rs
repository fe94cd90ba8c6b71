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
/// The largest number of marks within one another.
const MAX_DEPTH: usize = 3;
/// The longest emphasized text at the start of a line, in bytes, if it is a label.
const MAX_LABEL_BYTES: usize = 64;

/// Replaces the marks around the label at the start of a line with spaces, so that the text keeps
/// its column: `**Title:** X` becomes `  Title:   X`.
pub fn hide_label_marks(line: &str) -> Cow<'_, str> {
    let mut line = Cow::Borrowed(line);
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
        .find(close)
        .or_else(|| inner.trim_end().strip_suffix(close).map(str::len))?;
    let (inner, after) = inner.split_at(end);
    let spaces = |text: &str| " ".repeat(text.len());
    (starts_label && inner.contains(char::is_alphabetic)).then(|| {
        let after = &after[close.len()..];
        [&line[..start], &spaces(open), inner, &spaces(close), after].concat()
    })
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
        let inner = value[open.len()..].strip_suffix(close);
        let is_marked =
            |inner: &&str| !inner.is_empty() && *inner == inner.trim() && !inner.contains(open);
        let Some(inner) = inner.filter(is_marked) else {
            break;
        };
        value = inner;
    }
    value
}

fn find_open_mark(text: &str) -> Option<(&'static str, &'static str)> {
    MARKS.into_iter().find(|(open, _)| text.starts_with(open))
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
            ("* * *", "* * *"),
            ("**", "**"),
            ("*A* and *B*", "*A* and *B*"),
            ("X*", "X*"),
            ("", ""),
        ] {
            assert_eq!(strip_marks(value), inner);
        }
    }
}
