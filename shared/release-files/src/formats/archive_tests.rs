use std::io::Cursor;

use super::*;
use crate::formats::samples;
use crate::watch::testing::Recorder;

fn opened<T>(
    bytes: &[u8],
    work: impl FnOnce(Archive<'_, Cursor<&[u8]>>) -> T,
) -> Result<T, WorkError> {
    let mut cursor = Cursor::new(bytes);
    Archive::open(&mut cursor, bytes.len() as u64).map(work)
}

fn code_of<T: std::fmt::Debug>(result: Result<T, WorkError>) -> FailureCode {
    match result {
        Err(WorkError::Failed(failure)) => failure.code,
        other => panic!("{other:?}"),
    }
}

/// Replaces every occurrence of bytes with others as long.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|w| w == from) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
    bytes
}

#[test]
fn entries_are_listed_and_unpacked() {
    let bytes = samples::zip(&[("a/", b""), ("a/x.txt", b"hello"), ("y", &vec![7; 100_000])]);
    opened(&bytes, |mut archive| {
        assert_eq!(archive.entries().len(), 3);
        assert!(archive.entries()[0].is_dir);
        assert_eq!(archive.find("A/X.TXT"), None);
        let index = archive.find_ignoring_case("A/X.TXT").unwrap();
        assert_eq!(archive.read(index, 5).unwrap(), b"hello");
        assert_eq!(archive.entries()[index].crc32, crc32fast::hash(b"hello"));
        let mut out = Vec::new();
        let mut watch = Recorder::default();
        assert_eq!(archive.copy(2, &mut out, &mut watch).unwrap(), 100_000);
        assert_eq!(out, vec![7; 100_000]);
        assert_eq!(watch.progress.last(), Some(&(100_000, 100_000)));
        assert!(matches!(
            archive.copy(2, &mut out, &mut Recorder::stopping_after(1)),
            Err(WorkError::Stopped)
        ));
        assert_eq!(
            code_of(archive.read(9, 1)),
            FailureCode::ArchiveEntryMissing
        );
        assert_eq!(code_of(archive.read(2, 99_999)), FailureCode::ArchiveBomb);
    })
    .unwrap();
}

#[test]
fn an_entry_that_lies_about_its_size_is_stopped() {
    let bytes = samples::zip(&[("x", &vec![0; 50_000])]);
    let lying = replaced(bytes, &50_000_u32.to_le_bytes(), &50_u32.to_le_bytes());
    let code = code_of(opened(&lying, |mut archive| archive.read(0, 1000)).and_then(|r| r));
    assert!(
        [FailureCode::ArchiveDamaged, FailureCode::ArchiveBomb].contains(&code),
        "{code}"
    );
}

#[test]
fn names_that_escape_are_refused() {
    let bytes = replaced(samples::zip(&[("aaaaaaa", b"x")]), b"aaaaaaa", b"../etc/");
    assert_eq!(
        code_of(opened(&bytes, |_| ())),
        FailureCode::ArchiveUnsafeName
    );
}

#[test]
fn damage_is_found_where_it_is() {
    let mut bytes = samples::zip(&[("x", b"some content that compresses badly 0123456789")]);
    let good = bytes.clone();
    bytes[35] ^= 0xFF;
    let code = code_of(opened(&bytes, |mut archive| archive.read(0, 1000)).and_then(|r| r));
    assert_eq!(code, FailureCode::ArchiveDamaged);
    assert_eq!(
        code_of(opened(&good[..good.len() - 10], |_| ())),
        FailureCode::ArchiveDamaged
    );
    assert_eq!(
        code_of(opened(b"PK\x03\x04", |_| ())),
        FailureCode::ArchiveDamaged
    );
}

#[test]
fn encrypted_and_unsupported_entries_are_named() {
    let bytes = samples::zip(&[("mimetype", b"content")]);
    // The first flag of the local and of the central header.
    let mut encrypted = bytes.clone();
    encrypted[6] |= 1;
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    opened(&encrypted, |mut archive| {
        assert!(archive.entries()[0].encrypted);
        assert_eq!(code_of(archive.read(0, 100)), FailureCode::ArchiveEncrypted);
    })
    .unwrap();
    let mut exotic = bytes;
    exotic[8] = 12;
    exotic[central + 10] = 12;
    opened(&exotic, |mut archive| {
        assert_eq!(
            code_of(archive.read(0, 100)),
            FailureCode::ArchiveUnsupported
        );
    })
    .unwrap();
}

#[test]
fn overlapping_entries_are_a_bomb() {
    let bytes = samples::zip(&[("a", b"first"), ("b", b"second")]);
    let central: Vec<usize> = (0..bytes.len() - 4)
        .filter(|&at| bytes[at..].starts_with(b"PK\x01\x02"))
        .collect();
    let mut overlapping = bytes;
    let second = central[1] + 42;
    overlapping[second..second + 4].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(
        code_of(opened(&overlapping, |_| ())),
        FailureCode::ArchiveBomb
    );
}

#[test]
fn an_improbable_ratio_is_a_bomb() {
    let entry = Entry {
        path: "zeros".to_owned(),
        size: RATIO_FREE_SIZE * 2,
        compressed_size: 100,
        crc32: 0,
        is_dir: false,
        encrypted: false,
        method: CompressionMethod::Deflated,
        header_start: 0,
    };
    assert_eq!(
        refuse_improbable(&entry).unwrap_err().code,
        FailureCode::ArchiveBomb
    );
}

#[test]
fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..=MAX_ENTRIES).map(|i| i.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    let bytes = samples::zip(&files);
    assert_eq!(
        code_of(opened(&bytes, |_| ())),
        FailureCode::ArchiveTooLarge
    );
}

#[test]
fn a_directory_that_is_too_large_is_refused() {
    let mut cursor = Cursor::new(samples::zip(&[("x", b"x")]));
    let size = cursor.get_ref().len() as u64;
    let mut source = Source::new(&mut cursor, size);
    let allowance = source.allow(Some(10));
    let fault = source.fault();
    assert!(source.read(&mut [0; 64]).is_err());
    assert_eq!(code_of(fault.check()), FailureCode::ArchiveTooLarge);
    allowance.lift();
    assert!(source.read(&mut [0; 64]).is_ok());
}

#[test]
fn unsupported_archives_say_what_is_missing() {
    let error = broken(&ZipError::UnsupportedArchive("multi-disk"));
    assert_eq!(
        code_of(Err::<(), _>(error)),
        FailureCode::ArchiveUnsupported
    );
}
