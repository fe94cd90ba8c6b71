//! Reads a document of a book: its links and ids, what it uses, and whether it is well-formed.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};
use text::excerpt;

use super::address::is_remote;
use super::document::{Document, Use};
use super::lines::Lines;
use super::links::{Link, LinkKind};
use crate::formats::xml::{Attributes, resolve_name};

/// The largest number of ids of a document that are kept.
const MAX_IDS: usize = 20_000;
/// The longest id that is kept, in bytes.
const MAX_ID_BYTES: usize = 256;
/// The largest number of links of a document that are kept.
const MAX_LINKS: usize = 5_000;
/// The longest value that is kept, in characters.
const MAX_VALUE_CHARS: usize = 1_000;
/// The largest number of open elements and prefixes that are tracked.
const MAX_TRACKED: usize = 10_000;

/// The attributes that run a script.
const EVENTS: [&str; 16] = [
    "onblur",
    "onchange",
    "onclick",
    "ondblclick",
    "onfocus",
    "onkeydown",
    "onkeypress",
    "onkeyup",
    "onload",
    "onmousedown",
    "onmousemove",
    "onmouseout",
    "onmouseover",
    "onmouseup",
    "onsubmit",
    "onunload",
];

/// Reads the events of a document.
pub struct DocumentReader<'t> {
    lines: Lines<'t>,
    is_ncx: bool,
    found: Document,
    /// The names of the open elements.
    open: Vec<String>,
    prefixes: HashSet<String>,
    /// The kinds of the open navigation lists, with the number of elements around each.
    nav: Option<(usize, LinkKind)>,
    /// Whether a label of an NCX is open, and whether it has text.
    label: Option<bool>,
    has_base: bool,
    is_over: bool,
}

impl<'t> DocumentReader<'t> {
    /// Begins to read a document.
    pub fn new(text: &'t str, is_ncx: bool) -> Self {
        Self {
            lines: Lines::new(text),
            is_ncx,
            found: Document {
                ids: Some(HashMap::new()),
                ..Document::default()
            },
            open: Vec::new(),
            prefixes: ["xml", "xmlns"].map(str::to_owned).into(),
            nav: None,
            label: None,
            has_base: false,
            is_over: false,
        }
    }

    /// Reads an event that ends at a position.
    pub fn visit(&mut self, event: &Event<'_>, end: u64) {
        if self.is_over {
            return;
        }
        match event {
            Event::DocType(doctype) => {
                self.found.doctype = {
                    let text = doctype.xml10_content();
                    Some(excerpt(text.trim(), MAX_VALUE_CHARS))
                };
            }
            Event::Start(start) => self.open(start, end),
            Event::End(name) => self.close(name.name().as_ref(), end),
            Event::Text(text) => {
                let text = text.xml10_content();
                if text.contains('&') {
                    self.fail(end, "a sign & is not escaped");
                } else if !text.trim().is_empty() {
                    self.label = self.label.map(|_| true);
                }
            }
            Event::CData(_) => self.label = self.label.map(|_| true),
            Event::GeneralRef(reference) => {
                self.label = self.label.map(|_| true);
                if !reference.starts_with('#') {
                    self.check_entity(reference, end);
                }
            }
            _ => {}
        }
    }

    /// Ends the document. `is_whole` is false if its end was not reached.
    pub fn end(&mut self, is_whole: bool) {
        if self.is_over {
            return;
        }
        let end = u64::MAX;
        if !is_whole {
            self.fail(end, "its markup breaks off");
        } else if let Some(name) = self.open.last() {
            let message = format!("the element {name:?} is not closed");
            self.fail(end, &message);
        }
    }

    /// Returns what was found.
    pub fn finish(mut self) -> Document {
        if self.has_base {
            // Such addresses are relative to another place.
            self.found.links.clear();
        }
        self.found
    }

    fn fail(&mut self, end: u64, what: &str) {
        self.is_over = true;
        let line = self.lines.line_at(end);
        self.found.fault = Some((line, excerpt(what, MAX_VALUE_CHARS)));
    }

