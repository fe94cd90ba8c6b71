//! The links of a book: whether each leads to what it needs.

use std::collections::HashSet;

use super::address::Address;
use super::book::Parts;
use super::document::Document;
use super::media_types::{SVG, has_content, is_markup};
use super::package::{Item, Version};
use super::{FindingId as Id, FindingList, Spot};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A hyperlink.
    Hyperlink,
    /// A point of an NCX.
    Point,
    /// An entry of the table of contents of an EPUB 3.
    Contents,
    /// An entry of its list of pages.
    Pages,
    /// An entry of its landmarks.
    Landmark,
    /// An image.
    Image,
    /// A style sheet.
    Style,
    /// A script, a recording, or another resource.
    Other,
}

impl LinkKind {
    /// Whether a reader follows it to another document.
    pub const fn leads_away(self) -> bool {
        matches!(
            self,
            Self::Hyperlink | Self::Point | Self::Contents | Self::Pages | Self::Landmark
        )
    }

    /// The name of its list in a navigation document; `None` if it is in no list.
    pub const fn list(self) -> Option<&'static str> {
        match self {
            Self::Contents => Some("table of contents"),
            Self::Pages => Some("list of pages"),
            Self::Landmark => Some("list of landmarks"),
            _ => None,
        }
    }
}

/// A link of a document.
#[derive(Debug)]
pub struct Link {
    /// What it is for.
    pub kind: LinkKind,
    /// The address, as it is written.
    pub address: String,
    /// The line.
    pub line: u64,
}

impl Link {
    /// The longest address that is kept, in bytes.
    pub const MAX_ADDRESS_BYTES: usize = 2048;
}

/// Checks the links of all documents that were read, and those of the guide.
pub fn check(parts: &Parts<'_>, findings: &mut FindingList) {
    let mut checker = Checker {
        parts,
        undeclared: HashSet::new(),
    };
    for (path, document) in parts.documents() {
        for link in &document.links {
            checker.check(path, link, findings);
        }
    }
    checker.check_guide(findings);
}

struct Checker<'p, 'a> {
    parts: &'p Parts<'a>,
    /// The undeclared files that were found.
    undeclared: HashSet<String>,
}

impl Checker<'_, '_> {
    fn check(&mut self, document: &str, link: &Link, findings: &mut FindingList) {
        let spot = Spot::line(document, link.line);
        let address = &link.address;
        // Only the links of XHTML are read strictly.
        let is_strict = link.kind.leads_away() && link.kind != LinkKind::Point;
        let parsed = match Address::parse(document, address) {
            Address::Invalid if !is_strict => Address::parse_plain(document, address),
            parsed => parsed,
        };
        match parsed {
            Address::Invalid if is_strict => {
                let message = format!("The address {address:?} is not a valid URI.");
                findings.add(Id::Rsc020, spot, message);
            }
            Address::Invalid | Address::Other => {}
            Address::Remote => self.check_remote(link, spot, findings),
            Address::File(path, fragment) => {
                self.check_file(&path, fragment.as_deref(), link, spot, findings);
            }
        }
    }

    fn check_remote(&self, link: &Link, spot: Spot<'_>, findings: &mut FindingList) {
        let address = &link.address;
        if matches!(link.kind, LinkKind::Image | LinkKind::Style) {
            let message = format!("The resource {address:?} is on the web, not in the book.");
            findings.add(Id::Rsc006, spot, message);
        } else if let Some(list) = link.kind.list()
            && self.parts.version == Version::Three
        {
            let message = format!("The {list} leads to {address:?}, which is on the web.");
            findings.add(Id::Nav010, spot, message);
        }
    }

    fn check_file(
        &mut self,
        path: &str,
        fragment: Option<&str>,
        link: &Link,
        spot: Spot<'_>,
        findings: &mut FindingList,
    ) {
        let Some(item) = self.parts.package.item_at(path) else {
            self.check_undeclared(path, spot, findings);
            return;
        };
        let fragment = fragment.filter(|fragment| !fragment.is_empty());
        if link.kind.leads_away() {
            if self.check_target(item, path, spot, findings) {
                self.check_fragment(item, path, fragment, spot, findings);
            }
        } else if link.kind == LinkKind::Image && fragment.is_some() && item.media_type != SVG {
            let message = format!("The address of the image {path:?} has a fragment.");
            findings.add(Id::Rsc009, spot, message);
        }
    }

    fn check_undeclared(&mut self, path: &str, spot: Spot<'_>, findings: &mut FindingList) {
        if self.parts.package.has_unsound_address {
            return;
        }
        if !self.parts.has_file(path) {
            if !self.parts.may_have_file(path) {
                findings.add(Id::Rsc007, spot, format!("The book has no file {path:?}."));
            }
        } else if self.undeclared.insert(path.to_owned()) {
            let message = format!("The manifest does not list the file {path:?}.");
            findings.add(Id::Rsc008, spot, message);
        }
    }

    /// Checks that a link leads to a document in the reading order.
    fn check_target(
        &self,
        item: &Item,
        path: &str,
        spot: Spot<'_>,
        findings: &mut FindingList,
    ) -> bool {
        if !has_content(self.parts.package, item, self.parts.version) {
            let message = format!("The link leads to {path:?}, which is not a document.");
            findings.add(Id::Rsc010, spot, message);
            return false;
        }
        if item.position.is_none() {
            let message = format!("The link leads to {path:?}, which is not in the reading order.");
            findings.add(Id::Rsc011, spot, message);
            return false;
        }
        true
    }

    fn check_fragment(
        &self,
        item: &Item,
        path: &str,
        fragment: Option<&str>,
        spot: Spot<'_>,
        findings: &mut FindingList,
    ) {
        // A fragment may also be a position (CFI), a time or a region.
        let Some(fragment) = fragment.filter(|text| !text.contains(['(', '='])) else {
            return;
        };
        let is_missing = match self.parts.document(path) {
            Some(document) => is_missing(document, fragment),
            // A file that is not there has no ids, nor has one of another format.
            None => !is_markup(&item.media_type, self.parts.version) || !self.parts.has_file(path),
        };
        if is_missing {
            let message = format!("{path:?} has no element with the id {fragment:?}.");
            findings.add(Id::Rsc012, spot, message);
        }
    }

    fn check_guide(&mut self, findings: &mut FindingList) {
        let package = self.parts.package;
        for reference in &package.guide {
            let spot = Spot::line(&package.path, reference.line);
            let Address::File(path, fragment) = Address::parse(&package.path, &reference.href)
            else {
                continue;
            };
            let Some(item) = package.item_at(&path) else {
                let message = format!("The guide leads to {path:?}, which is not in the manifest.");
                findings.add(Id::Opf031, spot, message);
                self.check_undeclared(&path, spot, findings);
                continue;
            };
            if has_content(package, item, self.parts.version) {
                self.check_fragment(item, &path, fragment.as_deref(), spot, findings);
            } else {
                let message = format!("The guide leads to {path:?}, which is not a document.");
                findings.add(Id::Opf032, spot, message);
            }
        }
    }
}

/// Whether a document that was read to its end has no element with an id.
fn is_missing(document: &Document, id: &str) -> bool {
    let ids = document.ids.as_ref().filter(|_| document.fault.is_none());
    ids.is_some_and(|ids| !ids.contains_key(id))
}
