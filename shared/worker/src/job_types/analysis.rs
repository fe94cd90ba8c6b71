//! `analysis`: reads a source file.

use jobs::{AnalysisConfig, FailureCode, release::cover_key};
use release_files::{
    WorkError,
    formats::{Analysis, analyze},
    isolation::Run,
};
use serde_json::Value;
use store::Completion;

use super::{
    MAX_RESULT_BYTES, Task, blocking, require_sources, result_size::fit_result, to_object,
};
use crate::{files::StoredFile, job_progress::JobProgress, objects::ObjectStore};

pub(super) async fn run(task: Task, config: &AnalysisConfig) -> Result<Completion, WorkError> {
    let sources = require_sources(task.sources().await?)?;
    let file = select_source(&task, &sources, config)?.clone();
    let path = task.source_path(&file).to_owned();
    let reporter = task.assignment.reporter.clone();
    reporter.message(&format!("Reading {path}"));
    let objects = ObjectStore::new(&task.files, reporter.clone());
    let isolation = task.isolation.clone();
    let job = &task.assignment.job;
    let cover_key = cover_key(task.release.id, job.id, job.fence);
    let analysis = blocking(move || {
        let mut progress = JobProgress::new(reporter, 1, 99);
        let run: Run = &|reader, input, progress| isolation.run(reader, input, progress);
        let mut content = objects.open(&file);
        let mut analysis = analyze(&mut content, &path, file.size, run, &mut progress)?;
        store_thumbnail(&mut analysis, &objects, &cover_key)?;
        Ok(analysis)
    });
    let analysis = analysis.await?;
    let found = analysis.structure.files.len();
    let result = Value::Object(to_object(&analysis)?);
    // A thousand long paths do not fit the result.
    let mut result = fit_result(result, MAX_RESULT_BYTES);
    let listed = result["structure"]["files"].as_array();
    if listed.is_some_and(|listed| listed.len() < found) {
        result["structure"]["files_truncated"] = Value::Bool(true);
    }
    Ok(Completion::new(result))
}

/// Writes the thumbnail of the cover into the folder of this run, where the result's reader finds it.
fn store_thumbnail(
    analysis: &mut Analysis,
    objects: &ObjectStore,
    key: &str,
) -> Result<(), WorkError> {
    let cover = analysis.cover.as_mut();
    if let Some(thumbnail) = cover.and_then(|cover| cover.thumbnail.as_mut()) {
        objects.write_expiring_jpeg(key, std::mem::take(&mut thumbnail.jpeg))?;
    }
    Ok(())
}

/// Returns the configured file, or else the only one.
fn select_source<'a>(
    task: &Task,
    sources: &'a [StoredFile],
    config: &AnalysisConfig,
) -> Result<&'a StoredFile, WorkError> {
    match (&config.path, sources) {
        (Some(path), sources) => {
            let found = path.find(sources, |file| task.source_path(file));
            found.ok_or_else(|| {
                let message = "The release has no source file with this path.";
                WorkError::failed(FailureCode::SourceMissing, message)
            })
        }
        (None, [only]) => Ok(only),
        (None, _) => {
            let message = "The release has several source files. Name one in `path`.";
            Err(WorkError::failed(FailureCode::SourceAmbiguous, message))
        }
    }
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
