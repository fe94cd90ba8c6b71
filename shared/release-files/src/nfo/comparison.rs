//! Compares the files listed in an NFO with the existing files.

use std::collections::BTreeSet;

use serde::Serialize;
use text::name_key;

use super::listed_file::ListedFile;
use crate::paths::has_extension;

/// The differences between the listed and the existing files.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Listed files that do not exist.
    pub missing_files: Vec<String>,
    /// Existing files that are not listed, except for NFO, SFV and `FILE_ID.DIZ`, which seldom are.
    pub unexpected_files: Vec<String>,
}

/// Compares files by name, ignoring folder, case and the way of writing an accent. An empty list has
/// no differences.
#[must_use]
pub fn compare<'a>(
    listed: &[ListedFile],
    existing: impl IntoIterator<Item = &'a str>,
) -> Comparison {
    if listed.is_empty() {
        return Comparison::default();
    }
    let existing: Vec<&str> = existing.into_iter().collect();
    let existing_keys: BTreeSet<_> = existing.iter().map(|path| key(path)).collect();
    let listed_keys: BTreeSet<_> = listed.iter().map(|file| key(&file.name)).collect();
    let mut reported = BTreeSet::new();
    let missing = listed
        .iter()
        .map(|file| &file.name)
        .filter(|name| !existing_keys.contains(&key(name)) && reported.insert(key(name)));
    let unexpected = existing
        .iter()
        .filter(|path| !listed_keys.contains(&key(path)) && !is_seldom_listed(path));
    Comparison {
        missing_files: missing.cloned().collect(),
        unexpected_files: unexpected.map(|path| (*path).to_owned()).collect(),
    }
}

/// The key of the file name.
fn key(path: &str) -> String {
    name_key(path.rsplit(['/', '\\']).next().unwrap_or(path))
}

fn is_seldom_listed(path: &str) -> bool {
    let key = key(path);
    key == "file_id.diz" || has_extension(&key, "nfo") || has_extension(&key, "sfv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_unexpected_files_are_reported() {
        let listed = ["Book.ZIP", "gone.txt", "GONE.txt"].map(|name| ListedFile {
            name: name.to_owned(),
            ..ListedFile::default()
        });
        let files = ["sub/book.zip", "extra.jpg", "x.nfo", "x.SFV", "FILE_ID.DIZ"];
        let expected = Comparison {
            missing_files: vec!["gone.txt".to_owned()],
            unexpected_files: vec!["extra.jpg".to_owned()],
        };
        assert_eq!(compare(&listed, files), expected);
        assert_eq!(compare(&[], files), Comparison::default());
    }

    #[test]
    fn accents_are_the_same_in_one_character_or_two() {
        let decomposed = "e\u{301}te\u{301}.pdf";
        for (listed, existing) in [("été.pdf", decomposed), (decomposed, "cd/ÉTÉ.pdf")] {
            let listed = [ListedFile {
                name: listed.to_owned(),
                ..ListedFile::default()
            }];
            assert_eq!(compare(&listed, [existing]), Comparison::default());
        }
    }
}
