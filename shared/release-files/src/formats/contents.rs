//! What an EPUB contains: its table of contents, and the text of its documents.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use super::archive::Archive;
use super::chapter::Reading;
use super::digest::{self, Digest};
use super::document_pass::DocumentPass;
use super::epub_path::{PathIndex, join};
use super::findings::{BookCheck, FindingId, FindingList, Spot};
use super::image_facts::Images;
use super::images;
use super::language::language_differs;
use super::model::{Chapter, Contents, InferredAccessibility, TableOfContents};
use super::opf::PackageDocument;
use super::table_of_contents::{self, Place};
use super::words::Length;
use super::xml;
use crate::WorkError;
use crate::progress::Progress;

/// A book with its package document.
pub struct Book<'b, 'r, R> {
    /// The container.
    pub archive: &'b mut Archive<'r, R>,
    /// The files in it.
    pub paths: &'b PathIndex,
    /// The path of the package document.
    pub path: &'b str,
    /// The package document.
    pub package: &'b PackageDocument,
    /// The checks of its documents.
    pub check: Option<BookCheck<'b>>,
}

/// What is read of a book, together with the checksums of its file.
pub struct BookReading {
    /// The contents.
    pub contents: Contents,
    /// What they tell of the book's accessibility.
    pub inferred: InferredAccessibility,
    /// The images.
    pub images: Images,
    /// The checksums.
    pub digest: Digest,
}

impl<R: Read + Seek> Book<'_, '_, R> {
    /// Reads the table of contents, then everything else in one pass over the file.
    pub fn read(
        mut self,
        findings: &mut FindingList,
        progress: &mut dyn Progress,
    ) -> Result<BookReading, WorkError> {
        let mut contents = Contents::default();
        let mut inferred = InferredAccessibility::default();
        self.read_table(&mut contents, &mut inferred)?;
        let chapters = self.chapters();
        let mut images = images::Reading::of_book(self.archive);
        let (entries, source) = self.archive.split();
        let mut pass = DocumentPass::new(entries, &chapters, self.check, findings);
        let mut also = |chunk: &[u8]| {
            images.push(chunk);
            pass.push(chunk);
        };
        let digest = digest::digest(source, &mut also, progress)?;
        let (found, language) = pass.finish();
        check_language((self.path, self.package), language.as_deref(), findings);
        contents.language = language;
        contents.chapters_total = chapters.len() as u64;
        if found.len() == chapters.len() {
            sum_up(found.values(), &mut contents, &mut inferred);
        } else {
            let message = "A part of the text could not be read, so it is not counted.";
            findings.add(FindingId::Epub002, Spot::WHOLE, message);
        }
        let listed = chapters.into_iter().take(Contents::MAX_CHAPTERS);
        contents.chapters = listed
            .map(|index| Chapter {
                path: entries[index].path.clone(),
                words: found.get(&index).map(|reading| reading.length.words),
                characters: found.get(&index).map(|reading| reading.length.characters),
            })
            .collect();
        Ok(BookReading {
            contents,
            inferred,
            images: images.finish(),
            digest,
        })
    }

    /// Reads the navigation document, or else the NCX.
    fn read_table(
        &mut self,
        contents: &mut Contents,
        inferred: &mut InferredAccessibility,
    ) -> Result<(), WorkError> {
        for kind in [TableOfContents::Nav, TableOfContents::Ncx] {
            let mut items = self.package.manifest.iter();
            let item = items.find(|item| item.toc == Some(kind));
            let Some(index) = item.and_then(|item| self.find(&item.href)) else {
                continue;
            };
            let Some(document) = self.read_document(index)? else {
                continue;
            };
            inferred.has_page_list |= table_of_contents::has_page_list(&document);
            if contents.entries_total > 0 {
                continue;
            }
            let entries = self.archive.entries();
            let place = Place {
                path: &entries[index].path,
                paths: self.paths,
                entries,
            };
            (contents.entries, contents.entries_total) =
                table_of_contents::parse(&document, kind, place);
        }
        inferred.has_table_of_contents = contents.entries_total > 0;
        Ok(())
    }

    /// The documents with text in the reading order, each once.
    fn chapters(&self) -> Vec<usize> {
        let mut by_id = HashMap::new();
        for item in self.package.manifest.iter().filter(|item| item.is_text) {
            by_id.entry(&item.id).or_insert(&item.href);
        }
        let (mut seen_ids, mut seen) = (HashSet::new(), HashSet::new());
        let ids = self.package.spine.iter();
        let hrefs = ids
            .filter(|id| seen_ids.insert(*id))
            .filter_map(|id| by_id.get(id));
        hrefs
            .filter_map(|href| self.find(href))
            .filter(|index| seen.insert(*index))
            .collect()
    }

    /// Finds a file of the manifest.
    fn find(&self, href: &str) -> Option<usize> {
        self.paths.find(&join(self.path, href)?)
    }

    /// Reads a document; `None` if it cannot be read or is too large. The book is readable without
    /// it.
    fn read_document(&mut self, index: usize) -> Result<Option<String>, WorkError> {
        match self.archive.read(index, xml::MAX_XML_BYTES) {
            Ok(bytes) => Ok(Some(xml::decode(&bytes))),
            Err(WorkError::Failed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Compares the language of the metadata with that of the text.
fn check_language(
    (path, package): (&str, &PackageDocument),
    found: Option<&str>,
    findings: &mut FindingList,
) {
    let declared = package.metadata.language.as_deref();
    if let Some((declared, found)) = declared.zip(found)
        && language_differs(declared, found)
    {
        let message = format!("The metadata say {declared:?}, but the text is in {found:?}.");
        findings.add(FindingId::Epub007, Spot::file(path), message);
    }
}

/// Adds up what all documents have to read.
fn sum_up<'r>(
    readings: impl Iterator<Item = &'r Reading>,
    contents: &mut Contents,
    inferred: &mut InferredAccessibility,
) {
    let mut length = Length::default();
    let (mut images, mut images_without_text) = (0, 0);
    for reading in readings {
        length += reading.length;
        images += reading.images;
        images_without_text += reading.images_without_text;
    }
    contents.words = Some(length.words);
    contents.characters = Some(length.characters);
    contents.reading_minutes = length.minutes();
    inferred.images = Some(images);
    inferred.images_without_text = Some(images_without_text);
}

#[cfg(test)]
#[path = "contents_tests.rs"]
mod tests;
