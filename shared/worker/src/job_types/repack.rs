//! `repack`: rebuilds the current package from its content, with other options.

use jobs::{Level, PackagingConfig, release::check_name};
use release_files::{
    failure::{Failure, WorkError as FileError, code},
    formats::{archive::Archive, digest::Hasher},
    nfo::{listing::has_extension, read::read, repair::check_size},
    package::{
        PackageFile, build_name, diz::DIZ, filling::Filling, joined::Joined, sfv::Checksums,
    },
    watch::{Tally, Watch},
};
use serde_json::{Map, Value};
use store::Completion;
use text::encoding::{decode, detect};

use super::{
    Task,
    build::{Build, Built, Writer, in_runs},
    checkpoint::Checkpoints,
    current::{Current, checksums, joined},
    pace::{Pace, Position},
};
use crate::{
    files::StoredFile,
    service::{Reporter, WorkError},
};
use crate::{
    monitor::Monitor,
    objects::{ObjectReader, Store},
};

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    let current = Current::of(&task).await?;
    let store = Store::new(&task.files, report.clone());
    in_runs(task, &current.files.clone(), move |task, checkpoints| {
        Repack {
            task,
            current,
            config,
            report,
            store,
        }
        .run(checkpoints)
    })
    .await
}

/// A package that is being rebuilt.
struct Repack {
    task: Task,
    current: Current,
    config: PackagingConfig,
    report: Reporter,
    store: Store,
}

impl Repack {
    fn run(self, checkpoints: Checkpoints) -> Result<Option<Built>, FileError> {
        let archive = self.current.archive()?;
        let (stem, volumes) =
            archive.ok_or_else(|| corrupt("it has no archive, or more than one"))?;
        let old_name = stem.rsplit('/').next().unwrap_or(&stem);
        let read = self.verify()?;
        let metadata = self.metadata()?;
        let group = self.task.group(&self.config);
        let release_name = self.release_name(old_name, &metadata, group)?;
        self.report.log(
            Level::Info,
            &format!("Repacking {old_name} as {release_name}"),
        );

        let mut files = joined(&self.store, &volumes);
        let size = files.size();
        let mut archive = Archive::open(&mut files, size)
            .map_err(|error| of_archive(error, old_name))?
            .trusted();
        let (count, total) = (
            archive.entries().len(),
            archive.entries().iter().map(|entry| entry.size).sum(),
        );
        let mut build = Build::of(&self.task, self.config.clone(), &release_name, checkpoints)?;
        let is_done = build
            .archive(40, (count, total), |filling, from| {
                self.fill(filling, &mut archive, from)
            })
            .map_err(|error| of_archive(error, old_name))?;
        if !is_done {
            return Ok(None);
        }
        build.copy(&self.others(&volumes, read))?;
        build.finish(group, &metadata).map(Some)
    }

    /// Adds what the old archive holds after `from`; gives how far it came where the time does not
    /// allow the next entry.
    fn fill(
        &self,
        filling: &mut Filling<'_, Writer>,
        archive: &mut Archive<'_, Joined<ObjectReader>>,
        from: Position,
    ) -> Result<Option<Position>, FileError> {
        let (pace, mut at) = (Pace::new(&self.report, from), from);
        for index in from.files..archive.entries().len() {
            let size = archive.entries()[index].size;
            if !pace.allows(at, size) {
                return Ok(Some(at));
            }
            filling.unpacked(archive, index)?;
            at = at.after(size);
        }
        Ok(None)
    }

    /// Reads every file once and compares it with the SFV; gives what was read, by path.
    fn verify(&self) -> Result<Vec<PackageFile>, FileError> {
        let mut watch = Monitor::new(self.report.clone(), 1, 40);
        watch.step("verify");
        let expected = self.checksums()?;
        let total = self.current.files.iter().map(|file| file.size).sum();
        let mut tally = Tally::new(&mut watch, total);
        let mut found = Vec::new();
        for file in &self.current.files {
            let path = self.current.path(file);
            let mut hasher = Hasher::default();
            tally.take(&mut self.store.open(file), &mut |bytes| {
                hasher.update(bytes);
                Ok(())
            })?;
            let file = PackageFile::hashed(path, hasher);
            if expected
                .get(path)
                .is_some_and(|crc32| *crc32 != file.crc32_value())
            {
                return Err(corrupt(&format!(
                    "{path} has another checksum than its SFV says"
                )));
            }
            found.push(file);
        }
        if let Some(missing) = expected
            .keys()
            .find(|path| !found.iter().any(|file| file.path == **path))
        {
            return Err(corrupt(&format!("{missing} is in its SFV but not there")));
        }
        self.report.log(
            Level::Info,
            &format!(
                "{} of {} files are as the SFV says",
                expected.len(),
                found.len()
            ),
        );
        Ok(found)
    }

    fn checksums(&self) -> Result<Checksums, FileError> {
        let Some(file) = self.current.sfv() else {
            self.report
                .log(Level::Warning, "The package has no SFV to verify it with");
            return Ok(Checksums::new());
        };
        checksums(&self.store, file)
    }

    /// What is known of the work: the release's metadata or, without a title there, also what the
    /// package's NFO says.
    fn metadata(&self) -> Result<Map<String, Value>, FileError> {
        let known = self.task.release.metadata.clone();
        let Some(nfo) = self.current.nfo().filter(|_| !known.contains_key("title")) else {
            return Ok(known);
        };
        check_size(usize::try_from(nfo.size).unwrap_or(usize::MAX))?;
        let bytes = self.store.read(nfo)?;
        let reading = read(&decode(&bytes, detect(&bytes)));
        let mut metadata =
            match serde_json::to_value(reading.metadata).map_err(std::io::Error::other)? {
                Value::Object(metadata) => metadata,
                _ => Map::new(),
            };
        metadata.extend(known);
        Ok(metadata)
    }

    /// The name that was asked for, or one with the group that was; else the package keeps its name.
    fn release_name(
        &self,
        old_name: &str,
        metadata: &Map<String, Value>,
        group: &str,
    ) -> Result<String, FileError> {
        match &self.config.release_name {
            Some(name) => Ok(name.clone()),
            None if self.config.group.is_none() && check_name(old_name).is_ok() => {
                Ok(old_name.to_owned())
            }
            None => build_name(metadata, self.task.release.name.as_deref(), group),
        }
    }

    /// The files that the new package has as the old one: all but those that are made anew.
    fn others(
        &self,
        volumes: &[StoredFile],
        read: Vec<PackageFile>,
    ) -> Vec<(StoredFile, PackageFile)> {
        let made = |file: &StoredFile| {
            let path = self.current.path(file);
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_text = has_extension(path, "nfo")
                || has_extension(path, "sfv")
                || name.eq_ignore_ascii_case(DIZ);
            is_text || volumes.contains(file)
        };
        let files = self.current.files.iter().cloned().zip(read);
        files.filter(|(file, _)| !made(file)).collect()
    }
}

fn corrupt(what: &str) -> FileError {
    FileError::failed(
        code::PACKAGE_CORRUPT,
        format!("The package is corrupt: {what}"),
    )
}

/// An archive that cannot be read is a corrupt package.
fn of_archive(error: FileError, name: &str) -> FileError {
    match error {
        FileError::Failed(Failure {
            code: code::ARCHIVE_DAMAGED,
            message,
        }) => corrupt(&format!("{name}.zip cannot be unpacked. {message}")),
        error => error,
    }
}

#[cfg(test)]
#[path = "repack_tests.rs"]
mod tests;
