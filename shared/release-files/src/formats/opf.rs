//! An EPUB's package document (OPF): what the book says about itself.

use jobs::{Failure, FailureCode};

use super::isbn;
use super::model::{Contributor, Identifier, Metadata};
use super::text;
use super::xml::{self, Attributes, Node};

/// The most metadata elements, and values of one kind, that are kept.
const MAX_ELEMENTS: usize = 1000;

/// The longest text of one metadata element that is kept, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// What a package document tells.
#[derive(Debug, Default)]
pub struct Package {
    /// The EPUB version that it declares.
    pub version: Option<String>,
    /// The metadata.
    pub metadata: Metadata,
    /// The number of documents in the reading order.
    pub chapters: u64,
    /// The number of files in the manifest.
    pub manifest: u64,
    /// Whether it has an EPUB 3 navigation document.
    pub has_nav: bool,
    /// Whether it has an EPUB 2 table of contents.
    pub has_ncx: bool,
    /// Whether its pages have a fixed layout.
    pub fixed_layout: bool,
    /// The program that made it.
    pub producer: Option<String>,
}

/// One element of the metadata, before its meaning is worked out.
#[derive(Debug, Default)]
struct Element {
    name: String,
    id: Option<String>,
    /// `opf:role`, `opf:scheme` or `opf:event`: what EPUB 2 says about the element.
    qualifier: Option<String>,
    /// `property` of an EPUB 3 `meta`, `name` of an EPUB 2 one.
    property: Option<String>,
    refines: Option<String>,
    value: String,
}

/// Reads a package document.
///
/// # Errors
/// [`FailureCode::EpubDamaged`] when it is not a well-formed package document, and
/// [`FailureCode::XmlEntitiesRefused`].
pub fn parse(document: &str) -> Result<Package, Failure> {
    let mut builder = Builder::default();
    xml::walk(document, FailureCode::EpubDamaged, &mut |node| {
        builder.take(node);
    })?;
    if !builder.is_package {
        let sentence = "The EPUB's package document has no package element.";
        return Err(Failure::new(FailureCode::EpubDamaged, sentence));
    }
    let mut package = builder.package;
    interpret(&builder.elements, &mut package);
    Ok(package)
}

#[derive(Default)]
struct Builder {
    package: Package,
    elements: Vec<Element>,
    open: Option<Element>,
    in_metadata: bool,
    is_package: bool,
}

impl Builder {
    fn take(&mut self, node: Node<'_>) {
        match node {
            Node::Open(name, attributes) => self.open(name, &attributes),
            Node::Text(text) => {
                if let Some(element) = &mut self.open
                    && element.value.len() < MAX_VALUE
                {
                    element.value.push_str(text);
                }
            }
            Node::Close(name) => self.close(name),
        }
    }

    fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "package" => {
                self.is_package = true;
                self.package.version = attributes.get("version").and_then(|v| text::field(&v));
            }
            "metadata" => self.in_metadata = true,
            "item" => self.manifest_item(attributes),
            "itemref" => self.package.chapters += 1,
            // Markup inside a value does not begin another one.
            _ if self.in_metadata && self.open.is_none() && self.elements.len() < MAX_ELEMENTS => {
                self.open = element(name, attributes);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if name == "metadata" {
            self.in_metadata = false;
        }
        // A description may contain stray markup: only its own end closes it.
        if self.open.as_ref().is_some_and(|open| open.name == name) {
            self.elements.extend(self.open.take());
        }
    }

    fn manifest_item(&mut self, attributes: &Attributes<'_>) {
        self.package.manifest += 1;
        let properties = attributes.get("properties").unwrap_or_default();
        self.package.has_nav |= properties.split_whitespace().any(|word| word == "nav");
        let media_type = attributes.get("media-type").unwrap_or_default();
        self.package.has_ncx |= media_type == "application/x-dtbncx+xml";
    }
}

fn element(name: &str, attributes: &Attributes<'_>) -> Option<Element> {
    let known = [
        "title",
        "creator",
        "contributor",
        "publisher",
        "date",
        "language",
        "description",
        "identifier",
        "subject",
        "meta",
    ];
    known.contains(&name).then(|| Element {
        name: name.to_owned(),
        id: attributes.get("id"),
        qualifier: ["role", "scheme", "event"]
            .into_iter()
            .find_map(|key| attributes.get(key)),
        property: attributes
            .get("property")
            .or_else(|| attributes.get("name")),
        refines: attributes.get("refines"),
        value: attributes.get("content").unwrap_or_default(),
    })
}

