//! The rules for the fields of a release: its name, type, group and metadata.

use serde_json::{Map, Value};

use crate::FieldError;

/// Checks a release name against the naming rules.
///
/// # Errors
/// Returns the rules as a field error.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    const RULES: &str = "must be 8 to 160 characters of A-Z a-z 0-9 . _ -, \
         with words joined by dots or underscores, and end in -GROUP";
    let (words, group) = name.rsplit_once('-').ok_or(RULES)?;
    let words_are_joined = words
        .split(['.', '_', '-'])
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    if (8..=160).contains(&name.len()) && words_are_joined && check_group(group).is_ok() {
        Ok(())
    } else {
        Err(RULES)
    }
}

/// The group at the end of a release name.
#[must_use]
pub fn group_of(name: &str) -> Option<&str> {
    name.rsplit_once('-').map(|(_, group)| group)
}

/// Checks the type of a release.
///
/// # Errors
/// Returns the rule as a field error.
pub fn check_type(release_type: &str) -> Result<(), &'static str> {
    let is_word = release_type
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if is_word && (1..=32).contains(&release_type.len()) {
        Ok(())
    } else {
        Err("must be 1 to 32 characters of A-Z a-z 0-9 _ -")
    }
}

/// Checks the known fields of a release's metadata; others are kept as they are. Returns every error,
/// with the fields named `metadata.<field>`.
#[must_use]
pub fn check_metadata(metadata: &Map<String, Value>) -> Vec<FieldError> {
    let given = metadata.iter().filter(|(_, value)| !value.is_null());
    given
        .filter_map(|(field, value)| {
            let rule = broken_rule(field, value)?;
            Some(FieldError::new(&format!("metadata.{field}"), rule))
        })
        .collect()
}

/// Returns the rule that the value of a field breaks, if it breaks one.
fn broken_rule(field: &str, value: &Value) -> Option<&'static str> {
    let (fits, rule) = match field {
        "title" | "publisher" | "isbn" | "language" | "description" | "series" | "series_index"
        | "format" | "author" => (value.is_string(), "must be a string"),
        "authors" => (
            value.is_string() || is_list_of_strings(value),
            "must be a string or a list of strings",
        ),
        "subjects" => (is_list_of_strings(value), "must be a list of strings"),
        "year" => (
            value
                .as_i64()
                .is_some_and(|year| (-9999..=9999).contains(&year)),
            "must be an integer from -9999 to 9999",
        ),
        _ => return None,
    };
    (!fits).then_some(rule)
}

fn is_list_of_strings(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|values| values.iter().all(Value::is_string))
}

/// Checks the name of a group.
///
/// # Errors
/// Returns the rule as a field error.
pub fn check_group(group: &str) -> Result<(), &'static str> {
    let fits = (1..=32).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits {
        Ok(())
    } else {
        Err("must be 1 to 32 letters and digits")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn release_name_follows_the_rules() {
        for name in ["Jane.Doe-Some_Book-2024-GRP", "A.Book-G", "a_book_2-GRP"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = format!("{}-GRP", "a".repeat(157));
        for name in [
            "short-G",
            "no.group.at.all",
            "two..dots-GRP",
            "has space-GRP",
            "accént.book-GRP",
            ".dot-GROUP",
            "book.name-",
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn known_metadata_has_types_and_other_fields_are_free() {
        let wrong = |metadata: Value| -> Vec<String> {
            let errors = check_metadata(metadata.as_object().unwrap());
            errors.into_iter().map(|error| error.field).collect()
        };
        let right = json!({
            "title": "A Book", "authors": ["Jane Doe"], "year": 2024, "isbn": null,
            "shelf": {"row": 5},
        });
        assert_eq!(wrong(right), [""; 0]);
        assert_eq!(wrong(json!({"authors": "Jane Doe"})), [""; 0]);
        assert_eq!(
            wrong(json!({"title": 5, "authors": [1], "year": "2024", "subjects": "x"})),
            ["title", "authors", "year", "subjects"].map(|field| format!("metadata.{field}"))
        );
    }
}
