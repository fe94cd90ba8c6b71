//! Plans the renames that make the files of a package follow the naming rules.

use std::collections::HashSet;

use jobs::release::check_name;
use text::name_key;

use super::{
    diz,
    naming_rules::{
        NamingRule, broken_character_rules, clean_component, clean_file_name,
        has_upper_case_extension, numbered,
    },
    records::{ONIX_ENDING, OPF_ENDING},
    volumes::{find_archive, volume_name},
};
use crate::paths::{file_name, has_extension};

/// The largest number of times that a plan is applied to its own result.
const MAX_ROUNDS: usize = 5;

/// The rename of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The old path.
    pub from: String,
    /// The new path.
    pub to: String,
    /// The rules that the old path breaks.
    pub broken_rules: Vec<NamingRule>,
}

/// The renames of a package's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamePlan {
    /// The release's name; `None` if neither a file nor the metadata gives one.
    pub release_name: Option<String>,
    /// The old and the new path of every file, in the given order.
    pub paths: Vec<(String, String)>,
    /// The files whose path changes.
    pub renames: Vec<Rename>,
    /// The position of the SFV among the files.
    pub sfv: Option<usize>,
}

/// Plans the paths of a package's files. Archive, NFO and SFV are named after the release, and so are
/// the OPF and the ONIX message that have the name of the archive. Its name
/// is the name of the current archive, or else of the NFO, with `group` appended if missing; or
/// else `built_name`, built from the metadata.
#[must_use]
pub fn plan_renames(paths: &[&str], group: &str, built_name: Option<&str>) -> RenamePlan {
    let mut files: Vec<Rename> = paths.iter().map(|path| Rename::unchanged(path)).collect();
    let (mut release_name, mut sfv) = (None, None);
    // A rename may turn another file into a volume of the archive, or into the NFO.
    for _ in 0..MAX_ROUNDS {
        let now: Vec<&str> = files.iter().map(|file| file.to.as_str()).collect();
        let roles = Roles::assign(&now, group, built_name);
        let targets = targets(&now, &roles);
        let is_stable = targets.iter().zip(&now).all(|((to, _), now)| to == now);
        (release_name, sfv) = (roles.release_name, roles.sfv);
        if is_stable {
            break;
        }
        for (file, (to, broken_rules)) in files.iter_mut().zip(targets) {
            file.continue_to(to, broken_rules);
        }
    }
    RenamePlan {
        release_name,
        sfv,
        paths: files
            .iter()
            .map(|file| (file.from.clone(), file.to.clone()))
            .collect(),
        renames: files
            .into_iter()
            .filter(|file| file.from != file.to)
            .collect(),
    }
}

impl Rename {
    fn unchanged(path: &str) -> Self {
        Self {
            from: path.to_owned(),
            to: path.to_owned(),
            broken_rules: Vec::new(),
        }
    }

    /// Chains another rename after this one.
    fn continue_to(&mut self, to: String, broken_rules: Vec<NamingRule>) {
        if self.to != to {
            for rule in broken_rules {
                if !self.broken_rules.contains(&rule) {
                    self.broken_rules.push(rule);
                }
            }
        }
        self.to = to;
    }
}

/// Returns the new path of each file, and the rules that its old path breaks.
fn targets(paths: &[&str], roles: &Roles) -> Vec<(String, Vec<NamingRule>)> {
    let mut taken = HashSet::new();
    // The release's own files come first, so that others get a different path.
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|at| matches!(roles.by_file[*at], Role::Other));
    let mut targets = vec![(String::new(), Vec::new()); paths.len()];
    for at in order {
        let (path, role, release_name) =
            (paths[at], &roles.by_file[at], roles.release_name.as_deref());
        let target = target(path, role, release_name);
        let free = reserve_free_path(&target, &mut taken);
        let mut broken_rules = broken_rules(path, role, release_name);
        if free != target {
            broken_rules.push(NamingRule::Duplicate);
        }
        targets[at] = (free, broken_rules);
    }
    targets
}

/// The role of a file in its package.
enum Role {
    /// A file named after the release, with this ending: `.zip.001`.
    NamedAfterRelease(String),
    /// `FILE_ID.DIZ`.
    Diz,
    /// Any other file.
    Other,
}

/// The roles of a package's files.
struct Roles {
    release_name: Option<String>,
    /// The position of the SFV.
    sfv: Option<usize>,
    by_file: Vec<Role>,
}

impl Roles {
    fn assign(paths: &[&str], group: &str, built_name: Option<&str>) -> Self {
        let archive = match find_archive(paths) {
            Ok(Some(archive)) => archive.positions,
            Ok(None) | Err(_) => Vec::new(),
        };
        let first_volume = archive.first().copied();
        let archive_name = first_volume
            .and_then(|at| release_name_from(paths[at], &archive_ending(paths[at], 0), group));
        let nfo = find_main_file(paths, ".nfo", archive_name.as_deref());
        let release_name = archive_name
            .or_else(|| release_name_from(paths[nfo?], ".nfo", group))
            .or_else(|| built_name.map(str::to_owned));
        let sfv = find_main_file(paths, ".sfv", release_name.as_deref());
        let old_stem = first_volume.map(|at| stem(paths[at], &archive_ending(paths[at], 0)));
        let role = |(at, path): (usize, &&str)| {
            if let Some(volume) = archive.iter().position(|volume| *volume == at) {
                Role::NamedAfterRelease(archive_ending(path, volume))
            } else if nfo == Some(at) {
                Role::NamedAfterRelease(".nfo".to_owned())
            } else if sfv == Some(at) {
                Role::NamedAfterRelease(".sfv".to_owned())
            } else if file_name(path).eq_ignore_ascii_case(diz::FILE_NAME) {
                Role::Diz
            } else if let Some(ending) = old_stem.and_then(|stem| record_ending(path, stem)) {
                Role::NamedAfterRelease(ending.to_owned())
            } else {
                Role::Other
            }
        };
        Self {
            by_file: paths.iter().enumerate().map(role).collect(),
            release_name,
            sfv,
        }
    }
}

