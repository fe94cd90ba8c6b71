//! `readnfo`: reads metadata from the NFO, and compares the files it lists with the actual files.

use jobs::{
    FailureCode, Level, ReadnfoConfig,
    release::{MAX_METADATA_BYTES, Release},
};
use release_files::{
    WorkError,
    nfo::{comparison::compare, decoded::DecodedNfo, read::read},
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{Task, blocking, counted, nfo::NfoFile, to_object};
use crate::{objects::ObjectStore, reporter::Reporter};

pub(super) async fn run(task: Task, config: &ReadnfoConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    reporter.step("read");
    let reading = Reading {
        files: NfoFile::find(&task).await?,
        objects: ObjectStore::new(&task.files, reporter.clone()),
        reporter,
        release: task.release,
        apply: config.apply,
    };
    blocking(move || reading.run()).await
}

/// The reading of an NFO in the bucket.
struct Reading {
    files: NfoFile,
    objects: ObjectStore,
    reporter: Reporter,
    release: Release,
    apply: bool,
}

impl Reading {
    fn run(self) -> Result<Completion, WorkError> {
        let name = &self.files.nfo.path;
        let bytes = self.files.read(&self.objects)?;
        let nfo = DecodedNfo::new(&bytes);
        let reading = read(&nfo.text);
        let found = to_object(&reading.metadata)?;
        let others = self.files.others.iter().map(|file| file.path.as_str());
        let compared = compare(&reading.files, others);

        let fields: Vec<&str> = found.keys().map(String::as_str).collect();
        let fields = if fields.is_empty() {
            "no metadata".to_owned()
        } else {
            fields.join(", ")
        };
        let line = format!("Read {name} ({}): {fields}", nfo.encoding.as_str());
        self.reporter.log(Level::Info, &line);
        let missing = compared.missing_files.len();
        let unexpected = compared.unexpected_files.len();
        self.log_files(reading.files.len(), missing, unexpected);

        let applied = self.apply && !found.is_empty();
        let result = json!({
            "file": name,
            "encoding": nfo.encoding.as_str(),
            "metadata": found,
            "missing_files": compared.missing_files,
            "unexpected_files": compared.unexpected_files,
            "applied": applied,
        });
        if !applied {
            return Ok(Completion::new(result));
        }
        let metadata = merge(self.release.metadata.clone(), found)?;
        Ok(Completion::with_metadata(result, self.release, metadata))
    }

    fn log_files(&self, listed: usize, missing: usize, unexpected: usize) {
        let files = counted(listed, "file");
        let line = format!("The NFO lists {files}: {missing} missing, {unexpected} unexpected");
        let level = if missing + unexpected == 0 {
            Level::Info
        } else {
            Level::Warning
        };
        self.reporter.log(level, &line);
    }
}

/// Merges the NFO's metadata into the release's, which it overrides.
fn merge(
    mut known: Map<String, Value>,
    found: Map<String, Value>,
) -> Result<Map<String, Value>, WorkError> {
    known.extend(found);
    let json = serde_json::to_string(&known).map_err(std::io::Error::from)?;
    if json.len() <= MAX_METADATA_BYTES {
        return Ok(known);
    }
    let message = "With the NFO's metadata, the release's metadata would be larger than 64 KiB.";
    Err(WorkError::failed(FailureCode::NfoTooLarge, message))
}
