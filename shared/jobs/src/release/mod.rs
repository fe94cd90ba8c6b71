//! Releases, their packages and files, and the rules of their fields.

mod fields;
mod rules;

use std::{cmp::Reverse, fmt, str::FromStr, time::Duration};

use serde_json::{Map, Value};
use text::{check_entry_name, is_unprintable};

pub use self::{
    fields::ReleaseFields,
    rules::{check_group, check_metadata, check_name, check_type, group_of},
};
use crate::{JobId, ReleaseId, Time, UserId};

/// The largest metadata of a release, in bytes of its JSON.
pub const MAX_METADATA_BYTES: usize = 64 * 1024;
/// The largest source file, in bytes: the limit of one PUT (Amazon S3 User Guide, "Uploading
/// objects").
pub const MAX_UPLOAD_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The largest number of characters of a title in a list.
pub const MAX_SHORT_TITLE_CHARS: usize = 100;
/// The largest length of a release's name, in characters.
pub const MAX_NAME_CHARS: usize = 200;

/// The number of replaced packages that a release keeps. Beyond it, the oldest expire at once.
pub const MAX_REPLACED: usize = 20;

/// A release and its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Its owner.
    pub user_id: UserId,
    /// Its type (`ebook`), as the web application names it, in its case.
    pub release_type: String,
    /// Its name, if the client chose one.
    pub name: Option<String>,
    /// The group that publishes it.
    pub group: Option<String>,
    /// The metadata of the work: title, authors and so on, as the web application keeps them.
    pub metadata: Map<String, Value>,
    /// The time of its creation.
    pub created_at: Time,
    /// The current package; `None` until a job has built one.
    pub package: Option<Package>,
    /// The earlier packages whose files still exist, newest first.
    pub replaced: Vec<ReplacedPackage>,
}

/// A release in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseSummary {
    /// Its id.
    pub id: ReleaseId,
    /// Its owner.
    pub user_id: UserId,
    /// Its type, in its case.
    pub release_type: String,
    /// Its name, if the client chose one.
    pub name: Option<String>,
    /// The group that publishes it.
    pub group: Option<String>,
    /// The beginning of the work's title: see [`Release::short_title`].
    pub title: Option<String>,
    /// The current package.
    pub package: Option<Package>,
    /// The time of its creation.
    pub created_at: Time,
}

/// A package of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The job that built it.
    pub job_id: JobId,
    /// The fence of the run that built it, which names the folder of its files.
    pub fence: u32,
    /// 1 for the release's first package; increases by one with each package that becomes current.
    pub version: u32,
    /// The time it became current.
    pub since: Time,
}

/// A package that has been replaced by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacedPackage {
    /// The package.
    pub package: Package,
    /// The time until which it can be restored.
    pub expires_at: Time,
}

/// A release to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRelease {
    /// Its owner.
    pub user_id: UserId,
    /// Its type.
    pub release_type: String,
    /// Its name.
    pub name: Option<String>,
    /// The group that publishes it.
    pub group: Option<String>,
    /// The metadata of the work.
    pub metadata: Map<String, Value>,
}

impl Release {
    /// Creates a release without a package.
    #[must_use]
    pub fn new(id: ReleaseId, release: &NewRelease, now: Time) -> Self {
        let release = release.clone();
        Self {
            id,
            user_id: release.user_id,
            release_type: release.release_type,
            name: release.name,
            group: release.group,
            metadata: release.metadata,
            created_at: now,
            package: None,
            replaced: Vec::new(),
        }
    }

    /// The work's title, cut to [`MAX_SHORT_TITLE_CHARS`] characters, as lists show it.
    #[must_use]
    pub fn short_title(metadata: &Map<String, Value>) -> Option<String> {
        let title = metadata.get("title")?.as_str()?.trim();
        let short: String = title.chars().take(MAX_SHORT_TITLE_CHARS).collect();
        (!short.is_empty()).then_some(short)
    }

