//! The release's current package: its files, and what they are to it.

use jobs::release::output_prefix;
use release_files::{
    failure::{WorkError as FileError, code},
    package::{
        joined::Joined,
        sfv::{self, Checksums, MAX_SFV},
        volumes,
    },
};

use super::{Task, failed, of_aws};
use crate::objects::{ObjectReader, Store};
use crate::{files::StoredFile, service::WorkError};

/// A stored file and its path in the package, or among the source files.
pub(super) struct Placed {
    pub path: String,
    pub file: StoredFile,
}

/// The current package.
#[derive(Debug)]
pub(super) struct Current {
    prefix: String,
    /// Its files, in the order of their names.
    pub(super) files: Vec<StoredFile>,
}

impl Current {
    /// The current package of the task's release; `None` where it has none.
    pub(super) async fn find(task: &Task) -> Result<Option<Self>, WorkError> {
        let Some(package) = &task.release.package else {
            return Ok(None);
        };
        let prefix = output_prefix(task.release.id, package.job_id, package.fence);
        let files = task
            .files
            .list(&prefix, jobs::release::MAX_PACKAGE_FILES)
            .await
            .map_err(of_aws)?;
        if files.is_empty() {
            return Err(failed(
                code::PACKAGE_MISSING,
                "The files of the release's package are gone",
            ));
        }
        Ok(Some(Self { prefix, files }))
    }

    /// As [`Current::find`], for work that needs a package.
    pub(super) async fn of(task: &Task) -> Result<Self, WorkError> {
        let missing = || {
            failed(
                code::PACKAGE_MISSING,
                "The release has no package yet; run packaging first",
            )
        };
        Self::find(task).await?.ok_or_else(missing)
    }

    /// The path of one of its files in the package.
    pub(super) fn path<'a>(&self, file: &'a StoredFile) -> &'a str {
        file.key.strip_prefix(&self.prefix).unwrap_or(&file.key)
    }

    /// Its files with their paths.
    pub(super) fn placed(&self) -> Vec<Placed> {
        let placed = |file: &StoredFile| Placed {
            path: self.path(file).to_owned(),
            file: file.clone(),
        };
        self.files.iter().map(placed).collect()
    }

    /// Its NFO.
    pub(super) fn nfo(&self) -> Option<&StoredFile> {
        self.with_extension("nfo")
    }

    /// Its SFV.
    pub(super) fn sfv(&self) -> Option<&StoredFile> {
        self.with_extension("sfv")
    }

    /// The first file of this extension: at the top before one in a folder.
    fn with_extension(&self, extension: &str) -> Option<&StoredFile> {
        let has = |file: &&StoredFile| {
            self.path(file)
                .rsplit_once('.')
                .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case(extension))
        };
        self.files
            .iter()
            .filter(has)
            .min_by_key(|file| self.path(file).matches('/').count())
    }

    /// Its archive: the stem of its name, and its volumes in their order. `None` where the
    /// package has none, or several.
    ///
    /// # Errors
    /// `package_corrupt` when a volume is missing.
    pub(super) fn archive(&self) -> Result<Option<(String, Vec<StoredFile>)>, FileError> {
        let paths: Vec<&str> = self.files.iter().map(|file| self.path(file)).collect();
        let found = volumes::find(&paths)?;
        Ok(found.map(|(stem, places)| {
            (
                stem,
                places
                    .into_iter()
                    .map(|at| self.files[at].clone())
                    .collect(),
            )
        }))
    }
}

/// Reads an archive's volumes as the one file that they are.
pub(super) fn joined(store: &Store, volumes: &[StoredFile]) -> Joined<ObjectReader> {
    Joined::new(
        volumes
            .iter()
            .map(|volume| (store.open(volume), volume.size)),
    )
}

/// What the SFV `file` says.
pub(super) fn checksums(store: &Store, file: &StoredFile) -> Result<Checksums, FileError> {
    if file.size > MAX_SFV {
        return Err(FileError::failed(
            code::SFV_INVALID,
            "The package's SFV is larger than 1 MiB",
        ));
    }
    sfv::parse(&store.read(file)?)
}
