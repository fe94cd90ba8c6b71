use super::*;

const EPUB2: &str = r#"<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="2.0">
 <metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">
  <dc:title>Le Tour &amp; le Détour</dc:title>
  <dc:creator opf:role="aut">Anne Écrit</dc:creator>
  <dc:creator opf:role="ill">Paul Dessin</dc:creator>
  <dc:contributor opf:role="bkp">calibre (5.0)</dc:contributor>
  <dc:contributor opf:role="trl">Tom Tourne</dc:contributor>
  <dc:identifier opf:scheme="UUID">1234-abcd</dc:identifier>
  <dc:identifier opf:scheme="ISBN">978-0-306-40615-7</dc:identifier>
  <dc:date opf:event="modification">2022-01-01</dc:date>
  <dc:date opf:event="publication">2011</dc:date>
  <dc:subject>Voyage</dc:subject>
  <dc:description>Un <i>beau</i> livre</dc:description>
  <meta name="calibre:series" content="Tours"/><meta name="calibre:series_index" content="2"/>
 </metadata>
 <manifest><item media-type="application/x-dtbncx+xml"/><item media-type="text/html"/></manifest>
 <spine toc="ncx"><itemref idref="a"/><itemref idref="b" linear="no"/></spine>
</package>"#;

#[test]
fn epub_2_package_is_read() {
    let package = parse(EPUB2).unwrap();
    let metadata = &package.metadata;
    assert_eq!(package.version.as_deref(), Some("2.0"));
    assert_eq!(metadata.title.as_deref(), Some("Le Tour & le Détour"));
    assert_eq!(metadata.authors, ["Anne Écrit"]);
    let roles: Vec<_> = metadata
        .contributors
        .iter()
        .map(|c| c.role.as_str())
        .collect();
    assert_eq!(roles, ["ill", "trl"]);
    assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
    assert_eq!(metadata.identifiers[0].scheme, "uuid");
    assert_eq!(metadata.year, Some(2011));
    assert_eq!(metadata.subjects, ["Voyage"]);
    assert_eq!(metadata.description.as_deref(), Some("Un beau livre"));
    assert_eq!(metadata.series.as_deref(), Some("Tours"));
    assert_eq!(metadata.series_index.as_deref(), Some("2"));
    assert_eq!(package.chapters, 2);
    assert_eq!(package.toc, [TableOfContents::Ncx]);
    assert_eq!(package.layout, Layout::Reflowable);
}

#[test]
fn epub_3_package_is_read_with_refinements() {
    let package = parse(
        r##"<package version="3.0"><metadata>
  <dc:title id="s">The Subtitle</dc:title><dc:title id="t">The Title</dc:title>
  <meta refines="#t" property="title-type">main</meta>
  <dc:creator id="c1">A. Writer</dc:creator><dc:creator id="c2">E. Ditor</dc:creator>
  <meta refines="#c1" property="role">aut</meta><meta refines="#c2" property="role">edt</meta>
  <dc:identifier id="i">urn:isbn:9780306406157</dc:identifier>
  <dc:identifier id="d">10.1000/182</dc:identifier><meta refines="#d" property="identifier-type">06</meta>
  <meta property="belongs-to-collection" id="c">Saga</meta><meta refines="#c" property="group-position">3</meta>
  <meta property="rendition:layout">pre-paginated</meta><meta property="generator">Maker 1</meta>
  <dc:language>en-GB</dc:language><dc:publisher>House</dc:publisher>
 </metadata><manifest><item properties="nav scripted"/></manifest><spine><itemref/></spine></package>"##,
    )
    .unwrap();
    let metadata = &package.metadata;
    assert_eq!(metadata.title.as_deref(), Some("The Title"));
    assert_eq!(metadata.authors, ["A. Writer"]);
    assert_eq!(metadata.contributors[0].role, "edt");
    assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
    assert_eq!(metadata.identifiers[1].scheme, "doi");
    assert_eq!(metadata.series.as_deref(), Some("Saga"));
    assert_eq!(metadata.series_index.as_deref(), Some("3"));
    assert_eq!(metadata.language.as_deref(), Some("en-GB"));
    assert_eq!(metadata.publisher.as_deref(), Some("House"));
    assert_eq!(package.producer.as_deref(), Some("Maker 1"));
    assert_eq!(package.layout, Layout::Fixed);
    assert_eq!(package.toc, [TableOfContents::Nav]);
}

#[test]
fn creators_are_authors_if_no_one_has_that_role() {
    let package = parse(
        "<package><metadata><dc:creator opf:role='edt'>E. Ditor</dc:creator><dc:creator/>\
         <dc:identifier>0306406152</dc:identifier></metadata></package>",
    )
    .unwrap();
    assert_eq!(package.metadata.authors, ["E. Ditor"]);
    assert_eq!(package.metadata.isbn.as_deref(), Some("0306406152"));
    assert_eq!(package.metadata.identifiers[0].scheme, "isbn");
    assert_eq!(package.metadata.title, None);
}

#[test]
fn other_documents_are_refused() {
    assert_eq!(parse("<html/>").unwrap_err().code, FailureCode::EpubDamaged);
    assert_eq!(
        parse("<package>").unwrap_err().code,
        FailureCode::EpubDamaged
    );
}
