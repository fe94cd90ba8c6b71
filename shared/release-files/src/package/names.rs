//! The naming rules of a package, and which of its files have to be renamed to follow them.

use std::collections::HashSet;

use jobs::release::check_name;
use serde::Serialize;
use text::ascii::transliterate;

use super::{diz::DIZ, volumes};
use crate::nfo::listing::has_extension;

/// The longest extension whose case is changed, in characters; behind a later dot stands a word.
const MAX_EXTENSION: usize = 8;
/// The longest part of a path, in bytes: every file system takes it.
const MAX_PART: usize = 200;

/// How often a plan is looked at again.
const ROUNDS: usize = 5;

/// Why a file is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It has letters with accents, or of another script.
    Accents,
    /// It has spaces.
    Spaces,
    /// It has signs that names do not have, or separators that part nothing.
    Characters,
    /// A part of it is longer than every file system takes.
    Length,
    /// Its extension has capitals.
    ExtensionCase,
    /// It does not end with the group.
    GroupSuffix,
    /// It is not called as the release is.
    ReleaseName,
    /// It belongs to the top of the package.
    Folder,
    /// Another file would have the same name.
    Duplicate,
}

/// A file that gets another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Its path.
    pub from: String,
    /// The path it gets.
    pub to: String,
    /// Every rule that its path breaks.
    pub why: Vec<Why>,
}

/// Where each file of a package goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name of the release; `None` where nothing says it.
    pub release_name: Option<String>,
    /// Each file's path and the path that it has by the rules, in the order they were given.
    pub paths: Vec<(String, String)>,
    /// Those that differ, and why.
    pub renames: Vec<Rename>,
    /// The place of the SFV among them.
    pub sfv: Option<usize>,
}

/// Plans the names of a package's files. Archive, NFO and SFV are called as the release: as the
/// archive is now, or else the NFO, with the `group` behind it where it has none; or else as
/// `built`, the name that the metadata give.
#[must_use]
pub fn plan(paths: &[&str], group: &str, built: Option<&str>) -> Plan {
    let mut plan: Vec<(String, Vec<Why>)> = paths
        .iter()
        .map(|path| ((*path).to_owned(), Vec::new()))
        .collect();
    let (mut release_name, mut sfv) = (None, None);
    // A new name may make an archive's volume, or the NFO, of a file that nobody took for one.
    for _ in 0..ROUNDS {
        let now: Vec<&str> = plan.iter().map(|(path, _)| path.as_str()).collect();
        let (name, roles) = roles(&now, group, built);
        let targets = targets(&now, &roles, name.as_deref());
        let is_stable = targets.iter().zip(&now).all(|((to, _), from)| to == from);
        release_name = name;
        sfv = roles
            .iter()
            .position(|role| matches!(role, Role::Named(ending) if ending == ".sfv"));
        if is_stable {
            break;
        }
        for ((path, why), (to, more)) in plan.iter_mut().zip(targets) {
            if *path != to {
                why.extend(
                    more.into_iter()
                        .filter(|rule| !why.contains(rule))
                        .collect::<Vec<_>>(),
                );
            }
            *path = to;
        }
    }
    let renames = paths
        .iter()
        .zip(&plan)
        .filter(|(from, (to, _))| *from != to);
    let rename = |(from, (to, why)): (&&str, &(String, Vec<Why>))| Rename {
        from: (*from).to_owned(),
        to: to.clone(),
        why: why.clone(),
    };
    Plan {
        release_name,
        sfv,
        renames: renames.map(rename).collect(),
        paths: paths
            .iter()
            .zip(&plan)
            .map(|(from, (to, _))| ((*from).to_owned(), to.clone()))
            .collect(),
    }
}

