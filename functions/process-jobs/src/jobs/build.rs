//! Building a package: what `packaging` and `repack` have in common.

use std::io;

use serde_json::{Map, Value, json};
use shared::{
    files::StoredFile,
    job::{Level, PackagingConfig},
    service::Reporter,
    time::Time,
};

use super::{Task, output::Output};
use crate::{
    failure::WorkError as FileError,
    monitor::Monitor,
    package::{
        Facts, PackageFile,
        archive::ArchiveWriter,
        diz::{self, DIZ},
        filling::Filling,
        nfo,
        sfv::{self, Checksums},
        volumes::{Finish, Volumes},
    },
    s3::ObjectWriter,
    watch::Watch,
};

impl Finish for ObjectWriter {
    fn finish(self) -> io::Result<()> {
        Self::finish(self)
    }
}

/// An archive on its way to the bucket.
type Writer = Volumes<Box<dyn FnMut(&str) -> ObjectWriter>, ObjectWriter>;

/// What the package is called, and what is known of its work.
pub(super) struct Named<'m> {
    pub release_name: &'m str,
    pub group: &'m str,
    pub metadata: &'m Map<String, Value>,
}

/// A package that is being built.
pub(super) struct Build {
    config: PackagingConfig,
    report: Reporter,
    output: Output,
    created_at: Time,
    files: Vec<PackageFile>,
}

impl Build {
    /// Builds the package of `task`'s run.
    pub(super) fn of(task: &Task, config: PackagingConfig) -> Self {
        let job = &task.assignment.job;
        let report = task.assignment.report.clone();
        Self { config, report, output: Output::of(task), created_at: job.created_at(), files: Vec::new() }
    }

    /// Writes the archive, which `fill` fills with `total` bytes; this moves the job's progress
    /// from `from` to 95 per cent.
    pub(super) fn archive(
        &mut self,
        release_name: &str,
        (from, total): (u8, u64),
        fill: impl FnOnce(&mut Filling<'_, Writer>) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let mut watch = Monitor::new(self.report.clone(), from, 95);
        watch.step("archive");
        let output = self.output.clone();
        let create: Box<dyn FnMut(&str) -> ObjectWriter> = Box::new(move |name| output.create(name));
        let volumes = Volumes::new(&format!("{release_name}.zip"), self.config.volume_size, create);
        let mut filling = Filling::new(ArchiveWriter::new(volumes, self.config.compression), total, &mut watch);
        fill(&mut filling)?;
        self.files = filling.finish()?.finish()?;
        Ok(())
    }

    /// Takes files of another package as they are; each comes with its path and CRC-32.
    pub(super) fn copy(&mut self, files: &[(StoredFile, PackageFile)]) -> Result<(), FileError> {
        for (stored, file) in files {
            self.output.copy(stored, &file.path)?;
            self.files.push(file.clone());
        }
        Ok(())
    }

    /// Writes NFO, DIZ and SFV, as the configuration wants them; gives the job's result.
    pub(super) fn finish(mut self, named: &Named<'_>) -> Result<Value, FileError> {
        let Named { release_name, group, metadata } = *named;
        let facts = Facts::new(release_name, group, metadata, &self.files, self.created_at);
        if self.config.generate_nfo {
            let text = nfo::render(&facts, self.config.template.as_deref())?;
            self.write("nfo", &format!("{release_name}.nfo"), text.as_bytes())?;
        }
        if self.config.generate_diz {
            self.write("diz", DIZ, diz::render(&facts).as_bytes())?;
        }
        if self.config.generate_sfv {
            let checksums: Checksums = self.files.iter().map(|file| (file.path.clone(), file.crc32_value)).collect();
            self.write("sfv", &format!("{release_name}.sfv"), sfv::render(&checksums).as_bytes())?;
        }
        let total_size: u64 = self.files.iter().map(|file| file.size).sum();
        self.report.log(Level::Info, &format!("{} files, {total_size} bytes", self.files.len()));
        Ok(json!({ "release_name": release_name, "files": self.files, "total_size": total_size }))
    }

    fn write(&mut self, step: &'static str, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.report.step(step);
        self.files.push(self.output.write(name, bytes)?);
        Ok(())
    }
}
