//! Labels of NFOs, in English and French: `Title......: X`, `│ Titre : X │`, `Auteur  X`.

use text::ascii::transliterate;

/// What a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The work's title.
    Title,
    /// Who wrote it.
    Authors,
    /// Who published it.
    Publisher,
    /// When it was published.
    Year,
    /// Its ISBN.
    Isbn,
    /// Its language.
    Language,
    /// The file's format.
    Format,
    /// The release's size.
    Size,
    /// The group that released it.
    Group,
    /// The day of the release.
    Date,
    /// The release's name.
    ReleaseName,
}

/// The words for each field: ASCII, lower case, without what is no letter or digit.
const WORDS: [(Field, &[&str]); 11] = [
    (
        Field::Title,
        &["title", "booktitle", "titre", "titredulivre"],
    ),
    (
        Field::Authors,
        &[
            "author",
            "authors",
            "auteur",
            "auteurs",
            "writer",
            "writers",
            "writtenby",
            "by",
            "ecritpar",
            "par",
        ],
    ),
    (
        Field::Publisher,
        &[
            "publisher",
            "publishedby",
            "imprint",
            "editeur",
            "editions",
            "maisondedition",
            "publiepar",
        ],
    ),
    (
        Field::Year,
        &[
            "year",
            "published",
            "publicationyear",
            "publicationdate",
            "pubdate",
            "dateofpublication",
            "annee",
            "anneedeparution",
            "anneedepublication",
            "anneededition",
            "parution",
            "datedeparution",
            "datedepublication",
        ],
    ),
    (Field::Isbn, &["isbn", "isbn10", "isbn13", "eisbn"]),
    (
        Field::Language,
        &[
            "language",
            "languages",
            "lang",
            "langue",
            "langues",
            "langage",
        ],
    ),
    (
        Field::Format,
        &[
            "format",
            "formats",
            "fileformat",
            "filetype",
            "formatdufichier",
            "typedefichier",
        ],
    ),
    (
        Field::Size,
        &[
            "size",
            "filesize",
            "totalsize",
            "taille",
            "tailletotale",
            "tailledufichier",
            "poids",
        ],
    ),
    (
        Field::Group,
        &[
            "group",
            "groupe",
            "team",
            "equipe",
            "releasegroup",
            "releasedby",
        ],
    ),
    (
        Field::Date,
        &["date", "releasedate", "reldate", "datedesortie"],
    ),
    (
        Field::ReleaseName,
        &["release", "releasename", "name", "nomdelarelease"],
    ),
];

/// What stands between a label and its mark: `Title......:`.
const LEADERS: &str = ".·•…_-–—~";
/// What stands between a label and its value.
const MARKS: &str = ":=»>→";
/// What may stand before a label.
const BULLETS: &str = "*-•·»>■►[(";
/// How many characters, spaces among them, may stand before a label that is not indented.
const MAX_BULLETS: usize = 8;
/// The longest label, in characters.
const MAX_LABEL: usize = 32;

/// The field that a label or a placeholder names.
#[must_use]
pub fn field(label: &str) -> Option<Field> {
    let mut word = transliterate(label).to_ascii_lowercase();
    word.retain(|c| c.is_ascii_alphanumeric());
    WORDS
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()))
        .map(|(field, _)| *field)
}

/// A label and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelled<'a> {
    /// The label, without leaders; it need not name a field.
    pub label: &'a str,
    /// The value; empty where it stands on the next line.
    pub value: &'a str,
    /// The byte at which the label starts.
    pub label_at: usize,
    /// The byte at which the value starts.
    pub value_at: usize,
}

/// Reads the label that `line` starts with, and takes the rest for its value.
#[must_use]
pub fn split(line: &str) -> Option<Labelled<'_>> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut begin = line[indent..].char_indices().take(MAX_BULLETS);
    let start = indent + begin.find(|(_, c)| *c != ' ' && !BULLETS.contains(*c))?.0;
    let opened = line[..start].contains(['[', '(']);
    let length = label_length(&line[start..], opened)?;
    let label = line[start..start + length].trim_end();
    let after = &line[start + length..];
    let rest = after.trim_start_matches(|c| {
        c == ' ' || LEADERS.contains(c) || opened && matches!(c, ']' | ')')
    });
    let value = rest.trim_start_matches(|c| MARKS.contains(c));
    let (marked, led) = (
        value.len() < rest.len(),
        after.trim_start().len() > rest.len() + 1,
    );
    let closed = opened && after.trim_start().starts_with([']', ')']);
    let known = field(label).is_some();
    let in_a_table =
        known && after.starts_with("  ") && after.trim_start() == rest && !rest.is_empty();
    let apart = value.is_empty() || value.starts_with(' ') || known;
    if !(marked && apart || !marked && (known && (led || closed) || in_a_table)) {
        return None;
    }
    let value = value.trim_start();
    let value_at = line.len() - value.len();
    Some(Labelled {
        label,
        value: unbracketed(value.trim_end(), marked),
        label_at: start,
        value_at,
    })
}

