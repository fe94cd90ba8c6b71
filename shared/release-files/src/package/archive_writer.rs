//! Writes a zip archive. The writer can be suspended and resumed between two entries, which does
//! not change the bytes.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Write},
};

use jobs::{Compression, FailureCode};

use super::deflate::{BLOCK_BYTES, Block, Packed, Packer, Pending, Place, WINDOW_BYTES};
use super::zip_headers::{WrittenEntry, directory};
use crate::WorkError;
use text::check_entry_name;

/// The size from which an entry has 64-bit fields, in bytes. It is below the 32-bit limit because
/// deflate can enlarge a file.
const MIN_ZIP64_BYTES: u64 = u32::MAX as u64 - (1 << 24);

/// Writes a zip archive to `W`.
///
/// If it is dropped before [`finish`](Self::finish), it writes nothing more: neither the rest of an
/// entry nor a directory that would turn unfinished work into a valid archive.
pub struct ArchiveWriter<W: Write> {
    writer: W,
    /// The number of bytes written.
    written: u64,
    /// Packs the files; `None` stores them.
    packer: Option<Packer>,
    entries: Vec<WrittenEntry>,
    open: Option<OpenEntry>,
    /// What is to be written, in order.
    steps: VecDeque<Step>,
    /// The entry whose content is being written.
    current: Option<WrittenEntry>,
    /// The size of the content that is stored because it does not shrink, in bytes.
    kept: u64,
    /// The paths in use, in lower case, and whether each is a folder.
    taken: HashMap<String, bool>,
}

/// The entry whose content is being read.
struct OpenEntry {
    /// The number of missing bytes of content.
    remaining: u64,
    crc32: crc32fast::Hasher,
    /// The unpacked content, after what is before it.
    pending: Vec<u8>,
    /// Where the unpacked content starts.
    start: usize,
    /// The entry, if one block has all its content: it tells how it is stored.
    whole: Option<WrittenEntry>,
}

/// Something to write.
enum Step {
    /// An entry without content, or the header of one with several blocks.
    Start(WrittenEntry),
    /// A block of the content: its size and its bytes.
    Block(u64, Pending),
    /// An entry with all its content. Its header has its sizes: some readers that do not seek refuse
    /// a stored entry whose sizes follow it.
    Whole(WrittenEntry, Pending),
    /// The end of an entry, with the checksum of its content.
    End(u32),
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn new(writer: W, compression: Compression) -> io::Result<Self> {
        let packer = match compression {
            Compression::Store => None,
            Compression::Normal => Some(Packer::start(6)?),
            Compression::High => Some(Packer::start(9)?),
        };
        Ok(Self::with_packer(writer, packer))
    }

    /// Starts an archive whose files are packed by `packer`.
    fn with_packer(writer: W, packer: Option<Packer>) -> Self {
        Self {
            writer,
            written: 0,
            packer,
            entries: Vec::new(),
            open: None,
            steps: VecDeque::new(),
            current: None,
            kept: 0,
            taken: HashMap::new(),
        }
    }

    /// Resumes a suspended archive, whose `entries` take `written` bytes.
    ///
    /// # Errors
    /// If the entries have unsafe or duplicate names.
    pub fn resume(
        writer: W,
        compression: Compression,
        entries: Vec<WrittenEntry>,
        written: u64,
    ) -> Result<Self, WorkError> {
        let mut archive = Self {
            written,
            ..Self::new(writer, compression)?
        };
        for entry in &entries {
            archive.reserve_path(entry.name.trim_end_matches('/'), entry.is_folder())?;
        }
        Ok(Self { entries, ..archive })
    }

    /// Suspends the archive after its last entry. Returns the underlying writer, the entries and
    /// the number of bytes written.
    ///
    /// # Errors
    /// [`FailureCode::SourceChanged`] if the last file is incomplete.
    pub fn suspend(mut self) -> Result<(W, Vec<WrittenEntry>, u64), WorkError> {
        self.write_entries()?;
        Ok((self.writer, self.entries, self.written))
    }

