//! Building a release name from what is known of the work.

use super::release_name::{MAX_RELEASE_NAME, check_release_name};
use crate::failure::{Failure, code};
use deunicode::deunicode;

/// The most characters of the author and of the title that a built name takes.
const MAX_PART: usize = 60;

/// What a release name is built from.
#[derive(Debug, Clone, Copy, Default)]
pub struct NameParts<'a> {
    /// The title; without one no name can be built.
    pub title: &'a str,
    /// The authors; one is named, two are joined by `And`, more are `Various`.
    pub authors: &'a [String],
    /// The year of publication.
    pub year: Option<i32>,
    /// The language as a BCP 47 tag; English is not named.
    pub language: Option<&'a str>,
    /// The format, as an analysis gives it.
    pub format: &'a str,
    /// The release group.
    pub group: &'a str,
}

/// Builds `Author.Name-Title.Of.Book-2024-FRENCH.ePub-GROUP`, as far as the parts are known.
///
/// # Errors
/// [`code::RELEASE_NAME_INVALID`] when there is no usable title or group.
pub fn build_release_name(parts: &NameParts<'_>) -> Result<String, Failure> {
    let invalid = |sentence: &str| Failure::new(code::RELEASE_NAME_INVALID, sentence);
    let group = words(parts.group, "_", 24);
    if group.is_empty() {
        return Err(invalid("A release name needs the group's name."));
    }
    let title = words(parts.title, ".", MAX_PART);
    if title.is_empty() {
        return Err(invalid("A release name cannot be built: the title is not known."));
    }
    let year = parts.year.map(|year| year.to_string()).unwrap_or_default();
    let pieces = [author(parts.authors), title, year, kind(parts), group];
    let known: Vec<String> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
    let name = known.join("-");
    debug_assert!(name.len() <= MAX_RELEASE_NAME);
    match check_release_name(&name) {
        Ok(()) => Ok(name),
        Err(reason) => Err(invalid(&format!("The release name {name:?} {reason}."))),
    }
}

fn author(authors: &[String]) -> String {
    match authors {
        [] => String::new(),
        [one] => words(&given_first(one), ".", MAX_PART / 2),
        [one, two] => {
            let both = format!("{} And {}", given_first(one), given_first(two));
            words(&both, ".", MAX_PART / 2)
        }
        _ => "Various".to_owned(),
    }
}

/// `Family, Given` as `Given Family`.
fn given_first(name: &str) -> String {
    match name.split_once(',') {
        Some((family, given)) => format!("{given} {family}"),
        None => name.to_owned(),
    }
}

/// The language and the format: `FRENCH.ePub`.
fn kind(parts: &NameParts<'_>) -> String {
    let format = match parts.format {
        "epub" => "ePub".to_owned(),
        "mobi" => "Mobi".to_owned(),
        "text" | "unknown" => String::new(),
        other => words(other, ".", 12).to_ascii_uppercase(),
    };
    let language = parts.language.map(language_tag).unwrap_or_default();
    match (language.is_empty(), format.is_empty()) {
        (false, false) => format!("{language}.{format}"),
        _ => language + &format,
    }
}

/// The name that releases give a language; empty for English and for none.
fn language_tag(language: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    let name = match primary.to_ascii_lowercase().as_str() {
        "" | "en" | "eng" | "und" | "english" => "",
        "fr" | "fra" | "fre" => "FRENCH",
        "de" | "deu" | "ger" => "GERMAN",
        "es" | "spa" => "SPANISH",
        "it" | "ita" => "ITALIAN",
        "nl" | "nld" | "dut" => "DUTCH",
        "pt" | "por" => "PORTUGUESE",
        "pl" | "pol" => "POLISH",
        "sv" | "swe" => "SWEDISH",
        "da" | "dan" => "DANISH",
        "no" | "nb" | "nn" | "nor" => "NORWEGIAN",
        "fi" | "fin" => "FINNISH",
        "ru" | "rus" => "RUSSIAN",
        "ja" | "jpn" => "JAPANESE",
        "zh" | "zho" | "chi" => "CHINESE",
        other => return words(other, ".", 12).to_ascii_uppercase(),
    };
    name.to_owned()
}

