//! `repack`: rebuilds the current package from its own content, with other options.

use jobs::{FailureCode, Level, PackagingConfig, release::check_name};
use release_files::{
    WorkError,
    checksum::Hasher,
    formats::{MAX_PACKAGE_DOCUMENT_BYTES, archive::Archive, read_package_document},
    nfo::{decoded::DecodedNfo, read::read, repair::check_size},
    package::{
        NameSources, PackageFile,
        archive_builder::ArchiveBuilder,
        build_release_name, diz,
        records::{ONIX_ENDING, OPF_ENDING},
        sfv::MatchedSfv,
        volume_reader::VolumeReader,
    },
    paths::has_extension,
    progress::{Progress, ReadProgress},
};
use serde_json::{Map, Value};
use store::Completion;

use super::{
    Task,
    build::{ArchiveVolumes, Book, BuiltPackage, PackageBuild, build_package, describes_book},
    checkpoint::Checkpoints,
    completed,
    current_package::{CurrentPackage, match_sfv, open_volumes},
    is_complete, says_something,
    time_budget::{PackProgress, TimeBudget},
    to_object,
};
use crate::{
    files::StoredFile,
    job_progress::JobProgress,
    objects::{ObjectReader, ObjectStore},
    reporter::Reporter,
};

/// Progress once the old package is verified, in percent.
const VERIFIED: u8 = 40;

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    let current = CurrentPackage::require(&task).await?;
    let objects = ObjectStore::new(&task.files, reporter.clone());
    build_package(task, &current.files.clone(), move |task, checkpoints| {
        let repack = Repack {
            task,
            current,
            config,
            reporter,
            objects,
        };
        repack.run(checkpoints)
    })
    .await
}

/// The rebuild of a package.
struct Repack {
    task: Task,
    current: CurrentPackage,
    config: PackagingConfig,
    reporter: Reporter,
    objects: ObjectStore,
}

impl Repack {
    fn run(self, checkpoints: Checkpoints) -> Result<BuiltPackage, WorkError> {
        let archive = self.current.archive()?;
        let no_archive = || corrupt("it has no archive, or more than one");
        let (stem, volumes) = archive.ok_or_else(no_archive)?;
        let old_name = stem.rsplit('/').next().unwrap_or(&stem);
        let read = self.verify()?;
        let book = self.book(old_name)?;
        let group = self.task.group(&self.config);
        let (release_name, origin) = self.release_name(old_name, &book.metadata, group)?;
        let line = format!("Repacking {old_name} as {release_name}{origin}");
        self.reporter.log(Level::Info, &line);

        let unreadable = |error| unreadable_archive(error, old_name);
        let mut content = open_volumes(&self.objects, &volumes);
        let size = content.size();
        let archive = Archive::open(&mut content, size).map_err(unreadable)?;
        let mut archive = archive.without_ratio_limit();
        if archive.has_duplicate_files().map_err(unreadable)? {
            let reason = format!("{old_name}.zip has several entries with the same name");
            return Err(corrupt(&reason));
        }
        for warning in archive.name_warnings() {
            self.reporter.log(Level::Warning, &warning);
        }
        let entries = archive.entries();
        let (count, total) = (entries.len(), entries.iter().map(|entry| entry.size).sum());
        let config = self.config.clone();
        let mut build = PackageBuild::new(&self.task, config, &release_name, checkpoints)?;
        let written = build.write_archive(VERIFIED, (count, total), |builder, start| {
            self.fill(builder, &mut archive, start)
        });
        written.map_err(unreadable)?;
        build.copy(&self.copied_files(old_name, &volumes, read))?;
        build.finish(group, book)
    }

    /// Adds the old archive's entries after `start`. Returns the progress reached if there is no
    /// time for the next entry, and `None` at the end.
    fn fill(
        &self,
        builder: &mut ArchiveBuilder<'_, ArchiveVolumes>,
        archive: &mut Archive<'_, VolumeReader<ObjectReader>>,
        start: PackProgress,
    ) -> Result<Option<PackProgress>, WorkError> {
        let budget = TimeBudget::new(&self.reporter, start);
        let mut progress = start;
        for index in start.files..archive.entries().len() {
            let size = archive.entries()[index].size;
            if !budget.has_time_for(size, progress) {
                return Ok(Some(progress));
            }
            builder.copy_entry(archive, index)?;
            progress = progress.after(size);
        }
        Ok(None)
    }

