//! The metadata files of comics: `ComicInfo.xml` (Anansi Project, version 2.1) and
//! `MetronInfo.xml` (Metron Project, version 1.0).

use jobs::{Failure, FailureCode};
use text::{tidy_line, tidy_text};

use super::model::{Contributor, Identifier, Metadata};
use super::xml::{self, Node};
use crate::metadata::{find_year, isbn, split_credits};

/// The largest number of values that are kept.
const MAX_VALUES: usize = 2_000;
/// The length from which further pieces of a value are dropped, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The deepest element with a value that is read, and the longest name of one.
const MAX_PATH: (usize, usize) = (4, 32);

/// The elements of `ComicInfo.xml` that name contributors, and their roles.
const CONTRIBUTORS: [(&str, &str); 7] = [
    ("penciller", "penciller"),
    ("inker", "inker"),
    ("colorist", "colorist"),
    ("letterer", "letterer"),
    ("coverartist", "cover artist"),
    ("editor", "editor"),
    ("translator", "translator"),
];

/// The roles in `MetronInfo.xml` that make an author.
const AUTHOR_ROLES: [&str; 4] = ["writer", "script", "story", "plot"];

/// Reads the metadata in a `ComicInfo.xml`.
pub fn read_comic_info(document: &str) -> Result<Metadata, Failure> {
    let values = Values::parse(document)?;
    let gtin = values.first("gtin");
    let mut contributors = Vec::new();
    for (element, role) in CONTRIBUTORS {
        for name in values.people(element) {
            let role = role.to_owned();
            contributors.push(Contributor { name, role });
        }
    }
    // -1 means unknown, and a year is not a position.
    let volume = values.first("volume");
    let volume = volume.filter(|volume| volume.len() < 4 && !volume.starts_with('-'));
    Ok(Metadata {
        title: values.first("title"),
        authors: values.people("writer"),
        publisher: values.first("publisher"),
        isbn: gtin.as_deref().and_then(isbn::parse),
        year: values.first("year").and_then(|year| find_year(&year)),
        language: values.first("languageiso"),
        description: values.text("summary"),
        subjects: [values.list("genre"), values.list("tags")].concat(),
        series: values.first("series"),
        series_index: values.first("number").or(volume),
        contributors,
        identifiers: identifiers([("gtin", gtin)]),
    })
}

/// Reads the metadata in a `MetronInfo.xml`.
pub fn read_metron_info(document: &str) -> Result<Metadata, Failure> {
    let values = Values::parse(document)?;
    let stories: Vec<String> = values.all("stories/story").collect();
    let stories = (!stories.is_empty()).then(|| stories.join("; "));
    let date = values
        .first("coverdate")
        .or_else(|| values.first("storedate"));
    let (isbn, upc) = (values.first("gtin/isbn"), values.first("gtin/upc"));
    let (authors, contributors) = values.credits();
    Ok(Metadata {
        title: values.first("collectiontitle").or(stories),
        authors,
        publisher: values.first("publisher/name"),
        isbn: isbn.as_deref().and_then(isbn::parse),
        year: date.and_then(|date| find_year(&date)),
        language: values.first("series@lang"),
        description: values.text("summary"),
        subjects: values
            .all("genres/genre")
            .chain(values.all("tags/tag"))
            .collect(),
        series: values.first("series/name"),
        series_index: values
            .first("number")
            .or_else(|| values.first("mangavolume")),
        contributors,
        identifiers: identifiers([("isbn", isbn), ("upc", upc)]),
    })
}

/// Completes metadata with those of another file, field by field.
pub fn completed(metadata: Metadata, other: Metadata) -> Metadata {
    fn list<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
        if first.is_empty() { second } else { first }
    }
    Metadata {
        title: metadata.title.or(other.title),
        authors: list(metadata.authors, other.authors),
        publisher: metadata.publisher.or(other.publisher),
        isbn: metadata.isbn.or(other.isbn),
        year: metadata.year.or(other.year),
        language: metadata.language.or(other.language),
        description: metadata.description.or(other.description),
        subjects: list(metadata.subjects, other.subjects),
        series: metadata.series.or(other.series),
        series_index: metadata.series_index.or(other.series_index),
        contributors: list(metadata.contributors, other.contributors),
        identifiers: list(metadata.identifiers, other.identifiers),
    }
}

