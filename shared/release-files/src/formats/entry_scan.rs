//! Reads entries of an archive while its bytes pass by.
//!
//! An analysis reads the whole file for its checksums. To read entries beside that would fetch most of
//! the file a second time, since it is fetched in blocks.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;
use zip::CompressionMethod;

use super::archive::ArchiveEntry;

/// The length of a local header without its name and extra field, in bytes.
const LOCAL_HEADER_BYTES: usize = 30;

/// A pass over an archive from its first byte to its last, which stops at some entries.
#[derive(Debug)]
pub struct EntryScan {
    /// Where the entries begin.
    starts: Vec<u64>,
    /// The entries that are not done, by their position: the current one and those after it.
    order: std::vec::IntoIter<usize>,
    current: Option<usize>,
    /// The position of the next byte.
    position: u64,
    /// The bytes of the current entry so far, from its local header.
    start: Vec<u8>,
    /// The number of these that are needed.
    wanted: usize,
}

/// What is needed of an entry after a look at its packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many packed bytes.
    More(usize),
    /// Nothing more.
    Done,
}

/// Receives the number of an entry and its packed bytes so far; `None` if they cannot be read.
pub type Look<'l> = &'l mut dyn FnMut(usize, Option<&[u8]>) -> Step;

impl EntryScan {
    /// Starts a pass for entries that begin at `starts`. They have numbers in this order. At most the
    /// first `limit` in the archive are read.
    pub fn new(starts: Vec<u64>, limit: usize) -> Self {
        let mut order: Vec<usize> = (0..starts.len()).collect();
        order.sort_by_key(|&number| starts[number]);
        order.truncate(limit);
        let mut order = order.into_iter();
        Self {
            current: order.next(),
            starts,
            order,
            position: 0,
            start: Vec::new(),
            wanted: LOCAL_HEADER_BYTES,
        }
    }

    /// Takes the next bytes of the archive.
    pub fn push(&mut self, chunk: &[u8], look: Look<'_>) {
        let chunk_start = self.position;
        self.position += chunk.len() as u64;
        while let Some(number) = self.current {
            let next = self.starts[number] + self.start.len() as u64;
            let Some(offset) = next.checked_sub(chunk_start) else {
                // Its header is within the entry before it.
                look(number, None);
                self.next();
                continue;
            };
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let Some(rest) = chunk.get(offset..).filter(|rest| !rest.is_empty()) else {
                return;
            };
            let count = rest.len().min(self.wanted - self.start.len());
            self.start.extend_from_slice(&rest[..count]);
            if self.start.len() < self.wanted {
                return;
            }
            let data = data_start(&self.start);
            let packed = self.start.get(data..).unwrap_or_default();
            match look(number, Some(packed)) {
                Step::More(bytes) if data + bytes > self.start.len() => self.wanted = data + bytes,
                Step::More(_) => {
                    look(number, None);
                    self.next();
                }
                Step::Done => self.next(),
            }
        }
    }

    fn next(&mut self) {
        self.current = self.order.next();
        self.start.clear();
        self.wanted = LOCAL_HEADER_BYTES;
    }

    /// Ends the pass. An entry that is cut off cannot be read.
    pub fn finish(self, look: Look<'_>) {
        for number in self.current.into_iter().chain(self.order) {
            look(number, None);
        }
    }
}

/// Where the packed bytes of an entry begin, after its local header (PKZIP `APPNOTE`, section 4.3.7).
fn data_start(start: &[u8]) -> usize {
    let length = |at: usize| match start.get(at..at + 2) {
        Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => 0,
    };
    LOCAL_HEADER_BYTES + length(26) + length(28)
}

/// How an entry is packed.
#[derive(Debug, Clone, Copy)]
pub struct Packing {
    method: CompressionMethod,
    /// The size in the archive, in bytes.
    pub packed: u64,
}

impl From<&ArchiveEntry> for Packing {
    fn from(entry: &ArchiveEntry) -> Self {
        Self {
            method: entry.method,
            packed: entry.compressed_size,
        }
    }
}

impl Packing {
    /// Unpacks the beginning of an entry as far as it goes, and at most `limit` bytes; `None` if
    /// its method is not supported.
    pub fn unpack(self, packed: &[u8], limit: u64) -> Option<Cow<'_, [u8]>> {
        match self.method {
            CompressionMethod::Stored => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Some(packed[..packed.len().min(limit)].into())
            }
            CompressionMethod::Deflated => {
                let mut unpacked = Vec::new();
                let mut decoder = DeflateDecoder::new(packed).take(limit);
                // If it is cut off, its end is an error. The bytes before that are there.
                let _ = decoder.read_to_end(&mut unpacked);
                Some(unpacked.into())
            }
            _ => None,
        }
    }
}
