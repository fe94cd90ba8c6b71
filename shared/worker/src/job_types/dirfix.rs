//! `dirfix`: repairs the paths of a package's files, and its SFV, in a new version of the package.

use std::collections::HashMap;

use jobs::{DirfixConfig, FailureCode, Level};
use release_files::{
    WorkError,
    checksum::format_crc32,
    package::{
        NameSources, build_release_name,
        naming_rules::NamingRule,
        rename_plan::{RenamePlan, plan_renames},
        sfv::{self, Checksums, MatchedSfv},
    },
    progress::{Progress, ReadProgress},
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use store::Completion;

use super::{
    Task, blocking, counted,
    current_package::{CurrentPackage, PackagedFile, match_sfv},
    output::Output,
    require_sources,
};
use crate::{job_progress::JobProgress, objects::ObjectStore, reporter::Reporter};

/// Progress once every file is read, in percent.
const VERIFIED: u8 = 60;
/// Maximum changes that the result lists. It counts the others.
const MAX_LISTED: usize = 200;
/// Maximum changes to log.
const MAX_LOGGED: usize = 20;

/// A repair.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    /// The old path; `None` for a new file.
    from: Option<String>,
    to: String,
    why: Vec<Reason>,
}

/// A reason for a repair.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    /// The path breaks a naming rule.
    Rule(NamingRule),
    /// The package has no SFV.
    SfvMissing,
    /// The SFV does not match the files.
    SfvWrong,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.as_str(),
            Self::SfvMissing => "sfv_missing",
            Self::SfvWrong => "sfv_wrong",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

pub(super) async fn run(task: Task, config: &DirfixConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    reporter.step("read");
    let (seen, keep, dry_run) = (task.release.clone(), task.package_retention, config.dry_run);
    let files = match CurrentPackage::find(&task).await? {
        Some(current) => current.files_with_paths(),
        None => require_sources(task.sources_with_paths().await?)?,
    };
    let fix = DirFix {
        output: Output::new(&task),
        objects: ObjectStore::new(&task.files, reporter.clone()),
        is_packaged: seen.package.is_some(),
        task,
        files,
        reporter,
    };
    let (result, is_published) = blocking(move || fix.run(dry_run)).await?;
    Ok(if is_published {
        Completion::with_package(result, seen, keep)
    } else {
        Completion::new(result)
    })
}

/// The repair of a package's files or, without a package, the check of the source files.
struct DirFix {
    task: Task,
    files: Vec<PackagedFile>,
    is_packaged: bool,
    reporter: Reporter,
    objects: ObjectStore,
    output: Output,
}

impl DirFix {
    /// Returns the result, and `true` if there is a new package.
    fn run(&self, dry_run: bool) -> Result<(Value, bool), WorkError> {
        let plan = self.plan();
        let mut changes: Vec<Change> = plan
            .renames
            .iter()
            .map(|rename| Change {
                from: Some(rename.from.clone()),
                to: rename.to.clone(),
                why: rename
                    .broken_rules
                    .iter()
                    .copied()
                    .map(Reason::Rule)
                    .collect(),
            })
            .collect();
        // Source files have no SFV.
        let sfv = if self.is_packaged {
            Some(self.plan_sfv(&plan, &mut changes)?)
        } else {
            None
        };
        self.log(&changes);
        let publish = sfv.filter(|_| !changes.is_empty() && !dry_run);
        if let Some(sfv) = &publish {
            self.publish(&plan, sfv)?;
        }
        let omitted = changes.len().saturating_sub(MAX_LISTED);
        changes.truncate(MAX_LISTED);
        let applied = publish.is_some();
        let result = json!({ "changes": changes, "omitted_changes": omitted, "applied": applied });
        Ok((result, applied))
    }

    fn plan(&self) -> RenamePlan {
        let release = &self.task.release;
        let group = release.group.as_deref().unwrap_or("NOGRP");
        let sources = NameSources {
            metadata: &release.metadata,
            release: release.name.as_deref(),
            file_stem: None,
        };
        let built = build_release_name(&sources, group).ok();
        let built = built.map(|built| built.name);
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        plan_renames(&paths, group, built.as_deref())
    }

