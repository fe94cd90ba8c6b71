//! The archive: a zip that is written in one go, the same bytes for the same input.

use std::io::{self, Write};

use shared::job::Compression;
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::failure::{Failure, WorkError, code};

/// A zip archive on its way to `W`.
pub struct ArchiveWriter<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    options: SimpleFileOptions,
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
        Self { zip: ZipWriter::new_stream(writer), options }
    }

    /// Starts the entry `path` of `size` bytes.
    ///
    /// # Errors
    /// When the path is taken, or the archive cannot be written.
    pub fn start(&mut self, path: &str, size: u64) -> Result<(), WorkError> {
        // Deflate may make a file larger by some bytes: the limit of 32 bits is left in time.
        let large = size >= u64::from(u32::MAX) - (1 << 24);
        self.zip.start_file(path, self.options.large_file(large)).map_err(of_zip)
    }

    /// Adds bytes to the entry.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WorkError> {
        Ok(self.zip.write_all(bytes)?)
    }

    /// Ends the archive and gives its writer back.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn finish(self) -> Result<W, WorkError> {
        Ok(self.zip.finish().map_err(of_zip)?.into_inner())
    }
}

fn of_zip(error: ZipError) -> WorkError {
    match error {
        ZipError::Io(error) => error.into(),
        ZipError::InvalidArchive(_) => {
            WorkError::Failed(Failure::new(code::DUPLICATE_NAME, "Two source files have the same name"))
        }
        other => WorkError::Io(io::Error::other(other)),
    }
}
