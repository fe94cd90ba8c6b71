//! The job types, one module each, and the registry that leads to them.

mod analysis;
mod build;
#[cfg(test)]
mod cancel_tests;
mod checkpoint;
#[cfg(test)]
mod checkpoint_tests;
mod current;
mod dirfix;
#[cfg(test)]
mod example;
#[cfg(test)]
mod hostile_tests;
mod nfo;
mod nfofix;
mod output;
mod pace;
mod packaging;
mod readnfo;
mod repack;
#[cfg(test)]
mod sweep_tests;
#[cfg(test)]
mod world;

use std::{io, time::Duration};

use aws::AwsError;
use jobs::{
    Config, Job, PackagingConfig,
    release::{MAX_SOURCES, Release, job_prefix, source_prefix},
};
use release_files::failure::{Failure, WorkError as FileError};
use store::{Completion, Store};

use self::current::Placed;
use crate::{
    files::{Files, StoredFile},
    service::{Assignment, Work, WorkError},
};

/// The largest result, in bytes of its JSON: with its keys it fits an item of `DynamoDB`'s, 400 KB
/// (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_RESULT: usize = 384 * 1024;

/// Does the work of every job type.
pub struct Worker {
    store: Store,
    files: Files,
    keep: Duration,
}

/// What a job type works on.
struct Task {
    assignment: Assignment,
    release: Release,
    files: Files,
    /// How long a package that this job replaces is kept.
    keep: Duration,
}

impl Task {
    /// The release's source files, in the order of their names; there may be none.
    async fn sources(&self) -> Result<Vec<StoredFile>, WorkError> {
        let sources = self
            .files
            .list(&source_prefix(self.release.id), MAX_SOURCES + 1)
            .await
            .map_err(of_aws)?;
        if sources.len() > MAX_SOURCES {
            return Err(failed(
                "too_many_sources",
                "The release has more than 1000 source files",
            ));
        }
        Ok(sources)
    }

    /// As [`Task::sources`], with their paths.
    async fn placed_sources(&self) -> Result<Vec<Placed>, WorkError> {
        let placed = |file: StoredFile| Placed {
            path: self.source_path(&file).to_owned(),
            file,
        };
        Ok(self.sources().await?.into_iter().map(placed).collect())
    }

    /// The path of a source file below its release.
    fn source_path<'a>(&self, file: &'a StoredFile) -> &'a str {
        let prefix = source_prefix(self.release.id);
        file.key.strip_prefix(&prefix).unwrap_or(&file.key)
    }

    /// The group whose name a package ends with: the configuration's, or else the release's.
    fn group<'a>(&'a self, config: &'a PackagingConfig) -> &'a str {
        config
            .group
            .as_deref()
            .or(self.release.group.as_deref())
            .unwrap_or("NOGRP")
    }
}

/// The source files, for work that needs one at least.
fn some<T>(sources: Vec<T>) -> Result<Vec<T>, WorkError> {
    if sources.is_empty() {
        return Err(failed(
            "source_missing",
            "The release has no source files; upload one first",
        ));
    }
    Ok(sources)
}

impl Worker {
    /// Works on the releases of `store`, whose files are in `files`; packages that are replaced
    /// are kept for `keep`.
    #[must_use]
    pub fn new(store: Store, files: Files, keep: Duration) -> Self {
        Self { store, files, keep }
    }

    async fn task(&self, assignment: Assignment) -> Result<Task, WorkError> {
        let missing = || {
            failed(
                "release_missing",
                "The job names no release, or one that does not exist",
            )
        };
        let id = assignment.job.release_id.ok_or_else(missing)?;
        let release = self
            .store
            .release(id)
            .await
            .map_err(of_aws)?
            .ok_or_else(missing)?;
        Ok(Task {
            assignment,
            release,
            files: self.files.clone(),
            keep: self.keep,
        })
    }
}

impl Work for Worker {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        match assignment.config.clone() {
            Config::Analysis(config) => analysis::run(self.task(assignment).await?, &config).await,
            Config::Packaging(config) => packaging::run(self.task(assignment).await?, config).await,
            Config::Nfofix(config) => nfofix::run(self.task(assignment).await?, &config).await,
            Config::Readnfo(config) => readnfo::run(self.task(assignment).await?, &config).await,
            Config::Repack(config) => repack::run(self.task(assignment).await?, config).await,
            Config::Dirfix(config) => dirfix::run(self.task(assignment).await?, &config).await,
        }
    }

    async fn clean_up(&self, job: &Job) -> Result<(), AwsError> {
        let Some(release) = job.release_id else {
            return Ok(());
        };
        let prefix = format!("{}{}/", job_prefix(release, job.id), job.fence);
        self.files.delete_all_but(&prefix, None).await.map(|_| ())
    }
}

fn failed(code: &str, message: &str) -> WorkError {
    WorkError::Failed(jobs::Failure::new(code, message))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn of_aws(error: AwsError) -> WorkError {
    if error.is_unavailable() {
        return WorkError::Unavailable(error.to_string());
    }
    tracing::error!(%error, "a service refused");
    WorkError::Retry(jobs::Failure::new(
        jobs::INTERNAL,
        "A service refused the job's request",
    ))
}

fn of_file(error: FileError) -> WorkError {
    match error {
        FileError::Failed(Failure { code, message }) => failed(code, &message),
        FileError::Stopped => WorkError::Stopped,
        FileError::Unavailable(error) => WorkError::Unavailable(error.to_string()),
        FileError::Io(error) => {
            tracing::warn!(%error, "a file could not be read or written");
            WorkError::Retry(jobs::Failure::new(
                "storage",
                "A file could not be read or written",
            ))
        }
    }
}

/// Runs blocking file work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, WorkError> {
    let run = tracing::Span::current();
    match tokio::task::spawn_blocking(move || run.in_scope(work)).await {
        Ok(result) => result.map_err(of_file),
        Err(error) => Err(of_file(FileError::Io(io::Error::other(error)))),
    }
}
