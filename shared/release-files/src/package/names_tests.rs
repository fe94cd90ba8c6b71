use proptest::prelude::*;

use super::*;
use crate::formats::entry_name::check_entry_name;

/// What becomes of each path, and why.
fn renames(paths: &[&str]) -> Vec<(String, String, Vec<Why>)> {
    let plan = plan(paths, "GRP", Some("Built.Name-GRP"));
    plan.renames
        .into_iter()
        .map(|rename| (rename.from, rename.to, rename.why))
        .collect()
}

fn renamed(path: &str) -> (String, Vec<Why>) {
    match renames(&[path]).as_slice() {
        [] => (path.to_owned(), Vec::new()),
        [(_, to, why)] => (to.clone(), why.clone()),
        more => panic!("{more:?}"),
    }
}

#[test]
fn a_package_by_the_rules_stays_as_it_is() {
    let paths = [
        "FILE_ID.DIZ",
        "art/cover-1.jpg",
        "A.Book-GRP.nfo",
        "A.Book-GRP.sfv",
        "A.Book-GRP.zip.001",
        "A.Book-GRP.zip.002",
    ];
    assert_eq!(renames(&paths), []);
    assert_eq!(
        plan(&paths, "GRP", None).release_name.as_deref(),
        Some("A.Book-GRP")
    );
}

#[test]
fn each_rule_is_kept_and_told() {
    for (path, to, why) in [
        ("été.txt", "ete.txt", vec![Why::Accents]),
        ("two  words.txt", "two.words.txt", vec![Why::Spaces]),
        ("a&b(1).txt", "ab1.txt", vec![Why::Characters]),
        ("a..b._c-.txt", "a.b.c.txt", vec![Why::Characters]),
        ("a - b.txt", "a-b.txt", vec![Why::Spaces]),
        ("cover.JPG", "cover.jpg", vec![Why::ExtensionCase]),
        ("日本.jpg", "file.jpg", vec![Why::Accents]),
        (
            "my art/Œuvre.png",
            "my.art/OEuvre.png",
            vec![Why::Accents, Why::Spaces],
        ),
        (".hidden", "hidden", vec![Why::Characters]),
        ("sub/file_id.diz", "FILE_ID.DIZ", vec![Why::Folder]),
    ] {
        assert_eq!(renamed(path), (to.to_owned(), why), "{path}");
    }
}

#[test]
fn archive_nfo_and_sfv_are_called_as_the_release() {
    let found = renames(&["x/A Book.zip", "readme.NFO", "A.Book.sfv"]);
    let expected = [
        (
            "x/A Book.zip",
            "A.Book-GRP.zip",
            vec![Why::Spaces, Why::GroupSuffix, Why::Folder],
        ),
        (
            "readme.NFO",
            "A.Book-GRP.nfo",
            vec![Why::ReleaseName, Why::ExtensionCase],
        ),
        ("A.Book.sfv", "A.Book-GRP.sfv", vec![Why::GroupSuffix]),
    ];
    assert_eq!(
        found,
        expected.map(|(from, to, why)| (from.to_owned(), to.to_owned(), why))
    );
}

#[test]
fn where_no_file_has_the_releases_name_the_metadata_give_it() {
    assert_eq!(
        renamed("日本.nfo"),
        (
            "Built.Name-GRP.nfo".to_owned(),
            vec![Why::Accents, Why::ReleaseName]
        )
    );
    let plan = plan(&["日本.NFO"], "G", None);
    assert_eq!(
        (plan.release_name, plan.paths[0].1.as_str()),
        (None, "file.nfo")
    );
}

#[test]
fn names_that_fall_together_get_a_number() {
    let found = renames(&["a b.jpg", "a.b.jpg", "A.B.jpg", "x.nfo", "y/x.nfo"]);
    let names: Vec<_> = found
        .iter()
        .map(|(from, to, why)| (from.as_str(), to.as_str(), why.contains(&Why::Duplicate)))
        .collect();
    let expected = [
        ("a b.jpg", "a.b.jpg", false),
        ("a.b.jpg", "a.b.2.jpg", true),
        ("A.B.jpg", "A.B.3.jpg", true),
        ("x.nfo", "Built.Name-GRP.nfo", false),
    ];
    assert_eq!(names, expected);
}

proptest! {
    #[test]
    fn any_package_is_put_right_once_and_for_all(
        paths in prop::collection::btree_set(
            "([ -~éß日\u{a0}]{1,6}/){0,2}[ -.0-~éÉ日]{1,12}(\\.(zip|ZIP|nfo|NFO|sfv|zip\\.00[1-3]|jpg|DIZ))?", 0..12),
        group in "[A-Z]{1,5}",
    ) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let plan = plan(&paths, &group, Some("Built.Name-GRP"));
        let after: Vec<&str> = plan.paths.iter().map(|(_, to)| to.as_str()).collect();
        let distinct: HashSet<String> = after.iter().map(|path| path.to_lowercase()).collect();
        prop_assert_eq!(distinct.len(), paths.len());
        for path in &after {
            prop_assert!(check_entry_name(path).is_ok(), "{}", path);
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b)), "{}", path);
        }
        for rename in &plan.renames {
            prop_assert!(!rename.why.is_empty(), "{:?}", rename);
        }
        let again = super::plan(&after, &group, Some("Built.Name-GRP"));
        prop_assert_eq!(again.renames, vec![]);
    }
}
