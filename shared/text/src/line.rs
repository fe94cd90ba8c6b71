//! One-line messages for logs and problems.

use crate::is_unprintable;

/// The longest message of a log entry, in characters.
pub const MAX_MESSAGE_CHARS: usize = 1_000;

/// Makes a message fit on one line: replaces characters that [`is_unprintable`] with spaces and
/// truncates it to [`MAX_MESSAGE_CHARS`].
#[must_use]
pub fn one_line(message: &str) -> String {
    message
        .trim_end()
        .chars()
        .map(printable)
        .take(MAX_MESSAGE_CHARS)
        .collect()
}

/// Quotes a text of any size on one line, like [`one_line`], in at most `max_chars` characters. A
/// truncated text ends with an ellipsis.
#[must_use]
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut chars = text.chars().map(printable);
    let mut excerpt: String = chars.by_ref().take(max_chars).collect();
    if chars.next().is_some() {
        excerpt.pop();
        excerpt.push('…');
    }
    excerpt
}

fn printable(c: char) -> char {
    if is_unprintable(c) { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_cannot_forge_a_second_line() {
        assert_eq!(one_line("a\nb\r\n\u{1b}[31m"), "a b   [31m");
        assert_eq!(one_line("a\u{2028}b\u{85}c\u{202e}d"), "a b c d");
        assert_eq!(
            one_line(&"x".repeat(5_000)).chars().count(),
            MAX_MESSAGE_CHARS
        );
    }

    #[test]
    fn long_text_is_quoted_in_part() {
        for (text, quoted) in [("", ""), ("été", "été"), ("étés", "ét…"), ("a\nb", "a b")]
        {
            assert_eq!(excerpt(text, 3), quoted);
        }
    }
}
