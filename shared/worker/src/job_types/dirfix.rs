//! `dirfix`: repairs the names and the places of a package's files, and its SFV. Of what is
//! repaired it makes a new version of the package.

use std::collections::HashMap;

use jobs::{DirfixConfig, Level};
use release_files::{
    failure::{WorkError as FileError, code},
    formats::digest::crc32_text,
    package::{
        build_name,
        names::{self, Plan},
        sfv::{self, Checksums},
    },
    watch::{Tally, Watch},
};
use serde::Serialize;
use serde_json::{Value, json};
use store::Completion;

use super::{
    Task, blocking,
    current::{Current, Placed, checksums},
    output::Output,
    some,
};
use crate::service::{Reporter, WorkError};
use crate::{monitor::Monitor, objects::Store};

/// How many changes the result lists, and how many the log tells; the result counts the others.
const MAX_LISTED: usize = 200;
const MAX_LOGGED: usize = 20;

/// Something that is repaired.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    /// The path as it was; null for a file that was not there.
    from: Option<String>,
    to: String,
    /// Every rule that was broken.
    why: Vec<Value>,
}

pub(super) async fn run(task: Task, config: &DirfixConfig) -> Result<Completion, WorkError> {
    let report = task.assignment.report.clone();
    report.step("read");
    let (seen, keep, dry_run) = (task.release.clone(), task.keep, config.dry_run);
    let files = match Current::find(&task).await? {
        Some(current) => current.placed(),
        None => some(task.placed_sources().await?)?,
    };
    let store = Store::new(&task.files, report.clone());
    let fix = Fix {
        output: Output::of(&task),
        is_packaged: seen.package.is_some(),
        task,
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

/// A repair of the files of a package or, without one, a look at the source files.
struct Fix {
    task: Task,
    files: Vec<Placed>,
    is_packaged: bool,
    report: Reporter,
    store: Store,
    output: Output,
}

impl Fix {
    /// The result, and whether there is a new package.
    fn run(&self, dry_run: bool) -> Result<(Value, bool), FileError> {
        let plan = self.plan();
        let mut changes: Vec<Change> = plan
            .renames
            .iter()
            .map(|rename| Change {
                from: Some(rename.from.clone()),
                to: rename.to.clone(),
                why: rename.why.iter().map(|why| json!(why)).collect(),
            })
            .collect();
        // Source files have no SFV to be right or wrong.
        let sfv = if self.is_packaged {
            Some(self.sfv(&plan, &mut changes)?)
        } else {
            None
        };
        self.tell(&changes);
        let publish = sfv.filter(|_| !changes.is_empty() && !dry_run);
        if let Some(sfv) = &publish {
            self.publish(&plan, sfv)?;
        }
        let omitted = changes.len().saturating_sub(MAX_LISTED);
        changes.truncate(MAX_LISTED);
        let applied = publish.is_some();
        Ok((
            json!({ "changes": changes, "omitted_changes": omitted, "applied": applied }),
            applied,
        ))
    }

    fn plan(&self) -> Plan {
        let release = &self.task.release;
        let group = release.group.as_deref().unwrap_or("NOGRP");
        let built = build_name(&release.metadata, release.name.as_deref(), group).ok();
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        names::plan(&paths, group, built.as_deref())
    }

    /// The SFV that the repaired package has, its path and text; what it repairs joins `changes`.
    fn sfv(&self, plan: &Plan, changes: &mut Vec<Change>) -> Result<(String, String), FileError> {
        let found = self.checksums(plan)?;
        let text = sfv::render(&found);
        let Some(at) = plan.sfv else {
            let name = plan.release_name.as_deref().ok_or_else(|| {
                let sentence =
                    "No file of the package has a release's name, and the metadata give none";
                FileError::failed(code::RELEASE_NAME_INVALID, sentence)
            })?;
            let to = format!("{name}.sfv");
            changes.push(Change {
                from: None,
                to: to.clone(),
                why: vec![json!("sfv_missing")],
            });
            return Ok((to, text));
        };
        let to = &plan.paths[at].1;
        let said = self.said(plan, &self.files[at])?;
        for (path, crc32) in &found {
            if let Some(other) = said.get(path).filter(|other| *other != crc32) {
                let (other, crc32) = (crc32_text(*other), crc32_text(*crc32));
                let line = format!(
                    "{path} has the CRC-32 {crc32}, its SFV says {other}: look whether it is damaged"
                );
                self.report.log(Level::Warning, &line);
            }
        }
        if said != found {
            changes.push(Change {
                from: Some(self.files[at].path.clone()),
                to: to.clone(),
                why: vec![json!("sfv_wrong")],
            });
        }
        Ok((to.clone(), text))
    }

    /// What the SFV says of the files, under the paths that they are given; one that cannot be
    /// read says nothing.
    fn said(&self, plan: &Plan, sfv: &Placed) -> Result<Checksums, FileError> {
        let said = match checksums(&self.store, &sfv.file) {
            Err(FileError::Failed(failure)) if failure.code == code::SFV_INVALID => {
                self.report.log(Level::Warning, &failure.message);
                Checksums::new()
            }
            said => said?,
        };
        let targets: HashMap<&str, &str> = plan
            .paths
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        let renamed = |(path, crc32): (String, u32)| {
            (
                targets
                    .get(path.as_str())
                    .map_or(path.clone(), |to| (*to).to_owned()),
                crc32,
            )
        };
        Ok(said.into_iter().map(renamed).collect())
    }

    /// Reads every file but the SFV; gives their checksums, under the paths of the plan.
    fn checksums(&self, plan: &Plan) -> Result<Checksums, FileError> {
        let mut watch = Monitor::new(self.report.clone(), 1, 60);
        watch.step("verify");
        let mut tally = Tally::new(
            &mut watch,
            self.files.iter().map(|file| file.file.size).sum(),
        );
        let mut found = Checksums::new();
        for (file, to) in self.listed(plan) {
            let mut crc32 = crc32fast::Hasher::new();
            tally.take(&mut self.store.open(&file.file), &mut |bytes| {
                crc32.update(bytes);
                Ok(())
            })?;
            found.insert(to.to_owned(), crc32.finalize());
        }
        Ok(found)
    }

    /// The files that the SFV lists, all but itself, and the paths that they are given.
    fn listed<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Placed, &'a str)> {
        let files = self.files.iter().zip(&plan.paths).enumerate();
        files
            .filter(|(at, _)| plan.sfv != Some(*at))
            .map(|(_, (file, (_, to)))| (file, to.as_str()))
    }

    fn tell(&self, changes: &[Change]) {
        let count = changes.len();
        let outcome = if count == 0 {
            "there is nothing to repair".to_owned()
        } else {
            format!("{count} changes")
        };
        self.report.log(
            Level::Info,
            &format!("Looked at {} files: {outcome}", self.files.len()),
        );
        for change in changes.iter().take(MAX_LOGGED) {
            let why: Vec<&str> = change.why.iter().filter_map(Value::as_str).collect();
            let from = change.from.as_deref().unwrap_or("(new)");
            self.report.log(
                Level::Info,
                &format!("{from} -> {} ({})", change.to, why.join(", ")),
            );
        }
    }

    fn publish(&self, plan: &Plan, (path, text): &(String, String)) -> Result<(), FileError> {
        let mut watch = Monitor::new(self.report.clone(), 60, 95);
        watch.step("copy");
        for ((file, to), at) in self.listed(plan).zip(1..) {
            self.output.copy(&file.file, to)?;
            watch.progress(at, self.files.len() as u64);
        }
        watch.step("sfv");
        self.output.write(path, text.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "dirfix_tests.rs"]
mod tests;
