//! The package document of an EPUB as it is written, for the checks.

use std::collections::HashMap;

use super::address::{has_sound_escapes, is_remote, join, percent_decode};
use super::lines::Lines;
use crate::formats::xml::{self, Attributes, Node};

/// The largest number of items, of documents in the reading order and of metadata elements.
const MAX_ITEMS: usize = 20_000;
/// The longest value of an attribute or a metadata element, in bytes.
const MAX_VALUE_BYTES: usize = 4 * 1024;

/// The version of an EPUB that the rules depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// EPUB 2.
    Two,
    /// EPUB 3.
    Three,
}

/// An item of the manifest.
#[derive(Debug, Default)]
pub struct Item {
    /// The id.
    pub id: String,
    /// The address, as it is written.
    pub href: String,
    /// The path in the container; `None` if it is on the web or has no sound address.
    pub path: Option<String>,
    /// The media type.
    pub media_type: String,
    /// The id of the fallback.
    pub fallback: Option<String>,
    /// The properties.
    pub properties: String,
    /// The line.
    pub line: u64,
    /// The last position in the reading order.
    pub position: Option<usize>,
    /// Whether its pages have a fixed size.
    pub is_fixed: bool,
}

impl Item {
    /// Whether it has a property.
    pub fn has(&self, property: &str) -> bool {
        let mut words = self.properties.split_whitespace();
        words.any(|word| word == property)
    }
}

/// An entry of the reading order.
#[derive(Debug, Default)]
pub struct SpineItem {
    /// The id of the item.
    pub idref: String,
    /// False if it is apart from the reading order.
    pub is_linear: bool,
    /// The properties.
    pub properties: String,
    /// The line.
    pub line: u64,
}

/// An element of Dublin Core, or a `meta` with a property.
#[derive(Debug, Default)]
pub struct Element {
    /// The name; `meta` for those of EPUB 3.
    pub name: String,
    /// The property of a `meta`.
    pub property: String,
    /// The id.
    pub id: Option<String>,
    /// The `opf:scheme`.
    pub scheme: Option<String>,
    /// The text.
    pub value: String,
    /// The line of its end.
    pub line: u64,
}

/// A link of the guide.
#[derive(Debug)]
pub struct Reference {
    /// The address.
    pub href: String,
    /// The line.
    pub line: u64,
}

/// A package document.
#[derive(Debug, Default)]
pub struct Package {
    /// The path.
    pub path: String,
    /// The version, as it is written.
    pub version: Option<String>,
    /// The id of the identifier.
    pub unique_identifier: Option<String>,
    /// The unique identifier itself, if it is there.
    pub identifier: Option<String>,
    /// The declared prefixes.
    pub prefixes: String,
    /// The line of the `package` element.
    pub line: u64,
    /// The items.
    pub items: Vec<Item>,
    /// The reading order.
    pub spine: Vec<SpineItem>,
    /// The id of the NCX, and the line.
    pub toc: Option<(Option<String>, u64)>,
    /// The metadata.
    pub elements: Vec<Element>,
    /// The guide.
    pub guide: Vec<Reference>,
    /// Whether an item has an address that means no path.
    pub has_unsound_address: bool,
    by_id: HashMap<String, usize>,
    by_path: HashMap<String, usize>,
    open: Option<Element>,
    in_collection: u32,
}

impl Package {
    /// Reads a package document, which is well-formed.
    pub fn read(path: &str, document: &str) -> Self {
        let mut package = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut lines = Lines::new(document);
        xml::walk_events(document, &mut |event, end| {
            let line = lines.line_at(end);
            xml::visit_event(event, &mut |node| package.visit(&node, line));
        });
        package.finish();
        package
    }

    /// The version that the rules depend on; `None` if it is another.
    pub fn rules(&self) -> Option<Version> {
        match self.version.as_deref() {
            Some("2.0") => Some(Version::Two),
            Some("3.0") => Some(Version::Three),
            _ => None,
        }
    }

