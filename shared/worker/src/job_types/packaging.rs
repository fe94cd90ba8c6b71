//! `packaging`: builds the release's package: archive, NFO, DIZ, SFV.

use jobs::{Level, PackagingConfig, release::MAX_METADATA_BYTES};
use release_files::{
    WorkError,
    formats::read_metadata,
    isolation::Run,
    package::{archive_builder::ArchiveBuilder, build_release_name},
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{
    Task,
    build::{ArchiveVolumes, BuiltPackage, PackageBuild, build_package},
    checkpoint::Checkpoints,
    completed, counted, is_complete, require_sources,
    result_size::fit,
    says_something,
    time_budget::{PackProgress, TimeBudget},
    to_object,
};
use crate::{
    files::StoredFile, job_progress::JobProgress, objects::ObjectStore, reporter::Reporter,
};

/// Progress once the metadata is known, in percent.
const METADATA_READ: u8 = 20;

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    let sources = require_sources(task.sources().await?)?;
    let objects = ObjectStore::new(&task.files, reporter.clone());
    build_package(task, &sources.clone(), move |task, checkpoints| {
        let packaging = Packaging {
            task,
            sources,
            config,
            reporter,
            objects,
        };
        packaging.run(checkpoints)
    })
    .await
}

/// The packaging of one release.
struct Packaging {
    task: Task,
    sources: Vec<StoredFile>,
    config: PackagingConfig,
    reporter: Reporter,
    objects: ObjectStore,
}

impl Packaging {
    fn run(self, checkpoints: Checkpoints) -> Result<BuiltPackage, WorkError> {
        self.reporter.step("metadata");
        let metadata = self.metadata()?;
        let group = self.task.group(&self.config);
        let release_name = match &self.config.release_name {
            Some(name) => name.clone(),
            None => build_release_name(&metadata, self.task.release.name.as_deref(), group)?,
        };
        let count = self.sources.len();
        let files = counted(count, "file");
        let line = format!("Packaging {files} as {release_name}");
        self.reporter.log(Level::Info, &line);
        let total = self.sources.iter().map(|file| file.size).sum();
        let config = self.config.clone();
        let mut build = PackageBuild::new(&self.task, config, &release_name, checkpoints)?;
        build.write_archive(METADATA_READ, (count, total), |archive, start| {
            self.fill(archive, start)
        })?;
        build.finish(group, &metadata)
    }

    /// Adds the source files after `start`. Returns the progress reached if there is no time for
    /// the next file, and `None` at the end.
    fn fill(
        &self,
        archive: &mut ArchiveBuilder<'_, ArchiveVolumes>,
        start: PackProgress,
    ) -> Result<Option<PackProgress>, WorkError> {
        let budget = TimeBudget::new(&self.reporter, start);
        let mut progress = start;
        for file in &self.sources[start.files..] {
            if !budget.has_time_for(file.size, progress) {
                return Ok(Some(progress));
            }
            let path = self.task.source_path(file);
            archive.add_file(path, file.size, &mut self.objects.open(file))?;
            progress = progress.after(file.size);
            let count = self.sources.len();
            let message = format!("Compressed {} of {count} files", progress.files);
            self.reporter.message(&message);
        }
        Ok(None)
    }

    /// Returns the metadata of the work: the release's, completed from the first source file. That
    /// file must be readable only if the release has no title.
    fn metadata(&self) -> Result<Map<String, Value>, WorkError> {
        let known = self.task.release.metadata.clone();
        let Some(file) = self.sources.first().filter(|_| !is_complete(&known)) else {
            return Ok(completed(known, Map::new()));
        };
        match self.read_metadata(file) {
            Ok(found) => Ok(completed(known, found)),
            Err(WorkError::Failed(failure)) if known.get("title").is_some_and(says_something) => {
                let (path, why) = (self.task.source_path(file), failure.log_line());
                let line = format!("The metadata of {path} is not used: {why}");
                self.reporter.log(Level::Warning, &line);
                Ok(known)
            }
            Err(error) => Err(error),
        }
    }

    fn read_metadata(&self, file: &StoredFile) -> Result<Map<String, Value>, WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), 1, METADATA_READ);
        let path = self.task.source_path(file);
        let mut content = self.objects.open(file);
        let isolation = &self.task.isolation;
        let run: Run = &|reader, input, progress| isolation.run(reader, input, progress);
        let (metadata, format) = read_metadata(&mut content, path, file.size, run, &mut progress)?;
        let mut found = to_object(&metadata)?;
        found.insert("format".to_owned(), json!(format));
        // The NFO shows them.
        fit(&mut found, MAX_METADATA_BYTES);
        Ok(found)
    }
}
