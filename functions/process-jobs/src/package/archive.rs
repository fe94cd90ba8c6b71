//! The archive: a zip that is written in one go, the same bytes for the same input.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use shared::job::Compression;
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{
    failure::{StoppedError, WorkError, code},
    formats::entry_name::check_entry_name,
};

/// How much the compressor is given at once, in bytes. What it writes depends on where its input
/// is cut (measured), so the cuts are ours and not those of whoever reads the source.
const CHUNK: usize = 256 * 1024;

/// A zip archive on its way to `W`.
///
/// Dropped before [`finish`](Self::finish), it writes nothing more: neither the rest of an entry
/// nor a directory that would make an archive of what was given up.
pub struct ArchiveWriter<W: Write> {
    zip: Option<ZipWriter<StreamWriter<Gate<W>>>>,
    closed: Arc<AtomicBool>,
    options: SimpleFileOptions,
    pending: Vec<u8>,
    /// The names that are taken, in lower case; whether each is a folder.
    taken: HashMap<String, bool>,
    /// How many bytes of the entry are still to come.
    missing: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive.
    pub fn new(writer: W, compression: Compression) -> Self {
        let (method, level) = match compression {
            Compression::Store => (CompressionMethod::Stored, None),
            Compression::Normal => (CompressionMethod::Deflated, Some(6)),
            Compression::High => (CompressionMethod::Deflated, Some(9)),
        };
        // The time of the build is left out: what is packed decides the bytes, and nothing else.
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .compression_level(level)
            .last_modified_time(DateTime::default());
        let closed = Arc::new(AtomicBool::new(false));
        let gate = Gate { inner: writer, closed: Arc::clone(&closed) };
        Self {
            zip: Some(ZipWriter::new_stream(gate)),
            closed,
            options,
            pending: Vec::with_capacity(CHUNK),
            taken: HashMap::new(),
            missing: 0,
        }
    }

    /// Adds the folder `path`, which may be empty.
    ///
    /// # Errors
    /// As [`ArchiveWriter::start`].
    pub fn folder(&mut self, path: &str) -> Result<(), WorkError> {
        let path = path.trim_end_matches('/');
        self.take_name(path, true)?;
        self.end_entry()?;
        let options = self.options;
        self.zip()?.add_directory(path, options).map_err(of_zip)
    }

    /// Starts the entry `path` of `size` bytes, which must come before the next one.
    ///
    /// # Errors
    /// When the path is taken or not safe to unpack, the last entry was not given all its bytes,
    /// or the archive cannot be written.
    pub fn start(&mut self, path: &str, size: u64) -> Result<(), WorkError> {
        self.take_name(path, false)?;
        self.end_entry()?;
        self.missing = size;
        // Deflate may make a file larger by some bytes: the limit of 32 bits is left in time.
        let large = size >= u64::from(u32::MAX) - (1 << 24);
        let options = self.options.large_file(large);
        self.zip()?.start_file(path, options).map_err(of_zip)
    }

    /// Refuses a name that is not safe, or that a system which does not tell case apart would
    /// unpack over another, or where a folder stands.
    fn take_name(&mut self, path: &str, is_folder: bool) -> Result<(), WorkError> {
        if let Err(reason) = check_entry_name(path) {
            return Err(WorkError::failed(code::ARCHIVE_UNSAFE_NAME, format!("The file name {path:?} {reason}")));
        }
        let name = path.to_lowercase();
        let folders = name.match_indices('/').map(|(at, _)| (name[..at].to_owned(), true));
        for (name, is_folder) in folders.chain([(name.clone(), is_folder)]) {
            match self.taken.insert(name, is_folder) {
                Some(true) if is_folder => {}
                Some(_) => {
                    let sentence = format!("The name {path:?} is taken, but for the case of letters, by another file");
                    return Err(WorkError::failed(code::DUPLICATE_NAME, sentence));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Adds bytes to the entry.
    ///
    /// # Errors
    /// When they are more than the entry has, or the archive cannot be written.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), WorkError> {
        self.missing = self.missing.checked_sub(bytes.len() as u64).ok_or_else(changed)?;
        while !bytes.is_empty() {
            let (fits, rest) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(fits);
            bytes = rest;
            if self.pending.len() == CHUNK {
                self.write_pending()?;
            }
        }
        Ok(())
    }

    /// Ends the archive and gives its writer back.
    ///
    /// # Errors
    /// When the last entry was not given all its bytes, or the archive cannot be written.
    pub fn finish(mut self) -> Result<W, WorkError> {
        self.end_entry()?;
        let zip = self.zip.take().ok_or(StoppedError)?;
        Ok(zip.finish().map_err(of_zip)?.into_inner().inner)
    }

    fn zip(&mut self) -> Result<&mut ZipWriter<StreamWriter<Gate<W>>>, StoppedError> {
        self.zip.as_mut().ok_or(StoppedError)
    }

    fn end_entry(&mut self) -> Result<(), WorkError> {
        if self.missing > 0 {
            return Err(changed());
        }
        self.write_pending()
    }

    fn write_pending(&mut self) -> Result<(), WorkError> {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            self.zip()?.write_all(&pending)?;
            self.pending = pending;
            self.pending.clear();
        }
        Ok(())
    }
}

impl<W: Write> Drop for ArchiveWriter<W> {
    fn drop(&mut self) {
        // The zip library ends an archive that is dropped; this one was given up.
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// Lets writes pass until it is closed, and swallows them after.
struct Gate<W> {
    inner: W,
    closed: Arc<AtomicBool>,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.load(Ordering::Relaxed) { Ok(bytes.len()) } else { self.inner.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) { Ok(()) } else { self.inner.flush() }
    }
}

fn changed() -> WorkError {
    WorkError::failed(code::SOURCE_CHANGED, "A file has another size than it was announced with")
}

fn of_zip(error: ZipError) -> WorkError {
    match error {
        ZipError::Io(error) => error.into(),
        other => WorkError::Io(io::Error::other(other)),
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
