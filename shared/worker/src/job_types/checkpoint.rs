//! The checkpoint of a suspended job: the archive of its package between two files.
//!
//! Only the run right after a suspended one resumes from it. After a crash the job starts over,
//! since the dead run may still be writing.

use std::io::{self, Read, Write};

use jobs::{RunOutcome, release::checkpoint_key};
use release_files::{
    WorkError,
    checksum::{Hasher, HasherState},
    package::{PackageFile, zip_headers::WrittenEntry},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Task, output::Output, time_budget::PackProgress};
use crate::{
    files::StoredFile,
    objects::{ObjectStore, ObjectWriter, UploadState},
};

/// The volume being written: its name, its object, and the digests of its bytes.
pub(super) type OpenVolume = (String, ObjectWriter, Hasher);

/// The archive between two files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The fence of the run that began the package, in whose folder it is.
    pub begun_by: u32,
    /// The packing progress.
    pub progress: PackProgress,
    /// The entries of the archive.
    pub entries: Vec<WrittenEntry>,
    /// The size of the entries in bytes.
    pub written: u64,
    /// The finished volumes.
    pub finished: Vec<PackageFile>,
    /// The unfinished volume.
    suspended: Option<SuspendedVolume>,
}

/// An unfinished volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SuspendedVolume {
    name: String,
    upload: Option<UploadState>,
    hasher: HasherState,
}

/// The header of a checkpoint's file.
#[derive(Serialize, Deserialize)]
struct Header<C> {
    /// The fence of the run that wrote it.
    written_by: u32,
    /// The digest of the package's name and its input files.
    inputs_digest: String,
    checkpoint: C,
}

/// A checkpoint, and the bytes of the archive that are not uploaded yet.
pub(super) struct SavedArchive {
    pub checkpoint: Checkpoint,
    unsent: Vec<u8>,
}

impl SavedArchive {
    /// Suspends the open volume of an archive.
    pub(super) fn suspend(
        mut checkpoint: Checkpoint,
        open: Option<OpenVolume>,
    ) -> Result<Self, WorkError> {
        let mut unsent = Vec::new();
        if let Some((name, writer, hasher)) = open {
            let upload;
            (upload, unsent) = writer.suspend()?;
            checkpoint.suspended = Some(SuspendedVolume {
                name,
                upload,
                hasher: hasher.state(),
            });
        }
        Ok(Self { checkpoint, unsent })
    }

    /// Resumes the open volume.
    pub(super) fn resume(
        mut self,
        output: &Output,
    ) -> Result<(Checkpoint, Option<OpenVolume>), WorkError> {
        let Some(volume) = self.checkpoint.suspended.take() else {
            return Ok((self.checkpoint, None));
        };
        let SuspendedVolume {
            name,
            upload,
            hasher,
        } = volume;
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let hasher = Hasher::from_state(&hasher).ok_or_else(invalid)?;
        let writer = output.resume(&name, (upload, self.unsent));
        Ok((self.checkpoint, Some((name, writer, hasher))))
    }
}

impl Checkpoint {
    /// Creates the checkpoint of an archive at `progress`, begun by the run with the fence
    /// `begun_by`: its entries, their size in bytes, and the finished volumes.
    pub(super) const fn new(
        (begun_by, progress): (u32, PackProgress),
        entries: Vec<WrittenEntry>,
        written: u64,
        finished: Vec<PackageFile>,
    ) -> Self {
        Self {
            begun_by,
            progress,
            entries,
            written,
            finished,
            suspended: None,
        }
    }
}

/// The checkpoint file of a job, as one of its runs uses it in blocking work.
pub(super) struct Checkpoints {
    objects: ObjectStore,
    key: String,
    fence: u32,
    /// The input files: key, size and `ETag` of each.
    inputs: String,
    found: Option<StoredFile>,
}

impl Checkpoints {
    /// Finds the checkpoint of the previous run of `task`'s job, if that run gave the job back.
    pub(super) async fn find(task: &Task, inputs: &[StoredFile]) -> Result<Self, WorkError> {
        let job = &task.assignment.job;
        let key = checkpoint_key(task.release.id, job.id);
        let previous = job.runs.iter().rev().nth(1);
        let was_given_back =
            previous.is_some_and(|run| run.outcome() == Some(RunOutcome::GivenBack));
        let found = if was_given_back {
            let listed = task.files.list(&key, 1).await;
            listed.map_err(io::Error::other)?.into_iter().next()
        } else {
            None
        };
        let line = |file: &StoredFile| {
            let e_tag = file.e_tag.as_deref().unwrap_or("");
            format!("{} {} {e_tag}\n", file.key, file.size)
        };
        Ok(Self {
            objects: ObjectStore::new(&task.files, task.assignment.reporter.clone()),
            key,
            fence: job.fence,
            inputs: inputs.iter().map(line).collect(),
            found,
        })
    }

    /// Reads the archive that the previous run saved, if its name and its input files are the same.
    pub(super) fn read(&self, release_name: &str) -> Result<Option<SavedArchive>, WorkError> {
        let Some(file) = &self.found else {
            return Ok(None);
        };
        let mut content = self.objects.open_whole(file);
        let mut length = [0; 8];
        content.read_exact(&mut length)?;
        let mut text = Vec::new();
        content
            .by_ref()
            .take(u64::from_le_bytes(length))
            .read_to_end(&mut text)?;
        let mut unsent = Vec::new();
        content.read_to_end(&mut unsent)?;
        let header: Header<Checkpoint> = serde_json::from_slice(&text).map_err(io::Error::from)?;
        let is_from_last_run = header.written_by + 1 == self.fence;
        let is_resumable = is_from_last_run && header.inputs_digest == self.digest(release_name);
        Ok(is_resumable.then_some(SavedArchive {
            checkpoint: header.checkpoint,
            unsent,
        }))
    }

    /// Saves an archive for the next run.
    pub(super) fn write(&self, release_name: &str, saved: &SavedArchive) -> Result<(), WorkError> {
        let header = Header {
            written_by: self.fence,
            inputs_digest: self.digest(release_name),
            checkpoint: &saved.checkpoint,
        };
        let text = serde_json::to_vec(&header).map_err(io::Error::from)?;
        let length = (text.len() as u64).to_le_bytes();
        let parts = [&length[..], &text, &saved.unsent];
        let mut file = self.objects.create(self.key.clone());
        for part in parts {
            file.write_all(part)?;
        }
        Ok(file.finish()?)
    }

    fn digest(&self, release_name: &str) -> String {
        hex::encode(Sha256::digest(format!("{release_name}\n{}", self.inputs)))
    }
}
