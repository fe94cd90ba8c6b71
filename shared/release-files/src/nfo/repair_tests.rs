use encoding_rs::WINDOWS_1252;
use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_string_checked};

use super::*;
use crate::nfo::{field::Field, sauce::tests::record};

const ART: &str = "  ▄▄▄▄ ░▒▓█ GRP █▓▒░ ▄▄▄▄\r\n╔══════════════════════╗\r\n║ Titre : L'été à Rome ║\r\n╚══════════════════════╝\r\n";

fn values() -> PlaceholderValues {
    PlaceholderValues::new([(Field::Title, "A Book"), (Field::Group, "GRP")])
}

fn repaired(bytes: &[u8]) -> RepairedNfo {
    repair(bytes, &values()).unwrap()
}

fn kinds(changes: &[Change]) -> Vec<(usize, ChangeKind)> {
    changes
        .iter()
        .map(|change| (change.line, change.kind))
        .collect()
}

fn utf16(text: &str, to_bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn clean_nfo_is_unchanged() {
    for text in [ART, "Title : A Book\r\n\r\n  Thanks.\r\n", "", "日本\r\n"] {
        let repaired = repaired(text.as_bytes());
        assert_eq!((repaired.text.as_str(), repaired.changes), (text, vec![]));
    }
}

#[test]
fn every_encoding_is_converted_to_utf8() {
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
        assert_eq!(kinds(&repaired.changes), [(1, ChangeKind::Encoding)]);
        assert!(
            repaired.changes[0].detail.contains(encoding.as_str()),
            "{:?}",
            repaired.changes
        );
    }
}

#[test]
fn each_repair_is_reported_with_its_line() {
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
            (2, ChangeKind::LineEnds),
            (3, ChangeKind::ControlCharacters),
            (4, ChangeKind::EscapeSequences),
            (5, ChangeKind::Tabs),
            (6, ChangeKind::Placeholder),
            (6, ChangeKind::Placeholder),
            (7, ChangeKind::FinalLineEnd),
        ]
    );
    assert_eq!(
        repaired.changes[4].detail,
        r#""{{ title }}" became "A Book""#
    );
}

#[test]
fn unfilled_placeholder_is_a_notice() {
    let repaired = repaired(b"{{ publisher }}\r\n");
    assert_eq!(
        kinds(&repaired.notices),
        [(1, ChangeKind::PlaceholderUnfilled)]
    );
    assert_eq!(
        (repaired.text.as_str(), repaired.changes),
        ("{{ publisher }}\r\n", vec![])
    );
}

#[test]
fn long_lines_are_wrapped_and_long_art_is_not() {
    let art = format!("║{}║", " x".repeat(50));
    let repaired = repaired(format!("{}\r\n{art}\r\n", "word ".repeat(30)).as_bytes());
    assert_eq!(kinds(&repaired.changes), [(1, ChangeKind::LongLine)]);
    assert_eq!(kinds(&repaired.notices), [(2, ChangeKind::LongLineKept)]);
    assert_eq!(
        repaired.text.lines().map(width).collect::<Vec<_>>(),
        [79, 69, 102]
    );
}

