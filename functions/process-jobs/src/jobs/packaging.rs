//! `packaging`: builds the release: archive, NFO, DIZ, SFV.

use std::io;

use serde_json::{Map, Value, json};
use shared::{
    files::StoredFile,
    job::{Level, PackagingConfig},
    service::{Reporter, WorkError},
    store::Completion,
};

use super::{
    Task, blocking,
    build::{Build, Named},
    some,
};
use crate::{failure::WorkError as FileError, formats::analyse, monitor::Monitor, package::build_name, s3::Store};

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let (seen, keep) = (task.release.clone(), task.keep);
    let report = task.assignment.report.clone();
    let sources = some(task.sources().await?)?;
    let store = Store::new(&task.files, report.clone());
    let packaging = Packaging { task, sources, config, report, store };
    let result = blocking(move || packaging.run()).await?;
    Ok(Completion::with_package(result, seen, keep))
}

/// A release that is being packaged.
struct Packaging {
    task: Task,
    sources: Vec<StoredFile>,
    config: PackagingConfig,
    report: Reporter,
    store: Store,
}

impl Packaging {
    fn run(self) -> Result<Value, FileError> {
        self.report.step("metadata");
        let metadata = self.metadata()?;
        let group = self.task.group(&self.config);
        let release_name = match &self.config.release_name {
            Some(name) => name.clone(),
            None => build_name(&metadata, self.task.release.name.as_deref(), group)?,
        };
        let count = self.sources.len();
        self.report.log(Level::Info, &format!("Packaging {count} files as {release_name}"));
        let total = self.sources.iter().map(|file| file.size).sum();
        let mut build = Build::of(&self.task, self.config.clone());
        build.archive(&release_name, (20, total), |filling| {
            for (file, at) in self.sources.iter().zip(1..) {
                filling.file(self.task.source_path(file), file.size, &mut self.store.open(file))?;
                self.report.message(&format!("Compressed {at} of {count} files"));
            }
            Ok(())
        })?;
        build.finish(&Named { release_name: &release_name, group, metadata: &metadata })
    }

    /// What is known of the work: the release's metadata or, without a title there, what the
    /// first source file says.
    fn metadata(&self) -> Result<Map<String, Value>, FileError> {
        let known = self.task.release.metadata.clone();
        let Some(file) = self.sources.first().filter(|_| !known.contains_key("title")) else { return Ok(known) };
        let mut watch = Monitor::new(self.report.clone(), 1, 20);
        let path = self.task.source_path(file);
        let found = analyse(&mut self.store.open(file), path, file.size, &mut watch)?;
        let mut metadata = match serde_json::to_value(found.metadata).map_err(io::Error::other)? {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        };
        metadata.insert("format".to_owned(), json!(found.mediainfo.format));
        metadata.extend(known);
        Ok(metadata)
    }
}
