//! Reads the documents of a book while its bytes pass by: their text, and what there is to find in
//! them.

use std::collections::HashMap;

use super::archive::ArchiveEntry;
use super::chapter::{self, Reading};
use super::entry_scan::{EntryScan, Packing, Step};
use super::findings::{BookCheck, FindingList, MARK_BYTES};
use super::language::Sampler;
use super::xml;

/// The most text of the chapters that is read, in bytes, and of the other documents.
const MAX_TEXT_BYTES: u64 = 64 * 1024 * 1024;
/// The bytes by which a packed document may be larger than the largest document.
const PACKING_BYTES: u64 = 64 * 1024;

/// The packed bytes of an image from which its first bytes can be unpacked: the tables of Deflate need
/// at most 320 of them (RFC 1951, section 3.2.7).
const PACKED_MARK_BYTES: usize = 512;

/// What a file of the book is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its text and its markup.
    Chapter,
    /// Its markup.
    Other,
    /// Its first bytes.
    Image,
}

/// A pass over the file of a book.
pub struct DocumentPass<'b> {
    scan: EntryScan,
    documents: Documents<'b>,
}

/// The documents of the pass, and what was read of them.
struct Documents<'b> {
    entries: &'b [ArchiveEntry],
    /// The position of each document among the entries, by the numbers of the scan.
    parts: Vec<(usize, Part)>,
    check: Option<BookCheck<'b>>,
    findings: &'b mut FindingList,
    chapters: HashMap<usize, Reading>,
    sampler: Sampler,
}

impl<'b> DocumentPass<'b> {
    /// Starts a pass that reads the chapters at these positions, and what `check` checks.
    pub fn new(
        entries: &'b [ArchiveEntry],
        chapters: &[usize],
        check: Option<BookCheck<'b>>,
        findings: &'b mut FindingList,
    ) -> Self {
        let parts = select(entries, chapters, check.as_ref());
        let starts = parts.iter().map(|(index, _)| entries[*index].position());
        Self {
            scan: EntryScan::new(starts.collect(), usize::MAX),
            documents: Documents {
                entries,
                parts,
                check,
                findings,
                chapters: HashMap::new(),
                sampler: Sampler::new(chapters),
            },
        }
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, chunk: &[u8]) {
        let documents = &mut self.documents;
        let look = &mut |number: usize, packed: Option<&[u8]>| documents.look(number, packed);
        self.scan.push(chunk, look);
    }

    /// Ends the pass. Returns what was read of the chapters, by their positions, and the language of
    /// their text.
    pub fn finish(self) -> (HashMap<usize, Reading>, Option<String>) {
        let Documents {
            check,
            findings,
            chapters,
            sampler,
            ..
        } = self.documents;
        if let Some(check) = check {
            check.finish(findings);
        }
        (chapters, sampler.finish())
    }
}

/// Selects what is read, in the order of the archive: documents up to the limits, and images.
fn select(
    entries: &[ArchiveEntry],
    chapters: &[usize],
    check: Option<&BookCheck<'_>>,
) -> Vec<(usize, Part)> {
    let chapters = chapters.iter().map(|&index| (index, Part::Chapter));
    let mut parts: HashMap<_, _> = chapters.collect();
    if let Some(check) = check {
        for index in check.markup() {
            parts.entry(index).or_insert(Part::Other);
        }
        for index in check.images() {
            parts.entry(index).or_insert(Part::Image);
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(index, _)| entries[*index].position());
    let (mut of_chapters, mut of_others) = (MAX_TEXT_BYTES, MAX_TEXT_BYTES);
    parts.retain(|(index, part)| {
        let entry = &entries[*index];
        let left = match part {
            Part::Image => return !entry.encrypted,
            Part::Chapter => &mut of_chapters,
            Part::Other => &mut of_others,
        };
        *left = left.saturating_sub(entry.size.min(xml::MAX_XML_BYTES));
        let is_small = entry.size <= xml::MAX_XML_BYTES
            && entry.compressed_size <= xml::MAX_XML_BYTES + PACKING_BYTES;
        *left > 0 && is_small && !entry.encrypted
    });
    parts
}

impl Documents<'_> {
    /// Looks at the packed bytes of a document so far.
    fn look(&mut self, number: usize, packed: Option<&[u8]>) -> Step {
        let (index, part) = self.parts[number];
        let entry = &self.entries[index];
        let Some(packed) = packed else {
            return Step::Done;
        };
        // At most the limit of a document, so that the conversion succeeds.
        let size = usize::try_from(entry.compressed_size).unwrap_or(usize::MAX);
        let wanted = match part {
            Part::Image => size.min(PACKED_MARK_BYTES),
            Part::Chapter | Part::Other => size,
        };
        if packed.len() < wanted {
            return Step::More(wanted);
        }
        match part {
            Part::Image => self.read_image(entry, packed),
            Part::Chapter => {
                let reading = self.read_document(entry, packed, Some(index));
                self.chapters
                    .extend(reading.map(|reading| (index, reading)));
            }
            Part::Other => drop(self.read_document(entry, packed, None)),
        }
        Step::Done
    }

    /// Reads a document, and checks it; takes a sample of the text of a chapter. The book is readable
    /// without a document that is damaged.
    fn read_document(
        &mut self,
        entry: &ArchiveEntry,
        packed: &[u8],
        chapter: Option<usize>,
    ) -> Option<Reading> {
        let bytes = Packing::from(entry).unpack(packed, entry.size + 1)?;
        if bytes.len() as u64 != entry.size || crc32fast::hash(&bytes) != entry.crc32 {
            return None;
        }
        let document = xml::decode(&bytes);
        if let Some(index) = chapter {
            self.sampler.add(index, &document);
        }
        let Some(check) = &mut self.check else {
            return chapter::read(&document);
        };
        let mut reader = check.reader(&entry.path, &document);
        let reading = chapter::read_with(&document, &mut reader);
        check.add(&entry.path, reader, self.findings);
        reading
    }

    /// Checks an image by its first bytes.
    fn read_image(&mut self, entry: &ArchiveEntry, packed: &[u8]) {
        let head = Packing::from(entry).unpack(packed, MARK_BYTES as u64);
        if let (Some(check), Some(head)) = (&self.check, head) {
            check.add_image(&entry.path, &head, self.findings);
        }
    }
}