    /// Returns the replaced packages after `next` becomes current at `now`: the current package is
    /// added and expires after `keep`; `next` itself is removed.
    #[must_use]
    pub fn replaced_by(&self, next: &Package, now: Time, keep: Duration) -> Vec<ReplacedPackage> {
        let current = self.package.clone().map(|package| ReplacedPackage {
            package,
            expires_at: now.after(keep),
        });
        let others = self
            .replaced
            .iter()
            .filter(|other| other.package.job_id != next.job_id)
            .cloned();
        let mut replaced: Vec<ReplacedPackage> = current.into_iter().chain(others).collect();
        replaced.sort_by_key(|other| Reverse(other.package.version));
        for other in replaced.iter_mut().skip(MAX_REPLACED) {
            other.expires_at = other.expires_at.min(now);
        }
        replaced
    }

    /// Returns the package of `job_id` and `fence` as the next version.
    #[must_use]
    pub fn next_package(&self, job_id: JobId, fence: u32, now: Time) -> Package {
        let version = self
            .package
            .as_ref()
            .map_or(1, |package| package.version + 1);
        Package {
            job_id,
            fence,
            version,
            since: now,
        }
    }

    /// Returns the current or replaced package that `job_id` built.
    #[must_use]
    pub fn built_by(&self, job_id: JobId) -> Option<&Package> {
        let replaced = self.replaced.iter().map(|replaced| &replaced.package);
        self.package
            .iter()
            .chain(replaced)
            .find(|package| package.job_id == job_id)
    }

    /// Returns the replaced package that `job_id` built, unless it has expired.
    #[must_use]
    pub fn restorable(&self, job_id: JobId, now: Time) -> Option<&Package> {
        let is_restorable =
            |other: &&ReplacedPackage| other.package.job_id == job_id && other.expires_at > now;
        let found = self.replaced.iter().find(is_restorable);
        found.map(|other| &other.package)
    }
}

/// The key prefix of a release's source files.
#[must_use]
pub fn source_prefix(release: ReleaseId) -> String {
    format!("releases/{release}/source/")
}

/// The key prefix of everything that a job writes.
#[must_use]
pub fn job_prefix(release: ReleaseId, job: JobId) -> String {
    format!("releases/{release}/jobs/{job}/")
}

/// The key of the checkpoint from which the job's next run continues.
#[must_use]
pub fn checkpoint_key(release: ReleaseId, job: JobId) -> String {
    format!("{}checkpoint", job_prefix(release, job))
}

/// The key prefix of one run's output. Each run has its own, so that a late write by an earlier run
/// never touches the output of a later one.
#[must_use]
pub fn output_prefix(release: ReleaseId, job: JobId, fence: u32) -> String {
    format!("{}{fence}/", job_prefix(release, job))
}

/// The key of the thumbnail that the analysis of a book writes, in the output of the run that completed it.
#[must_use]
pub fn cover_key(release: ReleaseId, job: JobId, fence: u32) -> String {
    format!("{}cover.jpg", output_prefix(release, job, fence))
}

/// The path of a source file, relative to its release, with `/` as the separator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath(String);

/// The largest number of source files with which a job accepts a release.
pub const MAX_SOURCES: usize = 1_000;
/// The largest number of files in the list of a package, which is above the number of volumes that
/// an archive can have.
pub const MAX_PACKAGE_FILES: usize = 2_000;

/// Not a valid path of a source file.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be a relative path of 1 to 512 bytes, \
     without a drive letter, '.' or '..' parts, backslashes, \
     or characters that control the text"
)]
pub struct InvalidPath;

impl SourcePath {
    const MAX_BYTES: usize = 512;

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Finds the file that this path names among files with these paths below `source/`. A path
    /// that starts with `source/`, as a release's files are listed, names the file below it, unless
    /// there is a folder of that name.
    #[must_use]
    pub fn find<'a, T>(&self, files: &'a [T], path_of: impl Fn(&'a T) -> &'a str) -> Option<&'a T> {
        let find = |path: &str| files.iter().find(|file| path_of(file) == path);
        find(&self.0).or_else(|| find(self.0.strip_prefix("source/")?))
    }
}