#[test]
fn text_ends_with_one_line_end() {
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
fn sauce_record_is_removed() {
    let dos = encode_string_checked(ART, &ENCODING_TABLE_CP437).unwrap();
    for mark in [&b""[..], b"\x1a"] {
        let repaired = repaired(&[&dos, mark, &record(0)].concat());
        assert_eq!(repaired.text, ART);
        assert_eq!(
            kinds(&repaired.changes),
            [(1, ChangeKind::Encoding), (4, ChangeKind::Sauce)]
        );
    }
    let repaired = repaired(b"text\r\n\x1aSAUCE00A title and more \x00\x05");
    assert_eq!(
        (repaired.text.as_str(), kinds(&repaired.changes)),
        ("text\r\n", vec![(1, ChangeKind::Sauce)])
    );
}

#[test]
fn drawing_after_a_wrong_mark_is_kept() {
    let dos = encode_string_checked(ART, &ENCODING_TABLE_CP437).unwrap();
    let after_utf8_mark = repaired(&[b"\xEF\xBB\xBF", dos.as_slice()].concat());
    assert_eq!(after_utf8_mark.text, ART);
    assert_eq!(after_utf8_mark.encoding, Encoding::Cp437);
    let after_squares = repaired(&[b"\xFE\xFF\xFE\r\n", dos.as_slice()].concat());
    assert_eq!(after_squares.text, format!("■\u{a0}■\r\n{ART}"));
}

#[test]
fn mojibake_is_undone_and_reported() {
    let windows = |bytes: &[u8]| {
        WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned()
    };
    let dos = encode_string_checked(ART, &ENCODING_TABLE_CP437).unwrap();
    let from_utf8 = windows(ART.as_bytes());
    let from_dos = windows(&dos);
    for (bytes, details) in [
        (
            from_utf8.as_bytes().to_vec(),
            &["undid the decoding of utf-8 as windows-1252"][..],
        ),
        (
            from_dos.as_bytes().to_vec(),
            &["undid the decoding of cp437 as windows-1252"],
        ),
        (
            utf16(&format!("\u{feff}{from_dos}"), u16::to_le_bytes),
            &[
                "converted from utf-16le to utf-8",
                "undid the decoding of cp437 as windows-1252",
            ],
        ),
    ] {
        let repaired = repaired(&bytes);
        assert_eq!(repaired.text, ART);
        let found: Vec<_> = repaired.changes.iter().map(|one| &one.detail).collect();
        assert_eq!(found, details);
        assert!(
            kinds(&repaired.changes)
                .iter()
                .all(|kind| *kind == (1, ChangeKind::Encoding))
        );
    }
}

#[test]
fn mojibake_that_is_certain_only_after_the_repair_is_undone() {
    let repaired = repaired("Ã© \u{202e}\r\n".as_bytes());
    assert_eq!(repaired.text, "é \r\n");
    assert!(
        repair(repaired.text.as_bytes(), &values())
            .unwrap()
            .changes
            .is_empty()
    );
}

#[test]
fn change_list_is_limited_per_kind() {
    let many = "a\tb\x07\n".repeat(10_000);
    let repaired = repaired(many.as_bytes());
    let listed = |kind| {
        repaired
            .changes
            .iter()
            .filter(|change| change.kind == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(ChangeKind::LineEnds).len(), 1);
    assert!(
        listed(ChangeKind::LineEnds)[0]
            .detail
            .starts_with("10000 lines")
    );
    assert_eq!(listed(ChangeKind::Tabs).len(), MAX_CHANGES_PER_KIND + 1);
    assert_eq!(
        listed(ChangeKind::Tabs)[MAX_CHANGES_PER_KIND].detail,
        "and 9950 more, starting here"
    );
    assert_eq!(listed(ChangeKind::Tabs)[MAX_CHANGES_PER_KIND].line, 51);
}

#[test]
fn too_large_nfo_is_refused_before_and_after_the_repair() {
    let blocks = encode_string_checked("█", &ENCODING_TABLE_CP437).unwrap();
    for bytes in [vec![b'x'; MAX_NFO_BYTES + 1], blocks.repeat(100_000)] {
        let error = repair(&bytes, &values()).unwrap_err();
        assert!(
            matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::NfoTooLarge)
        );
    }
}

#[test]
fn repair_time_is_linear_in_the_line_length() {
    let starts = ["", "Files\n"];
    let pieces = [
        "{{", "%", "[", "\t", "  -", " - ", "a  ", "  a.", "1x", ": [", "\x1b[9C", "%TITLE%", "- ",
        ". ", "│ ", "a.zip ", "| | ", "://",
    ];
    for (start, piece) in starts
        .iter()
        .flat_map(|start| pieces.map(|piece| (start, piece)))
    {
        let text = format!("{start}{}", piece.repeat(MAX_NFO_BYTES / 4 / piece.len()));
        // Quadratic work would take minutes.
        if let Err(error) = repair(text.as_bytes(), &values()) {
            assert!(
                matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::NfoTooLarge)
            );
        }
        let reading = crate::nfo::read::read(&text);
        assert!(reading.files.len() <= 1, "{piece:?}");
    }
}