    /// Returns the path and text of the new SFV, and adds its repair to `changes`.
    fn plan_sfv(
        &self,
        plan: &RenamePlan,
        changes: &mut Vec<Change>,
    ) -> Result<(String, String), WorkError> {
        let actual = self.actual_checksums(plan)?;
        let text = sfv::render(&actual);
        let Some(at) = plan.sfv else {
            let name = plan.release_name.as_deref().ok_or_else(|| {
                let message = "Neither the package's files nor the metadata give a release name. \
                               Set the release's title.";
                WorkError::failed(FailureCode::ReleaseNameInvalid, message)
            })?;
            let to = format!("{name}.sfv");
            changes.push(Change {
                from: None,
                to: to.clone(),
                why: vec![Reason::SfvMissing],
            });
            return Ok((to, text));
        };
        let to = plan.paths[at].1.clone();
        let (listed, is_strict) = self.listed_checksums(plan, &self.files[at])?;
        self.log_mismatches(&actual, &listed);
        if listed != actual || !is_strict {
            changes.push(Change {
                from: Some(self.files[at].path.clone()),
                to: to.clone(),
                why: vec![Reason::SfvWrong],
            });
        }
        Ok((to, text))
    }

    /// Warns of files that do not match the SFV. Only their owner can tell if they are damaged.
    fn log_mismatches(&self, actual: &Checksums, listed: &Checksums) {
        for (path, actual) in actual {
            if let Some(listed) = listed.get(path).filter(|listed| *listed != actual) {
                let (actual, listed) = (format_crc32(*actual), format_crc32(*listed));
                let line = format!(
                    "{path} has the CRC-32 {actual}, but the SFV lists {listed}; check the file"
                );
                self.reporter.log(Level::Warning, &line);
            }
        }
    }

    /// Returns the checksums in the SFV by the files' new paths, and whether every tool can read it.
    /// An unreadable SFV has none.
    fn listed_checksums(
        &self,
        plan: &RenamePlan,
        sfv: &PackagedFile,
    ) -> Result<(Checksums, bool), WorkError> {
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let matched = match match_sfv(&self.objects, sfv, &paths) {
            Err(WorkError::Failed(failure)) if failure.code == FailureCode::SfvInvalid => {
                self.reporter.log(Level::Warning, failure.log_line());
                MatchedSfv::default()
            }
            matched => matched?,
        };
        let paths = plan.paths.iter();
        let new_paths: HashMap<&str, &String> =
            paths.map(|(from, to)| (from.as_str(), to)).collect();
        let listed = matched.checksums.into_iter().chain(matched.missing);
        let renamed = listed.map(|(path, crc32)| {
            let path = new_paths
                .get(path.as_str())
                .map_or(path.clone(), |to| (*to).clone());
            (path, crc32)
        });
        Ok((renamed.collect(), matched.is_strict))
    }

    /// Reads every file but the SFV. Returns the checksums by the files' new paths.
    fn actual_checksums(&self, plan: &RenamePlan) -> Result<Checksums, WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), 1, VERIFIED);
        progress.start_step("verify");
        let total = self.files.iter().map(|file| file.file.size).sum();
        let mut reader = ReadProgress::new(&mut progress, total);
        let mut checksums = Checksums::new();
        for (file, to) in self.checked_files(plan) {
            let mut crc32 = crc32fast::Hasher::new();
            reader.read_all(&mut self.objects.open_whole(&file.file), &mut |bytes| {
                crc32.update(bytes);
                Ok(())
            })?;
            checksums.insert(to.to_owned(), crc32.finalize());
        }
        Ok(checksums)
    }

    /// Returns the files that an SFV lists, which are all but itself, with their new paths.
    fn checked_files<'a>(
        &'a self,
        plan: &'a RenamePlan,
    ) -> impl Iterator<Item = (&'a PackagedFile, &'a str)> {
        let files = self.files.iter().zip(&plan.paths).enumerate();
        files
            .filter(|(at, _)| plan.sfv != Some(*at))
            .map(|(_, (file, (_, to)))| (file, to.as_str()))
    }

    fn log(&self, changes: &[Change]) {
        let outcome = match changes.len() {
            0 => "nothing to repair".to_owned(),
            count => counted(count, "change"),
        };
        let line = format!("Checked {}: {outcome}", counted(self.files.len(), "file"));
        self.reporter.log(Level::Info, &line);
        for change in changes.iter().take(MAX_LOGGED) {
            let why: Vec<&str> = change.why.iter().map(|reason| reason.as_str()).collect();
            let from = change.from.as_deref().unwrap_or("(new)");
            let line = format!("{from} -> {} ({})", change.to, why.join(", "));
            self.reporter.log(Level::Info, &line);
        }
    }

    fn publish(&self, plan: &RenamePlan, (path, text): &(String, String)) -> Result<(), WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), VERIFIED, 95);
        progress.start_step("copy");
        let copies = self.checked_files(plan).map(|(file, to)| (&file.file, to));
        self.output.copy(copies, |count| {
            progress.update(count as u64, self.files.len() as u64);
        })?;
        progress.start_step("sfv");
        self.output.write(path, text.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "dirfix_tests.rs"]
mod tests;
