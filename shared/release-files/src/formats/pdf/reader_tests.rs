//! Each kind of PDF, by each reader.

use lopdf::dictionary;

use super::*;
use crate::formats::samples;

/// Reads a PDF by each reader: by its cross-references, and by a scan of it all or of its ends.
fn by_each_reader(bytes: &[u8]) -> [(&'static str, Metadata, Findings); 3] {
    let parsed = document::parse(bytes)
        .expect("the PDF is readable")
        .findings;
    let readers = [
        ("parsed", parsed),
        ("scanned", scan::scan(&[bytes], true)),
        ("ends", scan::scan(&[bytes], false)),
    ];
    readers.map(|(name, findings)| {
        let findings = with_version(findings, bytes);
        (name, metadata(&findings), findings)
    })
}

/// Builds a PDF of a page, with this Info dictionary and with more objects from number 5.
fn pdf_with_info(info: &str, more: &[&str]) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R>>",
        info,
    ];
    pdf_of(&[&objects[..], more].concat())
}

/// Builds a PDF of a page, with these entries in its catalog and with more objects from number 5.
fn pdf_with_catalog(entries: &str, more: &[&str]) -> Vec<u8> {
    let catalog = format!("<</Type/Catalog/Pages 2 0 R{entries}>>");
    let objects = [
        &catalog[..],
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R>>",
        "<<>>",
    ];
    pdf_of(&[&objects[..], more].concat())
}

fn pdf_of(objects: &[&str]) -> Vec<u8> {
    let objects: Vec<&[u8]> = objects.iter().map(|object| object.as_bytes()).collect();
    samples::pdf_of(&objects)
}

fn stream_of(text: &str) -> String {
    format!(
        "<</Type/Metadata/Subtype/XML/Length {}>>stream\n{text}\nendstream",
        text.len()
    )
}

