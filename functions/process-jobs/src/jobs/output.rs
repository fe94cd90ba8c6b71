//! The package that a run builds: what it writes and copies, below its own prefix.

use shared::{files::StoredFile, job::Level, service::Reporter};

use super::Task;
use crate::{
    failure::WorkError as FileError,
    package::PackageFile,
    s3::{ObjectWriter, Store},
};

/// The folder of the run's package; for blocking work.
#[derive(Clone)]
pub(super) struct Output {
    store: Store,
    report: Reporter,
    prefix: String,
}

impl Output {
    /// The folder that the run of `task` writes to.
    pub(super) fn of(task: &Task) -> Self {
        let report = task.assignment.report.clone();
        Self { store: Store::new(&task.files, report.clone()), report, prefix: task.output_prefix() }
    }

    /// Starts a file of the package.
    pub(super) fn create(&self, path: &str) -> ObjectWriter {
        self.store.create(format!("{}{path}", self.prefix))
    }

    /// Writes a small file of the package.
    ///
    /// # Errors
    /// When S3 does not take it, or the job was stopped.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<PackageFile, FileError> {
        self.store.write(format!("{}{path}", self.prefix), bytes)?;
        let file = PackageFile::of(path, bytes);
        self.report.log(Level::Info, &format!("Wrote {path}, CRC-32 {}", file.crc32));
        Ok(file)
    }

    /// Takes a stored file into the package; S3 copies it.
    ///
    /// # Errors
    /// When it has changed, S3 does not copy it, or the job was stopped.
    pub(super) fn copy(&self, file: &StoredFile, path: &str) -> Result<(), FileError> {
        Ok(self.store.copy(file, &format!("{}{path}", self.prefix))?)
    }
}
