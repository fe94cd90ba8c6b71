use super::*;
use crate::formats::opf::parse;

const ISBN: &str = "9780306406157";

/// Returns the metadata in a package document with these metadata elements.
fn metadata(elements: &str) -> Metadata {
    let document = format!("<package><metadata>{elements}</metadata></package>");
    parse(&document).unwrap().metadata
}

#[test]
fn html_entities_are_read() {
    let metadata = metadata(
        "<dc:title>Caf&eacute; noir&nbsp;&hellip;</dc:title>\
         <meta name='calibre:series' content='L&rsquo;&Eacute;t&eacute;'/>",
    );
    assert_eq!(metadata.title.as_deref(), Some("Café noir …"));
    assert_eq!(metadata.series.as_deref(), Some("L’Été"));
}

#[test]
fn oebps_1_is_read_with_its_capitals() {
    let metadata = metadata(
        "<dc-metadata><dc:Identifier scheme='ISBN'>9780306406157</dc:Identifier>\
         <dc:Title>The Title</dc:Title><dc:Creator role='aut' file-as='Writer, A.'>A. Writer</dc:Creator>\
         <dc:Contributor role='ill'>I. Llus</dc:Contributor><dc:Publisher>House</dc:Publisher>\
         <dc:Language>en</dc:Language><dc:Date>2001</dc:Date></dc-metadata>\
         <x-metadata><meta name='calibre:series' content='Saga'/></x-metadata>",
    );
    assert_eq!(metadata.title.as_deref(), Some("The Title"));
    assert_eq!(metadata.authors, ["A. Writer"]);
    assert_eq!(metadata.contributors[0].role, "ill");
    assert_eq!(metadata.publisher.as_deref(), Some("House"));
    assert_eq!(metadata.isbn.as_deref(), Some(ISBN));
    assert_eq!(metadata.year, Some(2001));
    assert_eq!(metadata.series.as_deref(), Some("Saga"));
    let bare = "<package><dc-metadata><dc:Title>T</dc:Title></dc-metadata></package>";
    assert_eq!(parse(bare).unwrap().metadata.title.as_deref(), Some("T"));
}

#[test]
fn metadata_of_a_collection_is_not_of_the_book() {
    let inner = "<metadata><dc:title>Index</dc:title><dc:creator>E. Ditor</dc:creator>\
        <dc:identifier>9780306406157</dc:identifier></metadata>";
    let own =
        "<metadata><dc:title>The Title</dc:title><dc:creator>A. Writer</dc:creator></metadata>";
    let nested = format!("<collection>{inner}<collection>{inner}</collection>{inner}</collection>");
    for document in [format!("{own}{nested}"), format!("{nested}{own}")] {
        let package = format!("<package>{document}<spine><itemref/></spine></package>");
        let package = parse(&package).unwrap();
        assert_eq!(package.metadata.title.as_deref(), Some("The Title"));
        assert_eq!(package.metadata.authors, ["A. Writer"]);
        assert_eq!(package.metadata.isbn, None);
        assert_eq!(package.chapters, 1);
    }
}

#[test]
fn roles_of_careless_tools_are_understood() {
    for (first, second) in [
        ("opf:role='AUT'", "opf:role='ILL'"),
        ("opf:role='Author'", "opf:role='Illustrator'"),
        (
            "opf:role='http://id.loc.gov/vocabulary/relators/aut'",
            "role='http://id.loc.gov/vocabulary/relators/ill'",
        ),
        ("role=' aut '", "role='ill trl'"),
        ("", "opf:role='illustrator'"),
    ] {
        let metadata = metadata(&format!(
            "<dc:creator {second}>B. Other</dc:creator><dc:creator {first}>A. Writer</dc:creator>"
        ));
        assert_eq!(metadata.authors, ["A. Writer"], "{first} {second}");
        assert_eq!(metadata.contributors[0].name, "B. Other");
        assert_eq!(metadata.contributors[0].role, "ill", "{second}");
    }
}