    /// The item with an id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.by_id.get(id).map(|at| &self.items[*at])
    }

    /// The item of a file.
    pub fn item_at(&self, path: &str) -> Option<&Item> {
        self.by_path.get(path).map(|at| &self.items[*at])
    }

    fn visit(&mut self, node: &Node<'_>, line: u64) {
        match node {
            Node::Open("collection", _) => self.in_collection += 1,
            Node::Close("collection") => {
                self.in_collection = self.in_collection.saturating_sub(1);
            }
            _ if self.in_collection > 0 => {}
            Node::Open(name, attributes) => self.open(name, attributes, line),
            Node::Text(text) => {
                if let Some(element) = &mut self.open
                    && element.value.len() < MAX_VALUE_BYTES
                {
                    element.value.push_str(text);
                }
            }
            Node::Close(name) => {
                if self.open.as_ref().is_some_and(|open| open.name == *name)
                    && let Some(element) = self.open.take()
                    && self.elements.len() < MAX_ITEMS
                {
                    self.elements.push(Element { line, ..element });
                }
            }
        }
    }

    fn open(&mut self, name: &str, attributes: &Attributes<'_>, line: u64) {
        let get = |name| {
            let value = attributes.get(name);
            value.filter(|value| value.len() <= MAX_VALUE_BYTES)
        };
        match name {
            "package" => {
                self.version = get("version");
                self.unique_identifier = get("unique-identifier");
                self.prefixes = get("prefix").unwrap_or_default();
                self.line = line;
            }
            "item" if self.items.len() < MAX_ITEMS => self.items.push(Item {
                id: get("id").unwrap_or_default().trim().to_owned(),
                href: get("href").unwrap_or_default().trim().to_owned(),
                media_type: get("media-type").unwrap_or_default().trim().to_owned(),
                fallback: get("fallback"),
                properties: get("properties").unwrap_or_default(),
                line,
                ..Item::default()
            }),
            "spine" => self.toc = Some((get("toc"), line)),
            "itemref" if self.spine.len() < MAX_ITEMS => self.spine.push(SpineItem {
                idref: get("idref").unwrap_or_default().trim().to_owned(),
                is_linear: get("linear").is_none_or(|linear| linear.trim() != "no"),
                properties: get("properties").unwrap_or_default(),
                line,
            }),
            "reference" if self.guide.len() < MAX_ITEMS => {
                let href = get("href").unwrap_or_default();
                self.guide.push(Reference { href, line });
            }
            "meta" | "title" | "language" | "identifier" | "date" | "creator" | "contributor"
            | "publisher" | "subject" | "description" | "rights"
                if self.open.is_none() && self.items.is_empty() =>
            {
                self.open = Some(Element {
                    name: name.to_owned(),
                    property: get("property").unwrap_or_default(),
                    id: get("id"),
                    scheme: get("scheme"),
                    ..Element::default()
                });
            }
            _ => {}
        }
    }

    /// Whether an element has the id of the unique identifier.
    pub fn names(&self, element: &Element) -> bool {
        let wanted = self.unique_identifier.as_deref().map(str::trim);
        wanted.is_some() && element.id.as_deref().map(str::trim) == wanted
    }

    /// The unique identifier of the book.
    fn find_identifier(&self) -> Option<String> {
        let mut identifiers = self.elements.iter().filter(|one| one.name == "identifier");
        let found = identifiers.find(|one| self.names(one));
        found.map(|element| element.value.trim().to_owned())
    }

    /// Resolves the addresses and the reading order.
    fn finish(&mut self) {
        self.identifier = self.find_identifier();
        for (at, item) in self.items.iter_mut().enumerate() {
            item.path = file_path(&self.path, &item.href);
            self.has_unsound_address |= item.path.is_none() && !is_remote(&item.href);
            self.by_id.entry(item.id.clone()).or_insert(at);
            if let Some(path) = &item.path {
                self.by_path.entry(path.clone()).or_insert(at);
            }
        }
        let mut layouts = self
            .elements
            .iter()
            .filter(|meta| meta.property == "rendition:layout");
        let all_fixed = layouts
            .next_back()
            .is_some_and(|meta| meta.value.trim() == "pre-paginated");
        for (position, spine) in self.spine.iter().enumerate() {
            let Some(item) = self.by_id.get(&spine.idref) else {
                continue;
            };
            let has = |word: &str| spine.properties.split_whitespace().any(|one| one == word);
            let item = &mut self.items[*item];
            item.position = Some(position);
            item.is_fixed = (all_fixed && !has("rendition:layout-reflowable"))
                || has("rendition:layout-pre-paginated");
        }
    }
}

/// The path of an item. A fragment is a part of its name, since an item is a whole file.
fn file_path(package: &str, href: &str) -> Option<String> {
    if is_remote(href) || !has_sound_escapes(href) {
        return None;
    }
    let (file, fragment) = match href.split_once('#') {
        Some((file, fragment)) => (file, format!("#{fragment}")),
        None => (href, String::new()),
    };
    let file = percent_decode(file)?;
    Some(join(package, &file) + &fragment)
}
