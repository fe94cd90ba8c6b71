//! The fields of an NFO and their labels, in English and French.

use text::ascii::transliterate;

/// A fact named by a label or a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The title.
    Title,
    /// The authors.
    Authors,
    /// The publisher.
    Publisher,
    /// The year of publication.
    Year,
    /// The ISBN.
    Isbn,
    /// The language.
    Language,
    /// The file's format.
    Format,
    /// The release's size.
    Size,
    /// The group that released it.
    Group,
    /// The release date.
    Date,
    /// The release's name.
    ReleaseName,
}

/// The labels of each field, folded.
const LABELS: [(Field, &[&str]); 11] = [
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

impl Field {
    /// Returns the field for a label or the name of a placeholder.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let folded = fold(label);
        LABELS
            .iter()
            .find(|(_, labels)| labels.contains(&folded.as_str()))
            .map(|(field, _)| *field)
    }
}

/// Folds a label to its ASCII letters and digits, in lower case.
pub(super) fn fold(label: &str) -> String {
    let mut folded = transliterate(label).to_ascii_lowercase();
    folded.retain(|c| c.is_ascii_alphanumeric());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Field::from_label(label), Some(expected), "{label}");
        }
        assert_eq!(Field::from_label("Greetings"), None);
    }
}