#[test]
fn roles_are_refined_in_every_form() {
    let creators =
        "<dc:creator id='a'>A. Writer</dc:creator><dc:creator id='b'>B. Other</dc:creator>";
    for refines in ["#", "", " #", "content.opf#"] {
        let metadata = metadata(&format!(
            "<meta refines='{refines}a' property='role'>ill</meta>{creators}\
             <meta refines='{refines}b' property='role'>trl</meta>\
             <meta refines='{refines}a' property='role'>aut</meta>"
        ));
        assert_eq!(metadata.authors, ["A. Writer"], "{refines:?}");
        assert_eq!(metadata.contributors.len(), 1);
        assert_eq!(metadata.contributors[0].role, "trl");
    }
    let unrelated = metadata(
        "<dc:creator>A. Writer</dc:creator><meta property='role'>ill</meta>\
         <meta refines='#x' property='role'>ill</meta>",
    );
    assert_eq!(unrelated.authors, ["A. Writer"]);
    let one_of_two = metadata(
        "<dc:creator opf:role='aut'>A. Writer</dc:creator>\
         <dc:creator opf:role='ill,aut'>B. Other</dc:creator>",
    );
    assert_eq!(one_of_two.authors, ["A. Writer", "B. Other"]);
}

#[test]
fn creator_with_another_role_is_no_author() {
    let authors = |elements: &str| metadata(elements).authors;
    for role in [
        "Автор",
        "著者",
        "aut.",
        "A01",
        "Sage of the text",
        "Schrijver",
    ] {
        let creators = format!(
            "<dc:creator opf:role='ill'>Ned Shore</dc:creator>\
             <dc:creator opf:role='{role}'>Mara Quill</dc:creator>"
        );
        assert_eq!(authors(&creators), ["Mara Quill"], "{role}");
    }
    let onix = "<dc:creator id='a'>Mara Quill</dc:creator><dc:creator id='b'>Ned Shore</dc:creator>\
        <meta refines='#a' property='role' scheme='onix:codelist17'>A01</meta>\
        <meta refines='#b' property='role' scheme='onix:codelist17'>A12</meta>";
    assert_eq!(authors(onix), ["Mara Quill"]);
    assert_eq!(metadata(onix).contributors[0].role, "ill");
    let none = "<dc:creator opf:role='ill'>A. Writer</dc:creator>\
        <dc:creator opf:role='edt'>B. Other</dc:creator>";
    assert_eq!(authors(none), ["A. Writer", "B. Other"]);
}

#[test]
fn author_is_listed_once() {
    let creators = "<dc:creator>Mara Quill</dc:creator><dc:creator>Ned Shore</dc:creator>\
        <dc:creator opf:role='aut'> Mara  Quill </dc:creator>";
    assert_eq!(metadata(creators).authors, ["Mara Quill", "Ned Shore"]);
}

#[test]
fn series_is_found_with_its_position() {
    let collection = |id: &str, name: &str| {
        format!("<meta property='belongs-to-collection' id='{id}'>{name}</meta>")
    };
    let refined = |id: &str, property: &str, value: &str| {
        format!("<meta refines='#{id}' property='{property}'>{value}</meta>")
    };
    let position = |id, value| refined(id, "group-position", value);
    let kind = |id, value| refined(id, "collection-type", value);
    let (a, b) = (collection("a", "Set"), collection("b", "Saga"));
    let nested = "<meta refines='#b' property='belongs-to-collection' id='c'>Universe</meta>";
    let calibre = "<meta name='calibre:series' content='Saga'/>";
    let calibre_index = "<meta name='calibre:series_index' content='4'/>";
    for (elements, expected) in [
        // A series comes before a set.
        (
            vec![
                a.clone(),
                kind("a", "set"),
                position("a", "10"),
                b.clone(),
                kind("b", "series"),
                position("b", "1"),
            ],
            (Some("Saga"), Some("1")),
        ),
        // Refinements are in any order, even before the collection.
        (
            vec![
                position("a", "31"),
                position("b", "3"),
                b.clone(),
                a.clone(),
            ],
            (Some("Saga"), Some("3")),
        ),
        // A collection without a type comes before a set.
        (
            vec![a.clone(), kind("a", "set"), b.clone(), position("b", "2")],
            (Some("Saga"), Some("2")),
        ),
        (
            vec![a.clone(), kind("a", "set"), position("a", "5")],
            (Some("Set"), Some("5")),
        ),
        // A series that is part of another one.
        (
            vec![
                nested.to_owned(),
                position("c", "7"),
                kind("c", "series"),
                b.clone(),
                position("b", "1"),
            ],
            (Some("Saga"), Some("1")),
        ),
        // No position is taken from another collection.
        (
            vec![
                a.clone(),
                kind("a", "set"),
                position("a", "5"),
                b.clone(),
                kind("b", "Series"),
            ],
            (Some("Saga"), None),
        ),
        (
            vec![
                b.clone(),
                "<meta property='group-position'>6</meta>".to_owned(),
            ],
            (Some("Saga"), Some("6")),
        ),
        (
            vec![calibre.to_owned(), calibre_index.to_owned()],
            (Some("Saga"), Some("4")),
        ),
        (
            vec![
                calibre.to_owned(),
                a.clone(),
                position("a", "9"),
                b.clone(),
                position("b", "8"),
            ],
            (Some("Saga"), Some("8")),
        ),
        (
            vec![calibre.to_owned(), a, position("a", "9")],
            (Some("Saga"), None),
        ),
        (vec![], (None, None)),
    ] {
        let metadata = metadata(&elements.concat());
        let found = (metadata.series.as_deref(), metadata.series_index.as_deref());
        assert_eq!(found, expected, "{elements:?}");
    }
}

