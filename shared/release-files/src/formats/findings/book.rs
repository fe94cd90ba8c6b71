//! Checks an EPUB in one pass: the package document, then each document as it is read, then what
//! only all of them together tell.

use std::collections::HashMap;

use super::FindingList;
use super::container;
use super::content;
use super::document::Document;
use super::document_reader::DocumentReader;
use super::links;
use super::media_types::{self, NCX};
use super::navigation;
use super::package::{Item, Package, Version};
use super::package_document;
use crate::formats::archive::ArchiveEntry;
use crate::formats::epub_path::PathIndex;

/// The largest number of links that are kept of all documents.
const MAX_LINKS: usize = 20_000;
/// The largest number of ids that are kept of all documents.
const MAX_IDS: usize = 200_000;
/// The largest number of images whose first bytes are read.
const MAX_IMAGES: usize = 1_000;

/// The checks of a book.
pub struct BookCheck<'a> {
    package: Package,
    version: Version,
    paths: &'a PathIndex,
    files: HashMap<String, usize>,
    documents: Vec<(String, Document)>,
    by_path: HashMap<String, usize>,
    links: usize,
    ids: usize,
}

/// What the checks of the whole book need.
pub struct Parts<'a> {
    /// The package document.
    pub package: &'a Package,
    /// The version.
    pub version: Version,
    check: &'a BookCheck<'a>,
}

impl<'a> Parts<'a> {
    /// The documents that were read, with their paths.
    pub fn documents(&self) -> impl Iterator<Item = (&'a str, &'a Document)> {
        let documents = self.check.documents.iter();
        documents.map(|(path, document)| (path.as_str(), document))
    }

    /// The document at a path, if it was read.
    pub fn document(&self, path: &str) -> Option<&'a Document> {
        let at = self.check.by_path.get(path)?;
        self.check.documents.get(*at).map(|(_, document)| document)
    }

    /// Whether the book has a file.
    pub fn has_file(&self, path: &str) -> bool {
        self.check.files.contains_key(path)
    }

    /// Whether the book may have a file whose name is composed otherwise.
    pub fn may_have_file(&self, path: &str) -> bool {
        !path.is_ascii() && self.check.paths.find(path).is_some()
    }
}

/// What the checks need of the container.
pub struct Container<'a> {
    /// The entries of the archive.
    pub entries: &'a [ArchiveEntry],
    /// Whether several entries have one stored name.
    pub has_duplicates: bool,
    /// The container document.
    pub document: &'a str,
    /// The paths of the encrypted files.
    pub encrypted: &'a [String],
}

impl<'a> BookCheck<'a> {
    /// Checks the container and the package document. Returns the checks of the documents; `None`
    /// if the version has no rules.
    pub fn begin(
        path: &str,
        document: &str,
        container: &Container<'_>,
        paths: &'a PathIndex,
        findings: &mut FindingList,
    ) -> Option<Self> {
        let package = Package::read(path, document);
        let Some(version) = package.rules() else {
            package_document::check_version(&package, findings);
            return None;
        };
        let entries = container.entries;
        let files = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_dir);
        let files: HashMap<_, _> = files
            .map(|(index, entry)| (entry.path.clone(), index))
            .collect();
        let has_metadata = files.contains_key("META-INF/metadata.xml");
        container::check_root_files(container.document, has_metadata, version, findings);
        container::check_names(entries, container.has_duplicates, findings);
        container::check_files(&package, entries, findings);
        container::check_encrypted(&package, container.encrypted, findings);
        package_document::check(&package, version, findings);
        media_types::check(&package, version, findings);
        Some(Self {
            package,
            version,
            paths,
            files,
            documents: Vec::new(),
            by_path: HashMap::new(),
            links: 0,
            ids: 0,
        })
    }

    /// The files with markup that the manifest lists.
    pub fn markup(&self) -> Vec<usize> {
        self.files_of(|item| media_types::is_markup(&item.media_type, self.version))
    }

    /// The first images: their first bytes are checked.
    pub fn images(&self) -> Vec<usize> {
        let mut images = self.files_of(media_types::has_mark);
        images.truncate(MAX_IMAGES);
        images
    }

    fn files_of(&self, is_wanted: impl Fn(&Item) -> bool) -> Vec<usize> {
        let items = self.package.items.iter().filter(|item| is_wanted(item));
        let paths = items.filter_map(|item| item.path.as_ref());
        let mut found: Vec<_> = paths
            .filter_map(|path| self.files.get(path).copied())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Begins to read a document.
    pub fn reader<'t>(&self, path: &str, text: &'t str) -> DocumentReader<'t> {
        let item = self.package.item_at(path);
        DocumentReader::new(text, item.is_some_and(|item| item.media_type == NCX))
    }

    /// Adds a document that was read.
    pub fn add(&mut self, path: &str, reader: DocumentReader<'_>, findings: &mut FindingList) {
        let item = self.package.item_at(path);
        let is_markup = |item: &&Item| media_types::is_markup(&item.media_type, self.version);
        let Some(item) = item.filter(is_markup) else {
            return;
        };
        let mut document = reader.finish();
        content::check(&self.package, item, path, &document, self.version, findings);
        document.forget_checked();
        let rest = MAX_LINKS.saturating_sub(self.links);
        document.links.truncate(rest);
        self.links += document.links.len();
        self.ids += document.ids.as_ref().map_or(0, HashMap::len);
        if self.ids > MAX_IDS {
            document.ids = None;
        }
        self.by_path.insert(path.to_owned(), self.documents.len());
        self.documents.push((path.to_owned(), document));
    }

    /// Checks an image by its first bytes.
    pub fn add_image(&self, path: &str, head: &[u8], findings: &mut FindingList) {
        if let Some(item) = self.package.item_at(path) {
            media_types::check_image(item, path, head, findings);
        }
    }

    /// Checks what all documents together tell.
    pub fn finish(self, findings: &mut FindingList) {
        let parts = Parts {
            package: &self.package,
            version: self.version,
            check: &self,
        };
        links::check(&parts, findings);
        navigation::check(&parts, findings);
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