    /// Adds the folder `path`, which may stay empty. Fails as [`ArchiveWriter::start_file`].
    pub fn add_folder(&mut self, path: &str) -> Result<(), WorkError> {
        let path = path.trim_end_matches('/');
        self.reserve_path(path, true)?;
        self.end_entry()?;
        let entry = WrittenEntry {
            name: format!("{path}/"),
            ..WrittenEntry::default()
        };
        self.plan(Step::Start(entry))
    }

    /// Starts the file `path` of `size` bytes, which must all be written before the next entry.
    ///
    /// # Errors
    /// [`FailureCode::DuplicateName`] or [`FailureCode::ArchiveUnsafeName`], or
    /// [`FailureCode::SourceChanged`] if the last file is incomplete.
    pub fn start_file(&mut self, path: &str, size: u64) -> Result<(), WorkError> {
        self.reserve_path(path, false)?;
        self.end_entry()?;
        let entry = WrittenEntry {
            name: path.to_owned(),
            deflated: self.packer.is_some(),
            large: size >= MIN_ZIP64_BYTES,
            has_descriptor: true,
            size,
            ..WrittenEntry::default()
        };
        let block = match self.packer {
            Some(_) => usize::try_from(size)
                .unwrap_or(BLOCK_BYTES)
                .min(BLOCK_BYTES),
            None => 0,
        };
        let whole = if self.packer.is_some() && size <= BLOCK_BYTES as u64 {
            Some(entry)
        } else {
            self.plan(Step::Start(entry))?;
            None
        };
        self.open = Some(OpenEntry {
            remaining: size,
            crc32: crc32fast::Hasher::new(),
            pending: Vec::with_capacity(block),
            start: 0,
            whole,
        });
        Ok(())
    }

