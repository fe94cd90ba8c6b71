//! The cover of an EPUB.

use std::io::{Read, Seek};

use super::super::archive::Archive;
use super::super::epub_path::{PathIndex, join};
use super::super::findings::FindingList;
use super::super::opf::{ManifestItem, PackageDocument};
use super::super::xml;
use super::{Cover, Image, describe, image_at, page};
use crate::WorkError;
use crate::isolation::Run;
use crate::paths::file_name;
use crate::progress::Progress;

/// What a package document says of the cover, besides its manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Hints {
    /// The `content` of `<meta name="cover">`: the id of an item, or its address.
    pub meta: Option<String>,
    /// The address of the guide's `<reference type="cover">`.
    pub guide: Option<String>,
}

/// Reads the cover of a book, whose package document is at `path`.
pub(in super::super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    paths: &PathIndex,
    (path, package): (&str, &PackageDocument),
    painter: Option<Run<'_>>,
    findings: &mut FindingList,
    progress: &dyn Progress,
) -> Result<Option<Cover>, WorkError> {
    let mut finder = Finder {
        archive,
        paths,
        path,
        package,
    };
    match finder.find()? {
        Some(image) => describe(finder.archive, image, painter, findings, progress).map(Some),
        None => Ok(None),
    }
}

struct Finder<'b, 'r, R> {
    archive: &'b mut Archive<'r, R>,
    paths: &'b PathIndex,
    path: &'b str,
    package: &'b PackageDocument,
}

impl<R: Read + Seek> Finder<'_, '_, R> {
    /// Finds the image: by the manifest of EPUB 3, the `meta` of EPUB 2, the guide, the first
    /// document, or a name, in this order.
    fn find(&mut self) -> Result<Option<Image>, WorkError> {
        let package = self.package;
        let declared = package.manifest.iter().filter(|item| item.is_cover);
        let meta = package.cover.meta.as_deref();
        let named = meta.and_then(|id| package.manifest.iter().find(|item| item.id == id));
        let hrefs = declared
            .take(1)
            .chain(named)
            .map(|item| item.href.as_str())
            .chain(meta)
            .chain(package.cover.guide.as_deref());
        for href in hrefs {
            if let Some(index) = self.entry(self.path, href)
                && let Some(image) = self.image(index, |_| true)?
            {
                return Ok(Some(image));
            }
        }
        if let Some(index) = self.first_document()
            && let Some(image) = self.image(index, page::is_image_page)?
        {
            return Ok(Some(image));
        }
        self.image_by_name()
    }

    /// Finds the file at an address in the document at `path`.
    fn entry(&self, path: &str, href: &str) -> Option<usize> {
        self.paths.find(&join(path, href)?)
    }

    /// The first document of the reading order.
    fn first_document(&self) -> Option<usize> {
        let id = self.package.spine.first()?;
        let item = self.package.manifest.iter().find(|item| item.id == *id)?;
        self.entry(self.path, &item.href)
    }

    /// Returns an entry that is an image, or the first image of a page that is `wanted`.
    fn image(
        &mut self,
        index: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Image>, WorkError> {
        if let Some(image) = image_at(self.archive, index)? {
            return Ok(Some(image));
        }
        let document = match self.archive.read(index, xml::MAX_XML_BYTES) {
            Ok(bytes) => xml::decode(&bytes),
            Err(WorkError::Failed(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let href = page::first_image(&document).filter(|_| wanted(&document));
        let path = &self.archive.entries()[index].path;
        match href.and_then(|href| self.entry(path, &href)) {
            Some(index) => image_at(self.archive, index),
            None => Ok(None),
        }
    }

    /// The first image of the manifest whose file name has `cover`.
    fn image_by_name(&mut self) -> Result<Option<Image>, WorkError> {
        let is_named = |item: &&ManifestItem| {
            let name = file_name(&item.href).to_ascii_lowercase();
            item.is_image && name.contains("cover")
        };
        let item = self.package.manifest.iter().find(is_named);
        match item.and_then(|item| self.entry(self.path, &item.href)) {
            Some(index) => image_at(self.archive, index),
            None => Ok(None),
        }
    }
}
