//! Reading zip archives that nobody vouches for.
//!
//! The directory is read entry by entry with limits on its entries and its bytes, names are
//! checked before anything uses them, and an entry is only unpacked against a limit.

use std::io::{self, Read, Seek, Write};

use jobs::{Failure, FailureCode};
use zip::read::ZipFileEntry;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::entry_name::check_entry_name;
use super::source::{Fault, Source};
use crate::WorkError;
use crate::watch::Watch;

/// The most entries an archive may have.
pub const MAX_ENTRIES: usize = 20_000;
/// The largest directory that is read, in bytes; it bounds the memory that an archive can claim.
pub const MAX_DIRECTORY: u64 = 16 * 1024 * 1024;
/// Above this unpacked size, in bytes, an entry has to keep to [`MAX_RATIO`].
pub const RATIO_FREE_SIZE: u64 = 64 * 1024 * 1024;
/// The largest unpacked size for each packed byte.
pub const MAX_RATIO: u64 = 500;

/// How much is copied between two looks at the watch, in bytes.
const CHUNK: usize = 64 * 1024;

/// One file or folder in an archive, as the directory describes it.
#[derive(Debug)]
pub struct Entry {
    /// Its path with forward slashes; safe, as [`check_entry_name`] defines it.
    pub path: String,
    /// Its unpacked size, in bytes.
    pub size: u64,
    /// Its size in the archive, in bytes.
    pub compressed_size: u64,
    /// The CRC-32 of its unpacked bytes.
    pub crc32: u32,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Whether a password is needed to read it.
    pub encrypted: bool,
    method: CompressionMethod,
    header_start: u64,
}

/// An opened archive.
pub struct Archive<'r, R> {
    zip: ZipArchive<Source<'r, R>>,
    fault: Fault,
    entries: Vec<Entry>,
    trusted: bool,
}

impl<'r, R: Read + Seek> Archive<'r, R> {
    /// Reads the directory of the zip archive in `reader`, which has `size` bytes.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveDamaged`], [`FailureCode::ArchiveTooLarge`], [`FailureCode::ArchiveUnsafeName`],
    /// [`FailureCode::ArchiveBomb`] for overlapping entries, [`FailureCode::ArchiveUnsupported`]; or the
    /// reader's own error.
    pub fn open(reader: &'r mut R, size: u64) -> Result<Self, WorkError> {
        Self::from_source(Source::new(reader, size))
    }

    /// As [`Archive::open`], from a source.
    ///
    /// # Errors
    /// Those of [`Archive::open`].
    pub(crate) fn from_source(mut source: Source<'r, R>) -> Result<Self, WorkError> {
        let fault = source.fault();
        let allowance = source.allow(Some(MAX_DIRECTORY));
        let zip = ZipArchive::new(source).map_err(|error| fault.or(|| broken(&error)))?;
        fault.check()?;
        allowance.lift();
        let entries = read_directory(&zip)?;
        refuse_overlaps(&entries)?;
        Ok(Self {
            zip,
            fault,
            entries,
            trusted: false,
        })
    }

    /// Entries may unpack to more than [`MAX_RATIO`] times their size: for an archive whose content
    /// is streamed on, and nowhere kept. Deflate itself stops at some 1,030 times.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self {
            trusted: true,
            ..self
        }
    }

    /// The entries, in the directory's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The index of the entry with exactly this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.path == path)
    }

    /// The index of the first entry whose path is this one but for the case of ASCII letters.
    #[must_use]
    pub fn find_ignoring_case(&self, path: &str) -> Option<usize> {
        let same = |entry: &Entry| entry.path.eq_ignore_ascii_case(path);
        self.find(path)
            .or_else(|| self.entries.iter().position(same))
    }

    /// Unpacks a small entry into memory: at most `limit` bytes.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveBomb`] when it is larger, and those of [`Archive::read_with`].
    pub fn read(&mut self, index: usize, limit: u64) -> Result<Vec<u8>, WorkError> {
        if let Some(entry) = self.entries.get(index)
            && entry.size > limit
        {
            return Err(too_large(&entry.path, limit).into());
        }
        self.read_with(index, |reader| {
            let mut bytes = Vec::new();
            reader.take(limit).read_to_end(&mut bytes)?;
            // One more byte than allowed, or the end, where the checksum is compared.
            if reader.read(&mut [0])? > 0 {
                return Err(too_large("an entry", limit).into());
            }
            Ok(bytes)
        })
    }

    /// Unpacks an entry of any size into `out`, and gives the number of bytes written.
    ///
    /// # Errors
    /// Those of [`Archive::read_with`], of `out`, and [`WorkError::Stopped`].
    pub fn copy(
        &mut self,
        index: usize,
        out: &mut dyn Write,
        watch: &mut dyn Watch,
    ) -> Result<u64, WorkError> {
        let total = self.entries.get(index).map_or(0, |entry| entry.size);
        self.read_with(index, |reader| {
            let mut buffer = vec![0; CHUNK];
            let mut done = 0;
            loop {
                watch.stopped()?;
                let count = reader.read(&mut buffer)?;
                if count == 0 {
                    return Ok(done);
                }
                out.write_all(&buffer[..count])?;
                done += count as u64;
                watch.progress(done, total);
            }
        })
    }

    /// Gives `work` a reader of an entry's unpacked bytes. Its errors are already told apart:
    /// converted into a [`WorkError`] they say whether the archive is damaged or could not be
    /// read. The checksum is compared when the end is reached.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveEntryMissing`], [`FailureCode::ArchiveEncrypted`], [`FailureCode::ArchiveBomb`],
    /// [`FailureCode::ArchiveUnsupported`], [`FailureCode::ArchiveDamaged`], the reader's and `work`'s own.
    pub fn read_with<T>(
        &mut self,
        index: usize,
        work: impl FnOnce(&mut dyn Read) -> Result<T, WorkError>,
    ) -> Result<T, WorkError> {
        let Some(entry) = self.entries.get(index) else {
            let sentence = "The archive has no such entry.";
            return Err(WorkError::failed(
                FailureCode::ArchiveEntryMissing,
                sentence,
            ));
        };
        refuse_unreadable(entry)?;
        if !self.trusted {
            refuse_improbable(entry)?;
        }
        let opened = self.zip.by_index(index);
        let inner = opened.map_err(|error| self.fault.or(|| broken(&error)))?;
        work(&mut EntryReader {
            inner,
            fault: &self.fault,
            path: &entry.path,
        })
    }
}