    /// Reads every file once and compares it with the SFV. Returns each file with its checksums.
    fn verify(&self) -> Result<Vec<PackageFile>, WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), 1, VERIFIED);
        progress.start_step("verify");
        let expected = self.checksums()?;
        if let Some(missing) = expected.missing.keys().next() {
            return Err(corrupt(&format!("{missing} is in its SFV but missing")));
        }
        let expected = expected.checksums;
        let total = self.current.files.iter().map(|file| file.size).sum();
        let mut reader = ReadProgress::new(&mut progress, total);
        let mut found = Vec::new();
        for file in &self.current.files {
            let path = self.current.path(file);
            let mut hasher = Hasher::default();
            reader.read_all(&mut self.objects.open_whole(file), &mut |bytes| {
                hasher.update(bytes);
                Ok(())
            })?;
            let file = PackageFile::from_hasher(path, hasher);
            let crc32 = expected.get(path);
            if crc32.is_some_and(|crc32| *crc32 != file.crc32_value()) {
                return Err(corrupt(&format!("{path} does not match its SFV checksum")));
            }
            found.push(file);
        }
        let (matched, count) = (expected.len(), found.len());
        let line = format!("{matched} of {count} files match the SFV");
        self.reporter.log(Level::Info, &line);
        Ok(found)
    }

    fn checksums(&self) -> Result<MatchedSfv, WorkError> {
        let Some(sfv) = self.current.sfv() else {
            let line = "The package has no SFV, so its files are not verified";
            self.reporter.log(Level::Warning, line);
            return Ok(MatchedSfv::default());
        };
        let sfv = self.current.with_path(sfv);
        let files = self.current.files.iter();
        let paths: Vec<&str> = files.map(|file| self.current.path(file)).collect();
        match_sfv(&self.objects, &sfv, &paths)
    }

    /// Returns what is known of the book: the release's metadata, completed from the package's OPF,
    /// if that is read, and from its NFO. Only the OPF says something of the accessibility.
    fn book(&self, old_name: &str) -> Result<Book, WorkError> {
        let known = self.task.release.metadata.clone();
        if !describes_book(&self.config) {
            return Ok(Book {
                metadata: self.completed_from_nfo(known)?,
                ..Book::default()
            });
        }
        let recorded = self.recorded(old_name)?;
        Ok(Book {
            metadata: self.completed_from_nfo(completed(known, recorded.metadata))?,
            ..recorded
        })
    }

    /// Reads the OPF that an earlier job wrote; nothing if there is none.
    fn recorded(&self, old_name: &str) -> Result<Book, WorkError> {
        let name = format!("{old_name}{OPF_ENDING}");
        let mut files = self.current.files.iter();
        let Some(file) = files.find(|file| self.current.path(file) == name) else {
            let line = "The package has no OPF, so the new records say nothing of accessibility";
            self.reporter.log(Level::Info, line);
            return Ok(Book::default());
        };
        if file.size > MAX_PACKAGE_DOCUMENT_BYTES {
            return Ok(Book::default());
        }
        match read_package_document(&self.objects.read(file)?) {
            Ok((metadata, accessibility)) => Ok(Book {
                metadata: to_object(&metadata)?,
                accessibility,
                ..Book::default()
            }),
            Err(WorkError::Failed(failure)) => {
                let line = format!("{name} is not used: {}", failure.log_line());
                self.reporter.log(Level::Warning, &line);
                Ok(Book::default())
            }
            Err(error) => Err(error),
        }
    }

    fn completed_from_nfo(
        &self,
        known: Map<String, Value>,
    ) -> Result<Map<String, Value>, WorkError> {
        let nfo = self.current.nfo();
        let Some(nfo) = nfo.filter(|_| !is_complete(&known)) else {
            return Ok(completed(known, Map::new()));
        };
        match check_size(usize::try_from(nfo.size).unwrap_or(usize::MAX)) {
            Err(_) if known.get("title").is_some_and(says_something) => return Ok(known),
            checked => checked?,
        }
        let bytes = self.objects.read(nfo)?;
        let reading = read(&DecodedNfo::new(&bytes).text);
        Ok(completed(known, to_object(&reading.metadata)?))
    }

    /// Returns the configured name, or one with the configured group, or else the old name; and the
    /// end of its log line.
    fn release_name(
        &self,
        old_name: &str,
        metadata: &Map<String, Value>,
        group: &str,
    ) -> Result<(String, String), WorkError> {
        let is_valid = check_name(old_name).is_ok();
        if let Some(name) = &self.config.release_name {
            return Ok((name.clone(), String::new()));
        }
        if self.config.group.is_none() && is_valid {
            return Ok((old_name.to_owned(), String::new()));
        }
        let without_group = old_name.rsplit_once('-').filter(|_| is_valid);
        let sources = NameSources {
            metadata,
            release: self.task.release.name.as_deref(),
            file_stem: Some(without_group.map_or(old_name, |(words, _)| words)),
        };
        let built = build_release_name(&sources, group)?;
        let origin = format!(", named after {}", built.named_after.as_str());
        Ok((built.name, origin))
    }

    /// Returns the files to copy unchanged: all but the archive and the generated ones.
    fn copied_files(
        &self,
        old_name: &str,
        volumes: &[StoredFile],
        read: Vec<PackageFile>,
    ) -> Vec<(StoredFile, PackageFile)> {
        let records = [OPF_ENDING, ONIX_ENDING].map(|ending| format!("{old_name}{ending}"));
        let is_rebuilt = |file: &StoredFile| {
            let path = self.current.path(file);
            let name = path.rsplit('/').next().unwrap_or(path);
            volumes.contains(file)
                || has_extension(path, "nfo")
                || has_extension(path, "sfv")
                || name.eq_ignore_ascii_case(diz::FILE_NAME)
                || records.iter().any(|record| record == path)
        };
        let files = self.current.files.iter().cloned().zip(read);
        files.filter(|(file, _)| !is_rebuilt(file)).collect()
    }
}

fn corrupt(reason: &str) -> WorkError {
    let message = format!("The package is corrupt: {reason}.");
    WorkError::failed(FailureCode::PackageCorrupt, message)
}

/// Reports an archive that cannot be unpacked as a corrupt package: it is not the owner's upload.
fn unreadable_archive(error: WorkError, name: &str) -> WorkError {
    match error {
        WorkError::Failed(failure) if is_unreadable(failure.code) => {
            let reason = failure.log_line();
            corrupt(&format!("{name}.zip cannot be unpacked. {reason}"))
        }
        error => error,
    }
}

const fn is_unreadable(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::ArchiveDamaged
            | FailureCode::ArchiveEncrypted
            | FailureCode::ArchiveUnsupported
            | FailureCode::ArchiveBomb
            | FailureCode::ArchiveTooLarge
    )
}

#[cfg(test)]
#[path = "repack_tests.rs"]
mod tests;
