//! Reads the headers of images while the bytes of their archive pass by.

use super::header::{self, Header};
use crate::formats::Images;
use crate::formats::archive::ArchiveEntry;
use crate::formats::entry_scan::{EntryScan, Packing, Step};

/// The bytes of an image after which its header is tried, packed. A JPEG with large EXIF needs the
/// last.
const STAGES: [u64; 3] = [4 * 1024, 64 * 1024, 512 * 1024];
/// The most bytes of an image that are unpacked.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024;

/// An image in an archive.
#[derive(Debug)]
pub struct Image {
    /// The path.
    pub path: String,
    /// The unpacked size, in bytes.
    pub size: u64,
    /// The CRC-32 of the unpacked bytes, as the directory says.
    pub crc32: u32,
    /// What its header tells; `None` if it was not reached.
    pub header: Option<Header>,
    packing: Packing,
}

impl Image {
    fn new(entry: &ArchiveEntry) -> Self {
        Self {
            path: entry.path.clone(),
            size: entry.size,
            crc32: entry.crc32,
            header: entry.encrypted.then_some(Header::Unknown),
            packing: entry.into(),
        }
    }

    /// Looks at the beginning of the image.
    fn look(&mut self, packed: Option<&[u8]>) -> Step {
        let Some(packed) = packed else {
            self.header = Some(Header::Unknown);
            return Step::Done;
        };
        // At most the last stage, so that the conversion succeeds.
        let end = |stage: u64| usize::try_from(self.packing.packed.min(stage)).unwrap_or_default();
        let ends = STAGES.map(end);
        if packed.len() < ends[0] {
            return Step::More(ends[0]);
        }
        let unpacked = self.packing.unpack(packed, MAX_UNPACKED_BYTES);
        let header = match unpacked.map_or(Header::Unknown, |bytes| header::read(&bytes)) {
            Header::Short => match ends.into_iter().find(|end| *end > packed.len()) {
                Some(end) => return Step::More(end),
                None => Header::Unknown,
            },
            header => header,
        };
        self.header = Some(header);
        Step::Done
    }
}

/// A pass over an archive, which reads the headers of its images.
#[derive(Debug)]
pub struct Scan {
    images: Vec<Image>,
    /// The images that are read, by the numbers of the pass.
    read: Vec<usize>,
    entries: EntryScan,
}

impl Scan {
    /// Starts a pass for these entries of an archive.
    pub fn new<'e>(entries: impl Iterator<Item = &'e ArchiveEntry> + Clone) -> Self {
        let images: Vec<Image> = entries.clone().map(Image::new).collect();
        let (read, starts) = entries
            .enumerate()
            .filter(|(_, entry)| !entry.encrypted)
            .map(|(index, entry)| (index, entry.position()))
            .unzip();
        Self {
            images,
            read,
            entries: EntryScan::new(starts, Images::MAX_READ),
        }
    }

    /// Takes the next bytes of the archive.
    pub fn push(&mut self, chunk: &[u8]) {
        let (images, read) = (&mut self.images, &self.read);
        let look = &mut |number: usize, packed: Option<&[u8]>| images[read[number]].look(packed);
        self.entries.push(chunk, look);
    }

    /// Ends the pass. An image that is cut off is damaged.
    pub fn finish(self) -> Vec<Image> {
        let Self {
            mut images,
            read,
            entries,
        } = self;
        entries.finish(&mut |number, packed| images[read[number]].look(packed));
        images
    }
}
