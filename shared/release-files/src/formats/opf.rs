//! The package document (OPF) of an EPUB.

use std::collections::BTreeSet;

use jobs::{Failure, FailureCode};
use text::tidy_line;

use super::accessibility;
use super::cover::Hints;
use super::model::{DeclaredAccessibility, Layout, Metadata, TableOfContents};
use super::opf_metadata::{Element, Elements};
use super::xml::{self, Attributes, Node};

/// The largest number of manifest items and of documents in the reading order that are kept.
const MAX_ITEMS: usize = 20_000;

/// The longest id and the longest address of a manifest item, in bytes. The names of a zip's entries
/// are shorter.
const MAX_ADDRESS_BYTES: usize = 4 * 1024;

/// The media types of documents with text. Some tools write the later ones for XHTML.
const TEXT_TYPES: [&str; 7] = [
    "application/xhtml+xml",
    "application/x-dtbook+xml",
    "text/x-oeb1-document",
    "text/html",
    "application/xml",
    "text/xml",
    "",
];

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
    /// The files of the book.
    pub manifest: Vec<ManifestItem>,
    /// The manifest ids of the documents in the reading order.
    pub spine: Vec<String>,
    /// The number of documents in the reading order.
    pub chapters: u64,
    /// The tables of contents in the manifest.
    pub toc: Vec<TableOfContents>,
    /// The layout of the pages.
    pub layout: Layout,
    /// What the book says of its accessibility.
    pub accessibility: DeclaredAccessibility,
    /// The program that created the EPUB.
    pub producer: Option<String>,
    /// What it says of the cover.
    pub cover: Hints,
}

/// A file of the book, as the manifest lists it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ManifestItem {
    /// The id, which the reading order names.
    pub id: String,
    /// The address, relative to the package document.
    pub href: String,
    /// What it is, if it is a table of contents.
    pub toc: Option<TableOfContents>,
    /// Whether it is a document with text, by its media type.
    pub is_text: bool,
    /// Whether it is an image, by its media type.
    pub is_image: bool,
    /// Whether it is the cover, by its properties.
    pub is_cover: bool,
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
    manifest: Vec<ManifestItem>,
    spine: Vec<String>,
    /// The id of the NCX, which the reading order names.
    ncx_id: Option<String>,
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
    /// The address of the cover in the guide.
    guide_cover: Option<String>,
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
            "spine" => self.ncx_id = attributes.get("toc"),
            "itemref" => self.visit_spine_item(attributes),
            "reference" => self.visit_guide_reference(attributes),
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
        let media_type = attributes.get("media-type");
        let toc = if properties.split_whitespace().any(|word| word == "nav") {
            Some(TableOfContents::Nav)
        } else if media_type.as_deref() == Some("application/x-dtbncx+xml") {
            Some(TableOfContents::Ncx)
        } else {
            None
        };
        self.toc.extend(toc);
        let get = |name| attributes.get(name).filter(|value| is_address(value));
        if let (Some(id), Some(href)) = (get("id"), get("href"))
            && self.manifest.len() < MAX_ITEMS
        {
            let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
            self.manifest.push(ManifestItem {
                id,
                href,
                toc,
                is_text: TEXT_TYPES.contains(&media_type.as_str()),
                is_image: media_type.starts_with("image/"),
                is_cover: properties
                    .split_whitespace()
                    .any(|word| word == "cover-image"),
            });
        }
    }

    fn visit_spine_item(&mut self, attributes: &Attributes<'_>) {
        self.chapters += 1;
        if self.spine.len() < MAX_ITEMS {
            let id = attributes.get("idref");
            self.spine.extend(id.filter(|id| is_address(id)));
        }
    }

    fn visit_guide_reference(&mut self, attributes: &Attributes<'_>) {
        let kind = attributes.get("type").unwrap_or_default();
        if self.guide_cover.is_none() && kind.trim().eq_ignore_ascii_case("cover") {
            self.guide_cover = attributes.get("href").filter(|href| is_address(href));
        }
    }

    fn finish(mut self) -> PackageDocument {
        let named = self.ncx_id.as_ref();
        let ncx = self
            .manifest
            .iter_mut()
            .find(|item| Some(&item.id) == named);
        if let Some(item) = ncx
            && item.toc.is_none()
        {
            item.toc = Some(TableOfContents::Ncx);
            self.toc.insert(TableOfContents::Ncx);
        }
        let layout = match self.elements.meta("rendition:layout").as_deref() {
            Some("pre-paginated") => Layout::Fixed,
            _ => Layout::Reflowable,
        };
        PackageDocument {
            accessibility: accessibility::declared(&self.elements),
            version: self.version,
            metadata: self.elements.metadata(),
            manifest: self.manifest,
            spine: self.spine,
            chapters: self.chapters,
            toc: self.toc.into_iter().collect(),
            layout,
            producer: self.elements.meta("generator"),
            cover: Hints {
                meta: self.elements.meta("cover").filter(|id| is_address(id)),
                guide: self.guide_cover,
            },
        }
    }
}

/// Whether a value may be the id or the address of a file.
fn is_address(value: &str) -> bool {
    !value.trim().is_empty() && value.len() <= MAX_ADDRESS_BYTES
}

#[cfg(test)]
#[path = "opf_tests.rs"]
mod tests;