fn identifiers<const N: usize>(found: [(&str, Option<String>); N]) -> Vec<Identifier> {
    let identifiers = found.into_iter().filter_map(|(scheme, value)| {
        let scheme = scheme.to_owned();
        value.map(|value| Identifier { scheme, value })
    });
    identifiers.collect()
}

/// The texts of a document's elements in the order of their ends, each with its path below the root
/// in lower case. The path of an attribute ends with `@` and its name.
struct Values(Vec<(String, String)>);

impl Values {
    fn parse(document: &str) -> Result<Self, Failure> {
        let mut values = Vec::new();
        let mut open = Vec::<(String, String)>::new();
        let broken = FailureCode::ArchiveDamaged;
        xml::walk_careless(document, broken, &mut |node| match node {
            Node::Open(name, attributes) => {
                let name = name.to_ascii_lowercase();
                open.push((name, String::new()));
                if let (Some(path), Some(lang)) = (path(&open), attributes.get("lang"))
                    && values.len() < MAX_VALUES
                {
                    values.push((format!("{path}@lang"), lang));
                }
            }
            Node::Text(text) => {
                if let Some((_, value)) = open.last_mut()
                    && value.len() < MAX_VALUE_BYTES
                {
                    value.push_str(text);
                }
            }
            Node::Close(_) => {
                let path = path(&open);
                if let (Some(path), Some((_, value))) = (path, open.pop())
                    && values.len() < MAX_VALUES
                {
                    values.push((path, value));
                }
            }
        })?;
        Ok(Self(values))
    }

    /// The values of the elements with this path that say something.
    fn all(&self, path: &'static str) -> impl Iterator<Item = String> {
        let found = self.0.iter().filter(move |(found, _)| found == path);
        found.filter_map(|(_, value)| tidy_line(value))
    }

    fn first(&self, path: &'static str) -> Option<String> {
        self.all(path).next()
    }

    /// The first text of several lines.
    fn text(&self, path: &str) -> Option<String> {
        let mut found = self.0.iter().filter(|(found, _)| found == path);
        found.find_map(|(_, value)| tidy_text(value))
    }

    /// The parts of comma-separated values.
    fn list(&self, path: &'static str) -> Vec<String> {
        self.all(path)
            .flat_map(|value| value.split(',').filter_map(tidy_line).collect::<Vec<_>>())
            .collect()
    }

    /// The people in lists of names. A list of one-word names has commas between them, since comics
    /// do not invert names as books do.
    fn people(&self, path: &'static str) -> Vec<String> {
        self.all(path)
            .flat_map(|value| split_credits(&value))
            .collect()
    }

    /// The authors and the other contributors in the credits of a `MetronInfo.xml`.
    fn credits(&self) -> (Vec<String>, Vec<Contributor>) {
        let (mut authors, mut contributors) = (Vec::new(), Vec::new());
        let (mut creator, mut roles) = (None, Vec::new());
        for (path, value) in &self.0 {
            match path.as_str() {
                "credits/credit/creator" => creator = tidy_line(value),
                "credits/credit/roles/role" => {
                    roles.extend(tidy_line(value).map(|role| role.to_lowercase()));
                }
                // The end of the credit, after its parts.
                "credits/credit" => {
                    let roles = std::mem::take(&mut roles);
                    let Some(name) = creator.take() else {
                        continue;
                    };
                    if roles
                        .iter()
                        .any(|role| AUTHOR_ROLES.contains(&role.as_str()))
                    {
                        authors.push(name);
                    } else {
                        let role = roles.into_iter().next().unwrap_or_default();
                        contributors.push(Contributor { name, role });
                    }
                }
                _ => {}
            }
        }
        (authors, contributors)
    }
}

