//! A file listed in an NFO.

use super::size::parse_size;

/// The largest number of words in the line of a file.
const MAX_WORDS: usize = 50;
/// The longest name of a file, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A file listed in an NFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedFile {
    /// The name.
    pub name: String,
    /// The size in bytes, if given.
    pub size: Option<u64>,
    /// The CRC-32 as eight upper-case hexadecimal digits, if given.
    pub crc32: Option<String>,
}

impl ListedFile {
    /// Parses a line of a list: a name, followed by a size and a CRC-32 in any order, or preceded
    /// by a CRC-32.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().take(MAX_WORDS + 1).collect();
        if words.len() > MAX_WORDS {
            return None;
        }
        let mut words = skip_bullets(&words);
        let (mut size, mut crc32) = (None, None);
        for _ in 0..2 {
            if let Some((found, before)) = split_last_crc32(words) {
                (crc32, words) = (Some(found), before);
            } else if let Some((found, before)) = split_last_size(words) {
                (size, words) = (size.or(Some(found)), before);
            }
        }
        if crc32.is_none()
            && let [first, rest @ ..] = words
            && !rest.is_empty()
            && let Some(found) = parse_crc32(first)
        {
            (crc32, words) = (Some(found), rest);
        }
        let name = join_name(words);
        is_file_name(&name).then_some(Self { name, size, crc32 })
    }
}

/// Skips bullets (`-`) and numbers (`2)`), but not the last word.
fn skip_bullets<'w, 'l>(mut words: &'w [&'l str]) -> &'w [&'l str] {
    let is_number = |word: &str| {
        word.ends_with(['.', ')'])
            && word
                .trim_end_matches(['.', ')'])
                .bytes()
                .all(|b| b.is_ascii_digit())
    };
    while let [first, rest @ ..] = words
        && !rest.is_empty()
        && (!first.contains(char::is_alphanumeric) || is_number(first))
    {
        words = rest;
    }
    words
}

/// Splits off a CRC-32 after another word.
fn split_last_crc32<'w, 'l>(words: &'w [&'l str]) -> Option<(String, &'w [&'l str])> {
    let (last, before) = words.split_last()?;
    let crc32 = parse_crc32(last)?;
    (!before.is_empty()).then_some((crc32, before))
}

/// Splits off a size of two words, or else one, after another word.
fn split_last_size<'w, 'l>(words: &'w [&'l str]) -> Option<(u64, &'w [&'l str])> {
    [2, 1].into_iter().find_map(|count| {
        let at = words.len().checked_sub(count).filter(|at| *at > 0)?;
        let (before, size) = words.split_at(at);
        Some((parse_size(&size.join(" "))?, before))
    })
}

/// Joins the words of a name, without the leaders after it.
fn join_name(words: &[&str]) -> String {
    let has_text = |word: &&str| word.contains(char::is_alphanumeric);
    let end = words.iter().rposition(has_text).map_or(0, |at| at + 1);
    let name = words[..end].join(" ");
    name.trim_end_matches(['.', ':', '·', '_']).to_owned()
}

fn is_file_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let is_extension =
        (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    // The number of a volume has three digits. Any other number may be a version or a size.
    let is_kind = extension.contains(|c: char| c.is_ascii_alphabetic()) || extension.len() == 3;
    is_extension
        && is_kind
        && stem.contains(char::is_alphabetic)
        && !stem.ends_with(['.', ' '])
        && !name.contains(['<', '>', ':', '"', '|', '?', '*'])
        && name.len() <= MAX_NAME_BYTES
}

fn parse_crc32(word: &str) -> Option<String> {
    let digits = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    (digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| digits.to_ascii_uppercase())
}
