//! Reads untrusted zip archives.
//!
//! It reads what other unzip tools read, but within limits: the number of entries and the size of
//! the directory are limited, names are normalized or refused, and an entry is unpacked only up to a
//! limit.

use std::collections::HashSet;
use std::io::{self, Read, Seek, Write};
use std::sync::Arc;

use jobs::{Failure, FailureCode};
use text::EntryNameError;
use zip::read::{ZipArchiveMetadata, ZipFileEntry};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive, ZipReadOptions};

use super::archive_name::{EntryName, NormalizedNames, read_name};
use super::findings::FindingId;
use super::local_header::WithSignature;
use super::source::{ErrorSlot, Source};
use crate::WorkError;
use crate::progress::{Progress, ReadProgress};

/// The largest number of entries in an archive.
pub const MAX_ENTRIES: usize = 20_000;
/// The largest directory, in bytes. It bounds the memory that an archive can take.
pub const MAX_DIRECTORY_BYTES: u64 = 16 * 1024 * 1024;
/// The unpacked size above which an entry's compression ratio is checked, in bytes.
pub const MAX_UNCHECKED_BYTES: u64 = 64 * 1024 * 1024;
/// The highest compression ratio, in unpacked bytes per packed byte.
pub const MAX_RATIO: u64 = 500;

/// A file or folder in an archive, as the directory describes it.
#[derive(Debug)]
pub struct ArchiveEntry {
    /// The path with forward slashes, which [`text::check_entry_name`] accepts.
    pub path: String,
    /// The rule that the stored name breaks, if it differs from the path.
    pub broken_name_rule: Option<EntryNameError>,
    /// The unpacked size, in bytes.
    pub size: u64,
    /// The size in the archive, in bytes.
    pub compressed_size: u64,
    /// The CRC-32 of the unpacked bytes.
    pub crc32: u32,
    /// True if it is a folder.
    pub is_dir: bool,
    /// True if a password is needed to read it.
    pub encrypted: bool,
    pub(super) method: CompressionMethod,
    header_start: u64,
    /// The position in the zip library's directory.
    directory_index: usize,
}

impl ArchiveEntry {
    /// Where the entry begins in the archive.
    pub(super) const fn position(&self) -> u64 {
        self.header_start
    }
}

/// An open archive.
pub struct Archive<'r, R> {
    source: Source<'r, R>,
    directory: Arc<ZipArchiveMetadata>,
    directory_start: u64,
    error_slot: ErrorSlot,
    entries: Vec<ArchiveEntry>,
    normalized_names: NormalizedNames,
    limits_ratio: bool,
}

impl<'r, R: Read + Seek> Archive<'r, R> {
    /// Reads the directory of the zip archive in `reader`, which has `size` bytes.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveDamaged`], [`FailureCode::ArchiveTooLarge`],
    /// [`FailureCode::ArchiveUnsafeName`], [`FailureCode::ArchiveUnsupported`],
    /// [`FailureCode::ArchiveBomb`] for overlapping entries; or the reader's own error.
    pub fn open(reader: &'r mut R, size: u64) -> Result<Self, WorkError> {
        Self::from_source(Source::new(reader, size))
    }

    /// Reads the directory of the zip archive in `source`.
    pub(crate) fn from_source(mut source: Source<'r, R>) -> Result<Self, WorkError> {
        let error_slot = source.error_slot();
        let limit = source.limit_reads(MAX_DIRECTORY_BYTES);
        let zip = ZipArchive::new(source)
            .map_err(|error| error_slot.take_or(|| convert_error(&error)))?;
        error_slot.check()?;
        limit.lift();
        let directory = zip.metadata();
        let (entries, normalized_names) = read_directory(&directory)?;
        check_overlaps(&entries)?;
        Ok(Self {
            directory_start: zip.central_directory_start(),
            source: zip.into_inner(),
            directory,
            error_slot,
            entries,
            normalized_names,
            limits_ratio: true,
        })
    }

    /// Lifts the limit [`MAX_RATIO`], for an archive whose content is streamed and not kept.
    /// Deflate itself reaches a ratio of at most about 1,030.
    #[must_use]
    pub fn without_ratio_limit(self) -> Self {
        Self {
            limits_ratio: false,
            ..self
        }
    }

    /// The entries, in the directory's order.
    #[must_use]
    pub fn entries(&self) -> &[ArchiveEntry] {
        &self.entries
    }

    /// The entries, and the file that they are in.
    pub(super) fn split(&mut self) -> (&[ArchiveEntry], &mut Source<'r, R>) {
        (&self.entries, &mut self.source)
    }

    /// Returns whether two entries have the same path, so that unpacking one would overwrite the
    /// other. Of entries with the same stored name, [`Archive::entries`] has only the last.
    #[must_use]
    pub fn has_duplicate_paths(&self) -> bool {
        let paths = || self.entries.iter().map(|entry| entry.path.as_str());
        self.directory.has_duplicate_names()
            || paths().collect::<HashSet<_>>().len() < self.entries.len()
    }