/// The words of a text in ASCII, joined, cut at a word's end to at most `limit` characters.
/// Apostrophes vanish, so that `L'été` is one word.
fn words(text: &str, joint: &str, limit: usize) -> String {
    let ascii = deunicode(text).replace(['\'', '`'], "");
    let mut joined = String::new();
    for word in ascii.split(|c: char| !c.is_ascii_alphanumeric()) {
        let room = limit.saturating_sub(joined.len());
        let needed = word.len() + if joined.is_empty() { 0 } else { joint.len() };
        if word.is_empty() {
            continue;
        }
        if joined.is_empty() {
            joined.push_str(&word[..word.len().min(limit)]);
        } else if needed <= room {
            joined.push_str(joint);
            joined.push_str(word);
        } else {
            break;
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn build(title: &str, authors: &[&str], year: Option<i32>, language: &str) -> String {
        let authors: Vec<String> = authors.iter().map(|name| (*name).to_owned()).collect();
        build_release_name(&NameParts {
            title,
            authors: &authors,
            year,
            language: Some(language),
            format: "epub",
            group: "GROUP",
        })
        .unwrap()
    }

    #[test]
    fn a_name_is_built_from_everything_known() {
        assert_eq!(
            build("L'Été & après : une Œuvre", &["Écrit, Anne"], Some(2024), "fr-FR"),
            "Anne.Ecrit-LEte.apres.une.OEuvre-2024-FRENCH.ePub-GROUP"
        );
        assert_eq!(
            build("The Title", &["A. Writer", "B. Other"], None, "en"),
            "A.Writer.And.B.Other-The.Title-ePub-GROUP"
        );
        assert_eq!(build("T", &["a", "b", "c"], None, "xyz"), "Various-T-XYZ.ePub-GROUP");
        assert_eq!(build("A Title", &[], None, ""), "A.Title-ePub-GROUP");
    }

    #[test]
    fn long_titles_are_cut_between_words() {
        let name = build(&"Wonderful ".repeat(30), &[], None, "en");
        assert!(name.starts_with("Wonderful.Wonderful"), "{name}");
        assert!(name.ends_with("Wonderful-ePub-GROUP"), "{name}");
    }

    #[test]
    fn formats_and_groups_are_written_as_usual() {
        let name = |format, group| {
            build_release_name(&NameParts { title: "A Title", format, group, ..NameParts::default() })
        };
        assert_eq!(name("pdf", "My Group").unwrap(), "A.Title-PDF-My_Group");
        assert_eq!(name("text", "GRP").unwrap(), "A.Title-GRP");
        assert_eq!(name("mobi", "GRP").unwrap(), "A.Title-Mobi-GRP");
        assert_eq!(name("cbz", "").unwrap_err().code, code::RELEASE_NAME_INVALID);
        let untitled = build_release_name(&NameParts { title: "?!", group: "G", ..NameParts::default() });
        assert_eq!(untitled.unwrap_err().code, code::RELEASE_NAME_INVALID);
        let short = build_release_name(&NameParts { title: "T", group: "G", ..NameParts::default() });
        assert!(short.unwrap_err().message.contains("8 to 160"));
    }

    #[test]
    fn every_language_has_a_word() {
        for code in [
            "fr", "de", "es", "it", "nl", "pt", "pl", "sv", "da", "no", "fi", "ru", "ja", "zh",
        ] {
            assert!(language_tag(code).len() >= 5, "{code}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_metadata_a_built_name_keeps_the_rules(
            title in ".{0,200}", author in ".{0,80}", group in ".{0,40}",
            year in proptest::option::of(-9999..9999_i32), format in ".{0,20}", language in ".{0,20}",
        ) {
            let authors = [author];
            let parts = NameParts {
                title: &title, authors: &authors, year, language: Some(&language),
                format: &format, group: &group,
            };
            if let Ok(name) = build_release_name(&parts) {
                prop_assert_eq!(check_release_name(&name), Ok(()));
            }
        }
    }
}