/// Each file's path by the rules, and those that its path breaks.
fn targets(paths: &[&str], roles: &[Role], release_name: Option<&str>) -> Vec<(String, Vec<Why>)> {
    let mut taken = HashSet::new();
    // The release's own files come first: it is the others that make room for them.
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|at| matches!(roles[*at], Role::Other));
    let mut targets = vec![(String::new(), Vec::new()); paths.len()];
    for at in order {
        let (to, mut why) = target(paths[at], &roles[at], release_name);
        let free = free(&to, &mut taken);
        if free != to {
            why.push(Why::Duplicate);
        }
        targets[at] = (free, why);
    }
    targets
}

/// What a file is to its package.
enum Role {
    /// A file that is called as the release is, with this ending: `.zip.001`.
    Named(String),
    /// `FILE_ID.DIZ`.
    Diz,
    /// Anything else.
    Other,
}

/// The release's name, and what each file is.
fn roles(paths: &[&str], group: &str, built: Option<&str>) -> (Option<String>, Vec<Role>) {
    let archive = volumes::find(paths)
        .ok()
        .flatten()
        .map(|(_, places)| places)
        .unwrap_or_default();
    let ending = |place: usize, at: usize| {
        if has_extension(paths[at], "zip") {
            ".zip".to_owned()
        } else {
            format!(".zip.{:03}", place + 1)
        }
    };
    let name = archive
        .first()
        .and_then(|at| release_name(paths[*at], &ending(0, *at), group));
    let nfo = main_file(paths, ".nfo", name.as_deref());
    let name = name
        .or_else(|| release_name(paths[nfo?], ".nfo", group))
        .or_else(|| built.map(str::to_owned));
    let sfv = main_file(paths, ".sfv", name.as_deref());
    let role = |at: usize| {
        if let Some(place) = archive.iter().position(|volume| *volume == at) {
            Role::Named(ending(place, at))
        } else if nfo == Some(at) {
            Role::Named(".nfo".to_owned())
        } else if sfv == Some(at) {
            Role::Named(".sfv".to_owned())
        } else if split(paths[at]).1.eq_ignore_ascii_case(DIZ) {
            Role::Diz
        } else {
            Role::Other
        }
    };
    (name, (0..paths.len()).map(role).collect())
}

/// The place of the file with this ending that belongs to the release: one that has its name, or
/// a name that a release may have, before others; then the one that is nearest to the top.
fn main_file(paths: &[&str], ending: &str, name: Option<&str>) -> Option<usize> {
    let found = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| has_extension(path, &ending[1..]));
    let rank = |path: &str| {
        let stem = stem(path, ending);
        let is_named = name.map_or_else(|| check_name(stem).is_ok(), |name| stem == name);
        (
            !is_named,
            path.matches('/').count(),
            path.len(),
            path.to_owned(),
        )
    };
    found.min_by_key(|(_, path)| rank(path)).map(|(at, _)| at)
}

/// The release's name, as a file of this ending says it; the group is put behind it where it has none.
fn release_name(path: &str, ending: &str, group: &str) -> Option<String> {
    let stem = clean(stem(path, ending));
    let suffixed = format!("{stem}-{group}");
    [stem, suffixed]
        .into_iter()
        .find(|name| check_name(name).is_ok())
}

/// The name without folder and ending.
fn stem<'a>(path: &'a str, ending: &str) -> &'a str {
    let name = split(path).1;
    name.get(..name.len().saturating_sub(ending.len()))
        .unwrap_or(name)
}

