//! What must hold for any NFO at all.

use jobs::Time;
use proptest::prelude::*;
use serde_json::{Value, json};
use text::encoding::{Encoding, decode, detect};

use super::{
    labels::Field,
    layout::{COLUMNS, is_art, width},
    read::read,
    repair::{Known, repair},
};
use crate::{
    formats::isbn,
    package::{Facts, PackageFile, nfo::render},
};

fn known() -> Known {
    Known::new([
        (Field::Title, "L'été: [un] récit %"),
        (Field::Year, "2024"),
        (Field::Group, "YEAR"),
    ])
}

/// Pieces that NFOs are made of, and what breaks them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zé日]{1,12} ?",
        2 => " {1,9}",
        1 => "[a-z]{60,120}",
        1 => "[│║═█░|*=+.:\\-]{1,90}",
        2 => prop::sample::select(vec![
            "\r\n", "\n", "\r", "\r\r\n", "\u{2028}", "\t", "\u{7}", "\u{0}", "\u{1b}[1;3m", "\u{1b}[5C", "\u{1b}", "\u{feff}", "\u{1a}",
            "\u{1a}SAUCE00", "\u{85}", "e\u{301}", "👩‍👧", "\u{a0}",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "{{ title }}", "{{title}}", "%TITLE%", "%", "{{", "}}", "Title: [TITLE]", ": <YEAR>", "${group}", "{GROUP}", "{{ mood }}",
            "Title ........: ", "│ Titre : ", "https://example.org/a/b", "TITLE", "[", "]", ":",
        ]).prop_map(str::to_owned),
    ]
}

fn nfo() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

/// A line that a viewer shows as it is.
fn clean_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -z~éèàœ日│║╔═╗█░▒▓☺]{0,40}"
            .prop_map(|line| line.replace(['%', '{', '[', '<', '$'], "'")),
        Just("║ Titre : L'été ║".to_owned()),
        Just(String::new()),
    ]
}

fn check_idempotent(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(first) = repair(bytes, &known()) else {
        return Ok(());
    };
    prop_assert_eq!(
        first.changes.is_empty(),
        first.text.as_bytes() == bytes,
        "{:?}",
        first.changes
    );
    let second = repair(first.text.as_bytes(), &known())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&second.text, &first.text);
    prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
    prop_assert!(matches!(second.encoding, Encoding::Ascii | Encoding::Utf8));
    Ok(())
}

/// A text such as metadata have: words, short and long, with signs among them; or Japanese.
fn text() -> impl Strategy<Value = String> {
    let word = "[A-Za-zéÉœ0-9]{1,14}[:,!?.')]{0,2}";
    prop_oneof![
        6 => prop::collection::vec(word, 1..30).prop_map(|words| words.join(" ")),
        1 => "[日本語の灯台]{1,90}",
        1 => Just("Year: 2000 and the Title: of [it] | Size : 3 kB".to_owned()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-zé]{1,9} [A-Z][a-z]{1,9}",
        "[A-Z][a-z]{1,9}, [A-Z]\\.",
        "[A-Z][a-zé]{1,9}"
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn repairing_a_repaired_nfo_changes_nothing(text in nfo()) {
        check_idempotent(text.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_repaired_once(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check_idempotent(&bytes)?;
    }

    #[test]
    fn a_repaired_line_fits_or_is_drawn_or_has_a_link(text in nfo()) {
        for line in repair(text.as_bytes(), &known()).unwrap().text.split_terminator("\r\n") {
            prop_assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
            prop_assert!(width(line) <= COLUMNS || is_art(line) || line.contains("://"), "{line:?}");
        }
    }

    #[test]
    fn a_clean_nfo_is_unchanged(lines in prop::collection::vec(clean_line(), 0..30), last in "[a-z]{1,9}") {
        let text: String = lines.iter().chain([&last]).flat_map(|line| [line, "\r\n"]).collect();
        let repaired = repair(text.as_bytes(), &known()).unwrap();
        prop_assert_eq!(&repaired.text, &text);
        prop_assert!(repaired.changes.is_empty(), "{:?}", repaired.changes);
    }

    #[test]
    fn the_visible_text_survives_every_repair_but_wrapping(text in nfo()) {
        let shown = |text: &str| text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>();
        let plain: String = text.chars().filter(|c| !"{%[<$\u{1b}\u{1a}\u{feff}".contains(*c)).collect();
        let repaired = repair(plain.as_bytes(), &known()).unwrap();
        let was = decode(plain.as_bytes(), repaired.encoding);
        prop_assert_eq!(shown(&repaired.text), shown(&was));
    }

    #[test]
    fn an_nfo_that_we_rendered_says_what_went_in(
        metadata in metadata(),
        name in "[A-Za-z]{1,9}(\\.[A-Za-z0-9]{1,9}){1,14}",
        sizes in prop::collection::vec(0..99_usize, 1..4),
    ) {
        let files: Vec<_> = sizes.iter().zip(1..).map(|(size, at)| PackageFile::of(&format!("{name}-GRP.zip.{at:03}"), &vec![7; *size])).collect();
        let facts = Facts::new(&format!("{name}-GRP"), "GRP", metadata.as_object().unwrap(), &files, Time::from_millis(0));
        let nfo = render(&facts, None).unwrap();
        prop_assert!(nfo.lines().all(|line| width(line) <= COLUMNS), "{}", nfo);
        prop_assert!(repair(nfo.as_bytes(), &Known::of(&facts)).unwrap().changes.is_empty());

        let reading = read(&nfo);
        let mut expected = metadata;
        expected["size"] = json!(sizes.iter().sum::<usize>());
        expected["group"] = json!("GRP");
        prop_assert_eq!(serde_json::to_value(&reading.metadata).unwrap(), expected, "{}", nfo);
        let listed: Vec<_> = reading.files.iter().map(|file| (&file.name, file.size, file.crc32.as_ref())).collect();
        let written: Vec<_> = files.iter().map(|file| (&file.path, Some(file.size), Some(&file.crc32))).collect();
        prop_assert_eq!(listed, written, "{}", nfo);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2000), text in nfo()) {
        // Any answer will do; a panic will not.
        for text in [decode(&bytes, detect(&bytes)), text.into()] {
            prop_assert!(read(&text).files.len() <= text.len());
        }
    }
}
