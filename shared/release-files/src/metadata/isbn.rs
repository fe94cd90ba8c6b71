//! Finds and checks ISBNs.
//!
//! It is written by hand because the check digit takes only a few lines and a search inside a
//! sentence needs its own rules.

/// The number of parts of an ISBN: prefix, group, registrant, publication, check digit.
const MAX_PARTS: usize = 5;

/// Parses a text that consists of an ISBN with a valid check digit. Returns only its digits,
/// without hyphens and without a prefix such as `urn:isbn:` or `ISBN-13:`.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let mut prefixes = PREFIXES.iter().filter(|prefix| lower.starts_with(**prefix));
    prefixes.find_map(|prefix| parse_digits(&text[prefix.len()..]))
}

/// The labels that may precede an ISBN, in lower case. The longest comes first.
const PREFIXES: [&str; 19] = [
    "urn:isbn:",
    "urn:ean:",
    "isbn-13:",
    "isbn-10:",
    "isbn13:",
    "isbn10:",
    "isbn-13",
    "isbn-10",
    "isbn13",
    "isbn10",
    "e-isbn:",
    "eisbn:",
    "e-isbn",
    "eisbn",
    "isbn:",
    "isbn",
    "ean:",
    "ean",
    "",
];

fn parse_digits(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(13);
    for c in text.chars() {
        match c {
            '0'..='9' | 'X' | 'x' if digits.len() < 13 => digits.push(c.to_ascii_uppercase()),
            ' ' | '-' | '\u{2010}'..='\u{2015}' => {}
            _ => return parse_pointed(text),
        }
    }
    is_valid(&digits).then_some(digits)
}

/// Parses an ISBN whose parts have points between them. So do versions and addresses, so it must
/// have all its parts.
fn parse_pointed(text: &str) -> Option<String> {
    let digits = text.trim().to_ascii_uppercase().replace('.', "");
    let points = text.matches('.').count();
    let has_all_parts = points == MAX_PARTS - if digits.len() == 13 { 1 } else { 2 };
    (has_all_parts && is_valid(&digits)).then_some(digits)
}

/// Finds the first ISBN in `text`. A space may separate its parts, as a hyphen does.
#[must_use]
pub fn find(text: &str) -> Option<String> {
    let is_part =
        |c: char| c.is_ascii_digit() || matches!(c, 'X' | 'x' | '-' | '\u{2010}'..='\u{2015}');
    let mut runs = text.split(|c: char| !is_part(c) && c != ' ' && c != '\u{a0}');
    runs.find_map(find_in_run).or_else(|| {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, 'X' | 'x' | '.');
        let mut runs = text.split(|c: char| !is_part(c));
        runs.find_map(|run| parse_pointed(run.trim_matches('.')))
    })
}

/// Finds an ISBN in digits, hyphens and spaces.
fn find_in_run(run: &str) -> Option<String> {
    let parts: Vec<&str> = run
        .split_whitespace()
        .map(|part| part.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|part| !part.is_empty())
        .collect();
    let whole = parts.iter().find_map(|part| parse(part));
    whole.or_else(|| {
        (0..parts.len()).find_map(|start| {
            let end = parts.len().min(start + MAX_PARTS);
            (start + 2..=end).find_map(|end| find_spaced(&parts[start..end]))
        })
    })
}

/// Parses an ISBN whose parts have spaces between them. Any ten digits are an ISBN in one case of
/// eleven, so an ISBN-10 must have its four parts.
fn find_spaced(parts: &[&str]) -> Option<String> {
    let isbn = parse(&parts.join("-"))?;
    (isbn.len() == 13 || parts.len() == MAX_PARTS - 1).then_some(isbn)
}

/// Returns whether `digits` is an ISBN-10 or ISBN-13 with a valid check digit. The tenth digit of
/// an ISBN-10 may be an upper-case X. One digit repeated is a placeholder, although it checks.
#[must_use]
pub fn is_valid(digits: &str) -> bool {
    let first = digits.chars().next();
    if digits.chars().all(|c| Some(c) == first) {
        return false;
    }
    match digits.len() {
        10 => weighted_sum(digits, |i| 10 - i).is_some_and(|sum| sum % 11 == 0),
        13 if digits.starts_with("978") || digits.starts_with("979") => {
            !digits.contains('X')
                && weighted_sum(digits, |i| if i % 2 == 0 { 1 } else { 3 })
                    .is_some_and(|sum| sum % 10 == 0)
        }
        _ => false,
    }
}

