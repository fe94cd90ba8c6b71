use proptest::prelude::*;
use serde_json::json;

use super::*;

fn build(
    metadata: &Value,
    release: Option<&str>,
    file: Option<&str>,
) -> Result<BuiltName, WorkError> {
    let sources = NameSources {
        metadata: metadata.as_object().unwrap(),
        release,
        file_stem: file.map(source_stem),
    };
    build_release_name(&sources, "GRP")
}

fn name(metadata: &Value) -> String {
    build(metadata, None, None).unwrap().name
}

/// A book by A B of 2010.
fn titled(title: &str) -> Value {
    json!({"title": title, "authors": ["A B"], "year": 2010})
}

#[test]
fn name_is_built_from_author_title_and_year() {
    for (metadata, expected) in [
        (
            json!({"title": "L'été: un récit", "authors": ["Élise Noël", "X"], "year": 2024}),
            "Elise.Noel-Lete.un.recit-2024-GRP",
        ),
        (
            json!({"title": "A Book", "authors": "Jane Doe"}),
            "Jane.Doe-A.Book-GRP",
        ),
        (
            json!({"title": "A Book", "author": "Jane Doe", "year": -44}),
            "Jane.Doe-A.Book-44-GRP",
        ),
        (
            json!({"title": "1984", "authors": ["George Orwell"], "year": 1949}),
            "George.Orwell-1984-1949-GRP",
        ),
    ] {
        assert_eq!(name(&metadata), expected);
    }
}

#[test]
fn letters_of_every_script_are_spelled() {
    for (title, words) in [
        ("Ķēniņš un ļaudis", "Kenins.un.laudis"),
        ("Šviesą į namų", "Sviesa.i.namu"),
        ("Ľad a ĺ, ŕ", "Lad.a.l.r"),
        ("Ŝanĝo ĉiuĵaŭde", "Sango.ciujaude"),
        ("Ŵyn ŷd Ħaż Għarb ċ", "Wyn.yd.Haz.Gharb.c"),
        ("Tiếng Việt Đường", "Tieng.Viet.Duong"),
        ("nǐ hǎo lǜ", "ni.hao.lu"),
        ("Ｗｅｂ２ guide", "Web2.guide"),
        ("The ﬁne ﬂeet", "The.fine.fleet"),
        ("Dvořák à Łódź ąę şğ ő", "Dvorak.a.Lodz.ae.sg.o"),
        (
            "Dvor\u{30c}a\u{301}k a\u{300} Ło\u{301}dz\u{301} a\u{328}e\u{328} s\u{327}g\u{306} o\u{30b}",
            "Dvorak.a.Lodz.ae.sg.o",
        ),
        ("Серая гавань", "Seraia.gavan"),
        ("Ελλάδα", "Ellada"),
        ("灰色の港 2", "Hui.Se.no.Gang.2"),
        ("한국어", "hangugeo"),
        ("كتاب", "ktab"),
        ("עברית", "abryt"),
        ("ภาษาไทย", "phaasaaaithy"),
        ("8½", "8.1.2"),
        (
            "Grey\u{a0}Harbour\u{3000}Sea\u{2003}Salt",
            "Grey.Harbour.Sea.Salt",
        ),
        ("Salt\u{ad}wa\u{200b}ter", "Saltwater"),
    ] {
        assert_eq!(
            name(&titled(title)),
            format!("A.B-{words}-2010-GRP"),
            "{title}"
        );
    }
}

#[test]
fn apostrophes_vanish_within_a_word() {
    for (title, words) in [
        ("The Keeper's Ledger", "The.Keepers.Ledger"),
        ("The Keeper’s O‘Mara Oʼ`Neil", "The.Keepers.OMara.ONeil"),
        ("'Tis the Dogs' Rock 'n' Roll", "Tis.the.Dogs.Rock.n.Roll"),
        ("\"Quoted\" ‘words’", "Quoted.words"),
        ("A 5'10 Man", "A.5.10.Man"),
        ("ש״י צה\"ל ״ג׳ורג׳״", "shy.tshl.gvrg"),
    ] {
        assert_eq!(
            name(&titled(title)),
            format!("A.B-{words}-2010-GRP"),
            "{title}"
        );
    }
    let keeper = json!({"title": "The Keeper's Ledger", "authors": ["Fin O'Mara"], "year": 2021});
    assert_eq!(name(&keeper), "Fin.OMara-The.Keepers.Ledger-2021-GRP");
}

