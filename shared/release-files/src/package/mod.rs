//! Building a release's package, over any writer.

pub mod archive;
pub mod diz;
pub mod filling;
pub mod joined;
pub mod names;
pub mod nfo;
pub mod records;
pub mod sfv;
pub mod volumes;

use jobs::FailureCode;
use jobs::{Time, release::check_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use text::ascii;

use crate::WorkError;
use crate::{
    formats::digest::{Hasher, crc32_text},
    nfo::read,
};

/// A finished file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFile {
    /// Its name in the package.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// CRC-32, eight hexadecimal digits in upper case.
    pub crc32: String,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl PackageFile {
    /// A file of `bytes`.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        Self::hashed(path, hasher)
    }

    /// The file whose bytes `hasher` took.
    #[must_use]
    pub fn hashed(path: &str, hasher: Hasher) -> Self {
        let size = hasher.size();
        let (crc32, sha256) = hasher.finish();
        Self {
            path: path.to_owned(),
            size,
            crc32: crc32_text(crc32),
            sha256,
        }
    }

    /// The CRC-32 as a number.
    #[must_use]
    pub fn crc32_value(&self) -> u32 {
        u32::from_str_radix(&self.crc32, 16).unwrap_or_default()
    }
}

/// What NFO and DIZ tell of a release.
#[derive(Debug, Serialize)]
pub struct Facts {
    /// The release's name.
    pub release_name: String,
    /// The group.
    pub group: String,
    /// The title; empty where it is not known.
    pub title: String,
    /// The authors, with commas between them, or semicolons where commas would not part them.
    pub authors: String,
    /// The publisher.
    pub publisher: String,
    /// The year.
    pub year: String,
    /// The language.
    pub language: String,
    /// The ISBN.
    pub isbn: String,
    /// The source's format.
    pub format: String,
    /// The day of the release: `2026-11-23`.
    pub date: String,
    /// The size of the archive, in bytes.
    pub size: u64,
    /// The archive's files.
    pub files: Vec<PackageFile>,
}

impl Facts {
    /// The facts of a package whose archive is `files`.
    #[must_use]
    pub fn new(
        name: &str,
        group: &str,
        metadata: &Map<String, Value>,
        files: &[PackageFile],
        date: Time,
    ) -> Self {
        let text = |name: &str| metadata.get(name).map(plain).unwrap_or_default();
        let authors = metadata
            .get("authors")
            .map_or_else(|| text("author"), joined);
        Self {
            release_name: name.to_owned(),
            group: group.to_owned(),
            title: text("title"),
            authors,
            publisher: text("publisher"),
            year: text("year"),
            language: text("language"),
            isbn: text("isbn"),
            format: text("format"),
            date: date.to_string().chars().take(10).collect(),
            size: files.iter().map(|file| file.size).sum(),
            files: files.to_vec(),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text::one_line(text),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Authors in one text, which [`read::authors`] tells apart again.
fn joined(authors: &Value) -> String {
    let commas = plain(authors);
    match authors {
        Value::Array(names) if read::authors(&commas).len() != names.len() => {
            names.iter().map(plain).collect::<Vec<_>>().join("; ")
        }
        _ => commas,
    }
}

/// Builds a release name from metadata: `Author.Name-The.Title-2024-GROUP`.
///
/// # Errors
/// Where the metadata gives nothing that the naming rules allow.
pub fn build_name(
    metadata: &Map<String, Value>,
    fallback: Option<&str>,
    group: &str,
) -> Result<String, WorkError> {
    let text = |name: &str| metadata.get(name).map(plain).unwrap_or_default();
    let author = match metadata.get("authors") {
        Some(Value::Array(authors)) => authors.first().map(plain).unwrap_or_default(),
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
        .map(|part| words(part))
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    name.truncate(160 - group.len() - 1);
    let name = format!("{}-{group}", name.trim_end_matches(['.', '-']));
    match check_name(&name) {
        Ok(()) => Ok(name),
        Err(_) => Err(WorkError::failed(
            FailureCode::ReleaseNameInvalid,
            "No release name can be built from the metadata; give one in \"release_name\"",
        )),
    }
}

/// The words of a text, in ASCII, joined by dots.
fn words(text: &str) -> String {
    let ascii = ascii::transliterate(text);
    ascii
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
        build_name(metadata.as_object().unwrap(), fallback, "GRP")
    }

    #[test]
    fn a_name_is_built_from_author_title_and_year() {
        let metadata =
            json!({"title": "L'été: un récit", "authors": ["Élise Noël", "X"], "year": 2024});
        assert_eq!(
            name(&metadata, None).unwrap(),
            "Elise.Noel-L.ete.un.recit-2024-GRP"
        );
        assert_eq!(
            name(&json!({}), Some("My Release")).unwrap(),
            "My.Release-GRP"
        );
        let long = json!({"title": "word ".repeat(60)});
        assert!(name(&long, None).unwrap().len() <= 160);
    }

    #[test]
    fn no_name_can_be_built_from_nothing() {
        assert!(matches!(
            name(&json!({"title": "日本"}), None),
            Err(WorkError::Failed(_))
        ));
    }
}
