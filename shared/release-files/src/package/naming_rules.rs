//! The naming rules for the files of a package.

use serde::{Serialize, Serializer};
use text::ascii::spell;

/// The longest extension, in characters. A longer ending is part of the name.
const MAX_EXTENSION_CHARS: usize = 8;
/// The longest component of a path, in bytes, which every file system accepts.
const MAX_COMPONENT_BYTES: usize = 200;

/// A naming rule, named after its violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamingRule {
    /// The path has letters with accents or from another script.
    Accents,
    /// The path has spaces.
    Spaces,
    /// The path has forbidden characters or stray separators.
    Characters,
    /// A component of the path is longer than 200 bytes.
    Length,
    /// The extension has capitals.
    ExtensionCase,
    /// The name does not end with the group.
    GroupSuffix,
    /// The name differs from the name of the release.
    ReleaseName,
    /// The file is in a folder but belongs at the top of the package.
    Folder,
    /// Another file would have the same path.
    Duplicate,
}

impl NamingRule {
    /// The name in a job's result and log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accents => "accents",
            Self::Spaces => "spaces",
            Self::Characters => "characters",
            Self::Length => "length",
            Self::ExtensionCase => "extension_case",
            Self::GroupSuffix => "group_suffix",
            Self::ReleaseName => "release_name",
            Self::Folder => "folder",
            Self::Duplicate => "duplicate",
        }
    }
}

impl Serialize for NamingRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Returns the rules on characters and lengths that a path breaks.
pub(super) fn broken_character_rules(path: &str) -> Vec<NamingRule> {
    let has = |is: fn(char) -> bool| path.chars().any(is);
    let rules = [
        (
            NamingRule::Length,
            path.split('/').any(|part| part.len() > MAX_COMPONENT_BYTES),
        ),
        (
            NamingRule::Accents,
            has(|c| !c.is_ascii() && !c.is_whitespace()),
        ),
        (NamingRule::Spaces, has(char::is_whitespace)),
        (
            NamingRule::Characters,
            has(|c| c.is_ascii() && !c.is_whitespace() && !is_allowed(c))
                || has_stray_separators(path),
        ),
    ];
    rules
        .into_iter()
        .filter(|(_, is_broken)| *is_broken)
        .map(|(rule, _)| rule)
        .collect()
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-/".contains(c)
}

/// Returns whether a separator begins or ends a component, or follows another one.
fn has_stray_separators(path: &str) -> bool {
    // Forbidden characters count as letters, because they break a different rule.
    let lettered: String = path
        .chars()
        .map(|c| if is_allowed(c) { c } else { 'x' })
        .collect();
    let is_stray = |part: &str| {
        part.len() <= MAX_COMPONENT_BYTES && clean_component(part).as_deref() != Some(part)
    };
    lettered.split('/').any(is_stray)
}

/// Returns whether the extension of a file name has capitals.
pub(super) fn has_upper_case_extension(name: &str) -> bool {
    let (_, extension) = split_extension(name);
    extension.is_some_and(|extension| extension.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// Cleans the stem and the extension of a file name. A stem that cannot be spelled stays as it is:
/// no other name says the same.
pub(super) fn clean_file_name(name: &str) -> String {
    let (stem, extension) = split_extension(name);
    let ending = extension.map_or_else(String::new, |extension| format!(".{extension}"));
    let Some(stem) = clean_to_length(stem, MAX_COMPONENT_BYTES - ending.len()) else {
        return format!("{stem}{}", ending.to_ascii_lowercase());
    };
    let cleaned = format!("{stem}{ending}");
    // Cleaning may turn the end of the name into an extension.
    match split_extension(&cleaned) {
        (stem, Some(extension)) => format!("{stem}.{}", extension.to_ascii_lowercase()),
        _ => cleaned,
    }
}

/// Appends a number to the stem of a file name, within the limit of a component.
pub(super) fn numbered(name: &str, number: usize) -> String {
    let (stem, extension) = split_extension(name);
    let mut ending = format!(".{number}");
    if let Some(extension) = extension {
        ending.push('.');
        ending.push_str(extension);
    }
    let stem = if stem.is_ascii() {
        cut_at_word(stem, MAX_COMPONENT_BYTES - ending.len())
    } else {
        stem
    };
    format!("{stem}{ending}")
}

/// Cleans a component of a path: keeps allowed characters, and one separator between words. Returns
/// `None` if nothing is left, or if a letter cannot be spelled.
pub(super) fn clean_component(part: &str) -> Option<String> {
    clean_to_length(part, MAX_COMPONENT_BYTES)
}

fn clean_to_length(part: &str, limit: usize) -> Option<String> {
    let mut cleaned = String::new();
    let mut separators = String::new();
    for c in spell(part)?.chars() {
        match c {
            '.' | '_' | '-' => separators.push(c),
            // A slash is that of a fraction.
            ' ' | '\t' | '/' => separators.push('.'),
            _ if !c.is_ascii_alphanumeric() => {}
            _ => {
                if !cleaned.is_empty() {
                    // A dash separates the parts of a release name, so it takes precedence.
                    let strongest = ['-', '.', '_']
                        .into_iter()
                        .find(|separator| separators.contains(*separator));
                    cleaned.extend(strongest);
                }
                separators.clear();
                cleaned.push(c);
            }
        }
    }
    Some(cut_at_word(&cleaned, limit).to_owned()).filter(|cleaned| !cleaned.is_empty())
}

/// Shortens a name in ASCII to `limit` bytes at the end of a word; within a word only if less than
/// half of the limit would be left.
pub(super) fn cut_at_word(name: &str, limit: usize) -> &str {
    const SEPARATORS: [char; 3] = ['.', '_', '-'];
    let Some(cut) = name.get(..limit).filter(|_| name.len() > limit) else {
        return name;
    };
    let is_at_end = name[limit..].starts_with(SEPARATORS);
    let end = if is_at_end {
        Some(limit)
    } else {
        cut.rfind(SEPARATORS)
    };
    let end = end.filter(|end| *end >= limit / 2).unwrap_or(limit);
    cut[..end].trim_end_matches(SEPARATORS)
}

/// Splits a file name into stem and extension.
pub(super) fn split_extension(name: &str) -> (&str, Option<&str>) {
    let is_extension = |ending: &str| {
        (1..=MAX_EXTENSION_CHARS).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_extension(ending) => (stem, Some(ending)),
        _ => (name, None),
    }
}
