//! The archive: a zip that is written in one go, or put down between two entries and taken up
//! again; the same bytes for the same input either way.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use flate2::{Compress, FlushCompress, Status};
use jobs::Compression;
use jobs::FailureCode;

use super::records::{Entry, directory};
use crate::WorkError;
use crate::formats::entry_name::check_entry_name;

/// How much the compressor is given at once, in bytes. What it writes depends on where its input
/// is cut (measured), so the cuts are ours and not those of whoever reads the source.
const CHUNK: usize = 256 * 1024;
/// From which size on an entry has numbers of 64 bits. Deflate may make a file larger by some
/// bytes: the limit of 32 bits is left in time.
const LARGE: u64 = u32::MAX as u64 - (1 << 24);

/// A zip archive on its way to `W`.
///
/// Dropped before [`finish`](Self::finish), it writes nothing more: neither the rest of an entry
/// nor a directory that would make an archive of what was given up.
pub struct ArchiveWriter<W: Write> {
    writer: W,
    /// How many bytes it has been given.
    written: u64,
    /// The level of compression; without one, files are stored.
    level: Option<u32>,
    entries: Vec<Entry>,
    open: Option<Open>,
    pending: Vec<u8>,
    packed: Vec<u8>,
    /// The names that are taken, in lower case; whether each is a folder.
    taken: HashMap<String, bool>,
}

/// The entry whose bytes are coming.
struct Open {
    entry: Entry,
    /// How many bytes are still to come.
    missing: u64,
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
            pending: Vec::with_capacity(CHUNK),
            packed: Vec::with_capacity(CHUNK),
            taken: HashMap::new(),
        }
    }

    /// Takes up an archive that was put down: its `entries`, which took `written` bytes.
    ///
    /// # Errors
    /// When the entries are not those of an archive of ours.
    pub fn taken_up(
        writer: W,
        compression: Compression,
        entries: Vec<Entry>,
        written: u64,
    ) -> Result<Self, WorkError> {
        let mut archive = Self {
            written,
            ..Self::new(writer, compression)
        };
        for entry in &entries {
            archive.take_name(entry.name.trim_end_matches('/'), entry.is_folder())?;
        }
        Ok(Self { entries, ..archive })
    }

    /// Puts the archive down after its last entry: gives the writer back, with the entries and
    /// how many bytes they took.
    ///
    /// # Errors
    /// As [`ArchiveWriter::finish`].
    pub fn put_down(mut self) -> Result<(W, Vec<Entry>, u64), WorkError> {
        self.end_entry()?;
        Ok((self.writer, self.entries, self.written))
    }

    /// Adds the folder `path`, which may be empty.
    ///
    /// # Errors
    /// As [`ArchiveWriter::start`].
    pub fn folder(&mut self, path: &str) -> Result<(), WorkError> {
        let path = path.trim_end_matches('/');
        self.take_name(path, true)?;
        self.end_entry()?;
        let entry = Entry {
            name: format!("{path}/"),
            offset: self.written,
            ..Entry::default()
        };
        self.put(&entry.header())?;
        self.entries.push(entry);
        Ok(())
    }

    /// Starts the entry `path` of `size` bytes, which must come before the next one.
    ///
    /// # Errors
    /// When the path is taken or not safe to unpack, the last entry was not given all its bytes,
    /// or the archive cannot be written.
    pub fn start(&mut self, path: &str, size: u64) -> Result<(), WorkError> {
        self.take_name(path, false)?;
        self.end_entry()?;
        let entry = Entry {
            name: path.to_owned(),
            deflated: self.level.is_some(),
            large: size >= LARGE,
            size,
            offset: self.written,
            ..Entry::default()
        };
        self.put(&entry.header())?;
        let deflate = self
            .level
            .map(|level| Compress::new(flate2::Compression::new(level), false));
        self.open = Some(Open {
            entry,
            missing: size,
            crc32: crc32fast::Hasher::new(),
            deflate,
        });
        Ok(())
    }

    /// Refuses a name that is not safe, or that a system which does not tell case apart would
    /// unpack over another, or where a folder stands.
    fn take_name(&mut self, path: &str, is_folder: bool) -> Result<(), WorkError> {
        if let Err(reason) = check_entry_name(path) {
            return Err(WorkError::failed(
                FailureCode::ArchiveUnsafeName,
                format!("The file name {path:?} {reason}"),
            ));
        }
        let name = path.to_lowercase();
        let folders = name
            .match_indices('/')
            .map(|(at, _)| (name[..at].to_owned(), true));
        for (name, is_folder) in folders.chain([(name.clone(), is_folder)]) {
            match self.taken.insert(name, is_folder) {
                Some(true) if is_folder => {}
                Some(_) => {
                    let sentence = format!(
                        "The name {path:?} is taken, but for the case of letters, by another file"
                    );
                    return Err(WorkError::failed(FailureCode::DuplicateName, sentence));
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
        let open = self.open.as_mut().ok_or_else(changed)?;
        open.missing = open
            .missing
            .checked_sub(bytes.len() as u64)
            .ok_or_else(changed)?;
        open.crc32.update(bytes);
        while !bytes.is_empty() {
            let (fits, rest) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(fits);
            bytes = rest;
            if self.pending.len() == CHUNK {
                self.write_pending(FlushCompress::None)?;
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
        if self.open.as_ref().is_some_and(|open| open.missing > 0) {
            return Err(changed());
        }
        if self.open.is_some() {
            self.write_pending(FlushCompress::Finish)?;
        }
        let Some(Open {
            mut entry, crc32, ..
        }) = self.open.take()
        else {
            return Ok(());
        };
        entry.crc32 = crc32.finalize();
        entry.packed = self.written - entry.offset - entry.header().len() as u64;
        self.put(&entry.descriptor())?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes what has come of the entry, deflated or as it is.
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
            // Room that was left over says that there is no more to come.
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

fn changed() -> WorkError {
    WorkError::failed(
        FailureCode::SourceChanged,
        "A file has another size than it was announced with",
    )
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
