//! The work of the job types, one module each, and the worker that selects among them.

mod analysis;
mod book_source;
mod build;
#[cfg(test)]
mod cancel_tests;
mod checkpoint;
#[cfg(test)]
mod checkpoint_tests;
mod current_package;
mod dirfix;
#[cfg(test)]
mod hostile_files;
#[cfg(test)]
mod hostile_inputs;
#[cfg(test)]
mod hostile_tests;
mod nfo;
mod nfofix;
mod output;
#[cfg(test)]
mod ownership_tests;
mod packaging;
mod readnfo;
mod repack;
#[cfg(test)]
mod request_tests;
mod result_size;
#[cfg(test)]
mod sweep_tests;
#[cfg(test)]
mod test_harness;
mod time_budget;

use std::{io, time::Duration};

use aws::AwsError;
use jobs::{
    Config, FailureCode, Job, PackagingConfig,
    release::{MAX_SOURCES, Release, group_of, output_prefix, source_prefix},
};
use release_files::WorkError;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Completion, Store};

use self::{current_package::PackagedFile, result_size::fit_result};
use crate::{
    files::{Files, StoredFile},
    isolation::Isolation,
    work::{Assignment, Work},
};

/// Maximum size of a result, in bytes of JSON. With its keys it fits an item of 400 KB (Amazon
/// DynamoDB Developer Guide, "Quotas").
const MAX_RESULT_BYTES: usize = 384 * 1024;

/// Does the work of every job type.
pub struct Worker {
    store: Store,
    files: Files,
    package_retention: Duration,
    isolation: Isolation,
}

/// The input of a job type.
struct Task {
    assignment: Assignment,
    release: Release,
    files: Files,
    /// Retention of the package that this job replaces.
    package_retention: Duration,
    isolation: Isolation,
}

impl Task {
    /// Lists the release's source files, sorted by name. The list may be empty.
    async fn sources(&self) -> Result<Vec<StoredFile>, WorkError> {
        let prefix = source_prefix(self.release.id);
        let sources = self.files.list(&prefix, MAX_SOURCES + 1).await;
        let sources = sources.map_err(io::Error::other)?;
        if sources.len() > MAX_SOURCES {
            let message = format!("The release has more than {MAX_SOURCES} source files.");
            return Err(WorkError::failed(FailureCode::TooManySources, message));
        }
        Ok(sources)
    }

    /// Lists the release's source files with their paths.
    async fn sources_with_paths(&self) -> Result<Vec<PackagedFile>, WorkError> {
        let with_path = |file: StoredFile| PackagedFile {
            path: self.source_path(&file).to_owned(),
            file,
        };
        Ok(self.sources().await?.into_iter().map(with_path).collect())
    }

    /// Returns the path of a source file below its release.
    fn source_path<'a>(&self, file: &'a StoredFile) -> &'a str {
        let prefix = source_prefix(self.release.id);
        file.key.strip_prefix(&prefix).unwrap_or(&file.key)
    }

    /// Returns the group of a package: the configured one, or else the one in the configured name,
    /// or else the release's.
    fn group<'a>(&'a self, config: &'a PackagingConfig) -> &'a str {
        let named = config.release_name.as_deref().and_then(group_of);
        let group = config.group.as_deref().or(named);
        group.or(self.release.group.as_deref()).unwrap_or("NOGRP")
    }
}

/// Completes the release's metadata with what a file says, field by field. The release wins; a field
/// that is null or empty says nothing.
fn completed(known: Map<String, Value>, mut found: Map<String, Value>) -> Map<String, Value> {
    // Both name the authors.
    if known.get("author").is_some_and(says_something) {
        found.remove("authors");
    }
    found.extend(known.into_iter().filter(|(_, value)| says_something(value)));
    found
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

/// Returns whether metadata has every field that an NFO shows, so that no file needs to be read.
fn is_complete(metadata: &Map<String, Value>) -> bool {
    let says = |field: &str| metadata.get(field).is_some_and(says_something);
    let fields = ["title", "publisher", "year", "language", "isbn", "format"];
    fields.into_iter().all(says) && (says("authors") || says("author"))
}

/// Returns the source files, or fails if there are none.
fn require_sources<T>(sources: Vec<T>) -> Result<Vec<T>, WorkError> {
    if sources.is_empty() {
        let message = "The release has no source files. Upload one first.";
        return Err(WorkError::failed(FailureCode::SourceMissing, message));
    }
    Ok(sources)
}

impl Worker {
    /// Works on the releases in `store`, whose files are in `files`. Keeps replaced packages for
    /// `package_retention`. The readers of untrusted files run by `isolation`.
    #[must_use]
    pub const fn new(
        store: Store,
        files: Files,
        package_retention: Duration,
        isolation: Isolation,
    ) -> Self {
        Self {
            store,
            files,
            package_retention,
            isolation,
        }
    }

    async fn task(&self, assignment: Assignment) -> Result<Task, WorkError> {
        let missing = || {
            let message = "The job names no release, or a release that does not exist.";
            WorkError::failed(FailureCode::ReleaseMissing, message)
        };
        let id = assignment.job.release_id.ok_or_else(missing)?;
        let release = self.store.release(id).await.map_err(io::Error::other)?;
        let release = release.ok_or_else(missing)?;
        // Checked when the job was created, but maybe by an earlier version.
        if !assignment.job.may_work_on(&release) {
            let message = "The release belongs to another user.";
            return Err(WorkError::failed(FailureCode::ReleaseForbidden, message));
        }
        Ok(Task {
            assignment,
            release,
            files: self.files.clone(),
            package_retention: self.package_retention,
            isolation: self.isolation.clone(),
        })
    }
}

impl Work for Worker {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        let config = assignment.config.clone();
        let task = self.task(assignment).await?;
        let mut completion = match config {
            Config::Analysis(config) => analysis::run(task, &config).await,
            Config::Packaging(config) => packaging::run(task, config).await,
            Config::Nfofix(config) => nfofix::run(task, &config).await,
            Config::Readnfo(config) => readnfo::run(task, &config).await,
            Config::Repack(config) => repack::run(task, config).await,
            Config::Dirfix(config) => dirfix::run(task, &config).await,
        }?;
        completion.result = fit_result(completion.result, MAX_RESULT_BYTES);
        Ok(completion)
    }

    async fn clean_up(&self, job: &Job) -> Result<(), AwsError> {
        let Some(release) = job.release_id else {
            return Ok(());
        };
        let prefix = output_prefix(release, job.id, job.fence);
        self.files.delete_all_but(&prefix, None).await.map(drop)
    }
}

/// Serializes a value as a JSON object.
fn to_object(value: &impl Serialize) -> Result<Map<String, Value>, WorkError> {
    match serde_json::to_value(value).map_err(io::Error::from)? {
        Value::Object(object) => Ok(object),
        _ => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
    }
}

/// Formats a count with its noun: `1 file`, `2 files`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Runs blocking work on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkError> + Send + 'static,
) -> Result<T, WorkError> {
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error).into()),
    }
}