impl FromStr for SourcePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        // A package is an archive, which takes no other names.
        let names_a_file = check_entry_name(text).is_ok() && !text.ends_with('/');
        // S3 lists keys in XML, which cannot contain U+FFFE and U+FFFF (XML 1.0, section 2.2).
        let characters_are_safe = !text
            .chars()
            .any(|c| is_unprintable(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
        if names_a_file && characters_are_safe && text.len() <= Self::MAX_BYTES {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPath)
        }
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_path_stays_inside_its_release() {
        for path in [
            "book.epub",
            "cd 1/été.cbz",
            "a/b/c",
            "1:2",
            "می\u{200C}خواهم.txt",
        ] {
            assert_eq!(path.parse::<SourcePath>().unwrap().as_str(), path);
        }
        let long = "x".repeat(513);
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "a\nb",
            "a\u{FFFE}",
            "C:x",
            "c:/x",
            "exe.\u{202E}fdp",
            "a\u{2028}b",
            "a\u{85}b",
            &long,
        ] {
            assert!(path.parse::<SourcePath>().is_err(), "{path:?}");
        }
    }

    #[test]
    fn source_path_is_found_in_either_form() {
        let files = ["a.txt", "b.txt", "source/b.txt"];
        for (path, found) in [
            ("a.txt", Some("a.txt")),
            ("source/a.txt", Some("a.txt")),
            ("source/b.txt", Some("source/b.txt")),
            ("source/c.txt", None),
        ] {
            let path: SourcePath = path.parse().unwrap();
            assert_eq!(path.find(&files, |file| file).copied(), found);
        }
    }

    #[test]
    fn newest_replaced_packages_are_restorable_until_they_expire() {
        let keep = Duration::from_secs(10);
        let package = |id: u64| Package {
            job_id: JobId::try_from(id).unwrap(),
            fence: 1,
            version: u32::try_from(id).unwrap(),
            since: Time::from_millis(0),
        };
        let mut release = Release {
            id: ReleaseId::try_from(42).unwrap(),
            user_id: UserId::try_from(7).unwrap(),
            release_type: "ebook".to_owned(),
            name: None,
            group: None,
            metadata: Map::new(),
            created_at: Time::from_millis(0),
            package: None,
            replaced: Vec::new(),
        };
        let now = Time::from_millis(1_000);
        for id in 1..=23 {
            release.replaced = release.replaced_by(&package(id), now, keep);
            release.package = Some(package(id));
        }
        let is_restorable = |release: &Release, id, now| {
            let job_id = JobId::try_from(id).unwrap();
            release.restorable(job_id, now).is_some()
        };
        assert_eq!(
            (1..=23)
                .filter(|id| is_restorable(&release, *id, now))
                .collect::<Vec<u64>>(),
            (3..=22).collect::<Vec<_>>()
        );
        assert!(!is_restorable(&release, 22, now.after(keep)));
        let restored = release.replaced_by(&package(20), now, keep);
        assert_eq!(
            restored
                .iter()
                .take(3)
                .map(|other| other.package.version)
                .collect::<Vec<_>>(),
            [23, 22, 21]
        );
        assert!(restored.iter().all(|other| other.package.version != 20));
    }

    #[test]
    fn output_prefix_is_inside_the_job_prefix() {
        let (release, job) = (
            ReleaseId::try_from(42).unwrap(),
            JobId::try_from(7).unwrap(),
        );
        assert_eq!(source_prefix(release), "releases/42/source/");
        assert_eq!(output_prefix(release, job, 2), "releases/42/jobs/7/2/");
        assert!(output_prefix(release, job, 2).starts_with(&job_prefix(release, job)));
    }
}
