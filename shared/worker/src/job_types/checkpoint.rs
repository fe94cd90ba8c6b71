//! What a job that is given back before its deadline keeps for its next run: the archive of its
//! package as it stands between two files.
//!
//! Only the run that follows one which was given back goes on with it. After a crash a job begins
//! anew: the dead run may still be writing.

use std::{io, io::Read};

use jobs::{outcome, release::checkpoint_key};
use release_files::{
    failure::WorkError as FileError,
    formats::digest::{Hasher, HasherState},
    package::{PackageFile, records::Entry},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Task, of_aws, output::Output, pace::Position};
use crate::objects::{ObjectWriter, Store, UploadState};
use crate::{files::StoredFile, service::WorkError};

/// A volume of the archive on its way to the bucket.
pub(super) type Volume = (String, ObjectWriter, Hasher);

/// The archive between two files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The fence of the run that began the package, and in whose folder it is.
    pub folder: u32,
    /// How far the files are packed.
    pub position: Position,
    /// The entries of the archive.
    pub entries: Vec<Entry>,
    /// How many bytes they took.
    pub written: u64,
    /// The volumes that are done.
    pub done: Vec<PackageFile>,
    /// The volume that is not.
    current: Option<Current>,
}

/// A volume that was put down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    name: String,
    upload: Option<UploadState>,
    hasher: HasherState,
}

/// A checkpoint as its file begins.
#[derive(Serialize, Deserialize)]
struct Head<C> {
    /// The fence of the run that wrote it.
    written_by: u32,
    /// Of what it is a part: the digest of the package's name and of the files that go into it.
    of: String,
    checkpoint: C,
}

/// A checkpoint, and the bytes of the archive that no part of an upload has yet.
pub(super) struct Saved {
    pub checkpoint: Checkpoint,
    unsent: Vec<u8>,
}

impl Saved {
    /// Puts a volume down.
    pub(super) fn put_down(
        checkpoint: Checkpoint,
        current: Option<Volume>,
    ) -> Result<Self, FileError> {
        let Some((name, writer, hasher)) = current else {
            return Ok(Self {
                checkpoint,
                unsent: Vec::new(),
            });
        };
        let (upload, unsent) = writer.put_down()?;
        let current = Some(Current {
            name,
            upload,
            hasher: hasher.state(),
        });
        Ok(Self {
            checkpoint: Checkpoint {
                current,
                ..checkpoint
            },
            unsent,
        })
    }

    /// Takes the volume up that is not done.
    pub(super) fn taken_up(
        self,
        output: &Output,
    ) -> Result<(Checkpoint, Option<Volume>), FileError> {
        let Self {
            mut checkpoint,
            unsent,
        } = self;
        let Some(Current {
            name,
            upload,
            hasher,
        }) = checkpoint.current.take()
        else {
            return Ok((checkpoint, None));
        };
        let hasher =
            Hasher::of(&hasher).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let writer = output.take_up(&name, upload, unsent);
        Ok((checkpoint, Some((name, writer, hasher))))
    }
}

impl Checkpoint {
    /// The archive at `position`, in the folder of the run `folder`: its entries, the bytes that
    /// they took, and the volumes that are done.
    pub(super) fn at(
        (folder, position): (u32, Position),
        entries: Vec<Entry>,
        written: u64,
        done: Vec<PackageFile>,
    ) -> Self {
        Self {
            folder,
            position,
            entries,
            written,
            done,
            current: None,
        }
    }
}

/// Where a job keeps its checkpoint, as one of its runs sees it; for blocking work.
pub(super) struct Checkpoints {
    store: Store,
    key: String,
    fence: u32,
    /// The files that go into the package, with all that changes when they do.
    inputs: String,
    found: Option<StoredFile>,
}

impl Checkpoints {
    /// Looks for the checkpoint that the last run of `task`'s job has left, if that was given back.
    pub(super) async fn of(task: &Task, inputs: &[StoredFile]) -> Result<Self, WorkError> {
        let job = &task.assignment.job;
        let key = checkpoint_key(task.release.id, job.id);
        let last = job
            .runs
            .len()
            .checked_sub(2)
            .and_then(|at| job.runs.get(at));
        let found = if last.is_some_and(|run| run.outcome.as_deref() == Some(outcome::GIVEN_BACK)) {
            task.files
                .list(&key, 1)
                .await
                .map_err(of_aws)?
                .into_iter()
                .next()
        } else {
            None
        };
        let line = |file: &StoredFile| {
            format!(
                "{} {} {}\n",
                file.key,
                file.size,
                file.e_tag.as_deref().unwrap_or("")
            )
        };
        let store = Store::new(&task.files, task.assignment.report.clone());
        Ok(Self {
            store,
            key,
            fence: job.fence,
            inputs: inputs.iter().map(line).collect(),
            found,
        })
    }

    /// What the last run has left of a package of this name, made of the same files as they are now.
    pub(super) fn read(&self, release_name: &str) -> Result<Option<Saved>, FileError> {
        let Some(file) = &self.found else {
            return Ok(None);
        };
        let mut content = self.store.open(file);
        let mut length = [0; 8];
        content.read_exact(&mut length)?;
        let mut text = Vec::new();
        content
            .by_ref()
            .take(u64::from_le_bytes(length))
            .read_to_end(&mut text)?;
        let mut unsent = Vec::new();
        content.read_to_end(&mut unsent)?;
        let head: Head<Checkpoint> = serde_json::from_slice(&text).map_err(io::Error::from)?;
        let is_mine = head.written_by + 1 == self.fence && head.of == self.digest(release_name);
        Ok(is_mine.then_some(Saved {
            checkpoint: head.checkpoint,
            unsent,
        }))
    }

    /// Writes what the next run goes on with.
    pub(super) fn write(&self, release_name: &str, saved: &Saved) -> Result<(), FileError> {
        let head = Head {
            written_by: self.fence,
            of: self.digest(release_name),
            checkpoint: &saved.checkpoint,
        };
        let text = serde_json::to_vec(&head).map_err(io::Error::from)?;
        let content = [&(text.len() as u64).to_le_bytes()[..], &text, &saved.unsent].concat();
        Ok(self.store.write(self.key.clone(), &content)?)
    }

    fn digest(&self, release_name: &str) -> String {
        hex::encode(Sha256::digest(format!("{release_name}\n{}", self.inputs)))
    }
}
