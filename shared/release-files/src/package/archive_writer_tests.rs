use std::{
    fs::File,
    io::{Cursor, Read},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::{formats::archive::Archive, progress::NoProgress};

const ALL: [Compression; 3] = [Compression::Store, Compression::Normal, Compression::High];

fn content() -> Vec<u8> {
    (0..700_000_u32)
        .map(|i| i.wrapping_mul(i).to_be_bytes()[2] & 31)
        .collect()
}

/// An archive of three files, written in pieces of `piece` bytes.
fn archive(compression: Compression, piece: usize) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), compression);
    for (name, bytes) in [
        ("a/big.bin", content()),
        ("été.txt", b"hello".to_vec()),
        ("empty", Vec::new()),
    ] {
        writer.start_file(name, bytes.len() as u64).unwrap();
        bytes
            .chunks(piece)
            .for_each(|piece| writer.write(piece).unwrap());
    }
    writer.finish().unwrap()
}

fn failure_code(result: Result<(), WorkError>) -> FailureCode {
    match result {
        Err(WorkError::Failed(failure)) => failure.code,
        other => panic!("{other:?}"),
    }
}

/// A temporary file that is deleted after the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("{}-{name}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn bytes_do_not_depend_on_the_input_chunks() {
    for compression in ALL {
        let whole = archive(compression, 1_000_000);
        assert!(
            [17, 4099, 65_537]
                .into_iter()
                .all(|piece| archive(compression, piece) == whole),
            "{compression:?}"
        );
    }
}

#[test]
fn suspended_and_resumed_archive_has_the_same_bytes() {
    let files = [
        ("a/big.bin", content()),
        ("été.txt", b"hello".to_vec()),
        ("empty", Vec::new()),
    ];
    for compression in ALL {
        let (mut bytes, mut entries, mut written) = (Vec::new(), Vec::new(), 0);
        for (name, content) in &files {
            let mut writer = ArchiveWriter::resume(bytes, compression, entries, written).unwrap();
            writer.start_file(name, content.len() as u64).unwrap();
            writer.write(content).unwrap();
            (bytes, entries, written) = writer.suspend().unwrap();
        }
        let mut writer = ArchiveWriter::resume(bytes, compression, entries, written).unwrap();
        assert_eq!(
            failure_code(writer.start_file("A/big.bin", 0)),
            FailureCode::DuplicateName
        );
        assert!(
            writer.finish().unwrap() == archive(compression, 8192),
            "{compression:?}"
        );
    }
}

#[test]
fn higher_compression_makes_smaller_archives() {
    let sizes = ALL.map(|compression| archive(compression, 8192).len());
    assert!(
        sizes[0] > 700_000 && sizes[1] < sizes[0] && sizes[2] <= sizes[1],
        "{sizes:?}"
    );
}

#[test]
fn archives_are_read_back_by_the_archive_reader() {
    for compression in ALL {
        let bytes = archive(compression, 8192);
        let size = bytes.len() as u64;
        let mut cursor = Cursor::new(bytes);
        let mut read = Archive::open(&mut cursor, size).unwrap();
        assert_eq!(
            read.entries()
                .iter()
                .map(|entry| entry.path.as_str())
                .collect::<Vec<_>>(),
            ["a/big.bin", "été.txt", "empty"]
        );
        assert_eq!(read.read(0, 700_000).unwrap(), content());
        let mut out = Vec::new();
        assert_eq!(read.copy(1, &mut out, &mut NoProgress).unwrap(), 5);
        assert_eq!(out, b"hello");
    }
}

#[test]
fn archives_are_read_by_unzip_and_python() {
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
        assert z.read('\\u00e9t\\u00e9.txt') == b'hello'; \
        assert z.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)";
    let file = Temporary::new("tools.zip");
    for compression in ALL {
        std::fs::write(&file.0, archive(compression, 8192)).unwrap();
        let (mut unzip, mut python) = (Command::new("unzip"), Command::new("python3"));
        for tool in [
            unzip.arg("-t").arg(&file.0),
            python.args(["-c", script]).arg(&file.0),
        ] {
            // Skip the check on a machine without the tool.
            if let Ok(output) = tool.output() {
                assert!(output.status.success(), "{compression:?}: {output:?}");
            }
        }
    }
}

