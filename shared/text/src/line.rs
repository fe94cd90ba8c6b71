//! One-line messages for logs.

/// The longest message of a log entry, in characters.
pub const MAX_MESSAGE_CHARS: usize = 1_000;

/// Makes a message fit on one line: replaces control characters with spaces and truncates it to
/// [`MAX_MESSAGE_CHARS`].
#[must_use]
pub fn one_line(message: &str) -> String {
    message
        .trim_end()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_MESSAGE_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_cannot_forge_a_second_line() {
        assert_eq!(one_line("a\nb\r\n\u{1b}[31m"), "a b   [31m");
        assert_eq!(
            one_line(&"x".repeat(5_000)).chars().count(),
            MAX_MESSAGE_CHARS
        );
    }
}