    /// Returns whether two files have the same path, as [`Archive::has_duplicate_paths`]. Nothing is
    /// lost if a folder is listed twice.
    ///
    /// # Errors
    /// Those of reading the directory again.
    pub fn has_duplicate_files(&mut self) -> Result<bool, WorkError> {
        let mut paths = HashSet::new();
        let mut files = self.entries.iter().filter(|entry| !entry.is_dir);
        if !files.all(|entry| paths.insert(entry.path.as_str())) {
            return Ok(true);
        }
        if !self.directory.has_duplicate_names() {
            return Ok(false);
        }
        // The library has only the last entry with each name.
        let start = self.directory_start;
        let directory = self.source.read_at(start, MAX_DIRECTORY_BYTES)?;
        Ok(names_a_file_twice(&directory, self.directory.len()))
    }

    /// Returns a sentence about each oddity of the names that the owner should know.
    #[must_use]
    pub fn name_warnings(&self) -> Vec<String> {
        let oddities = self.name_oddities().into_iter();
        oddities.map(|(_, warning)| warning).collect()
    }

    /// The warnings of [`Archive::name_warnings`] with their ids.
    pub(super) fn name_oddities(&self) -> Vec<(FindingId, String)> {
        let duplicates = self.has_duplicate_paths().then(|| {
            let warning =
                "The archive has several entries with the same name; the last of them is used";
            (FindingId::Zip002, warning.to_owned())
        });
        let normalized = self.normalized_names.warning();
        let normalized = normalized.map(|warning| (FindingId::Zip001, warning));
        normalized.into_iter().chain(duplicates).collect()
    }

    /// The index of the entry with this path; of several, the last, which unpacking leaves.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.path == path)
    }

    /// The index of the entry with this path, or else of the first entry whose path differs only in
    /// the case of ASCII letters.
    #[must_use]
    pub fn find_ignoring_case(&self, path: &str) -> Option<usize> {
        let same = |entry: &ArchiveEntry| entry.path.eq_ignore_ascii_case(path);
        self.find(path)
            .or_else(|| self.entries.iter().position(same))
    }

    /// Unpacks an entry of at most `limit` bytes into memory.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveBomb`] if it is larger, and the errors of [`Archive::read_with`].
    pub fn read(&mut self, index: usize, limit: u64) -> Result<Vec<u8>, WorkError> {
        let entry = self.entries.get(index);
        let path = entry.map_or_else(String::new, |entry| entry.path.clone());
        if entry.is_some_and(|entry| entry.size > limit) {
            return Err(too_large(&path, limit).into());
        }
        self.read_with(index, |reader| {
            let mut bytes = Vec::new();
            reader.take(limit).read_to_end(&mut bytes)?;
            // The next read returns a byte too many, or verifies the checksum at the end.
            if reader.read(&mut [0])? > 0 {
                return Err(too_large(&path, limit).into());
            }
            Ok(bytes)
        })
    }

    /// Unpacks an entry of any size into `out`, and returns the number of bytes written.
    pub fn copy(
        &mut self,
        index: usize,
        out: &mut dyn Write,
        progress: &mut dyn Progress,
    ) -> Result<u64, WorkError> {
        let total = self.entries.get(index).map_or(0, |entry| entry.size);
        let mut copied = ReadProgress::new(progress, total);
        self.read_with(index, |reader| {
            copied.read_all(reader, &mut |bytes| Ok(out.write_all(bytes)?))?;
            Ok(copied.done())
        })
    }

    /// Calls `work` with a reader of an entry's unpacked bytes, which verifies the checksum at the
    /// end. The reader's errors distinguish a damaged archive from a failed read.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveEntryMissing`], [`FailureCode::ArchiveEncrypted`],
    /// [`FailureCode::ArchiveBomb`], [`FailureCode::ArchiveUnsupported`],
    /// [`FailureCode::ArchiveDamaged`]; the reader's and `work`'s own.
    pub fn read_with<T>(
        &mut self,
        index: usize,
        work: impl FnOnce(&mut dyn Read) -> Result<T, WorkError>,
    ) -> Result<T, WorkError> {
        let Some(entry) = self.entries.get(index) else {
            let message = "The archive lacks an entry.";
            let code = FailureCode::ArchiveEntryMissing;
            return Err(WorkError::failed(code, message));
        };
        check_readable(entry)?;
        if self.limits_ratio {
            check_ratio(entry)?;
        }
        let mut file = WithSignature::new(&mut self.source, entry.header_start);
        let opened = self
            .directory
            .entry(entry.directory_index)
            .and_then(|entry| entry.with_reader(&mut file, ZipReadOptions::new()));
        let inner = opened.map_err(|error| self.error_slot.take_or(|| convert_error(&error)))?;
        work(&mut EntryReader {
            inner,
            error_slot: &self.error_slot,
            path: &entry.path,
        })
    }
}

