//! Fills an archive with files, or with the entries of another archive.

use std::io::{Read, Seek, Write};

use jobs::FailureCode;
use text::{EntryNameError, excerpt};

use super::archive_writer::ArchiveWriter;
use crate::WorkError;
use crate::formats::archive::Archive;
use crate::progress::{Progress, ReadProgress};

/// The longest excerpt of a name in a message, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// Builds an archive and reports the progress.
pub struct ArchiveBuilder<'p, W: Write> {
    writer: ArchiveWriter<W>,
    progress: ReadProgress<'p>,
}

impl<'p, W: Write> ArchiveBuilder<'p, W> {
    /// Creates a builder on `writer`, which already has `done` of `total` bytes of content.
    pub fn new(
        writer: ArchiveWriter<W>,
        (done, total): (u64, u64),
        progress: &'p mut dyn Progress,
    ) -> Self {
        Self {
            writer,
            progress: ReadProgress::new(progress, total).starting_at(done),
        }
    }

    /// Returns the writer, to suspend it. Fails as [`ArchiveWriter::finish`].
    pub fn into_writer(mut self) -> Result<ArchiveWriter<W>, WorkError> {
        self.write_entries()?;
        Ok(self.writer)
    }

    /// Adds a file of `size` bytes.
    pub fn add_file(
        &mut self,
        path: &str,
        size: u64,
        reader: &mut dyn Read,
    ) -> Result<(), WorkError> {
        self.writer.start_file(path, size)?;
        self.progress
            .read_all(reader, &mut |bytes| self.writer.write(bytes))
    }

    /// Copies the entry `index` of another archive to its path, and verifies its checksum and size.
    ///
    /// # Errors
    /// [`FailureCode::ArchiveUnsafeName`] if the entry's name was cut; and those of reading and
    /// writing.
    pub fn copy_entry<R: Read + Seek>(
        &mut self,
        from: &mut Archive<'_, R>,
        index: usize,
    ) -> Result<(), WorkError> {
        let entry = &from.entries()[index];
        let (path, size) = (entry.path.clone(), entry.size);
        if let Some(rule @ EntryNameError::TooLong) = entry.broken_name_rule {
            let path = excerpt(&path, MAX_SHOWN_CHARS);
            let message = format!("The name {path:?} of an archive entry {rule}; rename the file.");
            return Err(WorkError::failed(FailureCode::ArchiveUnsafeName, message));
        }
        if entry.is_dir {
            return self.writer.add_folder(&path);
        }
        from.read_with(index, |reader| self.add_file(&path, size, reader))?;
        if self.writer.has_missing_content() {
            let message = format!("The archive entry {path:?} is shorter than its size.");
            return Err(WorkError::failed(FailureCode::ArchiveDamaged, message));
        }
        Ok(())
    }

    /// Finishes the archive and returns the underlying writer.
    pub fn finish(mut self) -> Result<W, WorkError> {
        self.write_entries()?;
        self.writer.finish()
    }

    /// Writes all entries, and logs how much of their content is stored.
    fn write_entries(&mut self) -> Result<(), WorkError> {
        let kept = self.writer.write_entries()?;
        if kept > 0 {
            let line =
                format!("{kept} bytes are stored, since compression does not make them smaller");
            self.progress.info(line);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "archive_builder_tests.rs"]
mod tests;
