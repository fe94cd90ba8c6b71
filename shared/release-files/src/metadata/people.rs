//! Splits and joins lists of people.

use text::tidy_line;

/// Splits a list of people at semicolons and ampersands. If there are none, splits at commas,
/// unless a comma may belong to `Family, Given`.
#[must_use]
pub fn split_people(text: &str) -> Vec<String> {
    let parts: Vec<&str> = if text.contains([';', '&']) {
        text.split([';', '&']).collect()
    } else {
        let parts: Vec<&str> = text.split(',').collect();
        let full_names = parts.iter().all(|part| part.trim().contains(' '));
        if full_names { parts } else { vec![text] }
    };
    parts.into_iter().filter_map(tidy_line).collect()
}

/// Splits the authors in a field of an NFO like [`split_people`], and also at slashes and at the
/// words "and" and "et".
#[must_use]
pub fn split_authors(field: &str) -> Vec<String> {
    // Such a word may be part of a name; it is a separator only between full names.
    let full_names = |word: &str| {
        let parts: Vec<&str> = field.split(word).collect();
        (parts.len() > 1 && parts.iter().all(|part| part.trim().contains(' '))).then_some(parts)
    };
    if field.contains(';') {
        return field.split(';').filter_map(tidy_line).collect();
    }
    match [" / ", " and ", " et "].into_iter().find_map(full_names) {
        Some(parts) => parts.into_iter().flat_map(split_people).collect(),
        None => split_people(field),
    }
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

#[cfg(test)]
mod tests {
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
            ("A. Writer / B. Other", vec!["A. Writer", "B. Other"]),
        ] {
            assert_eq!(split_authors(field), expected, "{field}");
        }
    }
}