/// Reads an entry and converts the errors of the zip library.
struct EntryReader<'e, I> {
    inner: I,
    error_slot: &'e ErrorSlot,
    path: &'e str,
}

impl<I: Read> Read for EntryReader<'_, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|_| {
            let damaged = || {
                let message = format!("The archive entry {:?} is damaged.", self.path);
                WorkError::failed(FailureCode::ArchiveDamaged, message)
            };
            self.error_slot.take_or(damaged).into()
        })
    }
}

fn read_directory(
    directory: &ZipArchiveMetadata,
) -> Result<(Vec<ArchiveEntry>, NormalizedNames), WorkError> {
    if directory.len() > MAX_ENTRIES {
        let message = format!("The archive has more than {MAX_ENTRIES} entries.");
        return Err(WorkError::failed(FailureCode::ArchiveTooLarge, message));
    }
    let mut entries = Vec::with_capacity(directory.len());
    let mut normalized_names = NormalizedNames::default();
    let mut folders = HashSet::new();
    for index in 0..directory.len() {
        let entry = directory.entry(index);
        let entry = entry.map_err(|error| convert_error(&error))?;
        if let Some(name) = read_name(&entry)? {
            normalized_names.add(&name);
            if name.path.ends_with('/') && !folders.insert(name.path.clone()) {
                continue;
            }
            entries.push(describe(index, name, &entry));
        }
    }
    Ok((entries, normalized_names))
}

/// Returns whether two files in the directory have the same stored name, or may have: if it does not
/// have `distinct` names.
fn names_a_file_twice(directory: &[u8], distinct: usize) -> bool {
    let mut names = HashSet::new();
    let mut rest = directory;
    while let Some(header) = rest.first_chunk::<46>()
        && header.starts_with(b"PK\x01\x02")
    {
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let (start, end) = (header.len(), header.len() + length(28));
        let Some(name) = rest.get(start..end) else {
            break;
        };
        if !names.insert(name) && !name.ends_with(b"/") && !name.ends_with(b"\\") {
            return true;
        }
        let next = end + length(30) + length(32);
        rest = rest.get(next..).unwrap_or_default();
    }
    names.len() != distinct
}

fn describe(directory_index: usize, name: EntryName, entry: &ZipFileEntry<'_>) -> ArchiveEntry {
    ArchiveEntry {
        size: entry.size(),
        compressed_size: entry.compressed_size(),
        crc32: entry.crc32(),
        is_dir: name.path.ends_with('/'),
        encrypted: entry.encrypted(),
        method: entry.compression(),
        header_start: entry.header_start(),
        directory_index,
        broken_name_rule: name.stored.map(|(_, rule)| rule),
        path: name.path,
    }
}

/// Refuses entries that share bytes, which could unpack to far more than the archive contains.
fn check_overlaps(entries: &[ArchiveEntry]) -> Result<(), Failure> {
    let mut ranges: Vec<(u64, u64)> = entries
        .iter()
        .map(|entry| (entry.header_start, entry.compressed_size))
        .collect();
    ranges.sort_unstable();
    let overlap = |pair: &[(u64, u64)]| pair[0].0.saturating_add(pair[0].1) >= pair[1].0;
    if ranges.windows(2).any(overlap) {
        let message = "The archive has overlapping entries.";
        return Err(Failure::new(FailureCode::ArchiveBomb, message));
    }
    Ok(())
}

fn check_readable(entry: &ArchiveEntry) -> Result<(), Failure> {
    let path = &entry.path;
    if entry.encrypted {
        let message = format!("The archive entry {path:?} is encrypted.");
        return Err(Failure::new(FailureCode::ArchiveEncrypted, message));
    }
    let is_supported = matches!(
        entry.method,
        CompressionMethod::Stored | CompressionMethod::Deflated
    );
    if !is_supported {
        let message = format!("The archive entry {path:?} uses an unsupported compression method.");
        return Err(Failure::new(FailureCode::ArchiveUnsupported, message));
    }
    Ok(())
}

fn check_ratio(entry: &ArchiveEntry) -> Result<(), Failure> {
    let path = &entry.path;
    if entry.size > MAX_UNCHECKED_BYTES && entry.size / MAX_RATIO > entry.compressed_size {
        let message = format!("The archive entry {path:?} has a suspicious compression ratio.");
        return Err(Failure::new(FailureCode::ArchiveBomb, message));
    }
    Ok(())
}

fn too_large(path: &str, limit: u64) -> Failure {
    let message = format!("The archive entry {path:?} is larger than {limit} bytes.");
    Failure::new(FailureCode::ArchiveBomb, message)
}

/// Converts an error of the zip library.
fn convert_error(error: &ZipError) -> WorkError {
    if let ZipError::UnsupportedArchive(reason) = error {
        let message = format!("The archive cannot be read: {reason}.");
        return WorkError::failed(FailureCode::ArchiveUnsupported, message);
    }
    WorkError::failed(
        FailureCode::ArchiveDamaged,
        "The archive is damaged or truncated.",
    )
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
