//! Compares our findings with those of epubcheck, and with the page that lists them.
//!
//! It needs epubcheck (Debian: `epubcheck`). Without it, the comparison is skipped, except in CI.

mod book;
mod corpus;
mod corpus_parts;
mod oracle;
mod page;

use std::collections::BTreeSet;
use std::io::Cursor;

use release_files::formats::analyze;
use release_files::formats::findings::{Finding, FindingId};
use release_files::isolation::in_process;
use release_files::progress::NoProgress;

use self::corpus::{Case, corpus};
use self::oracle::{Oracle, Report};
use self::page::Agreement;

/// The share of epubcheck's findings with our ids that we find, at least, in percent.
const MIN_FOUND_PERCENT: usize = 95;

/// Our findings that have an id of epubcheck.
fn ours(case: &Case) -> Vec<Finding> {
    let size = case.bytes.len() as u64;
    let mut reader = Cursor::new(&case.bytes);
    let name = case.file_name();
    let analysis = analyze(&mut reader, &name, size, &in_process, &mut NoProgress);
    let findings = analysis.unwrap().findings.into_iter();
    findings
        .filter(|finding| finding.id.is_of_epubcheck())
        .collect()
}

/// A finding of a book, and its file.
type Place = (String, FindingId, String);

fn placed(name: &str, findings: &[Finding], report: &Report) -> BTreeSet<Place> {
    let with_path = findings.iter().filter_map(|finding| {
        let path = finding.path.clone()?;
        Some((name.to_owned(), finding.id, path))
    });
    // epubcheck does not name the file in every finding.
    with_path
        .filter(|(_, id, _)| report.has_paths(*id))
        .collect()
}

#[test]
fn findings_are_those_of_epubcheck() {
    let Some(oracle) = Oracle::find() else {
        assert!(!oracle::is_ci(), "epubcheck is missing: install it");
        println!("epubcheck is not installed: the comparison is skipped");
        return;
    };
    let cases = corpus();
    let reports = oracle.check(&cases);
    let mut agreement = Agreement::default();
    let (mut our_places, mut their_places) = (BTreeSet::new(), BTreeSet::new());
    for (case, report) in cases.iter().zip(&reports) {
        let found = ours(case);
        let ids: BTreeSet<_> = found.iter().map(|finding| finding.id).collect();
        agreement.add(&case.name, &ids, &report.ids());
        our_places.extend(placed(&case.name, &found, report));
        their_places.extend(report.places(&case.name, &ids));
    }
    println!("{}", agreement.table());
    assert_eq!(agreement.only_ours, [], "epubcheck does not report these");
    let found = agreement.both * 100;
    let wanted = (agreement.both + agreement.only_theirs.len()) * MIN_FOUND_PERCENT;
    assert!(found >= wanted, "not found: {:?}", agreement.only_theirs);
    let all: BTreeSet<_> = agreement.ids().collect();
    let without: Vec<_> = FindingId::ALL
        .into_iter()
        .filter(|id| id.is_of_epubcheck() && !all.contains(id))
        .map(FindingId::as_str)
        .collect();
    assert!(without.is_empty(), "no book of the corpus has {without:?}");
    let wrong: Vec<_> = our_places.difference(&their_places).collect();
    assert!(
        wrong.is_empty(),
        "in other files than epubcheck says: {wrong:?}"
    );
    let missed: Vec<_> = their_places.difference(&our_places).collect();
    let few = missed.len() * 100 <= their_places.len() * (100 - MIN_FOUND_PERCENT);
    assert!(few, "files not found: {missed:?}");
    page::assert_part("agreement", &agreement.table());
}

#[test]
fn page_lists_the_ids() {
    page::assert_part("ids", &page::table_of_ids());
}

#[test]
fn names_in_the_corpus_are_unique() {
    let cases = corpus();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!((60..=90).contains(&cases.len()), "{}", cases.len());
}