/// How long the label at the start of a text is: it has letters, is short, and ends before two
/// spaces, two leaders, a mark or a closing bracket.
fn label_length(text: &str, opened: bool) -> Option<usize> {
    let pairs = text
        .char_indices()
        .zip(text.chars().skip(1).map(Some).chain([None]));
    let is_end = |c: char, next: Option<char>| {
        let leads = |c| LEADERS.contains(c) || c == ' ';
        MARKS.contains(c)
            || opened && matches!(c, ']' | ')')
            || leads(c) && next.is_none_or(|next| leads(next) || MARKS.contains(next))
    };
    let end = pairs
        .take(MAX_LABEL + 1)
        .find(|((_, c), next)| is_end(*c, *next))
        .map(|((at, _), _)| at)?;
    let label = &text[..end];
    let named = label.starts_with(char::is_alphabetic)
        && label
            .chars()
            .all(|c| c.is_alphanumeric() || " .'’/&()-#°".contains(c));
    named.then_some(end)
}

/// `Title.....[ X ]` and `Title: [ X ]` frame their value.
fn unbracketed(value: &str, marked: bool) -> &str {
    match value
        .strip_prefix('[')
        .and_then(|value| value.strip_suffix(']'))
    {
        Some(inner) if !marked || inner.starts_with(' ') && inner.ends_with(' ') => inner.trim(),
        _ => value,
    }
}

/// The labels that stand side by side in a line, each behind two spaces or more.
#[must_use]
pub fn all(line: &str) -> Vec<Labelled<'_>> {
    let mut found: Vec<Labelled<'_>> = Vec::new();
    let bytes = line.as_bytes();
    let gaps = (2..bytes.len()).filter(|at| bytes[at - 2..*at] == *b"  " && bytes[*at] != b' ');
    for at in std::iter::once(0).chain(gaps) {
        // What stands before the value of the last label belongs to that label.
        if found.last().is_some_and(|last| at <= last.value_at) {
            continue;
        }
        let Some(label) = split(&line[at..]) else {
            continue;
        };
        if let Some(last) = found.last_mut() {
            let cut = line[last.value_at..at].trim_end();
            last.value = if cut.len() < last.value.len() {
                cut
            } else {
                last.value
            };
        }
        found.push(Labelled {
            label_at: at + label.label_at,
            value_at: at + label.value_at,
            ..label
        });
    }
    found
}

/// The fields of a table's first row: every cell, two or more, names one.
#[must_use]
pub fn columns(line: &str) -> Option<Vec<Field>> {
    let fields: Vec<Field> = cells(line).map(field).collect::<Option<_>>()?;
    (fields.len() >= 2).then_some(fields)
}

/// The texts in a line that two spaces or more keep apart.
pub fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_whatever_their_dress() {
        for line in [
            "Title: A Book",
            "  Title ........: A Book",
            "TiTLE.......: [ A Book ]",
            "Title.......[A Book]",
            "[Title] A Book",
            "[ Titre ] : A Book",
            "* Titre = A Book",
            "Titre . . . . : A Book",
            "Title » A Book",
            "Title -> A Book",
            "Title------> A Book",
            "Title ....... A Book",
            "Title___________A Book",
            "Title      A Book",
            "Title      :    A Book",
            "Title:A Book",
        ] {
            let label = split(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (field(label.label), label.value),
                (Some(Field::Title), "A Book"),
                "{line}"
            );
        }
    }

    #[test]
    fn accents_and_case_do_not_matter() {
        for (label, expected) in [
            ("ÉDITEUR", Field::Publisher),
            ("Année de parution", Field::Year),
            ("Author(s)", Field::Authors),
            ("ISBN-13", Field::Isbn),
            ("Maison d'édition", Field::Publisher),
            ("release_name", Field::ReleaseName),
        ] {
            assert_eq!(field(label), Some(expected), "{label}");
        }
        assert_eq!(field("Greetings"), None);
    }

    #[test]
    fn sentences_links_and_times_have_no_label() {
        for line in [
            "A title is a name",
            "https://example.org/",
            "12:30",
            "",
            "...",
            "- : -",
            "Well... no",
            "see http://x",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }

    #[test]
    fn a_value_keeps_its_own_signs() {
        for value in ["[REC]", "... and more", "Foo: Bar", "A  B", ":)"] {
            assert_eq!(split(&format!("Title : {value}")).unwrap().value, value);
        }
    }

    #[test]
    fn labels_side_by_side_are_told_apart() {
        let found = all("  Titre : Un   livre     Année   : 2020    Pages: 3");
        let found: Vec<_> = found
            .iter()
            .map(|label| (label.label, label.value))
            .collect();
        assert_eq!(
            found,
            [("Titre", "Un   livre"), ("Année", "2020"), ("Pages", "3")]
        );
        assert_eq!(
            columns("Title    Author   Year"),
            Some(vec![Field::Title, Field::Authors, Field::Year])
        );
        assert_eq!(columns("Title    A Book"), None);
    }
}
