//! The NFO that a job works on: the current package's or, without a package, the source files'.

use release_files::{
    failure::{WorkError as FileError, code},
    nfo::{listing::has_extension, repair::check_size},
};
use serde_json::Value;

use super::{
    MAX_RESULT, Task,
    current::{Current, Placed},
    failed,
};
use crate::objects::Store;
use crate::service::WorkError;

/// An NFO and the files beside it.
pub(super) struct NfoFile {
    /// The NFO.
    pub nfo: Placed,
    /// The other files, in the order of their names.
    pub others: Vec<Placed>,
    /// Whether it is the current package's, and not a source file.
    pub is_packaged: bool,
}

impl NfoFile {
    /// Finds the NFO of a release.
    pub async fn find(task: &Task) -> Result<Self, WorkError> {
        let current = Current::find(task).await?;
        let (mut files, at) = if let Some(current) = &current {
            let at = current
                .nfo()
                .and_then(|nfo| current.files.iter().position(|file| file == nfo));
            (current.placed(), at)
        } else {
            let files = task.placed_sources().await?;
            let at = only_nfo(&files)?;
            (files, at)
        };
        let at = at.ok_or_else(|| {
            let place = if current.is_some() {
                "current package"
            } else {
                "source files"
            };
            failed(
                code::NFO_MISSING,
                &format!("There is no NFO in the release's {place}"),
            )
        })?;
        Ok(Self {
            nfo: files.remove(at),
            others: files,
            is_packaged: current.is_some(),
        })
    }

    /// The NFO's bytes.
    pub fn read(&self, store: &Store) -> Result<Vec<u8>, FileError> {
        check_size(usize::try_from(self.nfo.file.size).unwrap_or(usize::MAX))?;
        Ok(store.read(&self.nfo.file)?)
    }
}

/// The place of the only NFO, where there is one.
fn only_nfo(files: &[Placed]) -> Result<Option<usize>, WorkError> {
    let mut nfos = files
        .iter()
        .enumerate()
        .filter(|(_, file)| has_extension(&file.path, "nfo"))
        .map(|(at, _)| at);
    let first = nfos.next();
    match nfos.count() {
        0 => Ok(first),
        more => {
            let sentence = format!(
                "There are {} NFOs among the release's source files; leave one",
                more + 1
            );
            Err(failed(code::NFO_AMBIGUOUS, &sentence))
        }
    }
}

/// The result, where it can be kept.
pub(super) fn bounded(result: Value) -> Result<Value, FileError> {
    if result.to_string().len() <= MAX_RESULT {
        return Ok(result);
    }
    let sentence =
        "There is more to tell of the NFO than a job's result holds (384 KiB); shorten it";
    Err(FileError::failed(code::NFO_TOO_LARGE, sentence))
}
