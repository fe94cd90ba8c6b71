use proptest::prelude::*;

use super::*;
use text::check_entry_name;

/// The renames of a plan: from, to, broken rules.
fn renames(paths: &[&str]) -> Vec<(String, String, Vec<NamingRule>)> {
    let plan = plan_renames(paths, "GRP", Some("Built.Name-GRP"));
    plan.renames
        .into_iter()
        .map(|rename| (rename.from, rename.to, rename.broken_rules))
        .collect()
}

fn renamed(path: &str) -> (String, Vec<NamingRule>) {
    match renames(&[path]).as_slice() {
        [] => (path.to_owned(), Vec::new()),
        [(_, to, broken)] => (to.clone(), broken.clone()),
        more => panic!("{more:?}"),
    }
}

#[test]
fn correct_package_needs_no_renames() {
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
        plan_renames(&paths, "GRP", None).release_name.as_deref(),
        Some("A.Book-GRP")
    );
}

#[test]
fn each_broken_rule_is_repaired_and_reported() {
    for (path, to, broken) in [
        ("été.txt", "ete.txt", vec![NamingRule::Accents]),
        ("two  words.txt", "two.words.txt", vec![NamingRule::Spaces]),
        ("a&b(1).txt", "ab1.txt", vec![NamingRule::Characters]),
        ("a..b._c-.txt", "a.b.c.txt", vec![NamingRule::Characters]),
        ("a - b.txt", "a-b.txt", vec![NamingRule::Spaces]),
        ("cover.JPG", "cover.jpg", vec![NamingRule::ExtensionCase]),
        ("日本.jpg", "file.jpg", vec![NamingRule::Accents]),
        (
            "my art/Œuvre.png",
            "my.art/OEuvre.png",
            vec![NamingRule::Accents, NamingRule::Spaces],
        ),
        (".hidden", "hidden", vec![NamingRule::Characters]),
        ("sub/file_id.diz", "FILE_ID.DIZ", vec![NamingRule::Folder]),
    ] {
        assert_eq!(renamed(path), (to.to_owned(), broken), "{path}");
    }
}

#[test]
fn archive_nfo_and_sfv_are_named_after_the_release() {
    let found = renames(&["x/A Book.zip", "readme.NFO", "A.Book.sfv"]);
    let expected = [
        (
            "x/A Book.zip",
            "A.Book-GRP.zip",
            vec![
                NamingRule::Spaces,
                NamingRule::GroupSuffix,
                NamingRule::Folder,
            ],
        ),
        (
            "readme.NFO",
            "A.Book-GRP.nfo",
            vec![NamingRule::ReleaseName, NamingRule::ExtensionCase],
        ),
        (
            "A.Book.sfv",
            "A.Book-GRP.sfv",
            vec![NamingRule::GroupSuffix],
        ),
    ];
    assert_eq!(
        found,
        expected.map(|(from, to, broken)| (from.to_owned(), to.to_owned(), broken))
    );
}

#[test]
fn metadata_names_the_release_if_no_file_does() {
    assert_eq!(
        renamed("日本.nfo"),
        (
            "Built.Name-GRP.nfo".to_owned(),
            vec![NamingRule::Accents, NamingRule::ReleaseName]
        )
    );
    let plan = plan_renames(&["日本.NFO"], "G", None);
    assert_eq!(
        (plan.release_name, plan.paths[0].1.as_str()),
        (None, "file.nfo")
    );
}

#[test]
fn colliding_names_get_a_number() {
    let found = renames(&["a b.jpg", "a.b.jpg", "A.B.jpg", "x.nfo", "y/x.nfo"]);
    let names: Vec<_> = found
        .iter()
        .map(|(from, to, broken)| {
            (
                from.as_str(),
                to.as_str(),
                broken.contains(&NamingRule::Duplicate),
            )
        })
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
    fn repaired_package_needs_no_repair(
        paths in prop::collection::btree_set(
            "([ -~éß日\u{a0}]{1,6}/){0,2}[ -.0-~éÉ日]{1,12}(\\.(zip|ZIP|nfo|NFO|sfv|zip\\.00[1-3]|jpg|DIZ))?", 0..12),
        group in "[A-Z]{1,5}",
    ) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let plan = plan_renames(&paths, &group, Some("Built.Name-GRP"));
        let after: Vec<&str> = plan.paths.iter().map(|(_, to)| to.as_str()).collect();
        let distinct: HashSet<String> = after.iter().map(|path| path.to_lowercase()).collect();
        prop_assert_eq!(distinct.len(), paths.len());
        for path in &after {
            prop_assert!(check_entry_name(path).is_ok(), "{}", path);
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b)), "{}", path);
        }
        for rename in &plan.renames {
            prop_assert!(!rename.broken_rules.is_empty(), "{:?}", rename);
        }
        let again = plan_renames(&after, &group, Some("Built.Name-GRP"));
        prop_assert_eq!(again.renames, vec![]);
    }
}