    /// Reserves a path. Refuses an unsafe path, and a path that conflicts with another when the
    /// archive is unpacked on a system that ignores case.
    fn reserve_path(&mut self, path: &str, is_folder: bool) -> Result<(), WorkError> {
        if let Err(reason) = check_entry_name(path) {
            let message = format!("The file name {path:?} {reason}; rename the file.");
            return Err(WorkError::failed(FailureCode::ArchiveUnsafeName, message));
        }
        let path_key = path.to_lowercase();
        let folders = path_key
            .match_indices('/')
            .map(|(at, _)| (path_key[..at].to_owned(), true));
        for (key, is_folder) in folders.chain([(path_key.clone(), is_folder)]) {
            match self.taken.insert(key, is_folder) {
                Some(true) if is_folder => {}
                Some(_) => {
                    let message = format!(
                        "The name {path:?} conflicts with another file, ignoring case; \
                         rename one of them."
                    );
                    return Err(WorkError::failed(FailureCode::DuplicateName, message));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Adds bytes to the file.
    ///
    /// # Errors
    /// [`FailureCode::SourceChanged`] if the file becomes larger than its size.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), WorkError> {
        let open = self.open.as_mut().ok_or_else(size_changed)?;
        open.remaining = open
            .remaining
            .checked_sub(bytes.len() as u64)
            .ok_or_else(size_changed)?;
        open.crc32.update(bytes);
        if self.packer.is_none() {
            return Ok(self.put(bytes)?);
        }
        while let Some(open) = &mut self.open
            && !bytes.is_empty()
        {
            let room = open.start + BLOCK_BYTES - open.pending.len();
            let (fits, rest) = bytes.split_at(bytes.len().min(room));
            open.pending.extend_from_slice(fits);
            let is_inner = !rest.is_empty() || open.remaining > 0;
            bytes = rest;
            if fits.len() == room && is_inner {
                self.pack(Place::Inner)?;
            }
        }
        Ok(())
    }

    /// Returns whether the file lacks content, which must be written before the next entry.
    pub(super) fn has_missing_content(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.remaining > 0)
    }

    /// Finishes the archive and returns the underlying writer.
    ///
    /// # Errors
    /// [`FailureCode::SourceChanged`] if the last file is incomplete.
    pub fn finish(mut self) -> Result<W, WorkError> {
        self.write_entries()?;
        let directory = directory(&self.entries, self.written);
        self.put(&directory)?;
        Ok(self.writer)
    }

    /// Ends the last file and writes what is planned. Returns the size of the content that is stored
    /// because it does not shrink, in bytes.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub fn write_entries(&mut self) -> Result<u64, WorkError> {
        self.end_entry()?;
        while let Some(step) = self.steps.pop_front() {
            self.take(step)?;
        }
        Ok(self.kept)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), WorkError> {
        if self.has_missing_content() {
            return Err(size_changed());
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let crc32 = open.crc32.clone().finalize();
        if let Some(whole) = &mut open.whole {
            whole.crc32 = crc32;
            self.pack(Place::Whole)?;
            self.open = None;
            return Ok(());
        }
        if self.packer.is_some() {
            self.pack(Place::Last)?;
        }
        self.open = None;
        self.plan(Step::End(crc32))
    }

    /// Starts to pack the pending content of the open entry.
    fn pack(&mut self, place: Place) -> Result<(), WorkError> {
        let (Some(packer), Some(open)) = (&self.packer, &mut self.open) else {
            return Ok(());
        };
        let before = open.pending.len().saturating_sub(WINDOW_BYTES);
        let mut next = Vec::new();
        if place == Place::Inner {
            next.reserve_exact(WINDOW_BYTES + BLOCK_BYTES);
            next.extend_from_slice(&open.pending[before..]);
        }
        let start = std::mem::replace(&mut open.start, next.len());
        let bytes = std::mem::replace(&mut open.pending, next);
        let size = (bytes.len() - start) as u64;
        let pending = packer.pack(Block {
            bytes,
            start,
            place,
        })?;
        let step = match open.whole.take() {
            Some(entry) => Step::Whole(entry, pending),
            None => Step::Block(size, pending),
        };
        self.plan(step)
    }

    /// Plans a step, and takes those before it for which enough others wait.
    fn plan(&mut self, step: Step) -> Result<(), WorkError> {
        self.steps.push_back(step);
        let waiting = self.packer.as_ref().map_or(0, Packer::capacity);
        while self.steps.len() > waiting
            && let Some(step) = self.steps.pop_front()
        {
            self.take(step)?;
        }
        Ok(())
    }

    /// Writes what a step says.
    fn take(&mut self, step: Step) -> Result<(), WorkError> {
        match step {
            Step::Start(entry) => self.start_entry(entry),
            Step::Block(size, pending) => self.put_packed(size, &pending.wait()?),
            Step::Whole(entry, pending) => {
                let (packed, crc32) = (pending.wait()?, entry.crc32);
                let size = entry.size;
                self.start_entry(WrittenEntry {
                    deflated: !packed.is_stored,
                    has_descriptor: false,
                    packed: packed.bytes.len() as u64,
                    ..entry
                })?;
                self.put_packed(size, &packed)?;
                self.end_current(crc32)
            }
            Step::End(crc32) => self.end_current(crc32),
        }
    }

    fn start_entry(&mut self, mut entry: WrittenEntry) -> Result<(), WorkError> {
        entry.offset = self.written;
        self.put(&entry.local_header())?;
        if entry.is_folder() {
            self.entries.push(entry);
        } else {
            self.current = Some(entry);
        }
        Ok(())
    }

    fn put_packed(&mut self, size: u64, packed: &Packed) -> Result<(), WorkError> {
        if packed.is_stored {
            self.kept += size;
        }
        Ok(self.put(&packed.bytes)?)
    }

    fn end_current(&mut self, crc32: u32) -> Result<(), WorkError> {
        let Some(mut entry) = self.current.take() else {
            return Ok(());
        };
        entry.crc32 = crc32;
        entry.packed = self.written - entry.offset - entry.local_header().len() as u64;
        self.put(&entry.data_descriptor())?;
        self.entries.push(entry);
        Ok(())
    }
}

fn size_changed() -> WorkError {
    WorkError::failed(
        FailureCode::SourceChanged,
        "The size of a file changed while it was read; retry the job.",
    )
}

#[cfg(test)]
#[path = "archive_writer_tests.rs"]
mod tests;