#[test]
fn unsafe_and_repeated_names_are_refused() {
    let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store);
    writer.start_file("a.txt", 0).unwrap();
    assert_eq!(
        failure_code(writer.start_file("a.txt", 0)),
        FailureCode::DuplicateName
    );
    for name in ["../x", "", "C:\\x", "/x"] {
        assert_eq!(
            failure_code(writer.start_file(name, 0)),
            FailureCode::ArchiveUnsafeName,
            "{name}"
        );
    }
}

#[test]
fn names_differing_only_in_case_are_refused() {
    let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store);
    writer.start_file("Art/Éa.txt", 0).unwrap();
    writer.start_file("art/b.txt", 0).unwrap();
    writer.add_folder("empty/").unwrap();
    writer.add_folder("EMPTY").unwrap();
    for name in ["ART/éA.TXT", "art", "Art/b.TXT/c"] {
        assert_eq!(
            failure_code(writer.start_file(name, 0)),
            FailureCode::DuplicateName,
            "{name}"
        );
    }
    let bytes = writer.finish().unwrap();
    let size = bytes.len() as u64;
    let mut cursor = Cursor::new(bytes);
    assert!(Archive::open(&mut cursor, size).unwrap().entries()[2].is_dir);
}

#[test]
fn file_with_an_unexpected_size_is_reported_as_changed() {
    let open = || {
        let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store);
        writer.start_file("a", 3).unwrap();
        writer
    };
    assert_eq!(
        failure_code(open().write(b"four")),
        FailureCode::SourceChanged
    );
    let mut short = open();
    short.write(b"ab").unwrap();
    assert_eq!(
        failure_code(short.start_file("b", 0)),
        FailureCode::SourceChanged
    );
    let mut short = open();
    short.write(b"ab").unwrap();
    assert_eq!(
        failure_code(short.finish().map(drop)),
        FailureCode::SourceChanged
    );
}

/// A writer that counts its bytes, and fails after a number of them.
struct Counting(Arc<AtomicUsize>, usize);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.fetch_add(bytes.len(), Ordering::Relaxed) >= self.1 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "slow storage"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn dropped_archive_stops_writing() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut writer = ArchiveWriter::new(
        Counting(Arc::clone(&count), usize::MAX),
        Compression::Normal,
    );
    writer.start_file("x", 700_000).unwrap();
    writer.write(&content()).unwrap();
    let before = count.load(Ordering::Relaxed);
    assert!(before > 0);
    drop(writer);
    assert_eq!(count.load(Ordering::Relaxed), before);
}

#[test]
fn io_error_of_the_writer_is_kept() {
    let mut writer = ArchiveWriter::new(Counting(Arc::default(), 10), Compression::Store);
    let result = writer
        .start_file("x", 700_000)
        .and_then(|()| writer.write(&content()));
    assert!(matches!(result, Err(WorkError::Io(io)) if io.to_string() == "slow storage"));
}

#[test]
#[ignore = "writes more than 4 GiB"]
fn files_above_4_gib_are_written_and_read() {
    let size = (1_u64 << 32) + 10;
    let file = Temporary::new("large.zip");
    let mut writer = ArchiveWriter::new(File::create(&file.0).unwrap(), Compression::Store);
    writer.start_file("zeros", size).unwrap();
    let mut zeros = io::repeat(0).take(size);
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match zeros.read(&mut buffer).unwrap() {
            0 => break,
            count => writer.write(&buffer[..count]).unwrap(),
        }
    }
    writer.start_file("after", 1).unwrap();
    writer.write(b"x").unwrap();
    writer.finish().unwrap();
    let output = Command::new("unzip")
        .arg("-t")
        .arg(&file.0)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut read = File::open(&file.0).unwrap();
    let length = read.metadata().unwrap().len();
    assert_eq!(
        Archive::open(&mut read, length).unwrap().entries()[0].size,
        size
    );
}
