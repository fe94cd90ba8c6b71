use std::io::Cursor;

use super::*;
use crate::formats::samples;
use crate::progress::testing::Recorder;

fn open<T>(
    bytes: &[u8],
    work: impl FnOnce(Archive<'_, Cursor<&[u8]>>) -> T,
) -> Result<T, WorkError> {
    let mut cursor = Cursor::new(bytes);
    Archive::open(&mut cursor, bytes.len() as u64).map(work)
}

fn failure_code<T: std::fmt::Debug>(result: Result<T, WorkError>) -> FailureCode {
    match result {
        Err(WorkError::Failed(failure)) => failure.code,
        other => panic!("{other:?}"),
    }
}

/// Replaces every occurrence of bytes with others of the same length.
fn replace(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
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
    open(&bytes, |mut archive| {
        assert_eq!(archive.entries().len(), 3);
        assert!(archive.entries()[0].is_dir);
        assert_eq!(archive.find("A/X.TXT"), None);
        let index = archive.find_ignoring_case("A/X.TXT").unwrap();
        assert_eq!(archive.read(index, 5).unwrap(), b"hello");
        assert_eq!(archive.entries()[index].crc32, crc32fast::hash(b"hello"));
        let mut out = Vec::new();
        let mut progress = Recorder::default();
        assert_eq!(archive.copy(2, &mut out, &mut progress).unwrap(), 100_000);
        assert_eq!(out, vec![7; 100_000]);
        assert_eq!(progress.updates.last(), Some(&(100_000, 100_000)));
        assert!(matches!(
            archive.copy(2, &mut out, &mut Recorder::cancelling_after(1)),
            Err(WorkError::Stopped)
        ));
        assert_eq!(
            failure_code(archive.read(9, 1)),
            FailureCode::ArchiveEntryMissing
        );
        assert_eq!(
            failure_code(archive.read(2, 99_999)),
            FailureCode::ArchiveBomb
        );
    })
    .unwrap();
}

#[test]
fn entry_with_a_false_size_is_refused() {
    let bytes = samples::zip(&[("x", &vec![0; 50_000])]);
    let lying = replace(bytes, &50_000_u32.to_le_bytes(), &50_u32.to_le_bytes());
    let code = failure_code(open(&lying, |mut archive| archive.read(0, 1000)).and_then(|r| r));
    assert!(
        [FailureCode::ArchiveDamaged, FailureCode::ArchiveBomb].contains(&code),
        "{code}"
    );
}

#[test]
fn escaping_names_are_refused() {
    let bytes = replace(samples::zip(&[("aaaaaaa", b"x")]), b"aaaaaaa", b"../etc/");
    assert_eq!(
        failure_code(open(&bytes, |_| ())),
        FailureCode::ArchiveUnsafeName
    );
}

#[test]
fn damaged_archives_are_refused() {
    let mut bytes = samples::zip(&[("x", b"some content that compresses badly 0123456789")]);
    let good = bytes.clone();
    bytes[35] ^= 0xFF;
    let code = failure_code(open(&bytes, |mut archive| archive.read(0, 1000)).and_then(|r| r));
    assert_eq!(code, FailureCode::ArchiveDamaged);
    assert_eq!(
        failure_code(open(&good[..good.len() - 10], |_| ())),
        FailureCode::ArchiveDamaged
    );
    assert_eq!(
        failure_code(open(b"PK\x03\x04", |_| ())),
        FailureCode::ArchiveDamaged
    );
}

#[test]
fn encrypted_and_unsupported_entries_are_refused() {
    let bytes = samples::zip(&[("mimetype", b"content")]);
    // The first flag of the local and of the central header.
    let mut encrypted = bytes.clone();
    encrypted[6] |= 1;
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    open(&encrypted, |mut archive| {
        assert!(archive.entries()[0].encrypted);
        assert_eq!(
            failure_code(archive.read(0, 100)),
            FailureCode::ArchiveEncrypted
        );
    })
    .unwrap();
    let mut exotic = bytes;
    exotic[8] = 12;
    exotic[central + 10] = 12;
    open(&exotic, |mut archive| {
        assert_eq!(
            failure_code(archive.read(0, 100)),
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
        failure_code(open(&overlapping, |_| ())),
        FailureCode::ArchiveBomb
    );
}

#[test]
fn suspicious_ratio_is_a_bomb() {
    let entry = ArchiveEntry {
        path: "zeros".to_owned(),
        size: MAX_UNCHECKED_BYTES * 2,
        compressed_size: 100,
        crc32: 0,
        is_dir: false,
        encrypted: false,
        method: CompressionMethod::Deflated,
        header_start: 0,
    };
    assert_eq!(
        check_ratio(&entry).unwrap_err().code,
        FailureCode::ArchiveBomb
    );
}

#[test]
fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..=MAX_ENTRIES).map(|i| i.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    let bytes = samples::zip(&files);
    assert_eq!(
        failure_code(open(&bytes, |_| ())),
        FailureCode::ArchiveTooLarge
    );
}

#[test]
fn reads_beyond_the_limit_are_refused() {
    let mut cursor = Cursor::new(samples::zip(&[("x", b"x")]));
    let size = cursor.get_ref().len() as u64;
    let mut source = Source::new(&mut cursor, size);
    let limit = source.limit_reads(10);
    let error_slot = source.error_slot();
    assert!(source.read(&mut [0; 64]).is_err());
    assert_eq!(
        failure_code(error_slot.check()),
        FailureCode::ArchiveTooLarge
    );
    limit.lift();
    assert!(source.read(&mut [0; 64]).is_ok());
}

#[test]
fn unsupported_archives_are_refused() {
    let error = convert_error(&ZipError::UnsupportedArchive("multi-disk"));
    assert_eq!(
        failure_code(Err::<(), _>(error)),
        FailureCode::ArchiveUnsupported
    );
}

/// A reader that allocated what a number in the file says would abort the process.
#[test]
fn counts_and_sizes_in_the_directory_allocate_nothing() {
    let zip = samples::zip(&[("a.txt", b"one"), ("b.txt", b"two")]);
    let end = zip.len() - 22;
    let entry = zip
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    // In the end record: entries here, entries, size, offset. In an entry: its packed and its
    // unpacked size, and the lengths of its name, its extra field and its comment.
    for (at, width) in [
        (end + 8, 4),
        (end + 10, 2),
        (end + 12, 4),
        (end + 16, 4),
        (end + 20, 2),
        (entry + 20, 4),
        (entry + 24, 4),
        (entry + 20, 8),
        (entry + 28, 2),
        (entry + 30, 2),
        (entry + 32, 2),
    ] {
        for byte in [0xFE, 0xFF] {
            let mut zip = zip.clone();
            zip[at..at + width].fill(byte);
            let mut cursor = Cursor::new(&zip);
            let Ok(mut archive) = Archive::open(&mut cursor, zip.len() as u64) else {
                continue;
            };
            for index in 0..archive.entries().len() {
                let read = archive.read(index, 1_000);
                assert!(read.is_err() || read.is_ok_and(|bytes| bytes.len() <= 3));
            }
        }
    }
}
