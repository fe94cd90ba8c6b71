//! Matches the names in an SFV with the files of a package.

use std::collections::{HashMap, HashSet};

use text::encoding::{Encoding, detect};

use super::{Checksums, is_strict, parse_as};
use crate::WorkError;

/// The checksums in an SFV, matched with the files of a package.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MatchedSfv {
    /// The checksum of each listed file that exists, by its path in the package.
    pub checksums: Checksums,
    /// The checksums of the listed files that do not exist, as listed.
    pub missing: Checksums,
    /// Whether every tool can read the SFV, and each listed file has exactly the listed name.
    pub is_strict: bool,
}

/// Parses an SFV and matches its names with the `paths` of a package's files.
///
/// # Errors
/// As for [`super::parse`].
pub fn match_files(bytes: &[u8], paths: &[&str]) -> Result<MatchedSfv, WorkError> {
    let encoding = detect(bytes);
    let mut matched = match_names(parse_as(bytes, encoding)?, paths);
    // One accented letter may be a letter in two encodings.
    let other = match encoding {
        Encoding::Cp437 => Some(Encoding::Windows1252),
        Encoding::Windows1252 => Some(Encoding::Cp437),
        _ => None,
    };
    if let Some(other) = other.filter(|_| !matched.missing.is_empty())
        && let Ok(listed) = parse_as(bytes, other)
    {
        let other = match_names(listed, paths);
        if other.missing.len() < matched.missing.len() {
            matched = other;
        }
    }
    matched.is_strict &= is_strict(bytes);
    Ok(matched)
}

/// Matches exact names first, then names that people take for the same.
fn match_names(listed: Checksums, paths: &[&str]) -> MatchedSfv {
    let existing: HashSet<&str> = paths.iter().copied().collect();
    let (exact, others): (Checksums, Checksums) = listed
        .into_iter()
        .partition(|(path, _)| existing.contains(path.as_str()));
    let mut matched = MatchedSfv {
        is_strict: others.is_empty(),
        checksums: exact,
        missing: Checksums::new(),
    };
    let mut by_key = HashMap::new();
    for path in paths {
        if !matched.checksums.contains_key(*path) {
            by_key.entry(name_key(path)).or_insert(*path);
        }
    }
    for (listed, crc32) in others {
        let path = by_key.get(&name_key(&listed));
        let is_free = |path: &&&str| {
            matched
                .checksums
                .get(**path)
                .is_none_or(|one| *one == crc32)
        };
        match path.filter(is_free) {
            Some(path) => matched.checksums.insert((*path).to_owned(), crc32),
            None => matched.missing.insert(listed, crc32),
        };
    }
    matched
}

/// Returns the same key for names that differ only in what tools and file systems change. This is
/// the only place where the names in an SFV are compared other than exactly.
fn name_key(path: &str) -> String {
    text::name_key(path.trim())
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;
    use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_string_checked};

    use super::*;
    use crate::package::sfv::render;

    fn checksums(files: &[(&str, u32)]) -> Checksums {
        files
            .iter()
            .map(|(path, crc32)| ((*path).to_owned(), *crc32))
            .collect()
    }

    #[test]
    fn names_are_matched_exactly_or_else_without_case() {
        let matched = match_files(
            b"A.ZIP 00000001\r\nArt/Cover.JPG 00000002\r\nB.txt 00000003\r\ngone 00000004\r\n",
            &["a.zip", "art/cover.jpg", "B.txt", "b.txt", "unlisted"],
        );
        let expected = MatchedSfv {
            checksums: checksums(&[("a.zip", 1), ("art/cover.jpg", 2), ("B.txt", 3)]),
            missing: checksums(&[("gone", 4)]),
            is_strict: false,
        };
        assert_eq!(matched.unwrap(), expected);
    }

    #[test]
    fn file_is_not_matched_with_two_checksums() {
        let matched = match_files(b"A.zip 00000001\na.zip 00000002\n", &["a.zip"]).unwrap();
        assert_eq!(matched.checksums, checksums(&[("a.zip", 2)]));
        assert_eq!(matched.missing, checksums(&[("A.zip", 1)]));
        let matched = match_files(b"A.zip 00000001\nA.ZIP 00000002\n", &["a.zip"]).unwrap();
        assert_eq!((matched.checksums.len(), matched.missing.len()), (1, 1));
        let matched = match_files(b"A.zip 00000001\nA.ZIP 00000001\n", &["a.zip"]).unwrap();
        assert_eq!((matched.checksums.len(), matched.missing.len()), (1, 0));
    }

    #[test]
    fn names_in_every_encoding_are_matched() {
        for name in [
            "été.zip",
            "ÜBER.ZIP",
            "Žižek Œuvre.zip",
            "año.zip",
            "à ô ü.zip",
        ] {
            let text = format!("{name} 00000001\r\n");
            let utf16 = |mark: &str| -> Vec<u8> {
                let text = format!("{mark}{text}");
                text.encode_utf16().flat_map(u16::to_le_bytes).collect()
            };
            let mut encoded = vec![
                text.clone().into_bytes(),
                format!("\u{feff}{text}").into_bytes(),
                WINDOWS_1252.encode(&text).0.into_owned(),
                utf16("\u{feff}"),
                utf16(""),
            ];
            encoded.extend(encode_string_checked(&text, &ENCODING_TABLE_CP437));
            for bytes in encoded {
                let matched = match_files(&bytes, &[name]).unwrap();
                assert_eq!(matched.checksums, checksums(&[(name, 1)]), "{bytes:?}");
            }
        }
    }

    #[test]
    fn only_what_every_tool_reads_is_strict() {
        let listed = checksums(&[("a.zip", 1), ("art/é.jpg", 2)]);
        let strict = |bytes: &[u8]| {
            match_files(bytes, &["a.zip", "art/é.jpg"])
                .unwrap()
                .is_strict
        };
        assert!(strict(render(&listed).as_bytes()));
        assert!(strict(
            "; by hand\n\na.zip 00000001\nart/é.jpg\t00000002\n".as_bytes()
        ));
        for text in [
            "A.zip 00000001\r\n",
            "\u{feff}a.zip 00000001\r\n",
            "a.zip 00000001\r",
            "a.zip 00000001\r\n\u{1a}",
            "art\\é.jpg 00000002\r\n",
            "./a.zip 00000001\r\n",
            "00000001 *a.zip\r\n",
            "# by hand\r\na.zip 00000001\r\n",
        ] {
            assert!(!strict(text.as_bytes()), "{text:?}");
        }
    }
}
