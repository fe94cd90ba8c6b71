//! `nfofix`: repairs the NFO. Of a package it makes a new version, whose other files are copied.

use std::io::{Read, Write};

use serde_json::{Value, json};
use shared::{
    files::StoredFile,
    job::{Level, NfofixConfig},
    service::{Reporter, WorkError},
    store::Completion,
};

use super::{
    Task, blocking,
    nfo::{NfoFile, bounded},
};
use crate::{
    failure::{WorkError as FileError, code},
    formats::digest::crc32_text,
    monitor::Monitor,
    nfo::{
        decode::{decode, detect},
        listing::has_extension,
        repair::{Known, Repaired, repair},
    },
    package::{Facts, PackageFile, sfv},
    s3::Store,
    watch::Watch,
};

/// The largest SFV that is rewritten, in bytes.
const MAX_SFV: u64 = 1024 * 1024;

/// How many repairs, and how many notices, the log tells; the result has them all.
const MAX_LOGGED: usize = 20;

pub(super) async fn run(task: Task, config: &NfofixConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    report.step("read");
    let nfo = NfoFile::find(&task).await?;
    let (release, from, dry_run) = (task.release.id, task.release.package.clone(), config.dry_run);
    let store = Store::new(&task.files, report.clone());
    let fix = Fix { output: task.output_prefix(), task, nfo, report, store };
    let (result, published) = blocking(move || fix.run(dry_run)).await?;
    Ok(if published { Completion::with_package(result, release, from) } else { Completion::of(result) })
}

/// A repair of an NFO in the bucket.
struct Fix {
    task: Task,
    nfo: NfoFile,
    report: Reporter,
    store: Store,
    output: String,
}

impl Fix {
    /// The result, and whether there is a new package.
    fn run(&self, dry_run: bool) -> Result<(Value, bool), FileError> {
        let name = self.nfo.name(&self.nfo.file);
        let bytes = self.nfo.read(&self.store)?;
        self.report.step("repair");
        let repaired = repair(&bytes, &self.known())?;
        self.tell(name, &repaired);
        let changed = !repaired.changes.is_empty();
        let result = bounded(json!({
            "file": name,
            "encoding": repaired.encoding.name(),
            "changed": changed,
            "changes": repaired.changes,
            "notices": repaired.notices,
            "text": repaired.text,
        }))?;
        let publish = changed && !dry_run && self.nfo.package.is_some();
        if publish {
            self.publish(name, repaired.text.as_bytes())?;
        }
        Ok((result, publish))
    }

    fn known(&self) -> Known {
        let release = &self.task.release;
        let stem = self.nfo.name(&self.nfo.file).rsplit_once('.').map_or("", |(stem, _)| stem);
        let name = if self.nfo.package.is_some() { stem } else { release.name.as_deref().unwrap_or_default() };
        let of_name = name.rsplit_once('-').map_or("", |(_, group)| group);
        let group = release.group.as_deref().unwrap_or(of_name);
        Known::of(&Facts::new(name, group, &release.metadata, &[], release.created_at))
    }

    fn tell(&self, name: &str, repaired: &Repaired) {
        let count = repaired.changes.len();
        let outcome = if count == 0 { "there is nothing to repair".to_owned() } else { format!("{count} repairs") };
        self.report.log(Level::Info, &format!("Read {name} ({}): {outcome}", repaired.encoding.name()));
        for (level, entries) in [(Level::Info, &repaired.changes), (Level::Warning, &repaired.notices)] {
            for entry in entries.iter().take(MAX_LOGGED) {
                self.report.log(level, &format!("Line {}: {}", entry.line, entry.detail));
            }
        }
    }

    /// Makes a package of the repaired NFO, the SFV that knows it, and the other files as they are.
    fn publish(&self, name: &str, text: &[u8]) -> Result<(), FileError> {
        let mut watch = Monitor::new(self.report.clone(), 10, 95);
        watch.step("copy");
        let (sfvs, others): (Vec<_>, Vec<_>) = self.nfo.others.iter().partition(|file| has_extension(&file.key, "sfv"));
        for (file, at) in others.iter().zip(1..) {
            watch.stopped()?;
            self.store.copy(file, format!("{}{}", self.output, self.nfo.name(file)))?;
            watch.progress(at, others.len() as u64);
        }
        watch.step("write");
        let nfo = PackageFile::of(name, text);
        self.write(name, text)?;
        for file in sfvs {
            let rewritten = sfv::with_crc32(&self.sfv(file)?, name, &nfo.crc32);
            self.write(self.nfo.name(file), rewritten.as_bytes())?;
        }
        Ok(())
    }

    fn sfv(&self, file: &StoredFile) -> Result<String, FileError> {
        if file.size > MAX_SFV {
            return Err(FileError::failed(code::SFV_INVALID, "The package's SFV has more than 1 MiB"));
        }
        let mut bytes = Vec::new();
        self.store.open(file).read_to_end(&mut bytes)?;
        Ok(decode(&bytes, detect(&bytes)).into_owned())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let mut object = self.store.create(format!("{}{name}", self.output));
        object.write_all(bytes)?;
        object.finish()?;
        let crc32 = crc32_text(PackageFile::of(name, bytes).crc32_value);
        self.report.log(Level::Info, &format!("Wrote {name}, CRC-32 {crc32}"));
        Ok(())
    }
}
