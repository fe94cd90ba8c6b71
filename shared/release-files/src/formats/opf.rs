//! The package document (OPF) of an EPUB.

use std::collections::BTreeSet;

use jobs::{Failure, FailureCode};
use text::tidy_line;

use super::model::{Layout, Metadata, TableOfContents};
use super::opf_metadata::{Element, Elements};
use super::xml::{self, Attributes, Node};

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
    /// The number of open `metadata` elements. In OEBPS 1, `dc-metadata` is within another.
    metadata_depth: u32,
    /// The number of open `collection` elements. Their metadata is not the book's.
    collection_depth: u32,
    is_package: bool,
}

impl Parser {
    fn visit(&mut self, node: Node<'_>) {
        match node {
            // OEBPS 1 has capitals, as in `dc:Title`.
            Node::Open(name, attributes) => self.open(&name.to_ascii_lowercase(), &attributes),
            Node::Text(text) => {
                if let Some(element) = &mut self.open
                    && element.value.len() < MAX_VALUE_BYTES
                {
                    element.value.push_str(text);
                }
            }
            Node::Close(name) => self.close(&name.to_ascii_lowercase()),
        }
    }

    fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "collection" => self.collection_depth += 1,
            _ if self.collection_depth > 0 => {}
            "package" => {
                self.is_package = true;
                self.version = attributes.get("version").and_then(|v| tidy_line(&v));
            }
            "metadata" | "dc-metadata" => self.metadata_depth += 1,
            "item" => self.visit_manifest_item(attributes),
            "itemref" => self.chapters += 1,
            // Markup inside a value does not start another value.
            _ if self.metadata_depth > 0
                && self.open.is_none()
                && self.elements.0.len() < MAX_ELEMENTS =>
            {
                self.open = Element::parse(name, attributes);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "collection" => self.collection_depth = self.collection_depth.saturating_sub(1),
            _ if self.collection_depth > 0 => {}
            "metadata" | "dc-metadata" => {
                self.metadata_depth = self.metadata_depth.saturating_sub(1);
            }
            // A description may contain stray markup, so only its own end tag closes it.
            _ if self.open.as_ref().is_some_and(|open| open.name == name) => {
                self.elements.0.extend(self.open.take());
            }
            _ => {}
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

#[cfg(test)]
#[path = "opf_tests.rs"]
mod tests;
