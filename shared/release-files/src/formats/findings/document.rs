//! What the checks know of a document of a book.

use std::collections::{HashMap, HashSet};

use super::links::Link;

/// What a document uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// SVG in it.
    Svg,
    /// `MathML` in it.
    Math,
    /// `epub:switch`.
    Switch,
    /// A resource of the web.
    Remote,
    /// Styles of its own, which may use resources of the web.
    Styles,
    /// A script that is data.
    DataScript,
    /// An element with two languages that differ.
    TwoLanguages,
}

/// What a document holds.
#[derive(Debug, Default)]
pub struct Document {
    /// The ids, with their order; `None` if there are too many.
    pub ids: Option<HashMap<String, usize>>,
    /// The links.
    pub links: Vec<Link>,
    /// What it uses.
    pub uses: HashSet<Use>,
    /// Whether it has a script: the line of the first, and whether it is an element.
    pub script: Option<(u64, bool)>,
    /// The first fault of the markup, after which nothing is read: its line, and what it is.
    pub fault: Option<(u64, String)>,
    /// The document type, without its keyword.
    pub doctype: Option<String>,
    /// The content of the viewport of a fixed layout.
    pub viewport: Option<String>,
    /// The value of `dtb:uid` of an NCX.
    pub uid: Option<String>,
    /// The lines of empty labels of an NCX.
    pub empty_labels: Vec<u64>,
    /// The lines of links with an empty address.
    pub empty_links: Vec<u64>,
}

impl Document {
    /// The largest number of empty labels and links that are kept.
    pub const MAX_EMPTY: usize = 100;

    /// Drops what is needed no longer once the document itself was checked.
    pub fn forget_checked(&mut self) {
        self.doctype = None;
        self.viewport = None;
        self.empty_links = Vec::new();
        self.empty_labels.truncate(Self::MAX_EMPTY);
    }
}
