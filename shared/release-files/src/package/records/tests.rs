use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::formats::{Metadata, read_package_document};

fn record_of(metadata: &Value, accessibility: DeclaredAccessibility) -> Record {
    let metadata = metadata.as_object().unwrap();
    let created_at = Time::from_millis(1_795_000_000_123);
    let facts = Facts::new("Jane.Doe-A.Book-2024-GRP", "GRP", metadata, &[], created_at);
    Record::new(&facts, metadata, accessibility, created_at)
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

fn accessibility() -> DeclaredAccessibility {
    DeclaredAccessibility {
        conforms_to: list(&["EPUB Accessibility 1.1 - WCAG 2.1 Level AA"]),
        certified_by: Some("A Certifier".to_owned()),
        certifier_credential: Some("https://example.com/credential".to_owned()),
        certifier_report: Some("https://example.com/report".to_owned()),
        access_modes: list(&["textual", "visual"]),
        access_modes_sufficient: list(&["textual"]),
        features: list(&["tableOfContents", "alternativeText"]),
        hazards: list(&["none"]),
        summary: Some("All is text.".to_owned()),
    }
}

fn book() -> Metadata {
    Metadata {
        title: Some("Salt & <Sea>".to_owned()),
        authors: list(&["Jane Doe", "Ōe, Kenzaburō"]),
        publisher: Some("A Press".to_owned()),
        isbn: Some("9780306406157".to_owned()),
        year: Some(2024),
        language: Some("de-AT".to_owned()),
        description: Some("<p>One.</p>\n<p>Two &amp; three.</p>".to_owned()),
        subjects: list(&["Fiction", "Sea; ships"]),
        series: Some("Tides".to_owned()),
        series_index: Some("2.5".to_owned()),
        contributors: vec![
            Contributor {
                name: "Ed Itor".to_owned(),
                role: "edt".to_owned(),
            },
            Contributor {
                name: "A Person".to_owned(),
                role: String::new(),
            },
        ],
        identifiers: vec![
            Identifier {
                scheme: "isbn".to_owned(),
                value: "urn:isbn:9780306406157".to_owned(),
            },
            Identifier {
                scheme: "doi".to_owned(),
                value: "urn:doi:10.1000/182".to_owned(),
            },
        ],
    }
}

#[test]
fn opf_read_back_has_the_same_metadata_and_accessibility() {
    let record = record_of(&json!(book()), accessibility());
    let opf = render_opf(&record).unwrap();
    let (metadata, declared) = read_package_document(opf.as_bytes()).unwrap();
    assert_eq!(metadata, book());
    assert_eq!(declared, accessibility());
    assert!(
        opf.contains("<meta property=\"dcterms:modified\">2026-11-18T"),
        "{opf}"
    );
}

#[test]
fn onix_has_what_is_known_in_the_order_of_its_schema() {
    let onix = render_onix(&record_of(&json!(book()), accessibility())).unwrap();
    let expected = [
        "<SenderName>GRP</SenderName>",
        "<RecordReference>Jane.Doe-A.Book-2024-GRP</RecordReference>",
        "<IDValue>9780306406157</IDValue>",
        "<IDValue>10.1000/182</IDValue>",
        "<ProductForm>ED</ProductForm>",
        "<ProductFormFeatureValue>85</ProductFormFeatureValue>",
        "<PartNumber>2.5</PartNumber>",
        "<TitleText>Tides</TitleText>",
        "<TitleText>Salt &amp; &lt;Sea&gt;</TitleText>",
        "<ContributorRole>A01</ContributorRole>",
        "<PersonName>Jane Doe</PersonName>",
        "<ContributorRole>B01</ContributorRole>",
        "<ContributorRole>Z99</ContributorRole>",
        "<LanguageCode>ger</LanguageCode>",
        "<SubjectHeadingText>Fiction; Sea; ships</SubjectHeadingText>",
        "<Text>One. Two &amp; three.</Text>",
        "<PublisherName>A Press</PublisherName>",
        "<Date dateformat=\"05\">2024</Date>",
    ];
    let mut rest = onix.as_str();
    for part in expected {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part} in {onix}"));
        rest = after;
    }
}

#[test]
fn a_release_without_metadata_is_named_by_its_release() {
    let record = record_of(&json!({}), DeclaredAccessibility::default());
    let onix = render_onix(&record).unwrap();
    assert!(
        onix.contains("<TitleText>Jane.Doe-A.Book-2024-GRP</TitleText>"),
        "{onix}"
    );
    assert!(!onix.contains("Publish"), "{onix}");
    let opf = render_opf(&record).unwrap();
    assert!(opf.contains("<dc:identifier id=\"id\">Jane.Doe-A.Book-2024-GRP</dc:identifier>"));
}

#[test]
fn isbn_with_a_wrong_check_digit_is_left_out() {
    for (isbn, expected) in [
        ("0-306-40615-2", None),
        ("978-0-306-40615-8", Some("978-0-306-40615-8")),
        ("", None),
    ] {
        let record = record_of(&json!({"isbn": isbn}), DeclaredAccessibility::default());
        assert_eq!(record.invalid_isbn(), expected);
        let onix = render_onix(&record).unwrap();
        assert_eq!(
            onix.contains("9780306406157"),
            isbn.starts_with('0'),
            "{onix}"
        );
    }
}

#[test]
fn metadata_of_other_shapes_are_read() {
    let metadata = json!({
        "title": 1984, "author": "George Orwell", "year": "1949", "subjects": "Fiction",
        "contributors": ["A Person", {"role": "ill"}], "identifiers": [{"value": "x"}, {}, 7],
        "description": ["no text"],
    });
    let opf = render_opf(&record_of(&metadata, DeclaredAccessibility::default())).unwrap();
    let (found, _) = read_package_document(opf.as_bytes()).unwrap();
    assert_eq!(found.title.as_deref(), Some("1984"));
    assert_eq!(found.authors, ["George Orwell"]);
    assert_eq!(found.year, Some(1949));
    assert_eq!(found.subjects, ["Fiction"]);
    assert_eq!(found.contributors.len(), 1);
    assert_eq!(found.description, None);
}

proptest! {
    #[test]
    fn any_text_is_well_formed_and_read_back(
        title in "\\PC{1,40}", name in "[\\p{L} &<>'\"\u{1}\u{fffe}]{1,20}",
        subject in "\\PC{0,20}", description in "(?s).{0,60}",
    ) {
        let metadata = json!({
            "title": title, "authors": [name], "subjects": [subject], "description": description,
        });
        let record = record_of(&metadata, accessibility());
        let (found, declared) = read_package_document(render_opf(&record).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(found.title, tidy_line(&title.replace(['\u{fffe}', '\u{ffff}'], "")));
        prop_assert_eq!(declared, accessibility());
        let onix = render_onix(&record).unwrap();
        prop_assert_eq!(&onix, &render_onix(&record).unwrap());
        prop_assert!(read_package_document(onix.as_bytes()).is_err());
    }
}