fn interpret(elements: &[Element], package: &mut Package) {
    let named = |name: &'static str| elements.iter().filter(move |e| e.name == name);
    let first = |name| named(name).find_map(|e| text::field(&e.value));
    let meta = |property: &'static str| {
        let mut metas = named("meta").filter(move |e| e.property.as_deref() == Some(property));
        metas.find_map(|e| text::field(&e.value))
    };
    let metadata = &mut package.metadata;
    let main_title = named("title")
        .find(|e| refinement(elements, e, "title-type").as_deref() == Some("main"))
        .and_then(|e| text::field(&e.value));
    metadata.title = main_title.or_else(|| first("title"));
    metadata.publisher = first("publisher");
    metadata.language = first("language");
    metadata.description = named("description").find_map(|e| text::long_field(&e.value));
    metadata.subjects = named("subject")
        .filter_map(|e| text::field(&e.value))
        .collect();
    metadata.series = meta("calibre:series").or_else(|| meta("belongs-to-collection"));
    metadata.series_index = meta("calibre:series_index").or_else(|| meta("group-position"));
    metadata.identifiers = named("identifier")
        .filter_map(|e| identifier(elements, e))
        .collect();
    metadata.isbn = isbn_of(&metadata.identifiers);
    metadata.year = year_of(elements);
    people(elements, metadata);
    package.fixed_layout = meta("rendition:layout").as_deref() == Some("pre-paginated");
    package.producer = meta("generator");
}

/// What an EPUB 3 `meta` with this property adds to the element.
fn refinement(elements: &[Element], of: &Element, property: &str) -> Option<String> {
    let id = of.id.as_deref()?;
    let refines = |e: &&Element| {
        e.property.as_deref() == Some(property)
            && e.refines
                .as_deref()
                .and_then(|target| target.strip_prefix('#'))
                == Some(id)
    };
    elements
        .iter()
        .find(refines)
        .and_then(|e| text::field(&e.value))
}

fn people(elements: &[Element], metadata: &mut Metadata) {
    for element in elements {
        let is_creator = element.name == "creator";
        if !is_creator && element.name != "contributor" {
            continue;
        }
        let Some(name) = text::field(&element.value) else {
            continue;
        };
        let role = element.qualifier.clone();
        let role = role
            .or_else(|| refinement(elements, element, "role"))
            .unwrap_or_default();
        let is_author = role == "aut" || (is_creator && role.is_empty());
        // The program that made the file contributes as `bkp`, a book producer; it wrote nothing.
        if is_author {
            metadata.authors.push(name);
        } else if role != "bkp" {
            metadata.contributors.push(Contributor { name, role });
        }
    }
    if metadata.authors.is_empty() {
        let creators = elements.iter().filter(|e| e.name == "creator");
        metadata.authors = creators.filter_map(|e| text::field(&e.value)).collect();
    }
}

fn identifier(elements: &[Element], element: &Element) -> Option<Identifier> {
    let value = text::field(&element.value)?;
    let urn = value
        .strip_prefix("urn:")
        .and_then(|rest| rest.split_once(':'));
    let scheme = match (&element.qualifier, urn) {
        (Some(scheme), _) => scheme.to_lowercase(),
        (None, Some((scheme, _))) => scheme.to_lowercase(),
        (None, None) if isbn::parse(&value).is_some() => "isbn".to_owned(),
        // ONIX code list 5 calls an ISBN-13 "15".
        (None, None) => match refinement(elements, element, "identifier-type").as_deref() {
            Some("15" | "02") => "isbn".to_owned(),
            Some("06") => "doi".to_owned(),
            _ => String::new(),
        },
    };
    Some(Identifier { scheme, value })
}

fn isbn_of(identifiers: &[Identifier]) -> Option<String> {
    let said = identifiers.iter().filter(|id| id.scheme == "isbn");
    let others = identifiers.iter().filter(|id| id.scheme.is_empty());
    said.chain(others).find_map(|id| isbn::parse(&id.value))
}

fn year_of(elements: &[Element]) -> Option<i32> {
    let dates = || elements.iter().filter(|e| e.name == "date");
    let published = dates().filter(|e| e.qualifier.as_deref() == Some("publication"));
    let others = dates().filter(|e| e.qualifier.as_deref() != Some("modification"));
    published.chain(others).find_map(|e| text::year(&e.value))
}

#[cfg(test)]
mod tests {
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
    fn an_epub_2_package_is_read() {
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
        assert_eq!((package.chapters, package.manifest), (2, 2));
        assert!(package.has_ncx && !package.has_nav && !package.fixed_layout);
    }

    #[test]
    fn an_epub_3_package_is_read_with_its_refinements() {
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
        assert!(package.fixed_layout && package.has_nav && !package.has_ncx);
    }

    #[test]
    fn creators_of_any_role_stand_in_when_nobody_is_an_author() {
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
    fn another_document_is_not_a_package() {
        assert_eq!(parse("<html/>").unwrap_err().code, FailureCode::EpubDamaged);
        assert_eq!(
            parse("<package>").unwrap_err().code,
            FailureCode::EpubDamaged
        );
    }
}
