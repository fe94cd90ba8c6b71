//! The NFO that a job works on: the current package's, or a source file if there is no package.

use jobs::FailureCode;
use release_files::{WorkError, nfo::repair::check_size, paths::has_extension};
use serde_json::Value;

use super::{
    MAX_RESULT_BYTES, Task,
    current_package::{CurrentPackage, PackagedFile},
};
use crate::objects::ObjectStore;

/// An NFO and the other files.
pub(super) struct NfoFile {
    /// The NFO.
    pub nfo: PackagedFile,
    /// The other files, sorted by name.
    pub others: Vec<PackagedFile>,
    /// `true` if the NFO is part of the current package, `false` if it is a source file.
    pub is_packaged: bool,
}

impl NfoFile {
    /// Finds the NFO of a release.
    pub(super) async fn find(task: &Task) -> Result<Self, WorkError> {
        let current = CurrentPackage::find(task).await?;
        let (mut files, at) = if let Some(current) = &current {
            let nfo = current.nfo();
            let at = nfo.and_then(|nfo| current.files.iter().position(|file| file == nfo));
            (current.files_with_paths(), at)
        } else {
            let files = task.sources_with_paths().await?;
            let at = only_nfo(&files)?;
            (files, at)
        };
        let is_packaged = current.is_some();
        let at = at.ok_or_else(|| {
            let place = if is_packaged {
                "current package"
            } else {
                "source files"
            };
            let message = format!("There is no NFO in the release's {place}.");
            WorkError::failed(FailureCode::NfoMissing, message)
        })?;
        Ok(Self {
            nfo: files.remove(at),
            others: files,
            is_packaged,
        })
    }

    /// Reads the NFO.
    pub(super) fn read(&self, objects: &ObjectStore) -> Result<Vec<u8>, WorkError> {
        check_size(usize::try_from(self.nfo.file.size).unwrap_or(usize::MAX))?;
        Ok(objects.read(&self.nfo.file)?)
    }
}

/// Returns the position of the only NFO; `None` if there is no NFO.
fn only_nfo(files: &[PackagedFile]) -> Result<Option<usize>, WorkError> {
    let is_nfo = |at: &usize| has_extension(&files[*at].path, "nfo");
    let nfos: Vec<usize> = (0..files.len()).filter(is_nfo).collect();
    if nfos.len() > 1 {
        let count = nfos.len();
        let message = format!("The release's source files include {count} NFOs. Keep only one.");
        return Err(WorkError::failed(FailureCode::NfoAmbiguous, message));
    }
    Ok(nfos.first().copied())
}

/// Returns the result, or fails if it is too large to be stored.
pub(super) fn check_result_size(result: Value) -> Result<Value, WorkError> {
    if result.to_string().len() <= MAX_RESULT_BYTES {
        return Ok(result);
    }
    let message = "The result is larger than the 384 KiB that a job can store. Shorten the NFO.";
    Err(WorkError::failed(FailureCode::NfoTooLarge, message))
}