#[test]
fn isbn_is_found_under_every_scheme_and_dress() {
    for identifier in [
        "<dc:identifier opf:scheme='ISBN'>978-0-306-40615-7</dc:identifier>",
        "<dc:identifier opf:scheme='isbn'>978 0 306 40615 7</dc:identifier>",
        "<dc:identifier opf:scheme='EAN'>9780306406157</dc:identifier>",
        "<dc:identifier opf:scheme='eISBN'>9780306406157</dc:identifier>",
        "<dc:identifier opf:scheme='ISBN-13'>978-0-306-40615-7</dc:identifier>",
        "<dc:identifier opf:scheme='ISBN13'>9780306406157</dc:identifier>",
        "<dc:identifier scheme='URN'>urn:isbn:9780306406157</dc:identifier>",
        "<dc:identifier opf:scheme='ID'>URN:ISBN:978-0-306-40615-7</dc:identifier>",
        "<dc:identifier opf:scheme='ID'>9780306406157</dc:identifier>",
        "<dc:identifier opf:scheme='ISBN'>ISBN 978-0-306-40615-7 (epub)</dc:identifier>",
        "<dc:identifier opf:scheme='GTIN-13'>9780306406157</dc:identifier>",
        "<dc:identifier>isbn:9780306406157</dc:identifier>",
        "<dc:identifier>9780306406157</dc:identifier>",
        "<dc:identifier>ISBN13: 9780306406157</dc:identifier>",
        "<dc:identifier id='isbn'>978-0-306-40615-7 (electronic)</dc:identifier>",
        "<dc:identifier id='x'>9780306406157</dc:identifier>\
         <meta refines='#x' property='identifier-type' scheme='onix:codelist5'>15</meta>",
        "<meta refines='x' property='identifier-type'>02</meta>\
         <dc:identifier id='x'>9780306406157</dc:identifier>",
    ] {
        let uuid = "<dc:identifier id='id'>urn:uuid:5a1e2b50</dc:identifier>";
        let wrong = "<dc:identifier opf:scheme='ISBN'>9780306406158</dc:identifier>";
        let metadata = metadata(&format!("{uuid}{wrong}{identifier}"));
        assert_eq!(metadata.isbn.as_deref(), Some(ISBN), "{identifier}");
        let scheme = &metadata.identifiers[2].scheme;
        let expected = if identifier.contains("'ID'>9") {
            "id"
        } else {
            "isbn"
        };
        assert_eq!(scheme, expected, "{identifier}");
        assert_eq!(metadata.identifiers[0].scheme, "uuid");
        assert_eq!(metadata.identifiers[1].scheme, "isbn");
    }
}

#[test]
fn other_numbers_are_no_isbn() {
    for element in [
        "<dc:source>urn:isbn:9780306406157</dc:source>",
        "<dc:identifier opf:scheme='ISBN'>9780306406158</dc:identifier>",
        "<dc:identifier opf:scheme='EAN'>4006381333931</dc:identifier>",
        "<dc:identifier opf:scheme='print-isbn'>9780306406157</dc:identifier>",
        "<dc:identifier opf:scheme='calibre'>0306406152</dc:identifier>",
        "<dc:identifier opf:scheme='ID'>0306406152</dc:identifier>",
        "<dc:identifier>urn:uuid:978-0-306-40615-7</dc:identifier>",
        "<dc:identifier>https://example.com/9780306406157</dc:identifier>",
    ] {
        assert_eq!(metadata(element).isbn, None, "{element}");
    }
}
