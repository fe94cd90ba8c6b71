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
    let bytes = samples::zip(&[("aaaaaaa", b"x")]);
    for name in [
        &b"../etc/"[..],
        b"..\\etc/",
        b"a/../b/",
        b"C:../ab",
        b"/../abc",
    ] {
        let bytes = replace(bytes.clone(), b"aaaaaaa", name);
        assert_eq!(
            failure_code(open(&bytes, |_| ())),
            FailureCode::ArchiveUnsafeName
        );
    }
}

/// Returns the path of the first of two entries, whose stored name is `name`.
fn path_of(name: &[u8]) -> String {
    let placeholder = "p".repeat(name.len());
    let bytes = samples::zip(&[(&placeholder, b"content"), ("other", b"more")]);
    let bytes = replace(bytes, placeholder.as_bytes(), name);
    open(&bytes, |mut archive| {
        assert_eq!(archive.entries().len(), 2);
        assert_eq!(archive.read(0, 100).unwrap(), b"content");
        assert_eq!(archive.read(1, 100).unwrap(), b"more");
        archive.entries()[0].path.clone()
    })
    .unwrap()
}

#[test]
fn names_of_careless_tools_are_normalized() {
    for (name, path) in [
        (&b"a\\b.txt"[..], "a/b.txt"),
        (b"/etc/passwd", "etc/passwd"),
        (b"./a", "a"),
        (b"a//b", "a/b"),
        (b"C:\\a.txt", "a.txt"),
        (b"Icon\r", "Icon_"),
        (b"a\0b", "a_b"),
        (b"caf\x82\\x.txt", "caf\u{e9}/x.txt"),
        ("図\\表.jpg".as_bytes(), "図/表.jpg"),
        (b".", "_"),
        // A backslash is the second byte of the first and of the third letter in Shift JIS.
        (b"OEBPS/\x95\\\x8e\x86.jpg", "OEBPS/表紙.jpg"),
        (b"\x83\\\x83t\x83g\\a.txt", "ソフト/a.txt"),
        // These pairs of bytes mean a letter in Shift JIS too, but end an Italian word.
        (b"caff\x8a\\x.jpg", "caff\u{e8}/x.jpg"),
        // This pair is no letter in Shift JIS.
        (b"men\x81\\x.jpg", "men\u{fc}/x.jpg"),
    ] {
        assert_eq!(path_of(name), path, "{name:?}");
    }
    let long = format!("{}/{}", "d".repeat(1_000), "e".repeat(100));
    assert_eq!(path_of(long.as_bytes()), "d".repeat(1_000));
}

#[test]
fn normalized_names_are_reported_with_an_example() {
    let bytes = samples::zip(&[("aaaa", b"1"), ("bbbb", b"2"), ("cccc", b"3"), ("d/", b"")]);
    let bytes = replace(bytes, b"aaaa", b"a\\aa");
    let one =
        "The name \"a\\\\aa\" of an archive entry contains a backslash; it is read as \"a/aa\"";
    let warnings = |bytes: &[u8]| open(bytes, |archive| archive.name_warnings()).unwrap();
    assert_eq!(warnings(&bytes), [one]);
    let bytes = replace(bytes, b"bbbb", b"/bbb");
    assert_eq!(warnings(&bytes), [format!("{one} (2 such names in all)")]);
    // The archive's own folder is no entry.
    let bytes = replace(bytes, b"d/", b"./");
    open(&bytes, |archive| {
        let entries = archive.entries().iter();
        let names: Vec<_> = entries
            .map(|entry| (entry.path.as_str(), entry.broken_name_rule))
            .collect();
        let expected = [
            ("a/aa", Some(EntryNameError::Backslash)),
            ("bbb", Some(EntryNameError::Absolute)),
            ("cccc", None),
        ];
        assert_eq!(names, expected);
    })
    .unwrap();
}

#[test]
fn folder_that_is_listed_twice_loses_no_file() {
    for name in [&b"aa/"[..], b"aa\\", b"bb/"] {
        let bytes = samples::zip(&[("bb/", b""), ("aa/", b""), ("aa/a", b"1"), ("c", b"2")]);
        let bytes = replace(bytes, b"bb/", name);
        open(&bytes, |mut archive| {
            assert!(!archive.has_duplicate_files().unwrap(), "{name:?}");
            let folders = archive.entries().iter().filter(|entry| entry.is_dir);
            assert_eq!(folders.count(), if name == b"bb/" { 2 } else { 1 });
            let index = archive.find("aa/a").unwrap();
            assert_eq!(archive.read(index, 100).unwrap(), b"1");
        })
        .unwrap();
    }
    let bytes = samples::zip(&[("b/", b""), ("a/", b""), ("cccc", b"1"), ("dddd", b"2")]);
    let bytes = replace(replace(bytes, b"b/", b"a/"), b"dddd", b"cccc");
    open(&bytes, |mut archive| {
        assert!(archive.has_duplicate_files().unwrap());
    })
    .unwrap();
}

#[test]
fn last_of_several_entries_with_one_name_is_used() {
    for name in [&b"aa/a"[..], b"aa\\a"] {
        let bytes = samples::zip(&[("bbbb", b"first"), ("aa/a", b"second")]);
        let bytes = replace(bytes, b"bbbb", name);
        open(&bytes, |mut archive| {
            assert!(archive.has_duplicate_paths());
            assert!(archive.has_duplicate_files().unwrap());
            let warnings = archive.name_warnings();
            assert!(warnings.iter().any(|line| line.contains("same name")));
            let index = archive.find("aa/a").unwrap();
            assert_eq!(archive.read(index, 100).unwrap(), b"second");
        })
        .unwrap();
    }
    let bytes = samples::zip(&[("a", b"first"), ("A", b"second")]);
    open(&bytes, |archive| {
        assert!(!archive.has_duplicate_paths());
        assert!(archive.name_warnings().is_empty());
    })
    .unwrap();
}

#[test]
fn damaged_signature_of_a_local_header_is_tolerated() {
    let mut bytes = samples::zip(&[("a", b"some content"), ("b", b"more")]);
    bytes[3] = 2;
    open(&bytes, |mut archive| {
        assert_eq!(archive.read(0, 100).unwrap(), b"some content");
        assert_eq!(archive.read(1, 100).unwrap(), b"more");
    })
    .unwrap();
    // The checksum shows that the rest of the header is wrong.
    bytes[26] = 9;
    let code = failure_code(open(&bytes, |mut archive| archive.read(0, 100)).and_then(|r| r));
    assert_eq!(code, FailureCode::ArchiveDamaged);
}

#[test]
fn bytes_before_the_archive_are_tolerated() {
    let zip = samples::zip(&[("a", b"some content"), ("b", b"more")]);
    let long = vec![7; 100_000];
    for prefix in [&b"\xEF\xBB\xBF"[..], b"PK00", b"PK\x07\x08", &long] {
        let by_archive = [prefix, &zip].concat();
        let by_file = samples::moved_by(&by_archive, u32::try_from(prefix.len()).unwrap());
        for bytes in [by_archive, by_file] {
            open(&bytes, |mut archive| {
                assert_eq!(archive.read(0, 100).unwrap(), b"some content");
                assert_eq!(archive.read(1, 100).unwrap(), b"more");
            })
            .unwrap();
        }
    }
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
        broken_name_rule: None,
        size: MAX_UNCHECKED_BYTES * 2,
        compressed_size: 100,
        crc32: 0,
        is_dir: false,
        encrypted: false,
        method: CompressionMethod::Deflated,
        header_start: 0,
        directory_index: 0,
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
