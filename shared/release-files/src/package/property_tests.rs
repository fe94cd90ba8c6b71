//! Properties of the default NFO template.

use jobs::Time;
use proptest::prelude::*;
use serde_json::{Value, json};
use text::tidy_line;

use super::{Facts, PackageFile, nfo_template::render};
use crate::{
    formats::Extent,
    isolation::in_process,
    metadata::isbn,
    nfo::{
        layout::{MAX_COLUMNS, is_drawing, width},
        read::read,
        repair::{ChangeKind, PlaceholderValues, repair},
    },
    progress::NoProgress,
};

/// A text in metadata: words of any length with punctuation, or in scripts without spaces, or
/// anything that one line can carry. A longer word without spaces would be split.
fn text() -> impl Strategy<Value = String> {
    let word = "[A-Za-zéÉœ0-9]{1,14}[:,!?.')]{0,2}";
    prop_oneof![
        6 => prop::collection::vec(word, 1..30).prop_map(|words| words.join(" ")),
        1 => "[日本語の灯台]{1,90}",
        1 => prop::collection::vec("[한국어]{1,12}", 1..30).prop_map(|words| words.join(" ")),
        1 => Just("Year: 2000 and the Title: of [it] | Size : 3 kB".to_owned()),
        2 => one_line(),
    ]
}

/// Signs and words that mean something in an NFO.
fn one_line() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec![
        "\"",
        "\"\"",
        "[",
        "]",
        "(",
        ")",
        ":",
        "=",
        "->",
        "*",
        "**",
        "_",
        "__",
        "`",
        "#",
        "|",
        "│",
        "█",
        "─",
        ".",
        "...",
        "-",
        "+",
        "~",
        "?",
        "????",
        "&",
        "/",
        ";",
        ",",
        "and",
        "et",
        "al.",
        "N/A",
        "None",
        "Unknown",
        "Title:",
        "Files",
        "ISBN",
        "9780306406157",
        "[TITLE]",
        "{{ title }}",
        "%YEAR%",
        "<b>",
        "</b>",
        "[b]",
        "[/b]",
        "Jr.",
        "a.zip",
        "CBF43926",
        "12 MB",
        "http://x",
        "é",
        "日本",
        "e\u{301}",
        "\u{ad}",
    ])
    .prop_map(str::to_owned);
    let word = prop_oneof![3 => sign, 1 => "[ -~]{1,12}", 1 => "\\PC{1,6}"];
    let piece =
        (word, prop::bool::ANY).prop_map(|(word, is_last)| word + if is_last { " " } else { "" });
    prop::collection::vec(piece, 1..12)
        .prop_filter_map("nothing is left", |pieces| tidy_line(&pieces.concat()))
        .prop_filter("a word is too long", |text| {
            text.split(' ').all(|word| width(word) <= 30)
        })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[A-Z][a-zé]{1,9} [A-Z][a-z]{1,9}",
        1 => "[A-Z][a-z]{1,9}, [A-Z]\\.",
        1 => "[A-Z][a-zé]{1,9}",
        1 => "[A-Z][a-z]{1,9} (&|and|et|/|;|,) [A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?",
        1 => one_line(),
    ]
}

fn isbn13() -> impl Strategy<Value = String> {
    "978[0-9]{9}".prop_map(|digits| {
        (0..10)
            .map(|check| format!("{digits}{check}"))
            .find(|isbn| isbn::is_valid(isbn))
            .unwrap()
    })
}

prop_compose! {
    fn metadata()(
        title in text(),
        authors in prop::collection::vec(name(), 1..8),
        publisher in prop::option::of(text()),
        year in prop::option::of(1000..2999),
        isbn in prop::option::of(isbn13()),
        language in prop::option::of("[a-z]{2}(-[A-Z]{2})?"),
        format in prop::option::of("[a-z]{3,5}"),
    ) -> Value {
        let mut all = json!({"title": title, "authors": authors});
        for (name, value) in
            [("publisher", json!(publisher)), ("year", json!(year)), ("isbn", json!(isbn)), ("language", json!(language)), ("format", json!(format))]
        {
            if !value.is_null() {
                all[name] = value;
            }
        }
        all
    }
}

prop_compose! {
    fn extent()(
        counts in prop::array::uniform3(prop::option::of(1..u64::MAX)),
        chapters in prop::collection::vec(text(), 0..8),
        cover in prop::option::of((1..16_000_u32, 1..16_000_u32)),
    ) -> Extent {
        let [pages, words, characters] = counts;
        Extent { pages, words, characters, chapters, cover }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn rendered_nfo_is_read_back(
        metadata in metadata(),
        extent in extent(),
        name in "[A-Za-z]{1,9}(\\.[A-Za-z0-9]{1,9}){1,14}",
        sizes in prop::collection::vec(0..99_usize, 1..4),
    ) {
        let files: Vec<_> = sizes.iter().zip(1..).map(|(size, at)| PackageFile::from_bytes(&format!("{name}-GRP.zip.{at:03}"), &vec![7; *size])).collect();
        let facts = Facts::new(&format!("{name}-GRP"), "GRP", metadata.as_object().unwrap(), &files, Time::from_millis(0)).with_extent(&extent);
        let nfo = render(&facts, None, &in_process, &NoProgress).unwrap();
        let fits = |line: &str| width(line) <= MAX_COLUMNS || is_drawing(line) || line.contains("://");
        prop_assert!(nfo.lines().all(fits), "{}", nfo);
        let changes = repair(nfo.as_bytes(), &PlaceholderValues::from(&facts)).unwrap().changes;
        let is_filled = changes.iter().any(|change| change.kind == ChangeKind::Placeholder);
        prop_assert!(is_filled || changes.is_empty(), "{:?}", changes);

        let reading = read(&nfo);
        let mut expected = metadata;
        expected["size"] = json!(sizes.iter().sum::<usize>());
        expected["group"] = json!("GRP");
        prop_assert_eq!(serde_json::to_value(&reading.metadata).unwrap(), expected, "{}", nfo);
        let listed: Vec<_> = reading.files.iter().map(|file| (&file.name, file.size, file.crc32.as_ref())).collect();
        let written: Vec<_> = files.iter().map(|file| (&file.path, Some(file.size), Some(&file.crc32))).collect();
        prop_assert_eq!(listed, written, "{}", nfo);
    }
}
