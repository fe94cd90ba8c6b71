//! The parts of `docs/findings.md` that must match the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use release_files::formats::findings::FindingId;

/// Compares a part of the page with its generated text, or writes it if `UPDATE_DOCS` is set. The
/// part is between two marks.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
pub fn assert_part(name: &str, generated: &str) {
    // Two tests may write the page at once.
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = LOCK.lock();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings.md");
    let page = fs::read_to_string(&path).unwrap();
    let (start, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let (before, rest) = page.split_once(&start).unwrap();
    let (part, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let updated = [before, &start, generated, &end, after].concat();
        fs::write(&path, updated).unwrap();
        return;
    }
    assert!(
        part == generated,
        "docs/findings.md is out of date: run the tests of release-files with UPDATE_DOCS=1"
    );
}

/// The table of all ids.
pub fn table_of_ids() -> String {
    let mut table = "\
| id | severity | meaning | what to do | source |
| --- | --- | --- | --- | --- |
"
    .to_owned();
    for id in FindingId::ALL {
        let (name, severity) = (id.as_str(), id.severity().as_str());
        let (meaning, hint, source) = (code(id.meaning()), code(id.hint()), id.source());
        writeln!(
            table,
            "| `{name}` | {severity} | {meaning} | {hint} | {source} |"
        )
        .unwrap();
    }
    table
}

/// Keeps markup from being read as such.
fn code(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The books in which both, or only one of the two, report each id.
#[derive(Default)]
pub struct Agreement {
    of_each: BTreeMap<FindingId, [usize; 3]>,
    /// The number of findings of both.
    pub both: usize,
    /// Our findings that epubcheck does not have: the book and the id.
    pub only_ours: Vec<(String, &'static str)>,
    /// Those that only epubcheck has.
    pub only_theirs: Vec<(String, &'static str)>,
    books: usize,
}

impl Agreement {
    /// Adds a book.
    pub fn add(&mut self, name: &str, ours: &BTreeSet<FindingId>, theirs: &BTreeSet<FindingId>) {
        self.books += 1;
        for id in ours | theirs {
            let named = || (name.to_owned(), id.as_str());
            let column = match (ours.contains(&id), theirs.contains(&id)) {
                (true, true) => {
                    self.both += 1;
                    0
                }
                (false, _) => {
                    self.only_theirs.push(named());
                    1
                }
                (true, false) => {
                    self.only_ours.push(named());
                    2
                }
            };
            self.of_each.entry(id).or_default()[column] += 1;
        }
    }

    /// The ids that epubcheck reports in some book.
    pub fn ids(&self) -> impl Iterator<Item = FindingId> {
        let found = self.of_each.iter();
        found
            .filter(|(_, columns)| columns[0] + columns[1] > 0)
            .map(|(id, _)| *id)
    }

    /// The table of the page.
    pub fn table(&self) -> String {
        let (both, theirs) = (self.both, self.only_theirs.len());
        let mut table = format!(
            "Of the {} findings that epubcheck has in the {} books with these ids, the analysis has {both}.

| id | books in which both have it | only epubcheck | only the analysis |
| --- | --- | --- | --- |
",
            both + theirs,
            self.books,
        );
        for (id, [both, theirs, ours]) in &self.of_each {
            writeln!(table, "| `{}` | {both} | {theirs} | {ours} |", id.as_str()).unwrap();
        }
        table
    }
}
