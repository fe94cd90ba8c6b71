//! Writes a zip archive. The writer can be suspended and resumed between two entries, which does
//! not change the bytes.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use flate2::{Compress, FlushCompress, Status};
use jobs::{Compression, FailureCode};

use super::zip_headers::{WrittenEntry, directory};
use crate::WorkError;
use text::check_entry_name;

/// The size of the compressor's input chunks, in bytes. The output depends on the chunks
/// (measured), so they must not depend on the reader.
const CHUNK_BYTES: usize = 256 * 1024;
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
    /// The compression level; `None` stores files.
    level: Option<u32>,
    entries: Vec<WrittenEntry>,
    open: Option<OpenEntry>,
    /// The uncompressed input of the open entry.
    pending: Vec<u8>,
    /// The output of the compressor, kept for its capacity.
    packed: Vec<u8>,
    /// The paths in use, in lower case, and whether each is a folder.
    taken: HashMap<String, bool>,
}

/// The entry being written.
struct OpenEntry {
    entry: WrittenEntry,
    /// The number of missing bytes of content.
    remaining: u64,
    crc32: crc32fast::Hasher,
    deflate: Option<Compress>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive.
    pub fn new(writer: W, compression: Compression) -> Self {
        let level = match compression {
            Compression::Store => None,
            Compression::Normal => Some(6),
            Compression::High => Some(9),
        };
        Self {
            writer,
            written: 0,
            level,
            entries: Vec::new(),
            open: None,
            pending: Vec::with_capacity(CHUNK_BYTES),
            packed: Vec::with_capacity(CHUNK_BYTES),
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
            ..Self::new(writer, compression)
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
        self.end_entry()?;
        Ok((self.writer, self.entries, self.written))
    }

    /// Adds the folder `path`, which may stay empty. Fails as [`ArchiveWriter::start_file`].
    pub fn add_folder(&mut self, path: &str) -> Result<(), WorkError> {
        let path = path.trim_end_matches('/');
        self.reserve_path(path, true)?;
        self.end_entry()?;
        let entry = WrittenEntry {
            name: format!("{path}/"),
            offset: self.written,
            ..WrittenEntry::default()
        };
        self.put(&entry.local_header())?;
        self.entries.push(entry);
        Ok(())
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
            deflated: self.level.is_some(),
            large: size >= MIN_ZIP64_BYTES,
            size,
            offset: self.written,
            ..WrittenEntry::default()
        };
        self.put(&entry.local_header())?;
        let deflate = self
            .level
            .map(|level| Compress::new(flate2::Compression::new(level), false));
        self.open = Some(OpenEntry {
            entry,
            remaining: size,
            crc32: crc32fast::Hasher::new(),
            deflate,
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
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.pending.len();
            let (fits, rest) = bytes.split_at(bytes.len().min(room));
            self.pending.extend_from_slice(fits);
            bytes = rest;
            if self.pending.len() == CHUNK_BYTES {
                self.write_pending(FlushCompress::None)?;
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
        self.end_entry()?;
        let directory = directory(&self.entries, self.written);
        self.put(&directory)?;
        Ok(self.writer)
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
        if self.open.is_some() {
            self.write_pending(FlushCompress::Finish)?;
        }
        let Some(OpenEntry {
            mut entry, crc32, ..
        }) = self.open.take()
        else {
            return Ok(());
        };
        entry.crc32 = crc32.finalize();
        entry.packed = self.written - entry.offset - entry.local_header().len() as u64;
        self.put(&entry.data_descriptor())?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the pending input of the open entry, deflated or stored.
    fn write_pending(&mut self, flush: FlushCompress) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        match self.open.as_mut().and_then(|open| open.deflate.take()) {
            Some(mut deflate) => {
                self.deflate(&mut deflate, &pending, flush)?;
                if let Some(open) = &mut self.open {
                    open.deflate = Some(deflate);
                }
            }
            None => self.put(&pending)?,
        }
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }

    fn deflate(
        &mut self,
        deflate: &mut Compress,
        mut bytes: &[u8],
        flush: FlushCompress,
    ) -> io::Result<()> {
        loop {
            let mut packed = std::mem::take(&mut self.packed);
            packed.clear();
            let before = deflate.total_in();
            let status = deflate
                .compress_vec(bytes, &mut packed, flush)
                .map_err(io::Error::other)?;
            let taken = usize::try_from(deflate.total_in() - before).map_err(io::Error::other)?;
            bytes = &bytes[taken..];
            self.put(&packed)?;
            // Free room in the buffer means that the compressor has no more output.
            let had_room = packed.len() < packed.capacity();
            self.packed = packed;
            let is_over = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => bytes.is_empty() && had_room,
            };
            if is_over {
                return Ok(());
            }
        }
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
