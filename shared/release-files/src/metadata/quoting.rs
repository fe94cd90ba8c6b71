//! Quotes values that would be read as something else.

/// Encloses a text in quotes. Quotes within it are doubled.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Reverses [`quote`]; `None` if the text was not quoted, as `"A" and "B"`.
#[must_use]
pub fn unquote(text: &str) -> Option<String> {
    match split_quoted(text)? {
        (inner, "") => Some(inner),
        _ => None,
    }
}

/// Splits off the quoted text at the start of `text`. Returns it without its quotes, and the rest.
#[must_use]
pub fn split_quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut inner = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        inner.push_str(before);
        match after.strip_prefix('"') {
            Some(after_pair) => {
                inner.push('"');
                rest = after_pair;
            }
            None => return Some((inner, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_read_back() {
        for text in ["", "a", "A & B", "\"", "\"Heroes\"", "a \"b\" c", "\"\""] {
            assert_eq!(unquote(&quote(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn text_with_its_own_quotes_is_not_quoted() {
        for text in [
            "",
            "a",
            "\"a",
            "a\"",
            "\"A\" and \"B\"",
            "\"\"Heroes\"\"",
            "\"\"\"",
        ] {
            assert_eq!(unquote(text), None, "{text}");
        }
    }
}
