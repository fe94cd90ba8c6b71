//! `analysis`: reads a source file.

use jobs::AnalysisConfig;
use release_files::{failure::WorkError as FileError, formats::analyse};
use serde_json::Value;
use store::Completion;

use super::{MAX_RESULT, Task, blocking, failed, some};
use crate::service::WorkError;
use crate::{monitor::Monitor, objects::Store};

pub(super) async fn run(task: Task, config: &AnalysisConfig) -> Result<Completion, WorkError> {
    let sources = some(task.sources().await?)?;
    let file = match (&config.path, sources.as_slice()) {
        (Some(path), sources) => sources
            .iter()
            .find(|file| task.source_path(file) == path.as_str()),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(failed(
                "source_ambiguous",
                "The release has several source files; name one in \"path\"",
            ));
        }
    };
    let file = file
        .ok_or_else(|| {
            failed(
                "source_missing",
                "The release has no source file of this path",
            )
        })?
        .clone();
    let path = task.source_path(&file).to_owned();
    let report = task.assignment.report.clone();
    report.message(&format!("Reading {path}"));
    let store = Store::new(&task.files, report.clone());
    let analysis = blocking(move || {
        let mut watch = Monitor::new(report, 1, 99);
        analyse(&mut store.open(&file), &path, file.size, &mut watch)
    });
    let mut analysis = analysis.await?;
    let json = |analysis: &_| {
        serde_json::to_value(analysis)
            .map_err(|error| super::of_file(FileError::Io(std::io::Error::other(error))))
    };
    let mut result: Value = json(&analysis)?;
    // A thousand long paths are more than a job's result holds.
    while result.to_string().len() > MAX_RESULT && analysis.structure.shorten() {
        result = json(&analysis)?;
    }
    Ok(Completion::of(result))
}
