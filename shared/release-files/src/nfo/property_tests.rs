//! Properties that hold for any NFO.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use text::{encoding::Encoding, is_unprintable};

use super::{
    MAX_NFO_BYTES,
    decoded::DecodedNfo,
    field::Field,
    layout::{MAX_COLUMNS, is_drawing, width},
    read::read,
    repair::{PlaceholderValues, repair},
    sauce,
};

/// The longest time for one NFO, on a slow machine without optimization.
const MAX_TIME: Duration = Duration::from_secs(5);

fn values() -> PlaceholderValues {
    PlaceholderValues::new([
        (Field::Title, "L'été: [un] récit %"),
        (Field::Year, "2024"),
        (Field::Group, "YEAR"),
    ])
}

/// Valid and invalid pieces of NFOs.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zé日]{1,12} ?",
        2 => " {1,9}",
        1 => "[a-z]{60,120}",
        1 => "[│║═█░|*=+.:\\-]{1,90}",
        2 => prop::sample::select(vec![
            "\r\n", "\n", "\r", "\r\r\n", "\u{2028}", "\t", "\u{7}", "\u{0}", "\u{1b}[1;3m", "\u{1b}[5C", "\u{1b}", "\u{feff}", "\u{1a}",
            "\u{1a}SAUCE00", "COMNT", "20240101", "\u{85}", "e\u{301}", "👩‍👧", "\u{a0}",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "ΓûêΓûê", "├⌐", "Ã©", "â–ˆâ–ˆ", "â\u{96}\u{88}", "ÜÜÜÜÜ", "ÍÍÍÍÍÍÍÍÍ", "ÃœÃœ", "ï»¿", "…", "Ü", "╔═╗",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "{{ title }}", "{{title}}", "%TITLE%", "%", "{{", "}}", "Title: [TITLE]", ": <YEAR>", "${group}", "{GROUP}", "{{ mood }}",
            "Title ........: ", "│ Titre : ", "https://example.org/a/b", "TITLE", "[", "]", ":",
        ]).prop_map(str::to_owned),
    ]
}

/// A piece of an NFO in any encoding.
fn byte_piece() -> impl Strategy<Value = Vec<u8>> {
    let single_bytes: [&[u8]; 12] = [
        b"\xEF\xBB\xBF",
        b"\xFE\xFF",
        b"\xFF\xFE",
        b"\xDB\xDB\xDC\xDC ",
        b"\xCD\xCD\xCD\xCD",
        b"\xBA Title: Salt\r\n",
        b"\x82t\x82 ",
        b"\xE9t\xE9 ",
        b"\x1a",
        b"\0",
        b"\x10 ",
        b"{{ title }}",
    ];
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| {
        let text = "║ Salt ────\r\n".encode_utf16();
        text.flat_map(to_bytes).collect::<Vec<u8>>()
    };
    prop_oneof![
        8 => prop::sample::select(single_bytes.map(<[u8]>::to_vec).to_vec()),
        2 => piece().prop_map(String::into_bytes),
        1 => Just(utf16(u16::to_le_bytes)),
        1 => Just(utf16(u16::to_be_bytes)),
        1 => (0..3_u8).prop_map(sauce::tests::record),
    ]
}

fn nfo() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

/// A line that needs no repair.
fn clean_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -z~éèàœ日│║╔═╗█░▒▓☺]{0,40}"
            .prop_map(|line| line.replace(['%', '{', '[', '<', '$'], "'")),
        Just("║ Titre : L'été ║".to_owned()),
        Just(String::new()),
    ]
}

