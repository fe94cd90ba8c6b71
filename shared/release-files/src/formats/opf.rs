//! The package document (OPF) of an EPUB.

use std::collections::BTreeSet;

use jobs::{Failure, FailureCode};
use text::{tidy_line, tidy_text};

use super::model::{Contributor, Identifier, Layout, Metadata, TableOfContents};
use super::xml::{self, Attributes, Node};
use crate::metadata::{find_year, isbn};

/// The largest number of metadata elements that are kept.
const MAX_ELEMENTS: usize = 1000;

/// The length from which further pieces of a metadata element's text are dropped, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// The content of a package document.
#[derive(Debug)]
pub struct PackageDocument {
    /// The EPUB version.
    pub version: Option<String>,
    /// The metadata.
    pub metadata: Metadata,
    /// The number of documents in the reading order.
    pub chapters: u64,
    /// The tables of contents in the manifest.
    pub toc: Vec<TableOfContents>,
    /// The layout of the pages.
    pub layout: Layout,
    /// The program that created the EPUB.
    pub producer: Option<String>,
}

/// A metadata element of the document.
#[derive(Debug, Default)]
struct Element {
    name: String,
    id: Option<String>,
    /// The `opf:role`, `opf:scheme` or `opf:event` of an EPUB 2 element.
    qualifier: Option<String>,
    /// The `property` of an EPUB 3 `meta`, or the `name` of an EPUB 2 one.
    property: Option<String>,
    refines: Option<String>,
    value: String,
}

/// Parses a package document.
///
/// # Errors
/// [`FailureCode::EpubDamaged`] if it is not a well-formed package document, or
/// [`FailureCode::XmlEntitiesRefused`].
pub fn parse(document: &str) -> Result<PackageDocument, Failure> {
    let mut parser = Parser::default();
    xml::walk(document, FailureCode::EpubDamaged, &mut |node| {
        parser.visit(node);
    })?;
    if !parser.is_package {
        let message = "The EPUB's package document has no package element.";
        return Err(Failure::new(FailureCode::EpubDamaged, message));
    }
    Ok(parser.finish())
}

#[derive(Default)]
struct Parser {
    version: Option<String>,
    chapters: u64,
    toc: BTreeSet<TableOfContents>,
    elements: Elements,
    /// The open metadata element.
    open: Option<Element>,
    in_metadata: bool,
    is_package: bool,
}

