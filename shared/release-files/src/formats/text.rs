//! Tidying the text that files carry.

/// The longest short field (a title, a name), in characters.
const MAX_FIELD: usize = 1000;
/// The longest long field (a description), in characters.
const MAX_TEXT: usize = 10_000;

/// A short field: white space collapsed, control characters dropped, bounded; `None` when empty.
#[must_use]
pub fn field(text: &str) -> Option<String> {
    let mut tidy = String::new();
    for word in text.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.extend(word.chars().filter(|c| !c.is_control()));
    }
    let tidy: String = tidy.trim().chars().take(MAX_FIELD).collect();
    (!tidy.is_empty()).then_some(tidy)
}

/// A long field: trimmed, control characters other than line feeds dropped, bounded.
#[must_use]
pub fn long_field(text: &str) -> Option<String> {
    let kept = text
        .trim()
        .chars()
        .filter(|&c| c == '\n' || !c.is_control());
    let tidy: String = kept.take(MAX_TEXT).collect();
    (!tidy.is_empty()).then_some(tidy)
}

/// The year in a date, whatever its form: the first group of exactly four digits that can be one.
#[must_use]
pub fn year(date: &str) -> Option<i32> {
    let groups = date.split(|c: char| !c.is_ascii_digit());
    // `20190304` and PDF's `D:20190304120000` begin with the year.
    let year_of = |group: &str| match group.len() {
        4 | 8 | 12 | 14 => group[..4].parse().ok(),
        _ => None,
    };
    groups
        .filter_map(year_of)
        .find(|year| (1000..=2999).contains(year))
}

/// People in one field: separated by semicolons or ampersands, or by commas where that cannot
/// be `Family, Given`.
#[must_use]
pub fn people(text: &str) -> Vec<String> {
    let split: Vec<&str> = if text.contains([';', '&']) {
        text.split([';', '&']).collect()
    } else {
        let parts: Vec<&str> = text.split(',').collect();
        let full_names = parts.iter().all(|part| part.trim().contains(' '));
        if full_names { parts } else { vec![text] }
    };
    split.into_iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_tidied_and_bounded() {
        assert_eq!(field(" a\n\t b\u{7} ").as_deref(), Some("a b"));
        assert_eq!(field(" \r\n "), None);
        assert_eq!(field(&"x".repeat(5000)).map(|t| t.len()), Some(MAX_FIELD));
        assert_eq!(long_field(" a\r\nb ").as_deref(), Some("a\nb"));
        assert_eq!(long_field("\n"), None);
    }

    #[test]
    fn years_are_found_in_every_date_form() {
        for (date, expected) in [
            ("2019", Some(2019)),
            ("2019-03-04T00:00:00Z", Some(2019)),
            ("4 March 2019", Some(2019)),
            ("D:20190304120000+01'00'", Some(2019)),
            ("0101-01-01", None),
            ("soon", None),
            ("12345", None),
        ] {
            assert_eq!(year(date), expected, "{date}");
        }
    }

    #[test]
    fn people_are_told_apart_without_tearing_inverted_names() {
        assert_eq!(people("A. Writer; B. Other"), ["A. Writer", "B. Other"]);
        assert_eq!(people("A. Writer & B. Other"), ["A. Writer", "B. Other"]);
        assert_eq!(people("A. Writer, B. Other"), ["A. Writer", "B. Other"]);
        assert_eq!(people("Writer, A."), ["Writer, A."]);
        assert!(people(" ; ").is_empty());
    }
}
