use proptest::prelude::*;

use super::*;
use crate::package::naming_rules::split_extension;
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
fn records_of_the_book_follow_the_archive() {
    let paths = ["A Book.zip", "A Book.opf", "A Book.onix.xml", "other.opf"];
    let renamed: Vec<_> = renames(&paths).into_iter().map(|(_, to, _)| to).collect();
    let expected = ["A.Book-GRP.zip", "A.Book-GRP.opf", "A.Book-GRP.onix.xml"];
    assert_eq!(renamed, expected);
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
        ("日本.jpg", "Ri.Ben.jpg", vec![NamingRule::Accents]),
        ("Keeper’s.txt", "Keepers.txt", vec![NamingRule::Accents]),
        ("Keeper's.txt", "Keepers.txt", vec![NamingRule::Characters]),
        (
            "Grey\u{a0}Sea.txt",
            "Grey.Sea.txt",
            vec![NamingRule::Spaces],
        ),
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
fn letters_of_every_script_are_spelled() {
    for (path, to) in [
        ("Ķēniņš.epub", "Kenins.epub"),
        ("Žemaitė į namų.epub", "Zemaite.i.namu.epub"),
        ("Ľubľana ŕ.epub", "Lublana.r.epub"),
        ("Ŝanĝo ĉiuĵaŭde.epub", "Sango.ciujaude.epub"),
        ("第一巻.epub", "Di.Yi.Juan.epub"),
        ("Серая гавань.epub", "Seraia.gavan.epub"),
        ("Se\u{301}rie/e\u{301}te\u{301}.txt", "Serie/ete.txt"),
        ("Grey\u{3000}Sea.epub", "Grey.Sea.epub"),
        ("Salt\u{2003}Sea.epub", "Salt.Sea.epub"),
        ("Sa\u{200b}lt\u{ad}water.epub", "Saltwater.epub"),
        ("8½.epub", "8.1.2.epub"),
    ] {
        assert_eq!(renamed(path).0, to, "{path}");
    }
}

#[test]
fn name_without_a_spelling_stays() {
    for path in [
        "★.jpg",
        "!!!.jpg",
        "\u{13000} book.epub",
        "★/\u{13000}.jpg",
        "🎧",
    ] {
        assert_eq!(renames(&[path]), [], "{path}");
    }
    // The rest of its path follows the rules.
    assert_eq!(renamed("★/a b.JPG").0, "★/a.b.jpg");
    assert_eq!(
        renamed("★.JPG"),
        (
            "★.jpg".to_owned(),
            vec![NamingRule::Accents, NamingRule::ExtensionCase]
        )
    );
    let plan = plan_renames(&["\u{13000}.nfo"], "G", None);
    assert_eq!((plan.release_name, plan.renames), (None, vec![]));
}

#[test]
fn long_names_are_cut_at_a_word_and_keep_their_extension() {
    let long = "word ".repeat(50);
    let paths = [format!("{long}x.epub"), format!("{long}y.epub")];
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let plan = plan_renames(&paths, "GRP", None);
    let to: Vec<&str> = plan.paths.iter().map(|(_, to)| to.as_str()).collect();
    let stem = "word.".repeat(39);
    assert_eq!(to[0], format!("{stem}epub"));
    assert_eq!(to[1], format!("{}.2.epub", &stem[..stem.len() - 6]));
    assert!(to.iter().all(|to| to.len() <= 200));
}

#[test]
fn digits_alone_name_no_release() {
    let plan = plan_renames(&["2024.zip", "A.Book.nfo"], "GRP", None);
    assert_eq!(plan.release_name.as_deref(), Some("A.Book-GRP"));
    let plan = plan_renames(&["2024.zip"], "GRP", None);
    assert_eq!((plan.release_name, plan.renames), (None, vec![]));
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
        renamed("★.nfo"),
        (
            "Built.Name-GRP.nfo".to_owned(),
            vec![NamingRule::Accents, NamingRule::ReleaseName]
        )
    );
    let plan = plan_renames(&["日本.NFO"], "G", None);
    assert_eq!(
        (plan.release_name.as_deref(), plan.paths[0].1.as_str()),
        (Some("Ri.Ben-G"), "Ri.Ben-G.nfo")
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

/// A valid path: of letters with and without a spelling, symbols, and sometimes too long.
fn path() -> impl Strategy<Value = String> {
    const CHARACTERS: &str = "-~éß日が\u{a0}’★\u{13000}ъ";
    let folders = format!("([ {CHARACTERS}]{{1,6}}/){{0,2}}");
    let name = format!("([ -.0{CHARACTERS}]{{1,12}}|[a-z é.日]{{150,220}})");
    let extension = "(\\.(zip|ZIP|nfo|NFO|sfv|zip\\.00[1-3]|jpg|DIZ))?";
    prop::string::string_regex(&format!("{folders}{name}{extension}"))
        .unwrap()
        .prop_filter("invalid path", |path| check_entry_name(path).is_ok())
}

proptest! {
    #[test]
    fn repaired_package_needs_no_repair(
        paths in prop::collection::btree_set(path(), 0..12),
        group in "[A-Z]{1,5}",
    ) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let plan = plan_renames(&paths, &group, Some("Built.Name-GRP"));
        let after: Vec<&str> = plan.paths.iter().map(|(_, to)| to.as_str()).collect();
        let distinct: HashSet<String> = after.iter().map(|path| name_key(path)).collect();
        prop_assert_eq!(distinct.len(), paths.len());
        for path in &after {
            prop_assert!(check_entry_name(path).is_ok(), "{}", path);
            for part in path.split('/') {
                let is_plain = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                let stem = split_extension(part).0;
                prop_assert!(is_plain && part.len() <= 200 || clean_component(stem).is_none(), "{}", path);
            }
        }
        for rename in &plan.renames {
            prop_assert!(!rename.broken_rules.is_empty(), "{:?}", rename);
        }
        let again = plan_renames(&after, &group, Some("Built.Name-GRP"));
        prop_assert_eq!(again.renames, vec![]);
    }
}