    fn check_entity(&mut self, name: &str, end: u64) {
        let is_of_xml = matches!(name, "amp" | "lt" | "gt" | "quot" | "apos");
        let doctype = self.found.doctype.as_deref().unwrap_or_default();
        let has_dtd = doctype.contains("PUBLIC") || doctype.contains('[');
        let is_known = is_of_xml || (has_dtd && resolve_name(name).is_some());
        // A document type may declare others.
        if !is_known && !doctype.contains('[') {
            self.fail(end, &format!("the entity &{name}; is not declared"));
        }
    }

    fn open(&mut self, start: &BytesStart<'_>, end: u64) {
        if !self.check_attributes(start, end) {
            return;
        }
        let name = start.name().as_ref().to_owned();
        if self.open.len() >= MAX_TRACKED {
            self.is_over = true;
            return;
        }
        let line = self.lines.line_at(end);
        let attributes = Attributes::new(start);
        let local = start.local_name().as_ref().to_owned();
        self.add_id(&attributes);
        if self.is_ncx {
            self.visit_ncx(&local, &attributes, line);
        } else {
            self.visit_html(&local, &attributes, line);
        }
        self.open.push(name);
    }

    fn close(&mut self, name: &str, end: u64) {
        let opened = self.open.pop();
        if opened.as_deref() != Some(name) {
            let message = match opened {
                Some(opened) => format!("the element {opened:?} is not closed"),
                None => format!("the element {name:?} is closed but not opened"),
            };
            self.fail(end, &message);
            return;
        }
        if self.nav.is_some_and(|(depth, _)| depth == self.open.len()) {
            self.nav = None;
        }
        if self.is_ncx && name.rsplit(':').next() == Some("text") {
            if self.label == Some(false) && self.found.empty_labels.len() < Document::MAX_EMPTY {
                let line = self.lines.line_at(end);
                self.found.empty_labels.push(line);
            }
            self.label = None;
        }
    }

    /// Checks the attributes of an element, and its prefixes. Returns whether they are well-formed.
    fn check_attributes(&mut self, start: &BytesStart<'_>, end: u64) -> bool {
        let mut used = vec![prefix(start.name().as_ref()).to_owned()];
        for attribute in start.attributes() {
            let Ok(attribute) = attribute else {
                self.fail(end, "an attribute is repeated, or its value is not quoted");
                return false;
            };
            let name: &str = attribute.key.as_ref();
            if let Some(declared) = name.strip_prefix("xmlns:") {
                if self.prefixes.len() < MAX_TRACKED {
                    self.prefixes.insert(declared.to_owned());
                }
            } else {
                used.push(prefix(name).to_owned());
            }
            for piece in attribute.value.split('&').skip(1) {
                match piece.split_once(';') {
                    Some((name, _)) if name.starts_with('#') => {}
                    Some((name, _)) if !name.contains(char::is_whitespace) => {
                        self.check_entity(name, end);
                    }
                    _ => self.fail(end, "a sign & is not escaped"),
                }
            }
        }
        let is_unknown = |used: &&String| !used.is_empty() && !self.prefixes.contains(*used);
        if let Some(unknown) = used.iter().find(is_unknown) {
            let message = format!("the prefix {unknown:?} is not declared");
            self.fail(end, &message);
        }
        !self.is_over
    }

    fn add_use(&mut self, what: Use) {
        self.found.uses.insert(what);
    }

    fn add_id(&mut self, attributes: &Attributes<'_>) {
        let Some(id) = attributes.get_exact("id") else {
            return;
        };
        let id = id.trim();
        let Some(ids) = &mut self.found.ids else {
            return;
        };
        if ids.len() >= MAX_IDS || id.len() > MAX_ID_BYTES {
            self.found.ids = None;
        } else {
            let order = ids.len();
            ids.entry(id.to_owned()).or_insert(order);
        }
    }

    fn link(&mut self, kind: LinkKind, address: Option<String>, line: u64) {
        if let Some(address) = address
            && self.found.links.len() < MAX_LINKS
            && address.len() <= Link::MAX_ADDRESS_BYTES
        {
            let kind = match (kind, self.nav) {
                (LinkKind::Hyperlink, Some((_, nav))) => nav,
                _ => kind,
            };
            self.found.links.push(Link {
                kind,
                address,
                line,
            });
        }
    }

