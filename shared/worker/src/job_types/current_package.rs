//! The release's current package: its files, among them the NFO, the SFV and the archive.

use std::io;

use jobs::{
    FailureCode,
    release::{MAX_PACKAGE_FILES, output_prefix},
};
use release_files::{
    WorkError,
    package::{
        sfv::{self, MAX_SFV_BYTES, MatchedSfv},
        volume_reader::VolumeReader,
        volumes,
    },
    paths::has_extension,
};

use super::Task;
use crate::{
    files::StoredFile,
    objects::{ObjectReader, ObjectStore},
};

/// A stored file with its path in the package or among the source files.
pub(super) struct PackagedFile {
    pub path: String,
    pub file: StoredFile,
}

/// The current package.
#[derive(Debug)]
pub(super) struct CurrentPackage {
    prefix: String,
    /// Its files, sorted by name.
    pub files: Vec<StoredFile>,
}

impl CurrentPackage {
    /// Finds the current package of the task's release; `None` if it has none.
    pub(super) async fn find(task: &Task) -> Result<Option<Self>, WorkError> {
        let Some(package) = &task.release.package else {
            return Ok(None);
        };
        let prefix = output_prefix(task.release.id, package.job_id, package.fence);
        let files = task.files.list(&prefix, MAX_PACKAGE_FILES).await;
        let files = files.map_err(io::Error::other)?;
        if files.is_empty() {
            return Err(missing(
                "The files of the release's package are missing. Run packaging again.",
            ));
        }
        Ok(Some(Self { prefix, files }))
    }

    /// Like [`CurrentPackage::find`], but fails if there is no package.
    pub(super) async fn require(task: &Task) -> Result<Self, WorkError> {
        let found = Self::find(task).await?;
        found.ok_or_else(|| missing("The release has no package yet. Run packaging first."))
    }

    /// Returns the path of one of its files.
    pub(super) fn path<'a>(&self, file: &'a StoredFile) -> &'a str {
        file.key.strip_prefix(&self.prefix).unwrap_or(&file.key)
    }

    /// Returns one of its files with its path.
    pub(super) fn with_path(&self, file: &StoredFile) -> PackagedFile {
        PackagedFile {
            path: self.path(file).to_owned(),
            file: file.clone(),
        }
    }

    /// Returns its files with their paths.
    pub(super) fn files_with_paths(&self) -> Vec<PackagedFile> {
        let files = self.files.iter();
        files.map(|file| self.with_path(file)).collect()
    }

    /// Returns its NFO.
    pub(super) fn nfo(&self) -> Option<&StoredFile> {
        self.with_extension("nfo")
    }

    /// Returns its SFV.
    pub(super) fn sfv(&self) -> Option<&StoredFile> {
        self.with_extension("sfv")
    }

    /// Returns the first file with this extension, preferring the fewest folders.
    fn with_extension(&self, extension: &str) -> Option<&StoredFile> {
        let files = self.files.iter();
        files
            .filter(|file| has_extension(self.path(file), extension))
            .min_by_key(|file| self.path(file).matches('/').count())
    }

    /// Returns the stem of its archive's name, and the archive's volumes in order; `None` if there
    /// is no archive or more than one.
    ///
    /// # Errors
    /// `package_corrupt` if a volume is missing.
    pub(super) fn archive(&self) -> Result<Option<(String, Vec<StoredFile>)>, WorkError> {
        let paths: Vec<&str> = self.files.iter().map(|file| self.path(file)).collect();
        let Some(archive) = volumes::find_archive(&paths)? else {
            return Ok(None);
        };
        let positions = archive.positions.into_iter();
        let volumes = positions.map(|at| self.files[at].clone());
        Ok(Some((archive.stem, volumes.collect())))
    }
}

fn missing(message: &str) -> WorkError {
    WorkError::failed(FailureCode::PackageMissing, message)
}

/// Opens the volumes of an archive as one file.
pub(super) fn open_volumes(
    objects: &ObjectStore,
    volumes: &[StoredFile],
) -> VolumeReader<ObjectReader> {
    let (objects, volumes) = (objects.clone(), volumes.to_vec());
    let sizes: Vec<u64> = volumes.iter().map(|volume| volume.size).collect();
    VolumeReader::new(sizes, move |at| objects.open(&volumes[at]))
}

/// Reads the SFV `file` and matches its names with the `paths` of the package's files.
pub(super) fn match_sfv(
    objects: &ObjectStore,
    file: &PackagedFile,
    paths: &[&str],
) -> Result<MatchedSfv, WorkError> {
    if file.file.size > MAX_SFV_BYTES {
        let message = "The package's SFV is larger than 1 MiB.";
        return Err(WorkError::failed(FailureCode::SfvInvalid, message));
    }
    let mut matched = sfv::match_files(&objects.read(&file.file)?, paths)?;
    // Some tools list the SFV itself while they write it, with a checksum that cannot be right.
    matched.is_strict &= matched.checksums.remove(&file.path).is_none();
    Ok(matched)
}
