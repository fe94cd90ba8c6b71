//! The tables of contents of an EPUB: the navigation document of EPUB 3, and the NCX of EPUB 2.

use jobs::FailureCode;

use super::archive::ArchiveEntry;
use super::contents_tree::Tree;
use super::epub_path::{PathIndex, join};
use super::model::{ContentsEntry, TableOfContents};
use super::xml::{self, Attributes, Node};

/// Where the document of a table of contents is, and what its addresses may lead to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The document's path.
    pub path: &'a str,
    /// The files of the book.
    pub paths: &'a PathIndex,
    /// The entries of the archive.
    pub entries: &'a [ArchiveEntry],
}

impl Place<'_> {
    /// Returns the path of the file that an address in the document leads to.
    fn resolve(self, attributes: &Attributes<'_>, name: &str) -> Option<String> {
        let address = attributes.get(name)?;
        let index = self.paths.find(&join(self.path, address.trim())?)?;
        Some(self.entries[index].path.clone())
    }
}

/// Reads a table of contents: its first entries, and the number of all. If the document is not
/// well-formed, it ends at the fault.
pub fn parse(document: &str, kind: TableOfContents, place: Place<'_>) -> (Vec<ContentsEntry>, u64) {
    match kind {
        TableOfContents::Ncx => walk(document, Ncx::new(place)),
        TableOfContents::Nav => {
            let found = walk(document, Nav::new(place, false));
            // Some books do not say which list is the table of contents: it is the first of no type.
            if found.0.is_empty() {
                walk(document, Nav::new(place, true))
            } else {
                found
            }
        }
    }
}

/// Whether a document lists the pages of the printed book.
pub fn has_page_list(document: &str) -> bool {
    let mut found = false;
    // What comes after a fault is not read.
    let _ = xml::walk_careless(document, FailureCode::EpubDamaged, &mut |node| {
        found |= match node {
            Node::Open("pageList", _) => true,
            Node::Open("nav", attributes) => has_type(&attributes, "page-list"),
            _ => false,
        };
    });
    found
}

/// Whether an element has an `epub:type`.
fn has_type(attributes: &Attributes<'_>, wanted: &str) -> bool {
    let types = attributes.get("type").unwrap_or_default();
    types.split_whitespace().any(|word| word == wanted)
}

/// Reads the nodes of a document.
trait Reader {
    fn visit(&mut self, node: &Node<'_>);
    fn finish(self) -> (Vec<ContentsEntry>, u64);
}

fn walk(document: &str, mut reader: impl Reader) -> (Vec<ContentsEntry>, u64) {
    // A fault only ends the table.
    let _ = xml::walk_careless(document, FailureCode::EpubDamaged, &mut |node| {
        reader.visit(&node);
    });
    reader.finish()
}

/// The navigation document: a `nav` of nested lists, whose links and spans are the titles.
struct Nav<'a> {
    place: Place<'a>,
    tree: Tree,
    /// Whether the first `nav` without a type counts.
    takes_any: bool,
    /// The number of open elements within the `nav`, with it.
    depth: u32,
    /// The number of open elements that tell how to read a title.
    reading_aids: u32,
    is_over: bool,
}

impl<'a> Nav<'a> {
    const fn new(place: Place<'a>, takes_any: bool) -> Self {
        Self {
            place,
            tree: Tree::new(),
            takes_any,
            depth: 0,
            reading_aids: 0,
            is_over: false,
        }
    }

    fn begins_at(&self, name: &str, attributes: &Attributes<'_>) -> bool {
        let is_table =
            has_type(attributes, "toc") || attributes.get("role").as_deref() == Some("doc-toc");
        let is_of_no_type = attributes.get("type").is_none();
        name == "nav" && (is_table || (self.takes_any && is_of_no_type))
    }
}

impl Reader for Nav<'_> {
    fn visit(&mut self, node: &Node<'_>) {
        match node {
            Node::Open(..) if self.is_over => {}
            Node::Open(name, attributes) if self.depth == 0 => {
                self.depth = u32::from(self.begins_at(name, attributes));
            }
            Node::Open(name, attributes) => {
                self.depth += 1;
                match *name {
                    "li" => self.tree.open(),
                    "a" => {
                        self.tree.begin_title();
                        if self.tree.is_kept() {
                            self.tree.set_path(self.place.resolve(attributes, "href"));
                        }
                    }
                    "br" | "p" | "div" => self.tree.add_text(" "),
                    "rp" | "rt" => self.reading_aids += 1,
                    "span" => self.tree.begin_title(),
                    "img" => self
                        .tree
                        .add_text(&attributes.get("alt").unwrap_or_default()),
                    // The entries below have titles of their own.
                    "ol" | "ul" => self.tree.end_title(),
                    _ => {}
                }
            }
            Node::Text(text) if self.reading_aids == 0 => self.tree.add_text(text),
            Node::Close(name) if self.depth > 0 => {
                self.depth -= 1;
                self.is_over = self.depth == 0;
                match *name {
                    "a" => self.tree.end_title(),
                    "li" => self.tree.close(),
                    "rp" | "rt" => self.reading_aids = self.reading_aids.saturating_sub(1),
                    _ => {}
                }
            }
            Node::Text(_) | Node::Close(_) => {}
        }
    }

    fn finish(self) -> (Vec<ContentsEntry>, u64) {
        self.tree.finish()
    }
}

/// The NCX: a `navMap` of nested points, each with a label and a content.
struct Ncx<'a> {
    place: Place<'a>,
    tree: Tree,
    in_map: bool,
}

impl<'a> Ncx<'a> {
    const fn new(place: Place<'a>) -> Self {
        Self {
            place,
            tree: Tree::new(),
            in_map: false,
        }
    }
}

impl Reader for Ncx<'_> {
    fn visit(&mut self, node: &Node<'_>) {
        match node {
            Node::Open("navMap", _) => self.in_map = true,
            Node::Close("navMap") => self.in_map = false,
            _ if !self.in_map => {}
            Node::Open("navPoint", _) => self.tree.open(),
            Node::Open("text", _) => self.tree.begin_title(),
            Node::Open("content", attributes) if self.tree.is_kept() => {
                self.tree.set_path(self.place.resolve(attributes, "src"));
            }
            Node::Text(text) => self.tree.add_text(text),
            Node::Close("text") => self.tree.end_title(),
            Node::Close("navPoint") => self.tree.close(),
            Node::Open(..) | Node::Close(_) => {}
        }
    }

    fn finish(self) -> (Vec<ContentsEntry>, u64) {
        self.tree.finish()
    }
}
