//! Runs epubcheck on books, and reads its reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use release_files::formats::findings::FindingId;
use serde_json::Value;

use super::corpus::Case;

/// The options of a Java that soon ends: its compiler and its garbage collector do not pay.
const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
/// The number of books that are checked at once.
const AT_ONCE: usize = 2;

/// epubcheck, as it is installed.
pub struct Oracle {
    program: PathBuf,
}

/// Whether the test runs in CI, where it must not be skipped.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

impl Oracle {
    /// Finds epubcheck; `None` if it is not installed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the programs of the machine, not a setting of the product"
    )]
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let mut folders = std::env::split_paths(&path);
        let found = folders.find_map(|folder| fs::canonicalize(folder.join("epubcheck")).ok())?;
        Some(Self { program: found })
    }

    /// Checks books, and returns the report on each.
    pub fn check(&self, cases: &[Case]) -> Vec<Report> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("epubcheck");
        fs::create_dir_all(&folder).unwrap();
        let next = AtomicUsize::new(0);
        let reports = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((at, case)) = take(&next, cases) {
                        let report = self.check_one(case, &folder);
                        reports.lock().unwrap().insert(at, report);
                    }
                });
            }
        });
        reports.into_inner().unwrap().into_values().collect()
    }

    fn check_one(&self, case: &Case, folder: &Path) -> Report {
        let name = case.file_name();
        let (book, json) = (folder.join(&name), folder.join(format!("{name}.json")));
        fs::write(&book, &case.bytes).unwrap();
        let mut command = self.command();
        command.arg(&book).args(["-u", "-q", "--json"]).arg(&json);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Its status only says whether it found an error.
        command.status().unwrap();
        let report = fs::read(&json);
        let report = report.unwrap_or_else(|error| panic!("no report on {name}: {error}"));
        Report::parse(&name, &serde_json::from_slice(&report).unwrap())
    }

    /// Debian installs an archive that only some systems run by themselves.
    fn command(&self) -> Command {
        let is_archive = self
            .program
            .extension()
            .is_some_and(|ending| ending == "jar");
        let mut command = if is_archive {
            let mut java = Command::new("java");
            java.arg("-jar").arg(&self.program);
            java
        } else {
            Command::new(&self.program)
        };
        command.env("JAVA_TOOL_OPTIONS", JAVA_OPTIONS);
        command
    }
}

fn take<'c>(next: &AtomicUsize, cases: &'c [Case]) -> Option<(usize, &'c Case)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    cases.get(at).map(|case| (at, case))
}

/// What epubcheck says of a book: the files in which it finds each of our ids.
pub struct Report(BTreeMap<FindingId, BTreeSet<String>>);

impl Report {
    fn parse(name: &str, json: &Value) -> Self {
        let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for message in json["messages"].as_array().unwrap() {
            // Those with an id that we do not claim do not count.
            let Ok(id) = serde_json::from_value::<FindingId>(message["ID"].clone()) else {
                continue;
            };
            let severity = message["severity"].as_str().unwrap().to_lowercase();
            let severity = severity.replace("usage", "info");
            assert_eq!(severity, id.severity().as_str(), "{}", id.as_str());
            let paths = found.entry(id).or_default();
            for location in message["locations"].as_array().unwrap() {
                let path = location["path"].as_str().unwrap_or_default();
                let inside = path.rsplit_once(&format!("{name}/"));
                paths.extend(inside.map(|(_, path)| path.to_owned()));
            }
        }
        Self(found)
    }

    /// The ids.
    pub fn ids(&self) -> BTreeSet<FindingId> {
        self.0.keys().copied().collect()
    }

    /// Whether it names the files with an id.
    pub fn has_paths(&self, id: FindingId) -> bool {
        self.0.get(&id).is_some_and(|paths| !paths.is_empty())
    }

    /// The files with each of some ids.
    pub fn places(&self, name: &str, ids: &BTreeSet<FindingId>) -> Vec<super::Place> {
        let found = self.0.iter().filter(|(id, _)| ids.contains(id));
        let placed = found.flat_map(|(id, paths)| {
            paths
                .iter()
                .map(move |path| (name.to_owned(), *id, path.clone()))
        });
        placed.collect()
    }
}
