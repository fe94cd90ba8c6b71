use std::collections::HashSet;

use super::*;
use crate::progress::testing::Recorder;

/// The prefixes of epubcheck's ids.
const EPUBCHECK: [&str; 12] = [
    "ACC", "CHK", "CSS", "HTM", "INF", "MED", "NAV", "NCX", "OPF", "PKG", "RSC", "SCP",
];

#[test]
fn table_has_each_id_once_in_order() {
    let mut names = HashSet::new();
    for (at, id) in FindingId::ALL.into_iter().enumerate() {
        assert_eq!(id as usize, at, "{}", id.as_str());
        assert!(names.insert(id.as_str()), "{}", id.as_str());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<FindingId>(&json).unwrap(), id);
    }
    assert!(serde_json::from_str::<FindingId>("\"OPF-999\"").is_err());
}

#[test]
fn own_ids_are_unlike_those_of_epubcheck() {
    for id in FindingId::ALL {
        let prefix = id.as_str().split('-').next().unwrap();
        let is_of_epubcheck = EPUBCHECK.contains(&prefix);
        assert_eq!(id.is_of_epubcheck(), is_of_epubcheck, "{}", id.as_str());
    }
}

#[test]
fn each_id_says_what_it_means_and_what_to_do() {
    for id in FindingId::ALL {
        for text in [id.meaning(), id.hint()] {
            assert!(text.ends_with('.') && text.len() < 200, "{text}");
            assert!(!text.contains('|'), "{text}");
        }
        assert!(!id.source().is_empty());
        assert_ne!(id.as_str(), "RSC-005");
    }
}

#[test]
fn findings_are_bounded_and_the_worst_come_first() {
    let mut list = FindingList::default();
    for id in FindingId::ALL {
        for _ in 0..1_000 {
            list.add(id, Spot::line("a", 7), "x".repeat(10_000));
        }
    }
    let (findings, total) = list.finish();
    assert_eq!(total, FindingId::ALL.len() as u64 * 1_000);
    assert!(findings.len() <= 500 && findings.is_sorted_by_key(|finding| finding.severity));
    for id in FindingId::ALL {
        let of_id = findings.iter().filter(|finding| finding.id == id);
        assert!(of_id.count() <= 20);
    }
    let longest = findings
        .iter()
        .map(|finding| finding.message.chars().count());
    assert!(longest.max().unwrap() <= Finding::MAX_MESSAGE_CHARS + 1);
    assert_eq!(findings[0].path.as_deref(), Some("a"));
    assert_eq!(findings[0].line, Some(7));
}

#[test]
fn log_has_the_first_findings_that_matter() {
    let mut list = FindingList::default();
    list.add(FindingId::A11y005, Spot::WHOLE, "Not logged.");
    list.add(FindingId::Pdf001, Spot::WHOLE, "The PDF is damaged.");
    let mut progress = Recorder::default();
    write_log(&list.finish().0, &mut progress);
    assert_eq!(progress.warnings, ["The PDF is damaged"]);

    let mut list = FindingList::default();
    for id in [FindingId::Pdf001, FindingId::Zip001] {
        (0..30).for_each(|n| list.add(id, Spot::WHOLE, format!("{n}.")));
    }
    let mut progress = Recorder::default();
    write_log(&list.finish().0, &mut progress);
    assert_eq!(progress.warnings.len(), 21);
    assert_eq!(
        progress.warnings[20],
        "20 more are in `findings` of the result"
    );
}
