//! Splits and joins lists of people.

use text::tidy_line;

use super::quoting::{quote, split_quoted};

/// The words and signs that separate full names, in any case.
const SEPARATORS: [&str; 5] = [" / ", "/", " | ", " and ", " et "];
/// The separators of a list whose last comma precedes them: `A, B, and C`.
const LAST_SEPARATORS: [&str; 3] = [", and ", ", et ", ", & "];
/// The titles that follow a name after a comma.
const SUFFIXES: [&str; 8] = ["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"];
/// The endings for further people.
const OTHERS: [&str; 4] = [" et al.", " et al", " and others", " et autres"];

/// Splits a list of people at semicolons and ampersands, and at commas unless a comma may belong to
/// `Family, Given`.
fn split_people(text: &str) -> Vec<String> {
    let parts: Vec<&str> = if text.contains(';') {
        text.split(';').collect()
    } else if let Some(parts) = split_enumeration(text) {
        parts
    } else {
        text.split('&').flat_map(split_commas).collect()
    };
    parts.into_iter().filter_map(tidy_line).collect()
}

/// Splits the names in a credit of a comic: at semicolons, and at every comma before a name, since
/// these lists do not invert names. An ampersand separates full names.
#[must_use]
pub fn split_credits(text: &str) -> Vec<String> {
    let separator = if text.contains(';') { ';' } else { ',' };
    let mut names: Vec<String> = Vec::new();
    for part in text.split(separator).filter_map(tidy_line) {
        match names.last_mut() {
            Some(name) if is_suffix(&part) => *name = format!("{name}, {part}"),
            _ if part.split('&').all(is_full_name) => {
                names.extend(part.split('&').filter_map(tidy_line));
            }
            _ => names.push(part),
        }
    }
    names
}

/// Splits the authors in a field of an NFO like [`split_people`], and also at slashes and at the
/// words "and" and "et". A quoted author is one, with any signs in the name.
#[must_use]
pub fn split_authors(field: &str) -> Vec<String> {
    if let Some(names) = split_quoted_list(field) {
        return names;
    }
    let field = without_others(field);
    // Such a word may be part of a name; it is a separator only between full names.
    if field.contains(';') || split_enumeration(field).is_some() {
        return split_people(field);
    }
    let full_names = SEPARATORS.into_iter().find_map(|word| {
        let names = split_ignore_case(field, word);
        (names.len() > 1 && names.iter().all(|name| is_full_name(name))).then_some(names)
    });
    match full_names {
        Some(names) => names.into_iter().flat_map(split_people).collect(),
        None => split_people(field),
    }
}

/// Splits a text at a word of small ASCII letters, which may be written in capitals.
fn split_ignore_case<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let lower = text.to_ascii_lowercase();
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in lower.match_indices(word) {
        parts.push(&text[start..at]);
        start = at + word.len();
    }
    parts.push(&text[start..]);
    parts
}

/// Joins authors with commas, or with semicolons if [`split_authors`] would return a different
/// number of names.
#[must_use]
pub fn join_authors(names: &[String]) -> String {
    let commas = names.join(", ");
    if split_authors(&commas).len() == names.len() {
        commas
    } else {
        names.join("; ")
    }
}

/// Joins authors so that [`split_authors`] returns the same names: as few as possible are quoted.
#[must_use]
pub fn join_quoted_authors(names: &[String]) -> String {
    let quote_if = |is_quoted: fn(&str) -> bool| {
        let names = names.iter().map(|name| {
            if is_quoted(name) {
                quote(name)
            } else {
                name.clone()
            }
        });
        names.collect::<Vec<_>>().join("; ")
    };
    let is_ambiguous = |name: &str| split_authors(name) != [name];
    [
        join_authors(names),
        names.join("; "),
        quote_if(is_ambiguous),
    ]
    .into_iter()
    .find(|joined| split_authors(joined) == names)
    .unwrap_or_else(|| quote_if(|_| true))
}