/// The path that a file has by the rules, and which of them it breaks.
fn target(path: &str, role: &Role, release_name: Option<&str>) -> (String, Vec<Why>) {
    let (folder, name) = split(path);
    let (stem, extension) = parts(name);
    let cleaned = || {
        let stem = Some(clean(stem))
            .filter(|stem| !stem.is_empty())
            .unwrap_or_else(|| "file".to_owned());
        let name =
            extension.map_or_else(|| stem.clone(), |extension| format!("{stem}.{extension}"));
        // What was cleaned away may have hidden an extension.
        match parts(&name) {
            (stem, Some(extension)) => format!("{stem}.{}", extension.to_ascii_lowercase()),
            _ => name,
        }
    };
    let mut why = broken(if matches!(role, Role::Other) {
        path
    } else {
        name
    });
    let to = match (role, release_name) {
        (Role::Named(ending), Some(release_name)) => {
            let own = clean(self::stem(name, ending));
            if own != release_name {
                let is_suffix = release_name
                    .strip_prefix(&own)
                    .is_some_and(|rest| rest.starts_with('-'));
                why.push(if is_suffix {
                    Why::GroupSuffix
                } else {
                    Why::ReleaseName
                });
            }
            format!("{release_name}{ending}")
        }
        (Role::Named(_), None) => cleaned(),
        (Role::Diz, _) => DIZ.to_owned(),
        (Role::Other, _) => {
            let folders = folder.split('/').map(clean).filter(|part| !part.is_empty());
            folders.chain([cleaned()]).collect::<Vec<_>>().join("/")
        }
    };
    if !folder.is_empty() && !matches!(role, Role::Other) {
        why.push(Why::Folder);
    }
    let has_case = |ending: &str| ending.bytes().any(|byte| byte.is_ascii_uppercase());
    if extension.is_some_and(has_case) && !matches!(role, Role::Diz) {
        why.push(Why::ExtensionCase);
    }
    (to, why)
}

/// The rules on characters that a path breaks.
fn broken(path: &str) -> Vec<Why> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    // Where the separators stand counts, whatever else is between them.
    let bare: String = path
        .chars()
        .map(|c| if allowed(c) { c } else { 'x' })
        .collect();
    let separators = bare
        .split('/')
        .any(|part| part.is_empty() || part.len() <= MAX_PART && clean(part) != part);
    let rules = [
        (
            Why::Length,
            path.split('/').any(|part| part.len() > MAX_PART),
        ),
        (
            Why::Accents,
            path.chars().any(|c| !c.is_ascii() && !c.is_whitespace()),
        ),
        (Why::Spaces, path.chars().any(char::is_whitespace)),
        (
            Why::Characters,
            separators
                || path
                    .chars()
                    .any(|c| c.is_ascii() && !c.is_whitespace() && !allowed(c)),
        ),
    ];
    rules
        .into_iter()
        .filter(|(_, is_broken)| *is_broken)
        .map(|(why, _)| why)
        .collect()
}

/// A part of a path with the characters that names have, and one separator between its words.
fn clean(part: &str) -> String {
    let mut cleaned = String::new();
    let mut separators = String::new();
    for c in transliterate(part).chars() {
        match c {
            '.' | '_' | '-' => separators.push(c),
            ' ' | '\t' => separators.push('.'),
            _ if !c.is_ascii_alphanumeric() => {}
            _ => {
                if !cleaned.is_empty() {
                    // A dash tells parts of a name from each other, so it outlives dots beside it.
                    let strongest = ['-', '.', '_']
                        .into_iter()
                        .find(|separator| separators.contains(*separator));
                    cleaned.extend(strongest);
                }
                separators.clear();
                cleaned.push(c);
            }
        }
    }
    cleaned.truncate(MAX_PART);
    cleaned.truncate(cleaned.trim_end_matches(['.', '_', '-']).len());
    cleaned
}

/// A path's folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A name's stem and extension.
fn parts(name: &str) -> (&str, Option<&str>) {
    let is_extension = |ending: &str| {
        (1..=MAX_EXTENSION).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_extension(ending) => (stem, Some(ending)),
        _ => (name, None),
    }
}

/// The path, with a number where it is taken: also by one that differs in case alone, or as a folder.
fn free(path: &str, taken: &mut HashSet<String>) -> String {
    let (folder, name) = split(path);
    let (stem, extension) = parts(name);
    let mut free = path.to_owned();
    let mut number = 2;
    while taken.contains(&free.to_lowercase()) {
        let extension = extension
            .map(|extension| format!(".{extension}"))
            .unwrap_or_default();
        let slash = if folder.is_empty() { "" } else { "/" };
        free = format!("{folder}{slash}{stem}.{number}{extension}");
        number += 1;
    }
    taken.insert(free.to_lowercase());
    free
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
