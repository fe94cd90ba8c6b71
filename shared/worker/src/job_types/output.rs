//! The package that a run builds: what it writes and copies, below its own prefix.

use jobs::{Level, release::output_prefix};
use release_files::{failure::WorkError as FileError, package::PackageFile};

use super::Task;
use crate::objects::{ObjectWriter, Store, UploadState};
use crate::{files::StoredFile, service::Reporter};

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
        Self::of_run(task, task.assignment.job.fence)
    }

    /// The folder of the run of `task`'s job that has this fence: its own, or that of an earlier
    /// one, whose package it goes on with.
    pub(super) fn of_run(task: &Task, fence: u32) -> Self {
        let report = task.assignment.report.clone();
        let prefix = output_prefix(task.release.id, task.assignment.job.id, fence);
        Self {
            store: Store::new(&task.files, report.clone()),
            report,
            prefix,
        }
    }

    /// Starts a file of the package.
    pub(super) fn create(&self, path: &str) -> ObjectWriter {
        self.store.create(format!("{}{path}", self.prefix))
    }

    /// Goes on with a file of the package that was put down.
    pub(super) fn take_up(
        &self,
        path: &str,
        upload: Option<UploadState>,
        unsent: Vec<u8>,
    ) -> ObjectWriter {
        self.store
            .take_up(format!("{}{path}", self.prefix), upload, unsent)
    }

    /// Writes a small file of the package.
    ///
    /// # Errors
    /// When S3 does not take it, or the job was stopped.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<PackageFile, FileError> {
        self.store.write(format!("{}{path}", self.prefix), bytes)?;
        let file = PackageFile::of(path, bytes);
        self.report
            .log(Level::Info, &format!("Wrote {path}, CRC-32 {}", file.crc32));
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