    fn visit_ncx(&mut self, name: &str, attributes: &Attributes<'_>, line: u64) {
        match name {
            "meta" if attributes.get("name").as_deref() == Some("dtb:uid") => {
                let uid = attributes.get("content");
                self.found.uid = uid.filter(|uid| uid.len() <= MAX_VALUE_CHARS);
            }
            "content" => self.link(LinkKind::Point, attributes.get("src"), line),
            "text" => self.label = Some(false),
            _ => {}
        }
    }

    fn visit_html(&mut self, name: &str, attributes: &Attributes<'_>, line: u64) {
        let get = |name| attributes.get_exact(name);
        if let (Some(a), Some(b)) = (get("xml:lang"), get("lang"))
            && !a.eq_ignore_ascii_case(&b)
        {
            self.add_use(Use::TwoLanguages);
        }
        if EVENTS.iter().any(|event| get(event).is_some()) {
            self.found.script.get_or_insert((line, false));
        }
        if get("src").is_some_and(|address| is_remote(address.trim())) {
            self.add_use(Use::Remote);
        }
        let href = || attributes.get("href");
        match name {
            "base" if get("href").is_some() => self.has_base = true,
            "a" | "area" => {
                let address = href();
                if address
                    .as_deref()
                    .is_some_and(|text| text.trim().is_empty())
                {
                    if self.found.empty_links.len() < Document::MAX_EMPTY {
                        self.found.empty_links.push(line);
                    }
                } else {
                    self.link(LinkKind::Hyperlink, address, line);
                }
            }
            "img" => {
                self.link(LinkKind::Image, get("src"), line);
                for candidate in get("srcset").unwrap_or_default().split(',') {
                    let address = candidate.split_whitespace().next().map(str::to_owned);
                    self.link(LinkKind::Image, address, line);
                }
            }
            "image" => self.link(LinkKind::Image, href(), line),
            "link" => {
                let rel = get("rel").unwrap_or_default().to_ascii_lowercase();
                if rel.split_whitespace().any(|word| word == "stylesheet") {
                    self.link(LinkKind::Style, href(), line);
                }
            }
            "script" => {
                if is_program(&get("type").unwrap_or_default()) {
                    // An element counts before an attribute that runs a script.
                    let first = self.found.script.filter(|(_, is_element)| *is_element);
                    self.found.script = first.or(Some((line, true)));
                } else {
                    self.add_use(Use::DataScript);
                }
                self.link(LinkKind::Other, get("src"), line);
            }
            "audio" | "source" | "iframe" | "embed" | "track" => {
                self.link(LinkKind::Other, get("src"), line);
            }
            "video" => {
                self.link(LinkKind::Other, get("src"), line);
                self.link(LinkKind::Other, get("poster"), line);
            }
            "object" => self.link(LinkKind::Other, get("data"), line),
            "style" => self.add_use(Use::Styles),
            "svg" => self.add_use(Use::Svg),
            "math" => self.add_use(Use::Math),
            "switch" => self.add_use(Use::Switch),
            "meta" if get("name").as_deref() == Some("viewport") => {
                let content = get("content").unwrap_or_default();
                let content = excerpt(&content, MAX_VALUE_CHARS);
                self.found.viewport.get_or_insert(content);
            }
            "nav" => {
                let types = get("epub:type").unwrap_or_default();
                let kinds = [
                    ("toc", LinkKind::Contents),
                    ("page-list", LinkKind::Pages),
                    ("landmarks", LinkKind::Landmark),
                ];
                let has = |wanted: &str| types.split_whitespace().any(|word| word == wanted);
                let kind = kinds.into_iter().find(|(name, _)| has(name));
                self.nav = kind.map(|(_, kind)| (self.open.len(), kind)).or(self.nav);
            }
            _ => {}
        }
    }
}

/// Whether a script of a type is a program.
fn is_program(media_type: &str) -> bool {
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type.is_empty() || media_type.contains("javascript") || media_type.contains("ecmascript")
}

/// The prefix of a name; empty if it has none.
fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
#[path = "document_reader_tests.rs"]
mod tests;