/// The ending of the OPF or the ONIX message that a job has written beside an archive of this name.
fn record_ending(path: &str, stem: &str) -> Option<&'static str> {
    let ending = file_name(path).strip_prefix(stem)?;
    [OPF_ENDING, ONIX_ENDING]
        .into_iter()
        .find(|known| *known == ending)
}

/// The ending of an archive's volume, counted from 0; `.zip` for a single-file archive.
fn archive_ending(path: &str, volume: usize) -> String {
    if has_extension(path, "zip") {
        ".zip".to_owned()
    } else {
        volume_name(".zip", volume + 1)
    }
}

/// Finds the file with this ending that belongs to the release. A file named after the release, or
/// with a valid release name if that is unknown, takes precedence; then the file nearest to the
/// top.
fn find_main_file(paths: &[&str], ending: &str, release_name: Option<&str>) -> Option<usize> {
    let found = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| has_extension(path, &ending[1..]));
    let rank = |path: &str| {
        let stem = stem(path, ending);
        let is_named = release_name.map_or_else(|| check_name(stem).is_ok(), |name| stem == name);
        (
            !is_named,
            path.matches('/').count(),
            path.len(),
            path.to_owned(),
        )
    };
    found.min_by_key(|(_, path)| rank(path)).map(|(at, _)| at)
}

/// Derives a release name from a file with this ending, with the group appended if missing. Digits
/// alone name no release.
fn release_name_from(path: &str, ending: &str, group: &str) -> Option<String> {
    let stem = clean_component(stem(path, ending))?;
    if check_name(&stem).is_ok() {
        return Some(stem);
    }
    let has_letter = stem.bytes().any(|byte| byte.is_ascii_alphabetic());
    let suffixed = format!("{stem}-{group}");
    (has_letter && check_name(&suffixed).is_ok()).then_some(suffixed)
}

/// Returns the file name without its ending.
fn stem<'a>(path: &'a str, ending: &str) -> &'a str {
    let name = file_name(path);
    name.get(..name.len().saturating_sub(ending.len()))
        .unwrap_or(name)
}

/// Returns the path of a file under the rules.
fn target(path: &str, role: &Role, release_name: Option<&str>) -> String {
    let (folder, name) = split_folder(path);
    match (role, release_name) {
        (Role::NamedAfterRelease(ending), Some(release_name)) => format!("{release_name}{ending}"),
        (Role::NamedAfterRelease(_), None) => clean_file_name(name),
        (Role::Diz, _) => diz::FILE_NAME.to_owned(),
        (Role::Other, _) => folder
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| clean_component(part).unwrap_or_else(|| part.to_owned()))
            .chain([clean_file_name(name)])
            .collect::<Vec<_>>()
            .join("/"),
    }
}

/// Returns the rules that a file's path breaks, regardless of other files.
fn broken_rules(path: &str, role: &Role, release_name: Option<&str>) -> Vec<NamingRule> {
    let (folder, name) = split_folder(path);
    let is_other = matches!(role, Role::Other);
    let mut broken = broken_character_rules(if is_other { path } else { name });
    broken.extend(broken_release_rule(name, role, release_name));
    if !folder.is_empty() && !is_other {
        broken.push(NamingRule::Folder);
    }
    if has_upper_case_extension(name) && !matches!(role, Role::Diz) {
        broken.push(NamingRule::ExtensionCase);
    }
    broken
}

/// Returns the rule on the release's name that a file breaks, if any.
fn broken_release_rule(name: &str, role: &Role, release_name: Option<&str>) -> Option<NamingRule> {
    let (Role::NamedAfterRelease(ending), Some(release_name)) = (role, release_name) else {
        return None;
    };
    let own_name = clean_component(stem(name, ending));
    let missing = own_name.and_then(|own_name| release_name.strip_prefix(own_name.as_str()));
    if missing == Some("") {
        None
    } else if missing.is_some_and(|suffix| suffix.starts_with('-')) {
        Some(NamingRule::GroupSuffix)
    } else {
        Some(NamingRule::ReleaseName)
    }
}

/// Splits a path into folder and file name.
fn split_folder(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Reserves the path. Appends a number if it is taken, ignoring case.
fn reserve_free_path(path: &str, taken: &mut HashSet<String>) -> String {
    let (folder, name) = split_folder(path);
    let slash = if folder.is_empty() { "" } else { "/" };
    let mut free = path.to_owned();
    let mut number = 2;
    while !taken.insert(name_key(&free)) {
        free = format!("{folder}{slash}{}", numbered(name, number));
        number += 1;
    }
    free
}

#[cfg(test)]
#[path = "rename_plan_tests.rs"]
mod tests;