/// Returns the ISBN-13 of the same edition as a valid ISBN-10 or ISBN-13 (ISO 2108, annex A).
#[must_use]
pub fn to_isbn_13(digits: &str) -> Option<String> {
    if digits.len() == 13 {
        return Some(digits.to_owned());
    }
    let stem = format!("978{}", digits.get(..9)?);
    (0..10)
        .map(|check| format!("{stem}{check}"))
        .find(|isbn| is_valid(isbn))
}

fn weighted_sum(digits: &str, weight: impl Fn(u32) -> u32) -> Option<u32> {
    let last = digits.len() - 1;
    digits.chars().zip(0_u32..).try_fold(0, |sum, (c, i)| {
        let value = match c {
            'X' if i as usize == last => 10,
            _ => c.to_digit(10)?,
        };
        Some(sum + value * weight(i))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isbn_10_becomes_an_isbn_13() {
        for (isbn, expected) in [
            ("0306406152", Some("9780306406157")),
            ("080442957X", Some("9780804429573")),
            ("9780306406157", Some("9780306406157")),
            ("030640", None),
        ] {
            assert_eq!(to_isbn_13(isbn).as_deref(), expected, "{isbn}");
        }
    }

    #[test]
    fn isbn_is_parsed_in_every_notation() {
        for text in [
            "9780306406157",
            "978-0-306-40615-7",
            "urn:isbn:978-0-306-40615-7",
            "ISBN-13: 978 0 306 40615 7",
            "isbn 978\u{2011}0306406157",
            "URN:ISBN:9780306406157",
            "ISBN13: 9780306406157",
            "isbn13 978-0306406157",
            "eISBN: 9780306406157",
            "e-ISBN 9780306406157",
            "EAN:9780306406157",
            "978.0.306.40615.7",
            "ISBN 978.0.306.40615.7",
        ] {
            assert_eq!(parse(text).as_deref(), Some("9780306406157"), "{text}");
        }
        assert_eq!(parse("0-8044-2957-x").as_deref(), Some("080442957X"));
        assert_eq!(parse("ISBN-10 0306406152").as_deref(), Some("0306406152"));
    }

    #[test]
    fn wrong_check_digits_and_other_numbers_are_refused() {
        for text in [
            "9780306406158",
            "0306406153",
            "",
            "isbn",
            "1234567890123",
            "X306406152",
            "0000000000",
            "1-111-11111-1",
            "ISBN 0000000000000",
            "9780.3064.0615.7",
            "978.0.306.40615.8",
            "03064.0615.2",
            "97803064061571",
            "978030640615X",
            "urn:uuid:978-0-306-40615-7",
            "é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn isbn_is_found_inside_a_sentence() {
        let text = "Published 2019, ISBN 978-0-306-40615-7 (hardcover), 12 pages";
        assert_eq!(find(text).as_deref(), Some("9780306406157"));
        assert_eq!(find("no number 12345 here"), None);
        let spaced = "ISBN-13 978 0 306 40615 7, 312 pages";
        assert_eq!(find(spaced).as_deref(), Some("9780306406157"));
        assert_eq!(find("ISBN 0 306 40615 2.").as_deref(), Some("0306406152"));
        let pointed = "Tide, 2019. ISBN 978.0.306.40615.7. 312 pages";
        assert_eq!(find(pointed).as_deref(), Some("9780306406157"));
        assert_eq!(find("0.306.40615.2").as_deref(), Some("0306406152"));
        assert_eq!(find("ISBN 0000000000, 7 777 77777 7"), None);
        assert_eq!(find("0.3.0.6.4.0.6.1.5.2, 0306.4061.52"), None);
        assert_eq!(find("2030640615 2, 03064 06152"), None);
        let two = "Print ISBN: 0-306-40615-2 (pbk)  eISBN 9780306406157";
        assert_eq!(find(two).as_deref(), Some("0306406152"));
    }
}
