//! Cleans up text read from files.

use crate::is_unprintable;

/// The longest text of one line, in characters.
const MAX_LINE_CHARS: usize = 1_000;
/// The longest text of several lines, in characters.
const MAX_TEXT_CHARS: usize = 10_000;

/// Cleans up a short value, such as a title or a name: collapses white space, drops characters that
/// [`is_unprintable`] and truncates it to 1,000 characters. Returns `None` if nothing is left.
#[must_use]
pub fn tidy_line(text: &str) -> Option<String> {
    let mut tidy = String::new();
    for word in text.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.extend(word.chars().filter(|&c| !is_unprintable(c)));
    }
    let tidy: String = tidy.trim().chars().take(MAX_LINE_CHARS).collect();
    (!tidy.is_empty()).then_some(tidy)
}

/// Cleans up a long value, such as a description: trims it, drops characters that [`is_unprintable`]
/// except line feeds and truncates it to 10,000 characters. Returns `None` if nothing is left.
#[must_use]
pub fn tidy_text(text: &str) -> Option<String> {
    let kept = text
        .trim()
        .chars()
        .filter(|&c| c == '\n' || !is_unprintable(c));
    let tidy: String = kept.take(MAX_TEXT_CHARS).collect();
    (!tidy.is_empty()).then_some(tidy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cleaned_and_truncated() {
        assert_eq!(tidy_line(" a\n\t b\u{7} ").as_deref(), Some("a b"));
        assert_eq!(tidy_line(" \r\n "), None);
        assert_eq!(tidy_line("a\u{202e}b\u{2028}c").as_deref(), Some("ab c"));
        assert_eq!(tidy_text("a\u{2066}b\u{85}c").as_deref(), Some("abc"));
        assert_eq!(
            tidy_line(&"x".repeat(5000)).map(|t| t.len()),
            Some(MAX_LINE_CHARS)
        );
        assert_eq!(tidy_text(" a\r\nb ").as_deref(), Some("a\nb"));
        assert_eq!(tidy_text("\n"), None);
    }
}
