//! The package that a run builds, in the folder of that run.

use jobs::{Level, release::output_prefix};
use release_files::{WorkError, package::PackageFile};

use super::Task;
use crate::{
    files::StoredFile,
    objects::{ObjectStore, ObjectWriter, UploadState},
    reporter::Reporter,
};

/// The folder of a run's package, for blocking work.
#[derive(Clone)]
pub(super) struct Output {
    objects: ObjectStore,
    reporter: Reporter,
    prefix: String,
}

impl Output {
    /// Opens the folder of the current run.
    pub(super) fn new(task: &Task) -> Self {
        Self::for_run(task, task.assignment.job.fence)
    }

    /// Opens the folder of the run with this `fence`: the current run, or an earlier one whose
    /// package is resumed.
    pub(super) fn for_run(task: &Task, fence: u32) -> Self {
        let reporter = task.assignment.reporter.clone();
        Self {
            objects: ObjectStore::new(&task.files, reporter.clone()),
            reporter,
            prefix: output_prefix(task.release.id, task.assignment.job.id, fence),
        }
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Starts a file of the package.
    pub(super) fn create(&self, path: &str) -> ObjectWriter {
        self.objects.create(self.key(path))
    }

    /// Resumes a suspended file of the package, given its upload and its unsent bytes.
    pub(super) fn resume(
        &self,
        path: &str,
        suspended: (Option<UploadState>, Vec<u8>),
    ) -> ObjectWriter {
        self.objects.resume(self.key(path), suspended)
    }

    /// Writes a small file of the package.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<PackageFile, WorkError> {
        self.objects.write(self.key(path), bytes)?;
        let file = PackageFile::from_bytes(path, bytes);
        let line = format!("Wrote {path}, CRC-32 {}", file.crc32);
        self.reporter.log(Level::Info, &line);
        Ok(file)
    }

    /// Renames a file of the package.
    pub(super) fn rename(&self, file: PackageFile, path: &str) -> Result<PackageFile, WorkError> {
        let stored = StoredFile {
            key: self.key(&file.path),
            size: file.size,
            last_modified: None,
            e_tag: None,
        };
        self.objects.rename(&stored, &self.key(path))?;
        Ok(PackageFile {
            path: path.to_owned(),
            ..file
        })
    }

    /// Copies stored files into the package, inside S3, each to its path. Calls `copied` with the
    /// number of files so far.
    pub(super) fn copy<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a StoredFile, &'a str)>,
        copied: impl FnMut(usize),
    ) -> Result<(), WorkError> {
        let files = files.into_iter();
        let files: Vec<_> = files.map(|(file, path)| (file, self.key(path))).collect();
        Ok(self.objects.copy_all(&files, copied)?)
    }
}
