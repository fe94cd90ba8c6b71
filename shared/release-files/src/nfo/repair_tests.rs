use encoding_rs::WINDOWS_1252;
use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_string_checked};

use super::*;
use crate::nfo::labels::Field;

const ART: &str = "  ▄▄▄▄ ░▒▓█ GRP █▓▒░ ▄▄▄▄\r\n╔══════════════════════╗\r\n║ Titre : L'été à Rome ║\r\n╚══════════════════════╝\r\n";

fn known() -> Known {
    Known::new([(Field::Title, "A Book"), (Field::Group, "GRP")])
}

fn repaired(bytes: &[u8]) -> Repaired {
    repair(bytes, &known()).unwrap()
}

fn kinds(changes: &[Change]) -> Vec<(usize, What)> {
    changes
        .iter()
        .map(|change| (change.line, change.what))
        .collect()
}

fn utf16(text: &str, of: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(of).collect()
}

#[test]
fn a_clean_nfo_is_left_byte_for_byte() {
    for text in [ART, "Title : A Book\r\n\r\n  Thanks.\r\n", "", "日本\r\n"] {
        let repaired = repaired(text.as_bytes());
        assert_eq!((repaired.text.as_str(), repaired.changes), (text, vec![]));
    }
}

#[test]
fn the_same_art_comes_out_of_every_encoding() {
    let french = "Éditeur : L’été, déjà…\r\nAnnée   : 2019\r\n";
    for (bytes, encoding, text) in [
        (
            encode_string_checked(ART, &ENCODING_TABLE_CP437).unwrap(),
            Encoding::Cp437,
            ART,
        ),
        (
            [b"\xEF\xBB\xBF", ART.as_bytes()].concat(),
            Encoding::Utf8Bom,
            ART,
        ),
        (
            utf16(&format!("\u{feff}{ART}"), u16::to_le_bytes),
            Encoding::Utf16Le,
            ART,
        ),
        (
            utf16(&format!("\u{feff}{ART}"), u16::to_be_bytes),
            Encoding::Utf16Be,
            ART,
        ),
        (utf16(ART, u16::to_le_bytes), Encoding::Utf16Le, ART),
        (utf16(ART, u16::to_be_bytes), Encoding::Utf16Be, ART),
        (
            WINDOWS_1252.encode(french).0.into_owned(),
            Encoding::Windows1252,
            french,
        ),
    ] {
        let repaired = repaired(&bytes);
        assert_eq!(
            (repaired.encoding, repaired.text.as_str()),
            (encoding, text)
        );
        assert_eq!(kinds(&repaired.changes), [(1, What::Encoding)]);
        assert!(
            repaired.changes[0].detail.contains(encoding.name()),
            "{:?}",
            repaired.changes
        );
    }
}

#[test]
fn each_repair_names_its_line() {
    let bytes =
        b"one\r\ntwo\nthree\x07\r\n\x1b[1mfour\x1b[0m\r\na\tb\r\n{{ title }} by %GROUP%\r\nfive";
    let repaired = repaired(bytes);
    assert_eq!(
        repaired.text,
        "one\r\ntwo\r\nthree\r\nfour\r\na       b\r\nA Book by GRP\r\nfive\r\n"
    );
    assert_eq!(
        kinds(&repaired.changes),
        [
            (2, What::LineEnds),
            (3, What::ControlCharacters),
            (4, What::EscapeSequences),
            (5, What::Tabs),
            (6, What::Placeholder),
            (6, What::Placeholder),
            (7, What::FinalLineEnd),
        ]
    );
    assert_eq!(
        repaired.changes[4].detail,
        r#""{{ title }}" became "A Book""#
    );
}

#[test]
fn what_nothing_is_known_for_is_a_notice_and_no_change() {
    let repaired = repaired(b"{{ publisher }}\r\n");
    assert_eq!(kinds(&repaired.notices), [(1, What::PlaceholderUnfilled)]);
    assert_eq!(
        (repaired.text.as_str(), repaired.changes),
        ("{{ publisher }}\r\n", vec![])
    );
}

#[test]
fn long_lines_are_wrapped_and_long_art_is_not() {
    let art = format!("║{}║", " x".repeat(50));
    let repaired = repaired(format!("{}\r\n{art}\r\n", "word ".repeat(30)).as_bytes());
    assert_eq!(kinds(&repaired.changes), [(1, What::LongLine)]);
    assert_eq!(kinds(&repaired.notices), [(2, What::LongLineKept)]);
    assert_eq!(
        repaired.text.lines().map(width).collect::<Vec<_>>(),
        [79, 69, 102]
    );
}

#[test]
fn the_end_is_one_line_end() {
    for (text, fixed) in [
        ("a", "a\r\n"),
        ("a\r\n\r\n \r\n", "a\r\n"),
        ("a  \r\n", "a  \r\n"),
        ("a\r\n\x1a", "a\r\n"),
        ("\r\n\r\n", ""),
        ("  ", ""),
        ("\r\n\r\na\r\n", "\r\n\r\na\r\n"),
    ] {
        let repaired = repaired(text.as_bytes());
        assert_eq!(repaired.text, fixed, "{text:?}");
        assert_eq!(repaired.changes.is_empty(), text == fixed, "{text:?}");
    }
}

#[test]
fn a_sauce_record_is_no_part_of_the_text() {
    let repaired = repaired(b"text\r\n\x1aSAUCE00A title and more \x00\x05");
    assert_eq!(
        (repaired.text.as_str(), kinds(&repaired.changes)),
        ("text\r\n", vec![(1, What::Sauce)])
    );
}

#[test]
fn changes_are_few_however_many_lines_are_wrong() {
    let many = "a\tb\x07\n".repeat(10_000);
    let repaired = repaired(many.as_bytes());
    let of = |what| {
        repaired
            .changes
            .iter()
            .filter(|change| change.what == what)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(What::LineEnds).len(), 1);
    assert!(of(What::LineEnds)[0].detail.starts_with("10000 lines"));
    assert_eq!(of(What::Tabs).len(), MAX_EACH + 1);
    assert_eq!(
        of(What::Tabs)[MAX_EACH].detail,
        "and 9950 more from here on"
    );
    assert_eq!(of(What::Tabs)[MAX_EACH].line, 51);
}

#[test]
fn too_large_an_nfo_is_refused_before_and_after() {
    let blocks = encode_string_checked("█", &ENCODING_TABLE_CP437).unwrap();
    for bytes in [vec![b'x'; MAX_BYTES + 1], blocks.repeat(100_000)] {
        let error = repair(&bytes, &known()).unwrap_err();
        assert!(
            matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::NfoTooLarge)
        );
    }
}

#[test]
fn no_line_takes_more_than_its_length() {
    let starts = ["", "Files\n"];
    let pieces = [
        "{{", "%", "[", "\t", "  -", " - ", "a  ", "  a.", "1x", ": [", "\x1b[9C", "%TITLE%", "- ",
        ". ", "│ ", "a.zip ", "| | ", "://",
    ];
    for (start, piece) in starts
        .iter()
        .flat_map(|start| pieces.map(|piece| (start, piece)))
    {
        let text = format!("{start}{}", piece.repeat(MAX_BYTES / 4 / piece.len()));
        // Were the work quadratic, this would take minutes.
        if let Err(error) = repair(text.as_bytes(), &known()) {
            assert!(
                matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::NfoTooLarge)
            );
        }
        let reading = crate::nfo::read::read(&text);
        assert!(reading.files.len() <= 1, "{piece:?}");
    }
}
