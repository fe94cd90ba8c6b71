//! Filling an archive: with files, or with what another archive holds.

use std::io::{Read, Seek, Write};

use super::archive::ArchiveWriter;
use crate::WorkError;
use crate::{
    formats::archive::Archive,
    watch::{Tally, Watch},
};

/// An archive that is being filled.
pub struct Filling<'w, W: Write> {
    archive: ArchiveWriter<W>,
    tally: Tally<'w>,
}

impl<'w, W: Write> Filling<'w, W> {
    /// Fills `archive`, which has `done` of `total` bytes.
    pub fn new(
        archive: ArchiveWriter<W>,
        (done, total): (u64, u64),
        watch: &'w mut dyn Watch,
    ) -> Self {
        Self {
            archive,
            tally: Tally::new(watch, total).from(done),
        }
    }

    /// The archive, to be put down.
    pub fn into_archive(self) -> ArchiveWriter<W> {
        self.archive
    }

    /// Adds a file of `size` bytes.
    ///
    /// # Errors
    /// Those of [`ArchiveWriter::start`] and [`ArchiveWriter::write`], of `reader`, and
    /// [`WorkError::Stopped`].
    pub fn file(&mut self, path: &str, size: u64, reader: &mut dyn Read) -> Result<(), WorkError> {
        self.archive.start(path, size)?;
        self.tally
            .take(reader, &mut |bytes| self.archive.write(bytes))
    }

    /// Adds the entry `index` of another archive, under the same name. Its checksum is compared.
    ///
    /// # Errors
    /// As [`Filling::file`], and those of [`Archive::read_with`].
    pub fn unpacked<R: Read + Seek>(
        &mut self,
        from: &mut Archive<'_, R>,
        index: usize,
    ) -> Result<(), WorkError> {
        let entry = &from.entries()[index];
        let (path, size) = (entry.path.clone(), entry.size);
        if entry.is_dir {
            self.archive.folder(&path)
        } else {
            from.read_with(index, |reader| self.file(&path, size, reader))
        }
    }

    /// Ends the archive and gives its writer back.
    ///
    /// # Errors
    /// Those of [`ArchiveWriter::finish`].
    pub fn finish(self) -> Result<W, WorkError> {
        self.archive.finish()
    }
}

#[cfg(test)]
#[path = "filling_tests.rs"]
mod tests;