/// Splits a list in which at least one name is quoted. A name without quotes ends at a semicolon.
fn split_quoted_list(field: &str) -> Option<Vec<String>> {
    let (mut names, mut quoted) = (Vec::new(), 0);
    let mut rest = field.trim();
    while !rest.is_empty() {
        let (name, after) = if let Some((name, after)) = split_quoted(rest) {
            quoted += 1;
            (name, after.trim_start())
        } else {
            let end = rest.find(';').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        names.extend(tidy_line(&name));
        let separators = [";", ",", "&", "/", "and ", "et "];
        let next = separators.iter().find_map(|one| after.strip_prefix(one));
        if next.is_none() && !after.is_empty() {
            return None;
        }
        rest = next.unwrap_or_default().trim_start();
    }
    (quoted > 0).then_some(names)
}

/// Splits `A, B, and C`; `None` if there is no comma before the last separator.
fn split_enumeration(text: &str) -> Option<Vec<&str>> {
    let lower = text.to_ascii_lowercase();
    let (before, last) = LAST_SEPARATORS.into_iter().find_map(|separator| {
        let at = lower.rfind(separator)?;
        Some((&text[..at], &text[at + separator.len()..]))
    })?;
    let mut parts = split_commas(before);
    let words: Vec<&str> = before.split(',').collect();
    // `Family, Given, and Family, Given` has a comma in the last name, too.
    if !last.contains(',') && words.iter().chain([&last]).all(|word| !is_full_name(word)) {
        parts = words;
    }
    parts.extend(split_commas(last));
    Some(parts)
}

/// Splits a text at commas if full names are between them.
fn split_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices(',') {
        let next = text[at + 1..].split(',').next().unwrap_or_default();
        if !is_suffix(next) {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    if parts.iter().all(|part| is_full_name(part)) {
        parts
    } else {
        vec![text]
    }
}

fn is_full_name(name: &str) -> bool {
    name.trim().contains(' ')
}

/// Returns whether a text is what follows a name after a comma: `Jr.`, `Ph.D.`.
fn is_suffix(text: &str) -> bool {
    let mut folded = text.trim().to_ascii_lowercase();
    folded.retain(|c| c != '.');
    SUFFIXES.contains(&folded.as_str())
}

/// Removes `et al.` from the end of a list.
fn without_others(field: &str) -> &str {
    let field = field.trim();
    let lower = field.to_ascii_lowercase();
    let others = OTHERS.into_iter().find(|others| lower.ends_with(others));
    let end = field.len() - others.map_or(0, str::len);
    field[..end].trim_end_matches([',', ' '])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_are_split_without_tearing_inverted_names() {
        for list in [
            "A. Writer; B. Other",
            "A. Writer & B. Other",
            "A. Writer, B. Other",
        ] {
            assert_eq!(split_people(list), ["A. Writer", "B. Other"]);
        }
        assert_eq!(split_people("Writer, A."), ["Writer, A."]);
        assert!(split_people(" ; ").is_empty());
    }

    #[test]
    fn authors_are_split_at_words_between_full_names() {
        for (field, expected) in [
            ("A. Writer and B. Other", vec!["A. Writer", "B. Other"]),
            (
                "A. Writer, B. Other and C. Third",
                vec!["A. Writer", "B. Other", "C. Third"],
            ),
            ("Writer, A.; Other, B.", vec!["Writer, A.", "Other, B."]),
            ("Simon et Compagnie", vec!["Simon et Compagnie"]),
            ("SIMON ET COMPAGNIE", vec!["SIMON ET COMPAGNIE"]),
            ("MARA QUILL AND NED SHORE", vec!["MARA QUILL", "NED SHORE"]),
            ("ÉVA QUILL ET NED SHORE", vec!["ÉVA QUILL", "NED SHORE"]),
            (
                "A. QUILL, B. SHORE, AND C. REEF",
                vec!["A. QUILL", "B. SHORE", "C. REEF"],
            ),
            ("A. Writer / B. Other", vec!["A. Writer", "B. Other"]),
            ("A. Writer/B. Other", vec!["A. Writer", "B. Other"]),
            ("A. Writer | B. Other", vec!["A. Writer", "B. Other"]),
            ("AC/DC Band", vec!["AC/DC Band"]),
            (
                "A. Writer, B. Other & C. Third",
                vec!["A. Writer", "B. Other", "C. Third"],
            ),
            ("A. Writer et al.", vec!["A. Writer"]),
            ("A. Writer, B. Other, et al.", vec!["A. Writer", "B. Other"]),
        ] {
            assert_eq!(split_authors(field), expected, "{field}");
        }
    }

    #[test]
    fn comma_before_the_last_author_ends_no_name() {
        for (field, expected) in [
            (
                "A. Writer, B. Other, and C. Third",
                vec!["A. Writer", "B. Other", "C. Third"],
            ),
            (
                "A. Writer, B. Other, et C. Third",
                vec!["A. Writer", "B. Other", "C. Third"],
            ),
            (
                "A. Writer, B. Other, & C. Third",
                vec!["A. Writer", "B. Other", "C. Third"],
            ),
            ("A. Writer, and B. Other", vec!["A. Writer", "B. Other"]),
            ("Plato, Homer, and Virgil", vec!["Plato", "Homer", "Virgil"]),
            (
                "Writer, Ann, and Other, Ben",
                vec!["Writer, Ann", "Other, Ben"],
            ),
            (
                "A. Writer, Jr., B. Other, Ph.D., and C. Third",
                vec!["A. Writer, Jr.", "B. Other, Ph.D.", "C. Third"],
            ),
        ] {
            assert_eq!(split_authors(field), expected, "{field}");
        }
    }

    #[test]
    fn quoted_author_is_one() {
        for (field, expected) in [
            (r#""Quill & Sons""#, vec!["Quill & Sons"]),
            (r#""A B, C D"; E, F"#, vec!["A B, C D", "E, F"]),
            (r#"E, F; "A B, C D""#, vec!["E, F", "A B, C D"]),
            (r#""A B", "C D" and "E F""#, vec!["A B", "C D", "E F"]),
            (
                r#"Ann "Ace" Writer & Ben Other"#,
                vec![r#"Ann "Ace" Writer"#, "Ben Other"],
            ),
            (r#""Weird Ann" Writer"#, vec![r#""Weird Ann" Writer"#]),
        ] {
            assert_eq!(split_authors(field), expected, "{field}");
        }
    }

    #[test]
    fn authors_are_quoted_only_if_they_would_be_split() {
        for (names, joined) in [
            (vec!["Ann Writer", "Ben Other"], "Ann Writer, Ben Other"),
            (vec!["Writer, Ann", "Ben Other"], "Writer, Ann; Ben Other"),
            (vec!["Writer, Ann"], "Writer, Ann"),
            (vec!["Quill & Sons"], r#""Quill & Sons""#),
            (vec!["Quill; Mara", "Ned"], r#""Quill; Mara"; Ned"#),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(join_quoted_authors(&names), joined);
        }
    }

    proptest! {
        #[test]
        fn joined_authors_are_split_into_the_same_names(
            names in prop::collection::vec("[A-Za-z\"&;,/|. ]{1,12}|[A-Z][a-z]+ (and|et|al\\.|Jr\\.) [A-Z]", 1..6)
        ) {
            let names: Vec<String> = names.iter().filter_map(|name| tidy_line(name)).collect();
            prop_assert_eq!(split_authors(&join_quoted_authors(&names)), names);
        }
    }
}