fn check_idempotent(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(first) = repair(bytes, &values()) else {
        return Ok(());
    };
    prop_assert_eq!(
        first.changes.is_empty(),
        first.text.as_bytes() == bytes,
        "{:?}",
        first.changes
    );
    let second = repair(first.text.as_bytes(), &values())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&second.text, &first.text);
    prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
    prop_assert!(matches!(second.encoding, Encoding::Ascii | Encoding::Utf8));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn repairing_a_repaired_nfo_changes_nothing(text in nfo()) {
        check_idempotent(text.as_bytes())?;
    }

    #[test]
    fn arbitrary_bytes_are_repaired_once(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check_idempotent(&bytes)?;
    }

    #[test]
    fn nfo_in_any_encoding_is_repaired_once(pieces in prop::collection::vec(byte_piece(), 0..30)) {
        check_idempotent(&pieces.concat())?;
    }

    #[test]
    fn repaired_line_fits_unless_it_is_drawn_or_a_link(text in nfo()) {
        for line in repair(text.as_bytes(), &values()).unwrap().text.split_terminator("\r\n") {
            prop_assert!(!line.contains(is_unprintable), "{line:?}");
            prop_assert!(width(line) <= MAX_COLUMNS || is_drawing(line) || line.contains("://"), "{line:?}");
        }
    }

    #[test]
    fn clean_nfo_is_unchanged(lines in prop::collection::vec(clean_line(), 0..30), last in "[a-z]{1,9}") {
        let text: String = lines.iter().chain([&last]).flat_map(|line| [line, "\r\n"]).collect();
        let repaired = repair(text.as_bytes(), &values()).unwrap();
        prop_assert_eq!(&repaired.text, &text);
        prop_assert!(repaired.changes.is_empty(), "{:?}", repaired.changes);
    }

    #[test]
    fn visible_text_survives_the_repair(text in nfo()) {
        let shown = |text: &str| text.chars().filter(|c| !c.is_whitespace() && !is_unprintable(*c)).collect::<String>();
        let plain: String = text.chars().filter(|c| !"{%[<$\u{1b}\u{1a}\u{feff}".contains(*c)).collect();
        let repaired = repair(plain.as_bytes(), &values()).unwrap();
        let was = DecodedNfo::new(plain.as_bytes()).text;
        prop_assert_eq!(shown(&repaired.text), shown(&was));
    }

    #[test]
    fn arbitrary_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2000), text in nfo()) {
        // Any result is fine unless it panics.
        for text in [DecodedNfo::new(&bytes).text, text] {
            prop_assert!(read(&text).files.len() <= text.len());
        }
    }
}

/// The pieces that a line, a label, a list or a placeholder is looked for in.
const PIECES: [&str; 37] = [
    "\r",
    "\n",
    "\r\r\n",
    "\r\n\r",
    " ",
    "  ",
    "\t",
    "\u{1b}",
    "\u{1b}[80C",
    "\u{1b}(",
    "─",
    "║ ",
    "0",
    "9 ",
    ":",
    ": ",
    ".",
    "a: b  ",
    "a  ",
    "- ",
    "e\u{301}",
    "\u{301}",
    "%YEAR%",
    "{{ year }}  ",
    ": [YEAR] ",
    "[[",
    "{{",
    "x.zip\n",
    "files\n9\n",
    "isbn, & and / ",
    "Title: \"x\n       ",
    "a\n       ",
    "1 ",
    "**a",
    "[b]",
    "ΓûêÜ ",
    "\u{1a}SAUCE00",
];

/// An NFO of one or two repeated pieces takes time in proportion to its size: 256 KiB of CRs once
/// took 40 s. The bound is some ten times what a slow machine takes.
#[test]
fn no_repeated_piece_takes_quadratic_time() {
    let values = values();
    for first in PIECES {
        for second in ["", "\n"] {
            let half = |piece: &str| piece.repeat(MAX_NFO_BYTES / 8 / piece.len().max(1));
            let text = half(first) + &half(second);
            let started = Instant::now();
            let _ = repair(text.as_bytes(), &values);
            let _ = read(&text);
            let elapsed = started.elapsed();
            assert!(
                elapsed < MAX_TIME,
                "{first:?} and {second:?} take {elapsed:?}"
            );
        }
    }
}
