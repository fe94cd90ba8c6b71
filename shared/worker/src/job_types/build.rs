//! Builds a package, for `packaging` and `repack`.

use std::io;

use jobs::{GeneratedFile, Level, PackagingConfig, Time};
use release_files::{
    WorkError,
    formats::{DeclaredAccessibility, Extent},
    isolation::Run,
    package::{
        Facts, PackageFile,
        archive_builder::ArchiveBuilder,
        archive_writer::ArchiveWriter,
        diz, nfo_template,
        records::{self, ONIX_ENDING, OPF_ENDING, Record},
        sfv::{self, Checksums},
        volume_writer::{VolumeFile, VolumeWriter},
    },
    progress::Progress,
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{
    Task, blocking,
    checkpoint::{Checkpoint, Checkpoints, SavedArchive},
    counted,
    output::Output,
    time_budget::PackProgress,
};
use crate::{
    files::StoredFile, isolation::Isolation, job_progress::JobProgress, objects::ObjectWriter,
    reporter::Reporter,
};

/// Progress once the archive is written, in percent.
const ARCHIVE_WRITTEN: u8 = 95;

impl VolumeFile for ObjectWriter {
    fn finish(self) -> io::Result<()> {
        Self::finish(self)
    }
}

/// The writer of an archive's volumes in the bucket.
pub(super) type ArchiveVolumes = VolumeWriter<Box<dyn FnMut(&str) -> ObjectWriter>, ObjectWriter>;

/// What is known of the book in a package.
#[derive(Default)]
pub(super) struct Book {
    /// The metadata of the work.
    pub metadata: Map<String, Value>,
    /// What it says of its accessibility.
    pub accessibility: DeclaredAccessibility,
    /// How much there is of it.
    pub extent: Extent,
}

/// Returns whether the package has a record of the book, which says more than an NFO.
pub(super) fn describes_book(config: &PackagingConfig) -> bool {
    config.generates(GeneratedFile::Opf) || config.generates(GeneratedFile::Onix)
}

/// A finished package.
pub(super) struct BuiltPackage {
    /// The job's result.
    result: Value,
    /// The fence of the run that began the package, in whose folder it is.
    begun_by: u32,
}

/// Runs `build`, which makes the package of `task` from `inputs`, in one run or several.
pub(super) async fn build_package(
    task: Task,
    inputs: &[StoredFile],
    build: impl FnOnce(Task, Checkpoints) -> Result<BuiltPackage, WorkError> + Send + 'static,
) -> Result<Completion, WorkError> {
    let (seen, keep) = (task.release.clone(), task.package_retention);
    let checkpoints = Checkpoints::find(&task, inputs).await?;
    let BuiltPackage { result, begun_by } = blocking(move || build(task, checkpoints)).await?;
    Ok(Completion::with_package(result, seen, keep).begun_by(begun_by))
}

/// A package under construction.
pub(super) struct PackageBuild {
    release_name: String,
    config: PackagingConfig,
    reporter: Reporter,
    checkpoints: Checkpoints,
    saved: Option<SavedArchive>,
    begun_by: u32,
    output: Output,
    created_at: Time,
    isolation: Isolation,
    files: Vec<PackageFile>,
}

impl PackageBuild {
    /// Starts the package of `task`'s job, or resumes the one that an earlier run began.
    ///
    /// # Errors
    /// [`FailureCode::TemplateInvalid`](jobs::FailureCode::TemplateInvalid), or those of reading
    /// the checkpoint.
    pub(super) fn new(
        task: &Task,
        config: PackagingConfig,
        release_name: &str,
        checkpoints: Checkpoints,
    ) -> Result<Self, WorkError> {
        // A template that is broken fails the job before the archive is written.
        if let Some(template) = &config.template {
            nfo_template::check(template)?;
        }
        let job = &task.assignment.job;
        let saved = checkpoints.read(release_name)?;
        let begun_by = saved
            .as_ref()
            .map_or(job.fence, |saved| saved.checkpoint.begun_by);
        Ok(Self {
            release_name: release_name.to_owned(),
            config,
            reporter: task.assignment.reporter.clone(),
            checkpoints,
            saved,
            begun_by,
            output: Output::for_run(task, begun_by),
            created_at: job.created_at(),
            isolation: task.isolation.clone(),
            files: Vec::new(),
        })
    }

    /// Writes the archive: `fill` adds its `count` files of `total` bytes, starting at the given
    /// progress. This moves the job's progress from `from` to 95 percent.
    ///
    /// # Errors
    /// [`WorkError::Suspended`] if `fill` ran out of time and returned the progress reached. The
    /// archive is then saved for the next run.
    pub(super) fn write_archive(
        &mut self,
        from: u8,
        (count, total): (usize, u64),
        fill: impl FnOnce(
            &mut ArchiveBuilder<'_, ArchiveVolumes>,
            PackProgress,
        ) -> Result<Option<PackProgress>, WorkError>,
    ) -> Result<(), WorkError> {
        if self.config.volume_size >= Some(largest_archive(count, total)) {
            self.config.volume_size = None;
        }
        let mut progress = JobProgress::new(self.reporter.clone(), from, ARCHIVE_WRITTEN);
        progress.start_step("archive");
        let (archive, start) = self.open_archive()?;
        if start != PackProgress::default() {
            let line = format!("Resuming after {} of {count} files", start.files);
            self.reporter.log(Level::Info, &line);
        }
        let mut builder = ArchiveBuilder::new(archive, (start.bytes, total), &mut progress);
        let Some(reached) = fill(&mut builder, start)? else {
            self.files = builder.finish()?.finish()?;
            return self.name_archive();
        };
        self.suspend(builder.into_writer()?, reached)?;
        let line = format!(
            "Out of time after {} of {count} files; the next run resumes there",
            reached.files
        );
        self.reporter.log(Level::Info, &line);
        Err(WorkError::Suspended)
    }

    /// Gives an archive that fits into one volume the name of a single file: compression has made it
    /// fit, so its size is known only now.
    fn name_archive(&mut self) -> Result<(), WorkError> {
        if self.config.volume_size.is_some() && self.files.len() == 1 {
            let name = self.archive_name();
            let volume = self.files.remove(0);
            self.files.push(self.output.rename(volume, &name)?);
        }
        Ok(())
    }

    fn archive_name(&self) -> String {
        format!("{}.zip", self.release_name)
    }

    /// Creates the archive, or reopens the one that the previous run saved.
    fn open_archive(&mut self) -> Result<(ArchiveWriter<ArchiveVolumes>, PackProgress), WorkError> {
        let output = self.output.clone();
        let create: Box<dyn FnMut(&str) -> ObjectWriter> =
            Box::new(move |name| output.create(name));
        let name = self.archive_name();
        let volumes = VolumeWriter::new(&name, self.config.volume_size, create);
        let compression = self.config.compression;
        let Some(saved) = self.saved.take() else {
            let archive = ArchiveWriter::new(volumes, compression)?;
            return Ok((archive, PackProgress::default()));
        };
        let (checkpoint, open) = saved.resume(&self.output)?;
        let Checkpoint {
            progress,
            entries,
            written,
            finished,
            ..
        } = checkpoint;
        let volumes = volumes.resume(finished, open);
        let archive = ArchiveWriter::resume(volumes, compression, entries, written)?;
        Ok((archive, progress))
    }

    fn suspend(
        &self,
        archive: ArchiveWriter<ArchiveVolumes>,
        reached: PackProgress,
    ) -> Result<(), WorkError> {
        let (volumes, entries, written) = archive.suspend()?;
        let (finished, open) = volumes.suspend();
        let checkpoint = Checkpoint::new((self.begun_by, reached), entries, written, finished);
        let saved = SavedArchive::suspend(checkpoint, open)?;
        self.checkpoints.write(&self.release_name, &saved)
    }

    /// Copies files of another package unchanged. Each comes with its path and checksums.
    pub(super) fn copy(&mut self, files: &[(StoredFile, PackageFile)]) -> Result<(), WorkError> {
        let copies = files.iter().map(|(stored, file)| (stored, &*file.path));
        self.output.copy(copies, |_| {})?;
        self.files
            .extend(files.iter().map(|(_, file)| file.clone()));
        Ok(())
    }

    /// Writes the NFO, DIZ, OPF, ONIX message and SFV that are configured.
    pub(super) fn finish(
        mut self,
        group: &str,
        Book {
            metadata,
            accessibility,
            extent,
        }: Book,
    ) -> Result<BuiltPackage, WorkError> {
        let name = std::mem::take(&mut self.release_name);
        let facts =
            Facts::new(&name, group, &metadata, &self.files, self.created_at).with_extent(&extent);
        if self.config.generates(GeneratedFile::Nfo) {
            let (isolation, template) = (&self.isolation, self.config.template.as_deref());
            let run: Run = &|reader, input, progress| isolation.run(reader, input, progress);
            let progress = JobProgress::new(self.reporter.clone(), ARCHIVE_WRITTEN, 99);
            let text = nfo_template::render(&facts, template, run, &progress)?;
            self.write("nfo", &format!("{name}.nfo"), text.as_bytes())?;
        }
        if self.config.generates(GeneratedFile::Diz) {
            self.write("diz", diz::FILE_NAME, diz::render(&facts).as_bytes())?;
        }
        if describes_book(&self.config) {
            let record = Record::new(&facts, &metadata, accessibility, self.created_at);
            self.write_records(&name, &record)?;
        }
        if self.config.generates(GeneratedFile::Sfv) {
            let files = self.files.iter();
            let checksums: Checksums = files
                .map(|file| (file.path.clone(), file.crc32_value()))
                .collect();
            let text = sfv::render(&checksums);
            self.write("sfv", &format!("{name}.sfv"), text.as_bytes())?;
        }
        let total_size: u64 = self.files.iter().map(|file| file.size).sum();
        let files = counted(self.files.len(), "file");
        let line = format!("The package has {files}, {total_size} bytes");
        self.reporter.log(Level::Info, &line);
        Ok(BuiltPackage {
            result: json!({ "release_name": name, "files": self.files, "total_size": total_size }),
            begun_by: self.begun_by,
        })
    }

    fn write_records(&mut self, name: &str, record: &Record) -> Result<(), WorkError> {
        if let Some(isbn) = record.invalid_isbn() {
            let line = format!("The ISBN {isbn} is not valid, so the OPF and the ONIX have none");
            self.reporter.log(Level::Warning, &line);
        }
        if self.config.generates(GeneratedFile::Opf) {
            let text = records::render_opf(record)?;
            self.write("opf", &format!("{name}{OPF_ENDING}"), text.as_bytes())?;
        }
        if self.config.generates(GeneratedFile::Onix) {
            let text = records::render_onix(record)?;
            self.write("onix", &format!("{name}{ONIX_ENDING}"), text.as_bytes())?;
        }
        Ok(())
    }

    fn write(&mut self, step: &'static str, name: &str, bytes: &[u8]) -> Result<(), WorkError> {
        self.reporter.step(step);
        self.files.push(self.output.write(name, bytes)?);
        Ok(())
    }
}

/// Returns more than the size of any archive of `count` files of `total` bytes: paths and headers
/// take less than 2 KiB a file, and incompressible data grows by less than a thousandth.
const fn largest_archive(count: usize, total: u64) -> u64 {
    total
        .saturating_add(total / 1_000)
        .saturating_add(2_048 * (count as u64 + 1))
}
