//! Properties that hold for any input.

use std::io::Cursor;

use proptest::prelude::*;
use text::{EntryNameError, check_entry_name, normalize_entry_name};

use crate::formats::{analyze, archive::Archive, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn analyze_bytes(bytes: &[u8]) {
    let size = bytes.len() as u64;
    // Any result is fine unless it panics.
    let _ = analyze(
        &mut Cursor::new(bytes),
        "x",
        size,
        &in_process,
        &mut Recorder::default(),
    );
}

/// Names of entries, made of what careless and hostile tools put into them.
fn entry_name() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "/", "\\", ".", "..", "C:", "\0", "\r", "\u{85}", " ", "a", "été", "表", "x.jpg",
        "META-INF",
    ]);
    let pieces = pieces.prop_map(str::to_owned);
    let long = "[a-z]{300,600}";
    prop::collection::vec(
        prop_oneof![8 => pieces, 1 => any::<String>(), 1 => long],
        0..12,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn normalized_name_is_a_plain_relative_path(name in entry_name()) {
        let has_parent = name.split(['/', '\\']).any(|part| part == "..");
        match normalize_entry_name(&name) {
            Ok(path) => {
                prop_assert!(!has_parent);
                prop_assert_eq!(check_entry_name(&path), Ok(()));
                let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
                prop_assert!(parts.iter().all(|part| !["", ".", ".."].contains(part)));
                prop_assert!(!path.starts_with('/') && !path.contains('\\'));
                prop_assert!(!path.chars().any(char::is_control));
                // A name that is right is kept, and what was normalized once is right.
                let is_right = check_entry_name(&name).is_ok();
                prop_assert!(!is_right || path == name);
                prop_assert_eq!(normalize_entry_name(&path), Ok(path));
            }
            Err(EntryNameError::DotComponent) => prop_assert!(name.contains("..")),
            Err(EntryNameError::Empty) => prop_assert!(!has_parent),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn archive_with_any_names_is_read_in_full(names in prop::collection::btree_set(entry_name(), 1..6)) {
        let has_parent = |name: &String| normalize_entry_name(name) == Err(EntryNameError::DotComponent);
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        let bytes = samples::zip(&files);
        let mut cursor = Cursor::new(&bytes);
        let opened = Archive::open(&mut cursor, bytes.len() as u64);
        prop_assert_eq!(opened.is_err(), names.iter().any(has_parent));
        if let Ok(mut archive) = opened {
            for index in 0..archive.entries().len() {
                prop_assert_eq!(check_entry_name(&archive.entries()[index].path), Ok(()));
                prop_assert!(archive.entries()[index].is_dir || archive.read(index, 10_000).is_ok());
            }
            let folders = names.iter().filter(|name| name.ends_with(['/', '\\']));
            prop_assert!(archive.entries().len() + folders.count() >= names.len());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"%PDF-1.4\n", b"\xFF\xFE"]),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [start, &rest].concat();
        analyze_bytes(&bytes);
    }

    #[test]
    fn changed_epub_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = samples::epub(samples::OPF3, &[]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        analyze_bytes(&bytes);
    }

    #[test]
    fn changed_pdf_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        for mut bytes in [samples::pdf(2), samples::pdf_of_references()] {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            analyze_bytes(&bytes);
        }
    }

    #[test]
    fn scan_of_any_pdf_never_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "1 0 obj", "2 0 obj", " endobj ", "<<", ">>", "[", "]", "(", ")", "\\", "<41", ">",
                "/Type", "/ObjStm", "/Catalog", "/XRef", "/Pages", "/Kids", "/Count", "/Metadata",
                "/Title", "/Author", "/First 4", "/N 1", "/Length 3", " stream\n", " endstream ",
                " 1 0 R ", " 2 0 R", " 7", "%", "\n", "trailer", "/Root", "/Info", "#2", "<RDF>",
            ]),
            0..60,
        ),
    ) {
        analyze_bytes(format!("%PDF-1.4\n{}", parts.concat()).as_bytes());
    }
}