impl Parser {
    fn visit(&mut self, node: Node<'_>) {
        match node {
            Node::Open(name, attributes) => self.open(name, &attributes),
            Node::Text(text) => {
                if let Some(element) = &mut self.open
                    && element.value.len() < MAX_VALUE_BYTES
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
                self.version = attributes.get("version").and_then(|v| tidy_line(&v));
            }
            "metadata" => self.in_metadata = true,
            "item" => self.visit_manifest_item(attributes),
            "itemref" => self.chapters += 1,
            // Markup inside a value does not start another value.
            _ if self.in_metadata
                && self.open.is_none()
                && self.elements.0.len() < MAX_ELEMENTS =>
            {
                self.open = parse_element(name, attributes);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if name == "metadata" {
            self.in_metadata = false;
        }
        // A description may contain stray markup, so only its own end tag closes it.
        if self.open.as_ref().is_some_and(|open| open.name == name) {
            self.elements.0.extend(self.open.take());
        }
    }

    fn visit_manifest_item(&mut self, attributes: &Attributes<'_>) {
        let properties = attributes.get("properties").unwrap_or_default();
        if properties.split_whitespace().any(|word| word == "nav") {
            self.toc.insert(TableOfContents::Nav);
        }
        if attributes.get("media-type").as_deref() == Some("application/x-dtbncx+xml") {
            self.toc.insert(TableOfContents::Ncx);
        }
    }

    fn finish(self) -> PackageDocument {
        let layout = match self.elements.meta("rendition:layout").as_deref() {
            Some("pre-paginated") => Layout::Fixed,
            _ => Layout::Reflowable,
        };
        PackageDocument {
            version: self.version,
            metadata: self.elements.metadata(),
            chapters: self.chapters,
            toc: self.toc.into_iter().collect(),
            layout,
            producer: self.elements.meta("generator"),
        }
    }
}

fn parse_element(name: &str, attributes: &Attributes<'_>) -> Option<Element> {
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

/// The metadata elements of a document, in its order.
#[derive(Debug, Default)]
struct Elements(Vec<Element>);

impl Elements {
    fn metadata(&self) -> Metadata {
        let is_main =
            |title: &&Element| self.refinement(title, "title-type").as_deref() == Some("main");
        let main_title = self.named("title").find(is_main);
        let identifiers: Vec<_> = self
            .named("identifier")
            .filter_map(|element| self.identifier(element))
            .collect();
        let (authors, contributors) = self.people();
        Metadata {
            title: main_title
                .and_then(|title| tidy_line(&title.value))
                .or_else(|| self.first("title")),
            authors,
            publisher: self.first("publisher"),
            isbn: find_isbn(&identifiers),
            year: self.year(),
            language: self.first("language"),
            description: self
                .named("description")
                .find_map(|element| tidy_text(&element.value)),
            subjects: self
                .named("subject")
                .filter_map(|element| tidy_line(&element.value))
                .collect(),
            series: self
                .meta("calibre:series")
                .or_else(|| self.meta("belongs-to-collection")),
            series_index: self
                .meta("calibre:series_index")
                .or_else(|| self.meta("group-position")),
            contributors,
            identifiers,
        }
    }

    fn named(&self, name: &'static str) -> impl Iterator<Item = &Element> {
        self.0.iter().filter(move |element| element.name == name)
    }

    /// The first value of the elements with this name.
    fn first(&self, name: &'static str) -> Option<String> {
        self.named(name)
            .find_map(|element| tidy_line(&element.value))
    }

    /// The first value of the `meta` elements with this property.
    fn meta(&self, property: &str) -> Option<String> {
        self.named("meta")
            .filter(|meta| meta.property.as_deref() == Some(property))
            .find_map(|meta| tidy_line(&meta.value))
    }

    /// The value of the EPUB 3 `meta` with this property that refines `element`.
    fn refinement(&self, element: &Element, property: &str) -> Option<String> {
        let id = element.id.as_deref()?;
        let refines = |meta: &&Element| {
            let target = meta.refines.as_deref().and_then(|id| id.strip_prefix('#'));
            meta.property.as_deref() == Some(property) && target == Some(id)
        };
        let meta = self.0.iter().find(refines)?;
        tidy_line(&meta.value)
    }

    /// The authors, and the other contributors. If no one has the role of an author, all creators
    /// are authors.
    fn people(&self) -> (Vec<String>, Vec<Contributor>) {
        let (mut authors, mut contributors) = (Vec::new(), Vec::new());
        for element in &self.0 {
            let is_creator = element.name == "creator";
            if !is_creator && element.name != "contributor" {
                continue;
            }
            let Some(name) = tidy_line(&element.value) else {
                continue;
            };
            let role = element
                .qualifier
                .clone()
                .or_else(|| self.refinement(element, "role"))
                .unwrap_or_default();
            if role == "aut" || (is_creator && role.is_empty()) {
                authors.push(name);
            } else if role != "bkp" {
                // `bkp`, the book producer, is the program that created the file.
                contributors.push(Contributor { name, role });
            }
        }
        if authors.is_empty() {
            authors = self
                .named("creator")
                .filter_map(|element| tidy_line(&element.value))
                .collect();
        }
        (authors, contributors)
    }

    fn identifier(&self, element: &Element) -> Option<Identifier> {
        let value = tidy_line(&element.value)?;
        let urn = value
            .strip_prefix("urn:")
            .and_then(|rest| rest.split_once(':'));
        let scheme = match (&element.qualifier, urn) {
            (Some(scheme), _) => scheme.to_lowercase(),
            (None, Some((scheme, _))) => scheme.to_lowercase(),
            (None, None) if isbn::parse(&value).is_some() => "isbn".to_owned(),
            // In ONIX code list 5, 02 and 15 are ISBN-10 and ISBN-13, and 06 is a DOI.
            (None, None) => match self.refinement(element, "identifier-type").as_deref() {
                Some("15" | "02") => "isbn".to_owned(),
                Some("06") => "doi".to_owned(),
                _ => String::new(),
            },
        };
        Some(Identifier { scheme, value })
    }

    /// The year of publication, or else the year of any date other than a modification.
    fn year(&self) -> Option<i32> {
        let is_event = |date: &Element, event| date.qualifier.as_deref() == Some(event);
        let published = self
            .named("date")
            .filter(|date| is_event(date, "publication"));
        let others = self
            .named("date")
            .filter(|date| !is_event(date, "modification"));
        published
            .chain(others)
            .find_map(|date| find_year(&date.value))
    }
}

/// The first ISBN among the identifiers with the scheme `isbn`, or else among those without a
/// scheme.
fn find_isbn(identifiers: &[Identifier]) -> Option<String> {
    let labeled = identifiers.iter().filter(|id| id.scheme == "isbn");
    let others = identifiers.iter().filter(|id| id.scheme.is_empty());
    labeled.chain(others).find_map(|id| isbn::parse(&id.value))
}

#[cfg(test)]
#[path = "opf_tests.rs"]
mod tests;
