//! Building a package: what `packaging` and `repack` have in common.

use std::io;

use jobs::{Level, PackagingConfig, Time};
use release_files::{
    failure::WorkError as FileError,
    package::{
        Facts, PackageFile,
        archive::ArchiveWriter,
        diz::{self, DIZ},
        filling::Filling,
        nfo,
        sfv::{self, Checksums},
        volumes::{Finish, Volumes},
    },
    watch::Watch,
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{
    Task, blocking,
    checkpoint::{Checkpoint, Checkpoints, Saved},
    output::Output,
    pace::Position,
};
use crate::{
    files::StoredFile,
    service::{Reporter, WorkError},
};
use crate::{monitor::Monitor, objects::ObjectWriter};

impl Finish for ObjectWriter {
    fn finish(self) -> io::Result<()> {
        Self::finish(self)
    }
}

/// An archive on its way to the bucket.
pub(super) type Writer = Volumes<Box<dyn FnMut(&str) -> ObjectWriter>, ObjectWriter>;

/// A package that is done.
pub(super) struct Built {
    /// The job's result.
    result: Value,
    /// The fence of the run that began it, and in whose folder it is.
    folder: u32,
}

/// Lets `make` build the package of `task` out of `inputs`; where it gives `None`, the package is
/// not done when the run's time is, and another run goes on with it.
pub(super) async fn in_runs(
    task: Task,
    inputs: &[StoredFile],
    make: impl FnOnce(Task, Checkpoints) -> Result<Option<Built>, FileError> + Send + 'static,
) -> Result<Completion, WorkError> {
    let (seen, keep) = (task.release.clone(), task.keep);
    let checkpoints = Checkpoints::of(&task, inputs).await?;
    let built = blocking(move || make(task, checkpoints)).await?;
    let Built { result, folder } = built.ok_or(WorkError::Paused)?;
    Ok(Completion::with_package(result, seen, keep).begun_by(folder))
}

/// A package that is being built.
pub(super) struct Build {
    release_name: String,
    config: PackagingConfig,
    report: Reporter,
    checkpoints: Checkpoints,
    saved: Option<Saved>,
    folder: u32,
    output: Output,
    created_at: Time,
    files: Vec<PackageFile>,
}

impl Build {
    /// The package of `task`'s job, begun by this run or by one before it.
    pub(super) fn of(
        task: &Task,
        config: PackagingConfig,
        release_name: &str,
        checkpoints: Checkpoints,
    ) -> Result<Self, FileError> {
        let job = &task.assignment.job;
        let saved = checkpoints.read(release_name)?;
        let folder = saved
            .as_ref()
            .map_or(job.fence, |saved| saved.checkpoint.folder);
        Ok(Self {
            release_name: release_name.to_owned(),
            config,
            report: task.assignment.report.clone(),
            checkpoints,
            saved,
            folder,
            output: Output::of_run(task, folder),
            created_at: job.created_at(),
            files: Vec::new(),
        })
    }

    /// Writes the archive: `fill` adds `total` bytes in `count` files to it, from the position on
    /// that it is given. This moves the job's progress from `from` to 95 per cent. Where `fill`
    /// gives how far it came, the archive is put down for the next run, and the answer is `false`.
    pub(super) fn archive(
        &mut self,
        from: u8,
        (count, total): (usize, u64),
        fill: impl FnOnce(&mut Filling<'_, Writer>, Position) -> Result<Option<Position>, FileError>,
    ) -> Result<bool, FileError> {
        let mut watch = Monitor::new(self.report.clone(), from, 95);
        watch.step("archive");
        let (archive, at) = self.begun()?;
        if at != Position::default() {
            self.report.log(
                Level::Info,
                &format!("Going on after {} of {count} files", at.files),
            );
        }
        let mut filling = Filling::new(archive, (at.bytes, total), &mut watch);
        let Some(position) = fill(&mut filling, at)? else {
            self.files = filling.finish()?.finish()?;
            return Ok(true);
        };
        self.put_down(filling.into_archive(), position)?;
        let line = format!(
            "The time is nearly up after {} of {count} files; the next run goes on",
            position.files
        );
        self.report.log(Level::Info, &line);
        Ok(false)
    }

    /// A new archive, or the one that the last run has put down.
    fn begun(&mut self) -> Result<(ArchiveWriter<Writer>, Position), FileError> {
        let output = self.output.clone();
        let create: Box<dyn FnMut(&str) -> ObjectWriter> =
            Box::new(move |name| output.create(name));
        let volumes = Volumes::new(
            &format!("{}.zip", self.release_name),
            self.config.volume_size,
            create,
        );
        let compression = self.config.compression;
        let Some(saved) = self.saved.take() else {
            return Ok((
                ArchiveWriter::new(volumes, compression),
                Position::default(),
            ));
        };
        let (checkpoint, current) = saved.taken_up(&self.output)?;
        let Checkpoint {
            position,
            entries,
            written,
            done,
            ..
        } = checkpoint;
        let archive = ArchiveWriter::taken_up(
            volumes.taken_up(done, current),
            compression,
            entries,
            written,
        )?;
        Ok((archive, position))
    }

    fn put_down(
        &self,
        archive: ArchiveWriter<Writer>,
        position: Position,
    ) -> Result<(), FileError> {
        let (volumes, entries, written) = archive.put_down()?;
        let (done, current) = volumes.put_down();
        let checkpoint = Checkpoint::at((self.folder, position), entries, written, done);
        self.checkpoints
            .write(&self.release_name, &Saved::put_down(checkpoint, current)?)
    }

    /// Takes files of another package as they are; each comes with its path and CRC-32.
    pub(super) fn copy(&mut self, files: &[(StoredFile, PackageFile)]) -> Result<(), FileError> {
        for (stored, file) in files {
            self.output.copy(stored, &file.path)?;
            self.files.push(file.clone());
        }
        Ok(())
    }

    /// Writes NFO, DIZ and SFV, as the configuration wants them.
    pub(super) fn finish(
        mut self,
        group: &str,
        metadata: &Map<String, Value>,
    ) -> Result<Built, FileError> {
        let release_name = std::mem::take(&mut self.release_name);
        let facts = Facts::new(&release_name, group, metadata, &self.files, self.created_at);
        if self.config.generate_nfo {
            let text = nfo::render(&facts, self.config.template.as_deref())?;
            self.write("nfo", &format!("{release_name}.nfo"), text.as_bytes())?;
        }
        if self.config.generate_diz {
            self.write("diz", DIZ, diz::render(&facts).as_bytes())?;
        }
        if self.config.generate_sfv {
            let checksums: Checksums = self
                .files
                .iter()
                .map(|file| (file.path.clone(), file.crc32_value()))
                .collect();
            self.write(
                "sfv",
                &format!("{release_name}.sfv"),
                sfv::render(&checksums).as_bytes(),
            )?;
        }
        let total_size: u64 = self.files.iter().map(|file| file.size).sum();
        self.report.log(
            Level::Info,
            &format!("{} files, {total_size} bytes", self.files.len()),
        );
        let result =
            json!({ "release_name": release_name, "files": self.files, "total_size": total_size });
        Ok(Built {
            result,
            folder: self.folder,
        })
    }

    fn write(&mut self, step: &'static str, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.report.step(step);
        self.files.push(self.output.write(name, bytes)?);
        Ok(())
    }
}