#[test]
fn long_name_is_cut_at_a_word_and_keeps_its_year() {
    let long = json!({"title": "wonderful ".repeat(30), "authors": ["Mara Quill"], "year": 2021});
    let found = name(&long);
    let words = "wonderful.".repeat(14);
    assert_eq!(
        found,
        format!("Mara.Quill-{}-2021-GRP", words.trim_end_matches('.'))
    );
    assert!((150..=MAX_NAME_BYTES).contains(&found.len()));

    // Neither part takes all the room.
    let both =
        json!({"title": "title ".repeat(60), "authors": ["author ".repeat(60)], "year": 2021});
    let found = name(&both);
    assert!(
        found.starts_with("author.")
            && found.contains(".author-title.")
            && found.ends_with(".title-2021-GRP"),
        "{found}"
    );
    let author = json!({"title": "Short", "authors": ["author ".repeat(60)], "year": 2021});
    let found = name(&author);
    assert!(
        found.ends_with(".author-Short-2021-GRP") && found.len() > 150,
        "{found}"
    );

    // One endless word.
    let word = json!({"title": "w".repeat(300), "year": 2021});
    assert_eq!(name(&word), format!("{}-2021-GRP", "w".repeat(151)));
}

#[test]
fn name_comes_from_the_title_or_the_release_or_the_file() {
    use NamedAfter::{File, Release, Title};
    let file = Some("sub/The Lighthouse (2021).epub");
    for (metadata, release, expected) in [
        (
            json!({"title": "A Book"}),
            Some("My Release"),
            ("A.Book-GRP", Title),
        ),
        (json!({}), Some("My Release"), ("My.Release-GRP", Release)),
        (
            json!({"title": "  "}),
            Some("My Release"),
            ("My.Release-GRP", Release),
        ),
        // A name in full, with and without its group, and one that names author and year.
        (
            json!({"authors": ["Jane Doe"], "year": 2021}),
            Some("Jane.Doe-A.Book-2021-GRP"),
            ("Jane.Doe-A.Book-2021-GRP", Release),
        ),
        (
            json!({"authors": ["Jane Doe"], "year": 2021}),
            Some("A_Book"),
            ("Jane.Doe-A.Book-2021-GRP", Release),
        ),
        (
            json!({}),
            Some("Jane Doe - A Book"),
            ("Jane.Doe-A.Book-GRP", Release),
        ),
        // Digits say nothing.
        (
            json!({"title": "1984"}),
            Some("2024"),
            ("The.Lighthouse.2021-GRP", File),
        ),
        (
            json!({"year": 2021, "authors": ["Jane Doe"]}),
            None,
            ("Jane.Doe-The.Lighthouse.2021-GRP", File),
        ),
        // A hieroglyph has no spelling.
        (
            json!({"title": "The \u{13000} Book"}),
            None,
            ("The.Lighthouse.2021-GRP", File),
        ),
        (
            json!({"title": "A Book", "authors": ["\u{13000} Doe"]}),
            None,
            ("A.Book-GRP", Title),
        ),
    ] {
        let built = build(&metadata, release, file).unwrap();
        assert_eq!(
            (built.name.as_str(), built.named_after),
            expected,
            "{metadata} {release:?}"
        );
    }
}

