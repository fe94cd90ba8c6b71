//! The NFO that a job works on: the current package's or, without a package, the source files'.

use std::io::Read;

use serde_json::Value;
use shared::{
    files::StoredFile,
    release::{Package, output_prefix, source_prefix},
    service::WorkError,
};

use super::{MAX_SOURCES, Task, failed, of_aws};
use crate::{
    failure::{WorkError as FileError, code},
    nfo::{listing::has_extension, repair::check_size},
    s3::Store,
};

/// The largest result, in bytes of its JSON: with its keys it fits an item of `DynamoDB`'s, 400 KB
/// (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_RESULT: usize = 384 * 1024;

/// An NFO and the files beside it.
pub(super) struct NfoFile {
    /// The NFO.
    pub file: StoredFile,
    /// The other files, in the order of their names.
    pub others: Vec<StoredFile>,
    /// The package that it belongs to; none where it is a source file.
    pub package: Option<Package>,
    prefix: String,
}

impl NfoFile {
    /// Finds the NFO of a release.
    pub async fn find(task: &Task) -> Result<Self, WorkError> {
        let (release, package) = (task.release.id, task.release.package.clone());
        let (prefix, files) = match &package {
            Some(package) => {
                let prefix = output_prefix(release, package.job_id, package.fence);
                let files = task.files.list(&prefix, MAX_SOURCES).await.map_err(of_aws)?;
                (prefix, files)
            }
            None => (source_prefix(release), task.sources.clone()),
        };
        let place = if package.is_some() { "current package" } else { "source files" };
        let (mut nfos, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| has_extension(&file.key, "nfo"));
        match (nfos.pop(), nfos.len()) {
            (Some(file), 0) => Ok(Self { file, others, package, prefix }),
            (None, _) => Err(failed(code::NFO_MISSING, &format!("There is no NFO in the release's {place}"))),
            (Some(_), more) => {
                let sentence = format!("There are {} NFOs in the release's {place}; leave one", more + 1);
                Err(failed(code::NFO_AMBIGUOUS, &sentence))
            }
        }
    }

    /// A file's name in the package, or its path among the source files.
    pub fn name<'a>(&self, file: &'a StoredFile) -> &'a str {
        file.key.strip_prefix(&self.prefix).unwrap_or(&file.key)
    }

    /// The NFO's bytes.
    pub fn read(&self, store: &Store) -> Result<Vec<u8>, FileError> {
        check_size(usize::try_from(self.file.size).unwrap_or(usize::MAX))?;
        let mut bytes = Vec::new();
        store.open(&self.file).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The result, where it can be kept.
pub(super) fn bounded(result: Value) -> Result<Value, FileError> {
    if result.to_string().len() <= MAX_RESULT {
        return Ok(result);
    }
    let sentence = "There is more to tell of the NFO than a job's result holds (384 KiB); shorten it";
    Err(FileError::failed(code::NFO_TOO_LARGE, sentence))
}