/// Turns a library's errors into ours while an entry is read.
struct EntryReader<'e, I> {
    inner: I,
    fault: &'e Fault,
    path: &'e str,
}

impl<I: Read> Read for EntryReader<'_, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|_| {
            let damaged = || {
                let sentence = format!("The archive's entry {:?} is damaged.", self.path);
                WorkError::failed(FailureCode::ArchiveDamaged, sentence)
            };
            self.fault.or(damaged).into()
        })
    }
}

fn read_directory<R: Read + Seek>(
    zip: &ZipArchive<Source<'_, R>>,
) -> Result<Vec<Entry>, WorkError> {
    if zip.len() > MAX_ENTRIES {
        let sentence = format!("The archive has more than {MAX_ENTRIES} entries.");
        return Err(WorkError::failed(FailureCode::ArchiveTooLarge, sentence));
    }
    let describe_at = |index| match zip.by_index_data(index) {
        Ok(entry) => Ok(describe(&entry)?),
        Err(error) => Err(broken(&error)),
    };
    (0..zip.len()).map(describe_at).collect()
}

fn describe(entry: &ZipFileEntry<'_>) -> Result<Entry, Failure> {
    let path = match entry.name() {
        Ok(name) => name.into_owned(),
        Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
    };
    if let Err(reason) = check_entry_name(&path) {
        let shown: String = path.chars().take(80).collect();
        let sentence = format!("The archive's entry name {shown:?} {reason}.");
        return Err(Failure::new(FailureCode::ArchiveUnsafeName, sentence));
    }
    Ok(Entry {
        size: entry.size(),
        compressed_size: entry.compressed_size(),
        crc32: entry.crc32(),
        is_dir: path.ends_with('/'),
        encrypted: entry.encrypted(),
        method: entry.compression(),
        header_start: entry.header_start(),
        path,
    })
}

/// Entries that share bytes unpack to far more than the archive holds.
fn refuse_overlaps(entries: &[Entry]) -> Result<(), Failure> {
    let mut ranges: Vec<(u64, u64)> = entries
        .iter()
        .map(|entry| (entry.header_start, entry.compressed_size))
        .collect();
    ranges.sort_unstable();
    let overlap = |pair: &[(u64, u64)]| pair[0].0.saturating_add(pair[0].1) >= pair[1].0;
    if ranges.windows(2).any(overlap) {
        let sentence = "Entries of the archive overlap.";
        return Err(Failure::new(FailureCode::ArchiveBomb, sentence));
    }
    Ok(())
}

fn refuse_unreadable(entry: &Entry) -> Result<(), Failure> {
    let path = &entry.path;
    if entry.encrypted {
        let sentence = format!("The archive's entry {path:?} is encrypted.");
        return Err(Failure::new(FailureCode::ArchiveEncrypted, sentence));
    }
    let method = entry.method;
    if !matches!(
        method,
        CompressionMethod::Stored | CompressionMethod::Deflated
    ) {
        let sentence = format!("The archive's entry {path:?} uses the method {method}.");
        return Err(Failure::new(FailureCode::ArchiveUnsupported, sentence));
    }
    Ok(())
}

fn refuse_improbable(entry: &Entry) -> Result<(), Failure> {
    let path = &entry.path;
    if entry.size > RATIO_FREE_SIZE && entry.size / MAX_RATIO > entry.compressed_size {
        let sentence = format!("The archive's entry {path:?} unpacks to suspiciously much.");
        return Err(Failure::new(FailureCode::ArchiveBomb, sentence));
    }
    Ok(())
}

fn too_large(path: &str, limit: u64) -> Failure {
    let sentence = format!("The archive's entry {path:?} unpacks to more than {limit} bytes.");
    Failure::new(FailureCode::ArchiveBomb, sentence)
}

/// What an error of the zip library says about the archive.
fn broken(error: &ZipError) -> WorkError {
    if let ZipError::UnsupportedArchive(what) = error {
        let sentence = format!("The archive cannot be read: {what}.");
        return WorkError::failed(FailureCode::ArchiveUnsupported, sentence);
    }
    WorkError::failed(
        FailureCode::ArchiveDamaged,
        "The archive is damaged or cut short.",
    )
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
