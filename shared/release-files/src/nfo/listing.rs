//! The files that an NFO lists, compared with those that are there.

use std::collections::BTreeSet;

use serde::Serialize;
use text::ascii::transliterate;

use super::{
    labels::{self, Field},
    layout::{COLUMNS, width},
    size,
};

/// Lines that a list of files follows: ASCII letters in lower case.
const HEADINGS: [&str; 12] = [
    "files",
    "filelist",
    "listoffiles",
    "filesincluded",
    "archivefiles",
    "content",
    "contents",
    "fichiers",
    "listedesfichiers",
    "listefichiers",
    "contenu",
    "filename",
];
/// Labels of a single file.
const LABELS: [&str; 7] = [
    "file",
    "files",
    "filename",
    "archive",
    "fichier",
    "fichiers",
    "nomdufichier",
];
/// The most words in the line of a file.
const MAX_WORDS: usize = 50;
/// The longest name of a file, in bytes.
const MAX_NAME: usize = 255;

/// A file that an NFO lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// In bytes, where it is told.
    pub size: Option<u64>,
    /// Eight hexadecimal digits in upper case, where they are told.
    pub crc32: Option<String>,
}

/// How the files that an NFO lists stand to those that are there.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Listed, and not there.
    pub missing_files: Vec<String>,
    /// There, and not listed; NFO, SFV and `FILE_ID.DIZ` seldom are, and are left out.
    pub unexpected_files: Vec<String>,
}

/// Compares by name, whatever its folder and case. Where nothing is listed, nothing is compared.
#[must_use]
pub fn compare<'a>(listed: &[Listed], files: impl IntoIterator<Item = &'a str>) -> Comparison {
    if listed.is_empty() {
        return Comparison::default();
    }
    let key = |path: &str| {
        path.rsplit(['/', '\\'])
            .next()
            .unwrap_or(path)
            .to_lowercase()
    };
    let files: Vec<&str> = files.into_iter().collect();
    let (there, told): (BTreeSet<_>, BTreeSet<_>) = (
        files.iter().map(|path| key(path)).collect(),
        listed.iter().map(|file| key(&file.name)).collect(),
    );
    let mut seen = BTreeSet::new();
    let missing = listed
        .iter()
        .map(|file| &file.name)
        .filter(|name| !there.contains(&key(name)) && seen.insert(key(name)));
    let is_beside = |path: &str| {
        let key = key(path);
        key == "file_id.diz" || has_extension(&key, "nfo") || has_extension(&key, "sfv")
    };
    let unexpected = files
        .iter()
        .filter(|path| !told.contains(&key(path)) && !is_beside(path));
    Comparison {
        missing_files: missing.cloned().collect(),
        unexpected_files: unexpected.map(|path| (*path).to_owned()).collect(),
    }
}

/// Whether a file has the extension, in whatever case.
#[must_use]
pub fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

/// Finds the listed files among the lines of an NFO, given one after the other.
#[derive(Debug, Default)]
pub struct Listing {
    /// What has been found.
    pub files: Vec<Listed>,
    state: State,
    /// The beginning of a name that goes on in the next line.
    cut: String,
    /// The text of the last file.
    last: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// Behind a heading.
    Headed,
    /// Behind a file.
    Listing,
}

impl Listing {
    /// Takes a line, without its frame; says whether it belongs to a list of files.
    pub fn take(&mut self, line: &str) -> bool {
        let text = line.trim();
        let has_text = text.contains(char::is_alphanumeric);
        if is_heading(text) {
            self.last.clear();
            self.state = State::Headed;
            return true;
        }
        match self.state {
            State::Outside => self.single(text),
            State::Headed if !has_text => true,
            State::Listing if !has_text => {
                self.state = State::Outside;
                false
            }
            State::Headed | State::Listing => self.listed(line, text),
        }
    }

    /// A file outside a list: with its checksum, or behind a label.
    fn single(&mut self, text: &str) -> bool {
        let labelled =
            labels::split(text).filter(|label| LABELS.contains(&word(label.label).as_str()));
        let file = match labelled {
            Some(label) => entry(label.value),
            None => entry(text).filter(|file| file.crc32.is_some()),
        };
        let found = file.is_some();
        self.files.extend(file);
        found
    }

    /// Whether the line has only the size or the CRC-32 of the name above.
    fn completed(&mut self, text: &str) -> bool {
        let (above, is_new) = if self.cut.is_empty() {
            (&self.last, false)
        } else {
            (&self.cut, true)
        };
        let Some(name) = entry(above).map(|file| file.name) else {
            return false;
        };
        let Some(file) = entry(&format!("{above} {text}")).filter(|file| file.name == name) else {
            return false;
        };
        // A name that was cut behind a point goes on.
        if is_new && !above.ends_with(&name) {
            return false;
        }
        if !is_new {
            self.files.pop();
        }
        self.files.push(file);
        self.cut.clear();
        self.last.clear();
        self.state = State::Listing;
        true
    }

    fn listed(&mut self, line: &str, text: &str) -> bool {
        if width(line.trim_end()) == COLUMNS && !text.contains(' ') {
            self.cut.push_str(text);
            return true;
        }
        if self.completed(text) {
            return true;
        }
        let whole = std::mem::take(&mut self.cut) + text;
        if let Some(file) = entry(&whole) {
            self.files.push(file);
            self.last = whole;
            self.state = State::Listing;
            return true;
        }
        // Between a heading and its files may stand a sentence or the table's first row.
        let is_label = labels::all(line)
            .iter()
            .any(|label| labels::field(label.label).is_some_and(|field| field != Field::Size));
        if self.state == State::Listing || is_label {
            self.state = State::Outside;
            return false;
        }
        true
    }
}

