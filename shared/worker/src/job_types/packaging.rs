//! `packaging`: builds the release: archive, NFO, DIZ, SFV.

use std::io;

use jobs::{Level, PackagingConfig};
use release_files::{
    failure::WorkError as FileError,
    formats::analyse,
    package::{build_name, filling::Filling},
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{
    Task,
    build::{Build, Built, Writer, in_runs},
    checkpoint::Checkpoints,
    pace::{Pace, Position},
    some,
};
use crate::{
    files::StoredFile,
    service::{Reporter, WorkError},
};
use crate::{monitor::Monitor, objects::Store};

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    let sources = some(task.sources().await?)?;
    let store = Store::new(&task.files, report.clone());
    in_runs(task, &sources.clone(), move |task, checkpoints| {
        Packaging {
            task,
            sources,
            config,
            report,
            store,
        }
        .run(checkpoints)
    })
    .await
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
    fn run(self, checkpoints: Checkpoints) -> Result<Option<Built>, FileError> {
        self.report.step("metadata");
        let metadata = self.metadata()?;
        let group = self.task.group(&self.config);
        let release_name = match &self.config.release_name {
            Some(name) => name.clone(),
            None => build_name(&metadata, self.task.release.name.as_deref(), group)?,
        };
        let count = self.sources.len();
        self.report.log(
            Level::Info,
            &format!("Packaging {count} files as {release_name}"),
        );
        let total = self.sources.iter().map(|file| file.size).sum();
        let mut build = Build::of(&self.task, self.config.clone(), &release_name, checkpoints)?;
        if !build.archive(20, (count, total), |filling, from| self.fill(filling, from))? {
            return Ok(None);
        }
        build.finish(group, &metadata).map(Some)
    }

    /// Adds the source files after `from`; gives how far it came where the time does not allow the
    /// next one.
    fn fill(
        &self,
        filling: &mut Filling<'_, Writer>,
        from: Position,
    ) -> Result<Option<Position>, FileError> {
        let (pace, mut at) = (Pace::new(&self.report, from), from);
        for file in &self.sources[from.files..] {
            if !pace.allows(at, file.size) {
                return Ok(Some(at));
            }
            filling.file(
                self.task.source_path(file),
                file.size,
                &mut self.store.open(file),
            )?;
            at = at.after(file.size);
            self.report.message(&format!(
                "Compressed {} of {} files",
                at.files,
                self.sources.len()
            ));
        }
        Ok(None)
    }

    /// What is known of the work: the release's metadata or, without a title there, what the
    /// first source file says.
    fn metadata(&self) -> Result<Map<String, Value>, FileError> {
        let known = self.task.release.metadata.clone();
        let Some(file) = self
            .sources
            .first()
            .filter(|_| !known.contains_key("title"))
        else {
            return Ok(known);
        };
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