#[test]
fn title_may_be_a_number() {
    use NamedAfter::{File, Title};
    for (title, year, expected) in [
        ("1984", json!(1949), ("1984-1949-GRP", Title)),
        ("2666", json!("2004"), ("2666-2004-GRP", Title)),
        ("11/22/63", json!(2011), ("11.22.63-2011-GRP", Title)),
        ("11/22/63", json!(null), ("11.22.63-GRP", Title)),
        // In full width.
        ("１９８４", json!(1949), ("1984-1949-GRP", Title)),
        // It would be the year.
        ("1984", json!(null), ("scan.of.a.book-GRP", File)),
        // Too short, a volume, and the rest of a title.
        ("300", json!(null), ("scan.of.a.book-GRP", File)),
        ("2", json!(1949), ("scan.of.a.book-1949-GRP", File)),
        (
            "\u{13000}\u{13001} 22",
            json!(1949),
            ("scan.of.a.book-1949-GRP", File),
        ),
    ] {
        let metadata = json!({"title": title, "year": year});
        let built = build(&metadata, None, Some("scan of a book.pdf")).unwrap();
        assert_eq!(
            (built.name.as_str(), built.named_after),
            expected,
            "{metadata}"
        );
    }
}

#[test]
fn nothing_to_say_gives_no_name() {
    for (metadata, release, file) in [
        (json!({}), None, None),
        (json!({"year": 2024}), None, Some("2024.epub")),
        (
            json!({"title": "2", "year": 2024}),
            Some("★"),
            Some("001.cbz"),
        ),
        (
            json!({"title": "\u{13000} Book", "year": 2024}),
            None,
            Some("!!!.pdf"),
        ),
        (json!({"authors": ["Jane Doe"], "year": 2024}), None, None),
    ] {
        let built = build(&metadata, release, file);
        let is_invalid = |failure: &jobs::Failure| failure.code == FailureCode::ReleaseNameInvalid;
        assert!(
            matches!(&built, Err(WorkError::Failed(failure)) if is_invalid(failure)),
            "{metadata}: {built:?}"
        );
    }
}

#[test]
fn extension_is_no_part_of_a_name() {
    for (path, stem) in [
        ("a/book.epub", "book"),
        ("book.fb2.zip", "book"),
        ("Book.KEPUB.epub", "Book"),
        ("Vol.2", "Vol.2"),
        (".epub", ".epub"),
        ("no extension", "no extension"),
        ("第一巻.cbz", "第一巻"),
        ("a.é.fb2", "a.é"),
    ] {
        assert_eq!(source_stem(path), stem, "{path}");
    }
}

/// Letters in Unicode's terms that stand for an apostrophe or a blank.
const APOSTROPHES: &str = "\u{374}ʹʻʼʽʾʿˈꞌꞋ\u{3164}";

/// The letters and digits of the spelling of a text.
fn letters(ascii: &str) -> String {
    ascii.chars().filter(char::is_ascii_alphanumeric).collect()
}

proptest! {
    #[test]
    fn no_word_of_a_title_disappears(
        title in "[a-zÀ-žА-яΑ-ωあ-ん一-龥가-힣א-תا-ي０-９'’ʼ \u{a0}\u{3000}.,:&𓀀ьъ-]{0,60}|\\PC{0,60}",
        year in prop::option::of(1..9999),
    ) {
        let metadata = json!({"title": title, "authors": ["Jane Doe"], "year": year});
        let Ok(BuiltName { name, .. }) = build(&metadata, None, None) else {
            let is_spelled = spell(&title).is_some_and(|title| !letters(&title).is_empty());
            prop_assert!(!is_spelled, "{title:?} gives no name");
            return Ok(());
        };
        prop_assert!(name.len() <= MAX_NAME_BYTES);
        let ending = year.map_or_else(|| "-GRP".to_owned(), |year| format!("-{year}-GRP"));
        let found = name.strip_prefix("Jane.Doe-").and_then(|name| name.strip_suffix(&ending));
        let found = letters(found.expect("author and year stay"));
        let is_cut = name.len() > MAX_NAME_BYTES / 2 && !found.is_empty();
        let all = letters(&spell(&title).expect("the title has a spelling"));
        prop_assert!(found == all || is_cut && all.starts_with(&found), "{title:?} is {name}");
        let is_sign = |c: char| spell(&format!("a{c}")).as_deref() == Some("a");
        let is_letter = |c: char| c.is_alphanumeric() && !APOSTROPHES.contains(c) && !is_sign(c);
        for word in title.split_whitespace().filter(|word| word.contains(is_letter)) {
            let word = letters(&words(word).expect("each word has a spelling"));
            prop_assert!(is_cut || found.contains(&word), "{word} of {title:?} in {name}");
        }
    }
}