fn word(text: &str) -> String {
    let mut word = transliterate(text).to_ascii_lowercase();
    word.retain(|c| c.is_ascii_alphabetic());
    word
}

fn is_heading(text: &str) -> bool {
    width(text) <= COLUMNS && HEADINGS.contains(&word(text).as_str())
}

/// Reads a line of a list: a name, and in any order size and CRC-32.
fn entry(text: &str) -> Option<Listed> {
    let mut tokens: Vec<&str> = text.split_whitespace().take(MAX_WORDS + 1).collect();
    if tokens.len() > MAX_WORDS {
        return None;
    }
    let is_number = |token: &str| {
        token
            .trim_end_matches(['.', ')'])
            .bytes()
            .all(|b| b.is_ascii_digit())
    };
    let is_bullet = |token: &&str| {
        !token.contains(char::is_alphanumeric) || token.ends_with(['.', ')']) && is_number(token)
    };
    while tokens.len() > 1 && tokens.first().is_some_and(is_bullet) {
        tokens.remove(0);
    }
    let mut file = Listed::default();
    for _ in 0..2 {
        if let Some(crc) = tokens
            .last()
            .filter(|_| tokens.len() > 1)
            .and_then(|token| crc32(token))
        {
            file.crc32 = Some(crc);
            tokens.pop();
        } else if let Some(count) = [2, 1].into_iter().find(|count| {
            let size = tokens
                .len()
                .checked_sub(*count)
                .filter(|at| *at > 0)
                .and_then(|at| size::parse(&tokens[at..].join(" ")));
            file.size = file.size.or(size);
            size.is_some()
        }) {
            tokens.truncate(tokens.len() - count);
        }
    }
    if file.crc32.is_none() && tokens.len() > 1 {
        file.crc32 = crc32(tokens[0]);
        tokens.drain(..usize::from(file.crc32.is_some()));
    }
    while tokens
        .last()
        .is_some_and(|token| !token.contains(char::is_alphanumeric))
    {
        tokens.pop();
    }
    let name = tokens.join(" ");
    let name = name.trim_end_matches(['.', ':', '·', '_']);
    is_file_name(name).then(|| Listed {
        name: name.to_owned(),
        ..file
    })
}

fn is_file_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let is_extension =
        (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_kind = extension.contains(|c: char| c.is_ascii_alphabetic()) || extension.len() == 3;
    is_extension
        && is_kind
        && stem.contains(char::is_alphabetic)
        && !stem.ends_with(['.', ' '])
        && !name.contains(['<', '>', ':', '"', '|', '?', '*'])
        && name.len() <= MAX_NAME
}

fn crc32(token: &str) -> Option<String> {
    let digits = token.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    (digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| digits.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<Listed> {
        let mut listing = Listing::default();
        text.lines().for_each(|line| {
            listing.take(line);
        });
        listing.files
    }

    fn file(
        name: &str,
        size: impl Into<Option<u64>>,
        crc32: impl Into<Option<&'static str>>,
    ) -> Listed {
        Listed {
            name: name.to_owned(),
            size: size.into(),
            crc32: crc32.into().map(str::to_owned),
        }
    }

    #[test]
    fn lists_are_read_in_every_form() {
        let text = "\
Files
-----
  a.zip.001  15,000  CBF43926
  a.zip.002 ...... 1.2 MB
- b c.epub [cbf43926]
2) d.r00

Not.a.file but words.
e.pdf 12 CBF43926
Fichier : f.epub (12 Ko)
=[ Liste des fichiers (2) ]=
Nom              Taille
CBF43926 g.cbz
no list any more
h.txt";
        assert_eq!(
            listed(text),
            [
                file("a.zip.001", 15_000, "CBF43926"),
                file("a.zip.002", 1_200_000, None),
                file("b c.epub", None, "CBF43926"),
                file("d.r00", None, None),
                file("e.pdf", 12, "CBF43926"),
                file("f.epub", 12_000, None),
                file("g.cbz", None, "CBF43926"),
            ]
        );
    }

    #[test]
    fn a_name_that_reaches_the_edge_goes_on_below() {
        let name = format!("{}.zip", "x".repeat(100));
        let text = format!("Files\n  {}\n  {}  9  CBF43926\n", &name[..78], &name[78..]);
        assert_eq!(listed(&text), [file(&name, 9, "CBF43926")]);
        let text = format!("Files\n  {}\n  9  CBF43926\n  b.zip\n", &name[26..]);
        assert_eq!(
            listed(&text),
            [file(&name[26..], 9, "CBF43926"), file("b.zip", None, None)]
        );
        assert_eq!(
            listed("Files\na.zip  9\nCBF43926\nb.zip"),
            [file("a.zip", 9, "CBF43926"), file("b.zip", None, None)]
        );
    }

    #[test]
    fn missing_and_unexpected_files_are_told_apart() {
        let listed = [
            file("Book.ZIP", None, None),
            file("gone.txt", None, None),
            file("GONE.txt", None, None),
        ];
        let files = ["sub/book.zip", "extra.jpg", "x.nfo", "x.SFV", "FILE_ID.DIZ"];
        let expected = Comparison {
            missing_files: vec!["gone.txt".to_owned()],
            unexpected_files: vec!["extra.jpg".to_owned()],
        };
        assert_eq!(compare(&listed, files), expected);
        assert_eq!(compare(&[], files), Comparison::default());
    }
}
