//! `packaging`: builds the release: archive, NFO, DIZ, SFV.

use std::io::{self, Read, Write};

use serde_json::{Map, Value, json};
use shared::{
    files::StoredFile,
    job::{Level, PackagingConfig},
    service::{Reporter, WorkError},
    store::Completion,
};

use super::{Task, blocking, output::Output};
use crate::{
    failure::WorkError as FileError,
    formats::analyse,
    monitor::Monitor,
    package::{
        Facts, PackageFile,
        archive::ArchiveWriter,
        build_name, diz, nfo,
        sfv::{self, Checksums},
        volumes::{Finish, Volumes},
    },
    s3::{ObjectWriter, Store},
    watch::Watch,
};

impl Finish for ObjectWriter {
    fn finish(self) -> io::Result<()> {
        Self::finish(self)
    }
}

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let (release, from) = (task.release.id, task.release.package.clone());
    let report = task.assignment.report.clone();
    let sources = task.some_sources().await?;
    let store = Store::new(&task.files, report.clone());
    let output = Output::of(&task);
    let build = Build { task, sources, config, report, store, output, files: Vec::new() };
    let result = blocking(move || build.package()).await?;
    Ok(Completion::with_package(result, release, from))
}

/// A package that is being built.
struct Build {
    task: Task,
    sources: Vec<StoredFile>,
    config: PackagingConfig,
    report: Reporter,
    store: Store,
    output: Output,
    files: Vec<PackageFile>,
}

impl Build {
    fn package(mut self) -> Result<Value, FileError> {
        self.report.step("metadata");
        let metadata = self.metadata()?;
        let release_name = self.release_name(&metadata)?;
        self.report.log(Level::Info, &format!("Packaging {} files as {release_name}", self.sources.len()));
        self.archive(&release_name)?;
        let facts =
            Facts::new(&release_name, self.group(), &metadata, &self.files, self.task.assignment.job.created_at());
        if self.config.generate_nfo {
            let text = nfo::render(&facts, self.config.template.as_deref())?;
            self.write("nfo", &format!("{release_name}.nfo"), text.as_bytes())?;
        }
        if self.config.generate_diz {
            self.write("diz", "FILE_ID.DIZ", diz::render(&facts).as_bytes())?;
        }
        if self.config.generate_sfv {
            let checksums: Checksums = self.files.iter().map(|file| (file.path.clone(), file.crc32_value)).collect();
            let text = sfv::render(&checksums);
            self.write("sfv", &format!("{release_name}.sfv"), text.as_bytes())?;
        }
        let total_size: u64 = self.files.iter().map(|file| file.size).sum();
        self.report.log(Level::Info, &format!("{} files, {total_size} bytes", self.files.len()));
        Ok(json!({ "release_name": release_name, "files": self.files, "total_size": total_size }))
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

    fn group(&self) -> &str {
        self.config.group.as_deref().or(self.task.release.group.as_deref()).unwrap_or("NOGRP")
    }

    fn release_name(&self, metadata: &Map<String, Value>) -> Result<String, FileError> {
        match &self.config.release_name {
            Some(name) => Ok(name.clone()),
            None => build_name(metadata, self.task.release.name.as_deref(), self.group()),
        }
    }

    fn archive(&mut self, release_name: &str) -> Result<(), FileError> {
        let mut watch = Monitor::new(self.report.clone(), 20, 95);
        watch.step("archive");
        let output = self.output.clone();
        let create = move |name: &str| output.create(name);
        let volumes = Volumes::new(&format!("{release_name}.zip"), self.config.volume_size, create);
        let mut archive = ArchiveWriter::new(volumes, self.config.compression);
        let total: u64 = self.sources.iter().map(|file| file.size).sum();
        let mut done = 0;
        for (at, file) in self.sources.iter().enumerate() {
            done = self.add(&mut archive, file, done, total, &mut watch)?;
            let count = self.sources.len();
            self.report.message(&format!("Compressed {} of {count} files", at + 1));
        }
        self.files = archive.finish()?.finish()?;
        Ok(())
    }

    fn add<W: Write>(
        &self,
        archive: &mut ArchiveWriter<W>,
        file: &StoredFile,
        mut done: u64,
        total: u64,
        watch: &mut Monitor,
    ) -> Result<u64, FileError> {
        archive.start(self.task.source_path(file), file.size)?;
        let (mut source, mut buffer) = (self.store.open(file), vec![0; 256 * 1024]);
        loop {
            watch.stopped()?;
            let count = source.read(&mut buffer)?;
            if count == 0 {
                return Ok(done);
            }
            archive.write(&buffer[..count])?;
            done += count as u64;
            watch.progress(done, total);
        }
    }

    fn write(&mut self, step: &'static str, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.report.step(step);
        self.files.push(self.output.write(name, bytes)?);
        Ok(())
    }
}
