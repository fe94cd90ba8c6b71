//! `readnfo`: reads the NFO back into metadata, and compares the files it lists with those there.

use jobs::{Level, ReadnfoConfig, release::MAX_METADATA_BYTES};
use release_files::{
    failure::{WorkError as FileError, code},
    nfo::{listing::compare, read::read},
};
use serde_json::{Map, Value, json};
use store::Completion;
use text::encoding::{decode, detect};

use super::{
    Task, blocking,
    nfo::{NfoFile, bounded},
};
use crate::objects::Store;
use crate::service::WorkError;

pub(super) async fn run(task: Task, config: &ReadnfoConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    report.step("read");
    let files = NfoFile::find(&task).await?;
    let (store, apply, release) = (
        Store::new(&task.files, report.clone()),
        config.apply,
        task.release,
    );
    blocking(move || {
        let name = &files.nfo.path;
        let bytes = files.read(&store)?;
        let encoding = detect(&bytes);
        let reading = read(&decode(&bytes, encoding));
        let Value::Object(found) =
            serde_json::to_value(&reading.metadata).map_err(std::io::Error::other)?
        else {
            return Err(FileError::Io(std::io::ErrorKind::InvalidData.into()));
        };
        let compared = compare(
            &reading.files,
            files.others.iter().map(|file| file.path.as_str()),
        );
        let fields: Vec<&str> = found.keys().map(String::as_str).collect();
        report.log(
            Level::Info,
            &format!("Read {name} ({}): {}", encoding.name(), listed(&fields)),
        );
        let (missing, unexpected) = (
            compared.missing_files.len(),
            compared.unexpected_files.len(),
        );
        let line = format!(
            "It lists {} files: {missing} missing, {unexpected} unexpected",
            reading.files.len()
        );
        report.log(
            if missing + unexpected == 0 {
                Level::Info
            } else {
                Level::Warning
            },
            &line,
        );
        let applied = apply && !found.is_empty();
        let result = bounded(json!({
            "file": name,
            "encoding": encoding.name(),
            "metadata": found,
            "missing_files": compared.missing_files,
            "unexpected_files": compared.unexpected_files,
            "applied": applied,
        }))?;
        if !applied {
            return Ok(Completion::of(result));
        }
        let metadata = merged(release.metadata.clone(), found)?;
        Ok(Completion::with_metadata(result, release, metadata))
    })
    .await
}

fn listed(fields: &[&str]) -> String {
    if fields.is_empty() {
        "nothing is known from it".to_owned()
    } else {
        fields.join(", ")
    }
}

/// What the release knew, and over it what the NFO says.
fn merged(
    mut known: Map<String, Value>,
    found: Map<String, Value>,
) -> Result<Map<String, Value>, FileError> {
    known.extend(found);
    let size = serde_json::to_string(&known)
        .map_err(std::io::Error::other)?
        .len();
    if size <= MAX_METADATA_BYTES {
        return Ok(known);
    }
    let sentence = "With what the NFO says, the release's metadata would have more than 64 KiB";
    Err(FileError::failed(code::NFO_TOO_LARGE, sentence))
}