fn xmp(properties: &str) -> String {
    stream_of(&format!(
        "<?xpacket begin=''?><x:xmpmeta><rdf:RDF><rdf:Description>{properties}\
         </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ))
}

#[test]
fn values_may_be_references() {
    let info = "<</Title 5 0 R/Author 6 0 R/Producer 7 0 R/CreationDate 8 0 R/Subject 9 0 R/Keywords 10 0 R>>";
    let strings = [
        "(The Grey Harbour)",
        "(Mara Quill)",
        "<FEFF004D>",
        "11 0 R",
        "9 0 R",
        "99 0 R",
        "(D:20190304120000Z00'00')",
    ];
    for (reader, metadata, findings) in by_each_reader(&pdf_with_info(info, &strings)) {
        assert_eq!(
            metadata.title.as_deref(),
            Some("The Grey Harbour"),
            "{reader}"
        );
        assert_eq!(metadata.authors, ["Mara Quill"], "{reader}");
        assert_eq!(findings.info("Producer").as_deref(), Some("M"), "{reader}");
        assert_eq!(metadata.year, Some(2019), "{reader}");
        // A reference to itself, and one to nothing.
        assert_eq!(
            (metadata.description, metadata.subjects.len()),
            (None, 0),
            "{reader}"
        );
    }
}

#[test]
fn authors_are_split_at_words() {
    let pdf = pdf_with_info("<</Author(Mara Quill and Ned Shore)>>", &[]);
    for (reader, metadata, _) in by_each_reader(&pdf) {
        assert_eq!(metadata.authors, ["Mara Quill", "Ned Shore"], "{reader}");
    }
}

#[test]
fn catalog_and_page_tree_may_be_references() {
    let pdf = pdf_of(&[
        "<</Pages 5 0 R/Lang 6 0 R/Version 7 0 R/Metadata 8 0 R>>",
        "<</Kids 9 0 R/Count 10 0 R>>",
        "<</Parent 2 0 R>>",
        "11 0 R",
        "2 0 R",
        "(fr-CA)",
        "/1.7",
        "12 0 R",
        "[3 0 R 3 0 R]",
        "2",
        "<</Author(A)>>",
        &xmp("<dc:title>T</dc:title>"),
    ]);
    for (reader, metadata, findings) in by_each_reader(&pdf) {
        assert_eq!(metadata.language.as_deref(), Some("fr-CA"), "{reader}");
        assert_eq!(findings.version.as_deref(), Some("1.7"), "{reader}");
        assert_eq!(metadata.title.as_deref(), Some("T"), "{reader}");
        assert_eq!(metadata.authors, ["A"], "{reader}");
        assert_eq!(findings.pages, Some(2), "{reader}");
    }
}

#[test]
fn info_may_have_a_type() {
    for info_type in ["/Info", "/Metadata", "/Page", "(x)"] {
        let info = format!("<</Type{info_type}/Title(T)/Author(A)/CreationDate(D:201807)>>");
        for (reader, metadata, findings) in by_each_reader(&pdf_with_info(&info, &[])) {
            assert_eq!(metadata.title.as_deref(), Some("T"), "{reader} {info_type}");
            assert_eq!(metadata.authors, ["A"], "{reader}");
            assert_eq!(metadata.year, Some(2018), "{reader}");
            assert_eq!(findings.pages, Some(1), "{reader}");
        }
    }
}

#[test]
fn strings_of_every_encoding_are_read() {
    for (value, title) in [
        ("<FFFE470072006500790020004800>", "Grey H"),
        ("<FEFF00470072006500790020FEFF0048>", "Grey H"),
        ("<EFBBBFC389>", "É"),
        ("(\\311t\\351)", "Été"),
        ("<FEFF001B0065006E001B00470072>", "Gr"),
        ("(\\376\\377\\000T\\000\\(\\000x\\000\\))", "T(x)"),
    ] {
        for (reader, metadata, _) in
            by_each_reader(&pdf_with_info(&format!("<</Title{value}>>"), &[]))
        {
            assert_eq!(metadata.title.as_deref(), Some(title), "{reader} {value}");
        }
    }
}

#[test]
fn page_tree_needs_no_types() {
    for (name, tree) in [
        (
            "no types",
            [
                "<</Pages 2 0 R>>",
                "<</Kids[3 0 R 5 0 R]/Count 3>>",
                "<</Parent 2 0 R/MediaBox[0 0 9 9]>>",
            ],
        ),
        (
            "misspelled types",
            [
                "<</Zype/Catalog/Pages 2 0 R>>",
                "<</Zype/Pages/Kids[3 0 R 5 0 R]/Count 3>>",
                "<</Zype/Page/Parent 2 0 R>>",
            ],
        ),
        (
            "wrong types",
            [
                "<</Type/Pages/Pages 2 0 R>>",
                "<</Type/Page/Kids[3 0 R 5 0 R]/Count 3>>",
                "<</Type/Catalog/Parent 2 0 R>>",
            ],
        ),
        (
            "cycle",
            [
                "<</Type/Catalog/Pages 2 0 R>>",
                "<</Type/Pages/Kids[3 0 R 2 0 R 5 0 R]/Count 3>>",
                "<</Type/Page/Parent 2 0 R>>",
            ],
        ),
        (
            "page without an object of its own",
            [
                "<</Type/Catalog/Pages 2 0 R>>",
                "<</Type/Pages/Kids[<</Type/Page>> 5 0 R]/Count 3>>",
                "null",
            ],
        ),
    ] {
        let inner = "<</Kids[6 0 R 2 0 R 7 0 R 8 0 R]/Parent 2 0 R/Count 2>>";
        let objects = [
            &tree[..],
            &[
                "<</Title(T)>>",
                inner,
                "<</Parent 5 0 R>>",
                "<</Parent 5 0 R>>",
            ],
        ]
        .concat();
        let empty = "<</Type/Pages/Parent 5 0 R/Count 0>>";
        for (reader, metadata, findings) in
            by_each_reader(&pdf_of(&[&objects[..], &[empty]].concat()))
        {
            assert_eq!(findings.pages, Some(3), "{reader}: {name}");
            assert_eq!(metadata.title.as_deref(), Some("T"), "{reader}: {name}");
        }
    }
}

#[test]
fn pages_are_counted_whatever_the_count_says() {
    for count in ["/Count 99", "/Count -1", "/Count 0", "/Count(x)", ""] {
        let root = format!("<</Type/Pages/Kids[3 0 R 3 0 R]{count}>>");
        let page = "<</Type/Page/Parent 2 0 R>>";
        let pdf = pdf_of(&["<</Type/Catalog/Pages 2 0 R>>", &root, page, "<<>>"]);
        let [(_, _, parsed), (_, _, scanned), _] = by_each_reader(&pdf);
        assert_eq!((parsed.pages, scanned.pages), (Some(2), Some(2)), "{count}");
    }
}

#[test]
fn later_version_of_header_and_catalog_counts() {
    for (catalog, version) in [
        ("/1.7", "1.7"),
        ("/1.3", "1.5"),
        ("/2.0", "2.0"),
        ("(1.7)", "1.7"),
        ("/x", "1.5"),
    ] {
        for (reader, _, findings) in
            by_each_reader(&pdf_with_catalog(&format!("/Version{catalog}"), &[]))
        {
            assert_eq!(
                findings.version.as_deref(),
                Some(version),
                "{reader} {catalog}"
            );
        }
    }
}

#[test]
fn xmp_is_read_where_info_has_nothing() {
    let properties = "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>X title</rdf:li></rdf:Alt></dc:title>\
        <dc:creator><rdf:Seq><rdf:li>Mara Quill</rdf:li><rdf:li>Shore, Ned</rdf:li></rdf:Seq></dc:creator>\
        <dc:publisher>House</dc:publisher><dc:language><rdf:Bag><rdf:li>en</rdf:li></rdf:Bag></dc:language>\
        <dc:description>About</dc:description><dc:subject><rdf:Bag><rdf:li>Sea</rdf:li></rdf:Bag></dc:subject>\
        <prism:isbn>978-0-306-40615-7</prism:isbn><prism:doi>10.1/x</prism:doi>\
        <xmp:CreateDate>2019-03-04</xmp:CreateDate><pdf:Producer>Press</pdf:Producer>";
    for (reader, metadata, _) in
        by_each_reader(&pdf_with_catalog("/Metadata 5 0 R", &[&xmp(properties)]))
    {
        assert_eq!(metadata.title.as_deref(), Some("X title"), "{reader}");
        assert_eq!(metadata.authors, ["Mara Quill", "Shore, Ned"], "{reader}");
        assert_eq!(metadata.publisher.as_deref(), Some("House"), "{reader}");
        assert_eq!(metadata.language.as_deref(), Some("en"), "{reader}");
        assert_eq!(metadata.description.as_deref(), Some("About"), "{reader}");
        assert_eq!(metadata.subjects, ["Sea"], "{reader}");
        assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"), "{reader}");
        assert_eq!(metadata.identifiers[1].scheme, "doi", "{reader}");
        assert_eq!(metadata.year, Some(2019), "{reader}");
    }
    let info = "<</Title(I title)/Author( )/Subject()/CreationDate(soon)>>";
    let catalog = "<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R/Lang(fr)>>";
    let pages = [
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R>>",
    ];
    let pdf = pdf_of(&[catalog, pages[0], pages[1], info, &xmp(properties)]);
    for (reader, metadata, _) in by_each_reader(&pdf) {
        assert_eq!(metadata.title.as_deref(), Some("I title"), "{reader}");
        assert_eq!(metadata.authors.len(), 2, "{reader}");
        assert_eq!(metadata.description.as_deref(), Some("About"), "{reader}");
        assert_eq!(
            (metadata.year, metadata.language.as_deref()),
            (Some(2019), Some("fr")),
            "{reader}"
        );
    }
}

#[test]
fn producer_of_the_xmp_precedes_the_creator_of_info() {
    for (info, properties, producer) in [
        ("", "<pdf:Producer>P</pdf:Producer>", "P"),
        ("", "<xmp:CreatorTool>C</xmp:CreatorTool>", "C"),
        ("/Creator(I)", "<pdf:Producer>P</pdf:Producer>", "P"),
        ("/Creator(I)", "<xmp:CreatorTool>C</xmp:CreatorTool>", "I"),
        ("/Producer(J)", "<pdf:Producer>P</pdf:Producer>", "J"),
    ] {
        let catalog = "<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R>>";
        let info = format!("<<{info}>>");
        let pages = [
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R>>",
        ];
        let (result, _) = tests::read_all(&pdf_of(&[
            catalog,
            pages[0],
            pages[1],
            &info,
            &xmp(properties),
        ]));
        assert_eq!(result.unwrap().1.producer.as_deref(), Some(producer));
    }
}

#[test]
fn xmp_that_cannot_be_read_is_no_failure() {
    let entity = "<!DOCTYPE x [<!ENTITY a 'a'>]><RDF><Description title='T'/></RDF>";
    let large = format!(
        "<RDF><Description title='T'/></RDF>{}",
        " ".repeat(5_000_000)
    );
    for stream in [
        stream_of(entity),
        stream_of("<RDF><Description title='T'/>"),
        stream_of(&large),
        "<</Type/Metadata/Filter/DCTDecode/Length 1>>stream\nx\nendstream".to_owned(),
        "(no stream)".to_owned(),
    ] {
        for (reader, metadata, findings) in
            by_each_reader(&pdf_with_catalog("/Metadata 5 0 R/Lang(de)", &[&stream]))
        {
            assert_eq!(
                (metadata.title, findings.pages),
                (None, Some(1)),
                "{reader}"
            );
            assert_eq!(metadata.language.as_deref(), Some("de"), "{reader}");
        }
    }
}

#[test]
fn packed_and_untyped_xmp_is_read() {
    let text = "<x:xmpmeta><rdf:RDF><rdf:Description dc:title='T'/></rdf:RDF></x:xmpmeta>";
    let mut document = samples::pdf_document(1, lopdf::Dictionary::new());
    let mut stream =
        lopdf::Stream::new(dictionary! { "Type" => "Metadata" }, text.repeat(9).into());
    stream.compress().unwrap();
    assert!(stream.dict.has(b"Filter"));
    let untyped = lopdf::Stream::new(lopdf::Dictionary::new(), text.into());
    for stream in [stream, untyped] {
        let id = document.add_object(stream);
        document.catalog_mut().unwrap().set("Metadata", id);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        for (reader, metadata, _) in by_each_reader(&bytes) {
            assert_eq!(metadata.title.as_deref(), Some("T"), "{reader}");
        }
    }
}

#[test]
fn identifiers_of_the_xmp_have_their_schemes() {
    let properties = "<dc:identifier><rdf:Bag><rdf:li>urn:isbn:9780306406157</rdf:li>\
        <rdf:li>urn:uuid:1234</rdf:li><rdf:li>doi:10.1/x</rdf:li><rdf:li>0-306-40615-2</rdf:li>\
        <rdf:li>http://a/b</rdf:li></rdf:Bag></dc:identifier>";
    for (reader, metadata, _) in
        by_each_reader(&pdf_with_catalog("/Metadata 5 0 R", &[&xmp(properties)]))
    {
        let schemes: Vec<_> = metadata
            .identifiers
            .iter()
            .map(|one| &one.scheme[..])
            .collect();
        assert_eq!(schemes, ["isbn", "uuid", "doi", "isbn", ""], "{reader}");
        assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"), "{reader}");
    }
}

#[test]
fn lost_info_is_scanned_for() {
    let pdf = pdf_with_info("<</Title(T)/Author(A)>>", &[]);
    let text = String::from_utf8_lossy(&pdf).into_owned();
    let cut = text.find("trailer").unwrap();
    let (result, _) = tests::read_all(&pdf[..cut]);
    assert_eq!(result.unwrap().0.title.as_deref(), Some("T"));
}

#[test]
fn cross_references_that_all_miss_their_objects_are_rebuilt() {
    let pdf = pdf_with_info("<</Title 5 0 R>>", &["(T)"]);
    let at = pdf.iter().position(|byte| *byte == b'\n').unwrap();
    let shifted = [&pdf[..at], &[b' '; 500], &pdf[at..]].concat();
    let shifted = String::from_utf8_lossy(&shifted).into_owned();
    let start = shifted.rfind("startxref\n").unwrap() + 10;
    let offset: usize = shifted[start..].lines().next().unwrap().parse().unwrap();
    let shifted = shifted.replace(
        &format!("startxref\n{offset}"),
        &format!("startxref\n{}", offset + 500),
    );
    let (metadata, info) = tests::read_all(shifted.as_bytes()).0.unwrap();
    assert_eq!(
        (metadata.title.as_deref(), info.pages),
        (Some("T"), Some(1))
    );
}
