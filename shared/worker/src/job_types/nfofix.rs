//! `nfofix`: repairs the NFO. Of a package it makes a new version, whose other files are copied.

use jobs::{Level, NfofixConfig, release::Release};
use release_files::{
    failure::WorkError as FileError,
    nfo::{
        listing::has_extension,
        repair::{Known, Repaired, repair},
    },
    package::{Facts, sfv},
    watch::Watch,
};
use serde_json::{Value, json};
use store::Completion;

use super::{
    Task, blocking,
    current::checksums,
    nfo::{NfoFile, bounded},
    output::Output,
};
use crate::service::{Reporter, WorkError};
use crate::{monitor::Monitor, objects::Store};

/// How many repairs, and how many notices, the log tells; the result has them all.
const MAX_LOGGED: usize = 20;

pub(super) async fn run(task: Task, config: &NfofixConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    report.step("read");
    let files = NfoFile::find(&task).await?;
    let (seen, keep, dry_run) = (task.release.clone(), task.keep, config.dry_run);
    let store = Store::new(&task.files, report.clone());
    let fix = Fix {
        output: Output::of(&task),
        release: task.release,
        files,
        report,
        store,
    };
    let (result, published) = blocking(move || fix.run(dry_run)).await?;
    Ok(if published {
        Completion::with_package(result, seen, keep)
    } else {
        Completion::of(result)
    })
}

/// A repair of an NFO in the bucket.
struct Fix {
    release: Release,
    files: NfoFile,
    report: Reporter,
    store: Store,
    output: Output,
}

impl Fix {
    /// The result, and whether there is a new package.
    fn run(&self, dry_run: bool) -> Result<(Value, bool), FileError> {
        let name = &self.files.nfo.path;
        let bytes = self.files.read(&self.store)?;
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
        let publish = changed && !dry_run && self.files.is_packaged;
        if publish {
            self.publish(name, repaired.text.as_bytes())?;
        }
        Ok((result, publish))
    }

    fn known(&self) -> Known {
        let (release, path) = (&self.release, &self.files.nfo.path);
        let name = match path.rsplit_once('.') {
            Some((stem, _)) if self.files.is_packaged => stem,
            _ => release.name.as_deref().unwrap_or_default(),
        };
        let of_name = name.rsplit_once('-').map_or("", |(_, group)| group);
        let group = release.group.as_deref().unwrap_or(of_name);
        Known::of(&Facts::new(
            name,
            group,
            &release.metadata,
            &[],
            release.created_at,
        ))
    }

    fn tell(&self, name: &str, repaired: &Repaired) {
        let count = repaired.changes.len();
        let outcome = if count == 0 {
            "there is nothing to repair".to_owned()
        } else {
            format!("{count} repairs")
        };
        self.report.log(
            Level::Info,
            &format!("Read {name} ({}): {outcome}", repaired.encoding.name()),
        );
        for (level, entries) in [
            (Level::Info, &repaired.changes),
            (Level::Warning, &repaired.notices),
        ] {
            for entry in entries.iter().take(MAX_LOGGED) {
                self.report
                    .log(level, &format!("Line {}: {}", entry.line, entry.detail));
            }
        }
    }

    /// Makes a package of the repaired NFO, the SFV that knows it, and the other files as they are.
    fn publish(&self, name: &str, text: &[u8]) -> Result<(), FileError> {
        let mut watch = Monitor::new(self.report.clone(), 10, 95);
        watch.step("copy");
        let (sfvs, others): (Vec<_>, Vec<_>) = self
            .files
            .others
            .iter()
            .partition(|file| has_extension(&file.path, "sfv"));
        for (other, at) in others.iter().zip(1..) {
            self.output.copy(&other.file, &other.path)?;
            watch.progress(at, others.len() as u64);
        }
        watch.step("write");
        let nfo = self.output.write(name, text)?;
        for sfv in sfvs {
            let mut checksums = checksums(&self.store, &sfv.file)?;
            checksums.insert(nfo.path.clone(), nfo.crc32_value());
            self.output
                .write(&sfv.path, sfv::render(&checksums).as_bytes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "nfo_tests.rs"]
mod tests;
