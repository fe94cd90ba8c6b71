//! `nfofix`: repairs the NFO. For the NFO of a package, it makes a new version of the package, with
//! copies of the other files.

use jobs::{Level, NfofixConfig, release::Release};
use release_files::{
    WorkError,
    nfo::repair::{PlaceholderValues, RepairedNfo, repair},
    package::{Facts, sfv},
    paths::has_extension,
    progress::Progress,
};
use serde_json::{Value, json};
use store::Completion;

use super::{
    Task, blocking, counted,
    current_package::match_sfv,
    nfo::{NfoFile, check_result_size},
    output::Output,
};
use crate::{job_progress::JobProgress, objects::ObjectStore, reporter::Reporter};

/// Maximum repairs and maximum notices to log. The result has all of them.
const MAX_LOGGED: usize = 20;

pub(super) async fn run(task: Task, config: &NfofixConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    reporter.step("read");
    let files = NfoFile::find(&task).await?;
    let (seen, keep) = (task.release.clone(), task.package_retention);
    let fix = NfoFix {
        output: Output::new(&task),
        objects: ObjectStore::new(&task.files, reporter.clone()),
        release: task.release,
        files,
        reporter,
    };
    let dry_run = config.dry_run;
    let (result, is_published) = blocking(move || fix.run(dry_run)).await?;
    Ok(if is_published {
        Completion::with_package(result, seen, keep)
    } else {
        Completion::new(result)
    })
}

/// The repair of an NFO in the bucket.
struct NfoFix {
    release: Release,
    files: NfoFile,
    reporter: Reporter,
    objects: ObjectStore,
    output: Output,
}

impl NfoFix {
    /// Returns the result, and `true` if there is a new package.
    fn run(&self, dry_run: bool) -> Result<(Value, bool), WorkError> {
        let name = &self.files.nfo.path;
        let bytes = self.files.read(&self.objects)?;
        self.reporter.step("repair");
        let repaired = repair(&bytes, &self.placeholder_values())?;
        self.log(name, &repaired);
        let is_changed = !repaired.changes.is_empty();
        let result = check_result_size(json!({
            "file": name,
            "encoding": repaired.encoding.as_str(),
            "changed": is_changed,
            "changes": repaired.changes,
            "notices": repaired.notices,
            "text": repaired.text,
        }))?;
        let publish = is_changed && !dry_run && self.files.is_packaged;
        if publish {
            self.publish(name, repaired.text.as_bytes())?;
        }
        Ok((result, publish))
    }

    fn placeholder_values(&self) -> PlaceholderValues {
        let (release, path) = (&self.release, &self.files.nfo.path);
        let name = match path.rsplit_once('.') {
            Some((stem, _)) if self.files.is_packaged => stem,
            _ => release.name.as_deref().unwrap_or_default(),
        };
        let name_group = name.rsplit_once('-').map_or("", |(_, group)| group);
        let group = release.group.as_deref().unwrap_or(name_group);
        let facts = Facts::new(name, group, &release.metadata, &[], release.created_at);
        PlaceholderValues::from(&facts)
    }

    fn log(&self, name: &str, repaired: &RepairedNfo) {
        let outcome = match repaired.changes.len() {
            0 => "nothing to repair".to_owned(),
            count => counted(count, "repair"),
        };
        let line = format!("Read {name} ({}): {outcome}", repaired.encoding.as_str());
        self.reporter.log(Level::Info, &line);
        for (level, entries) in [
            (Level::Info, &repaired.changes),
            (Level::Warning, &repaired.notices),
        ] {
            for entry in entries.iter().take(MAX_LOGGED) {
                let line = format!("Line {}: {}", entry.line, entry.detail);
                self.reporter.log(level, &line);
            }
        }
    }

    /// Makes a package of the repaired NFO, an updated SFV and copies of the other files.
    fn publish(&self, name: &str, text: &[u8]) -> Result<(), WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), 10, 95);
        progress.start_step("copy");
        let others = self.files.others.iter();
        let mut paths: Vec<&str> = others.clone().map(|file| file.path.as_str()).collect();
        paths.push(name);
        let (sfvs, others): (Vec<_>, Vec<_>) =
            others.partition(|file| has_extension(&file.path, "sfv"));
        let copies = others.iter().map(|other| (&other.file, &*other.path));
        self.output.copy(copies, |count| {
            progress.update(count as u64, others.len() as u64);
        })?;
        progress.start_step("write");
        let nfo = self.output.write(name, text)?;
        for sfv in sfvs {
            let matched = match_sfv(&self.objects, sfv, &paths)?;
            let mut checksums = matched.checksums;
            checksums.extend(matched.missing);
            checksums.insert(nfo.path.clone(), nfo.crc32_value());
            let text = sfv::render(&checksums);
            self.output.write(&sfv.path, text.as_bytes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "nfo_tests.rs"]
mod tests;