/// Returns the path of the innermost open element below the root; `None` if it is not read.
fn path(open: &[(String, String)]) -> Option<String> {
    let (max_depth, max_name) = MAX_PATH;
    let below = open.get(1..).filter(|below| !below.is_empty())?;
    let is_short = below.len() <= max_depth && below.iter().all(|(name, _)| name.len() <= max_name);
    let names: Option<Vec<&str>> =
        is_short.then(|| below.iter().map(|(name, _)| name.as_str()).collect());
    Some(names?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMIC_INFO: &str = "<ComicInfo><Title>Salt</Title><Series>Grey Harbour</Series>\
        <Number>3</Number><Volume>2</Volume><Writer>Mara Quill, Ned Shore</Writer>\
        <Penciller>P. Encil</Penciller><Translator>T. Urner</Translator><Publisher>Tide</Publisher>\
        <Year>2019</Year><Month>5</Month><Genre>Drama, Sea</Genre><Tags>harbor</Tags>\
        <LanguageISO>en</LanguageISO><GTIN>978-0-306-40615-7</GTIN>\
        <Summary>Line one.\nLine two.</Summary><Pages><Page><Title>x</Title></Page></Pages></ComicInfo>";

    const METRON_INFO: &str = "<?xml version='1.0'?><MetronInfo>\
        <IDS><ID source='Metron' primary='true'>290431</ID></IDS>\
        <Publisher id='12'><Name>Tide</Name><Imprint>Ebb</Imprint></Publisher>\
        <Series id='65' lang='en'><Name>Grey Harbour</Name><SortName>Harbour</SortName>\
        <Volume>1</Volume><Format>Single Issue</Format><StartYear>2017</StartYear></Series>\
        <Number>3</Number><Stories><Story>Salt</Story><Story id='7'>Brine</Story></Stories>\
        <Summary>A story.</Summary><CoverDate>2019-06-01</CoverDate><StoreDate>2018-12-30</StoreDate>\
        <Genres><Genre>Drama</Genre></Genres><Tags><Tag>Sea</Tag></Tags>\
        <Arcs><Arc><Name>The Tide</Name><Number>9</Number></Arc></Arcs>\
        <GTIN><ISBN>9780306406157</ISBN><UPC>76194137554000111</UPC></GTIN>\
        <Credits><Credit><Creator id='1'>Mara Quill</Creator><Roles><Role>Cover</Role>\
        <Role id='1'>Writer</Role></Roles></Credit><Credit><Roles><Role>Colorist</Role></Roles>\
        <Creator>C. Olor</Creator></Credit><Credit><Roles><Role>Writer</Role></Roles></Credit>\
        <Credit><Creator>N. Other</Creator></Credit></Credits></MetronInfo>";

    #[test]
    fn comic_info_is_read() {
        let metadata = read_comic_info(COMIC_INFO).unwrap();
        assert_eq!(metadata.title.as_deref(), Some("Salt"));
        assert_eq!(metadata.authors, ["Mara Quill", "Ned Shore"]);
        let roles = metadata.contributors.iter().map(|one| one.role.as_str());
        assert_eq!(roles.collect::<Vec<_>>(), ["penciller", "translator"]);
        assert_eq!(metadata.publisher.as_deref(), Some("Tide"));
        assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
        assert_eq!(metadata.year, Some(2019));
        assert_eq!(metadata.language.as_deref(), Some("en"));
        assert_eq!(
            metadata.description.as_deref(),
            Some("Line one.\nLine two.")
        );
        assert_eq!(metadata.subjects, ["Drama", "Sea", "harbor"]);
        assert_eq!(metadata.series.as_deref(), Some("Grey Harbour"));
        assert_eq!(metadata.series_index.as_deref(), Some("3"));
        assert_eq!(metadata.identifiers[0].scheme, "gtin");
    }

    #[test]
    fn names_keep_their_suffixes() {
        for (writer, expected) in [
            (
                "Martin King, Jr., Ned Shore",
                &["Martin King, Jr.", "Ned Shore"][..],
            ),
            (
                "Ned Shore, Martin King, Ph.D.",
                &["Ned Shore", "Martin King, Ph.D."],
            ),
            ("Moebius, Peyo", &["Moebius", "Peyo"]),
            ("Mara Quill; Ned Shore", &["Mara Quill", "Ned Shore"]),
            ("Mara Quill &amp; Ned Shore", &["Mara Quill", "Ned Shore"]),
            (", Mara Quill,, ", &["Mara Quill"]),
            ("Jr.", &["Jr."]),
        ] {
            let document =
                format!("<ComicInfo><Writer>{writer}</Writer><Inker>{writer}</Inker></ComicInfo>");
            let metadata = read_comic_info(&document).unwrap();
            assert_eq!(metadata.authors, expected, "{writer}");
            assert_eq!(metadata.contributors.len(), expected.len(), "{writer}");
        }
    }

    #[test]
    fn volume_is_the_position_without_a_number() {
        for (elements, expected) in [
            ("<Number>3</Number><Volume>2</Volume>", Some("3")),
            ("<Number></Number><Volume>2</Volume>", Some("2")),
            ("<Volume>-1</Volume>", None),
            ("<Volume>2019</Volume>", None),
            ("<number>1/2</number>", Some("1/2")),
        ] {
            let metadata = read_comic_info(&format!("<ComicInfo>{elements}</ComicInfo>"));
            assert_eq!(
                metadata.unwrap().series_index.as_deref(),
                expected,
                "{elements}"
            );
        }
    }

    #[test]
    fn metron_info_is_read() {
        let metadata = read_metron_info(METRON_INFO).unwrap();
        assert_eq!(metadata.title.as_deref(), Some("Salt; Brine"));
        assert_eq!(metadata.authors, ["Mara Quill"]);
        let contributors = metadata.contributors.iter();
        let contributors: Vec<_> = contributors
            .map(|one| (one.name.as_str(), one.role.as_str()))
            .collect();
        assert_eq!(contributors, [("C. Olor", "colorist"), ("N. Other", "")]);
        assert_eq!(metadata.publisher.as_deref(), Some("Tide"));
        assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
        assert_eq!(metadata.year, Some(2019));
        assert_eq!(metadata.language.as_deref(), Some("en"));
        assert_eq!(metadata.description.as_deref(), Some("A story."));
        assert_eq!(metadata.subjects, ["Drama", "Sea"]);
        assert_eq!(metadata.series.as_deref(), Some("Grey Harbour"));
        assert_eq!(metadata.series_index.as_deref(), Some("3"));
        let schemes = metadata.identifiers.iter().map(|one| one.scheme.as_str());
        assert_eq!(schemes.collect::<Vec<_>>(), ["isbn", "upc"]);
    }

    #[test]
    fn one_file_completes_the_other() {
        let short = "<ComicInfo><Title>Own</Title><Writer>A. Writer</Writer></ComicInfo>";
        let metadata = completed(
            read_comic_info(short).unwrap(),
            read_metron_info(METRON_INFO).unwrap(),
        );
        assert_eq!(metadata.title.as_deref(), Some("Own"));
        assert_eq!(metadata.authors, ["A. Writer"]);
        assert_eq!(metadata.series.as_deref(), Some("Grey Harbour"));
        assert_eq!(metadata.contributors.len(), 2);
        let full = read_comic_info(COMIC_INFO).unwrap();
        let empty = read_metron_info("<MetronInfo/>").unwrap();
        assert_eq!(empty, Metadata::default());
        assert_eq!(completed(full.clone(), empty.clone()), full);
        assert_eq!(completed(empty, full.clone()), full);
    }

    #[test]
    fn values_of_a_hostile_document_are_bounded() {
        let long = "n".repeat(10_000);
        let deep = format!("<r>{}x{}</r>", "<a>".repeat(100), "</a>".repeat(100));
        let many = format!("<r>{}</r>", "<a lang='x'>1</a>".repeat(100_000));
        for (document, count) in [
            (format!("<r><{long}>x</{long}></r>"), 0),
            (deep, 4),
            (many, MAX_VALUES),
            ("<r>x</r>".to_owned(), 0),
        ] {
            assert_eq!(Values::parse(&document).unwrap().0.len(), count);
        }
        assert!(Values::parse("<r>").is_err());
    }
}
