//! Builds release names from metadata.

use jobs::{FailureCode, release::check_name};
use serde_json::{Map, Value};
use text::ascii::transliterate;

use super::facts::plain_text;
use crate::WorkError;

/// The longest release name, in bytes.
const MAX_NAME_BYTES: usize = 160;

/// Builds a release name from metadata: `Author.Name-The.Title-2024-GROUP`. `fallback` replaces a
/// missing title.
///
/// # Errors
/// [`FailureCode::ReleaseNameInvalid`] if the name breaks the naming rules.
pub fn build_release_name(
    metadata: &Map<String, Value>,
    fallback: Option<&str>,
    group: &str,
) -> Result<String, WorkError> {
    let text = |name: &str| metadata.get(name).map(plain_text).unwrap_or_default();
    let author = match metadata.get("authors") {
        Some(Value::Array(authors)) => authors.first().map(plain_text).unwrap_or_default(),
        Some(Value::String(names)) if !names.trim().is_empty() => text("authors"),
        _ => text("author"),
    };
    let title = if text("title").is_empty() {
        fallback.unwrap_or_default().to_owned()
    } else {
        text("title")
    };
    let parts = [author, title, text("year")];
    let mut name: String = parts
        .iter()
        .map(|part| dotted_words(part))
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    name.truncate(MAX_NAME_BYTES - group.len() - 1);
    let name = format!("{}-{group}", name.trim_end_matches(['.', '-']));
    match check_name(&name) {
        Ok(()) => Ok(name),
        Err(_) => Err(WorkError::failed(
            FailureCode::ReleaseNameInvalid,
            "No release name can be built from the metadata; set `release_name`.",
        )),
    }
}

/// Joins the words of a text with dots, in ASCII.
fn dotted_words(text: &str) -> String {
    transliterate(text)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(metadata: &Value, fallback: Option<&str>) -> Result<String, WorkError> {
        build_release_name(metadata.as_object().unwrap(), fallback, "GRP")
    }

    #[test]
    fn name_is_built_from_author_title_and_year() {
        let metadata =
            json!({"title": "L'été: un récit", "authors": ["Élise Noël", "X"], "year": 2024});
        assert_eq!(
            name(&metadata, None).unwrap(),
            "Elise.Noel-L.ete.un.recit-2024-GRP"
        );
        let one = json!({"title": "A Book", "authors": "Jane Doe"});
        assert_eq!(name(&one, None).unwrap(), "Jane.Doe-A.Book-GRP");
        assert_eq!(
            name(&json!({}), Some("My Release")).unwrap(),
            "My.Release-GRP"
        );
        let long = json!({"title": "word ".repeat(60)});
        assert!(name(&long, None).unwrap().len() <= 160);
    }

    #[test]
    fn metadata_without_ascii_letters_gives_no_name() {
        assert!(matches!(
            name(&json!({"title": "日本"}), None),
            Err(WorkError::Failed(_))
        ));
    }
}
