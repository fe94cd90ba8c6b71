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

use proptest::prelude::*;

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
    let mut writer = ArchiveWriter::new(Vec::new(), compression).unwrap();
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

/// An archive of these files, packed by `packer` and written in pieces of `piece` bytes.
fn archive_of(files: &[(&str, Vec<u8>)], packer: Packer, piece: usize) -> Vec<u8> {
    let mut writer = ArchiveWriter::with_packer(Vec::new(), Some(packer));
    for (name, bytes) in files {
        writer.start_file(name, bytes.len() as u64).unwrap();
        bytes
            .chunks(piece)
            .for_each(|piece| writer.write(piece).unwrap());
    }
    writer.finish().unwrap()
}

/// Bytes that do not shrink.
fn random(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E_F767_814F);
        (state >> 56).to_le_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

/// Files of sizes around that of a block, which shrink, do not, or do in part.
fn any_files() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let size = prop_oneof![
        0..2_000_usize,
        BLOCK_BYTES - 2..BLOCK_BYTES + 3,
        0..3 * BLOCK_BYTES
    ];
    let file = (0..3_usize, size, any::<u64>()).prop_map(|(kind, size, seed)| {
        let mut file = random(size, seed);
        let shrinks = [0, size / 3, size][kind];
        file[..shrinks].iter_mut().for_each(|byte| *byte &= 15);
        file
    });
    prop::collection::vec(file, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_content_is_the_same_archive_for_any_threads_pieces_and_runs(
        contents in any_files(),
        piece in 1..300_000_usize,
    ) {
        let names = ["a", "b", "c"];
        let files: Vec<_> = names.into_iter().zip(contents).collect();
        let packer = |threads| Packer::with_threads(6, threads).unwrap();
        let whole = archive_of(&files, packer(1), usize::MAX);
        for threads in [2, 6] {
            prop_assert!(archive_of(&files, packer(threads), piece) == whole);
        }
        let (mut bytes, mut entries, mut written) = (Vec::new(), Vec::new(), 0);
        for (name, content) in &files {
            let mut run = ArchiveWriter::resume(bytes, Compression::Normal, entries, written).unwrap();
            run.start_file(name, content.len() as u64).unwrap();
            run.write(content).unwrap();
            (bytes, entries, written) = run.suspend().unwrap();
        }
        let last = ArchiveWriter::resume(bytes, Compression::Normal, entries, written).unwrap();
        prop_assert!(last.finish().unwrap() == whole);

        let mut read = zip::ZipArchive::new(Cursor::new(whole)).unwrap();
        for (name, content) in &files {
            let mut found = Vec::new();
            read.by_name(name).unwrap().read_to_end(&mut found).unwrap();
            prop_assert!(found == *content);
        }
    }
}

#[test]
fn small_file_that_does_not_shrink_is_stored() {
    let files = [
        ("random", random(999, 1)),
        ("text", content()),
        ("empty", Vec::new()),
    ];
    let archive = archive_of(&files, Packer::start(6).unwrap(), 8192);
    // A reader that does not seek knows where a stored entry ends: no sizes follow it.
    assert_eq!(archive[6] & 8, 0);
    let mut read = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let methods = [0, 1, 2].map(|at| read.by_index(at).unwrap().compression());
    assert_eq!(
        methods.map(|method| method == zip::CompressionMethod::Stored),
        [true, false, true]
    );
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
fn archives_are_read_by_unzip_7z_and_python() {
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
        assert z.read('\\u00e9t\\u00e9.txt') == b'hello'; \
        assert z.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)";
    let file = Temporary::new("tools.zip");
    // Small files of both methods, and a large one of both kinds of blocks.
    let mixed = [random(2 * BLOCK_BYTES, 1), content(), random(9, 2)].concat();
    let mixed_files = [
        ("été.txt", b"hello".to_vec()),
        ("random", random(999, 3)),
        ("mixed", mixed),
    ];
    let archives = ALL.map(|compression| archive(compression, 8192));
    let mixed = archive_of(&mixed_files, Packer::start(6).unwrap(), 8192);
    for archive in archives.into_iter().chain([mixed]) {
        std::fs::write(&file.0, archive).unwrap();
        let (mut unzip, mut python) = (Command::new("unzip"), Command::new("python3"));
        let mut seven_zip = Command::new("7z");
        for tool in [
            seven_zip.arg("t").arg(&file.0),
            unzip.arg("-t").arg(&file.0),
            python.args(["-c", script]).arg(&file.0),
        ] {
            // Skip the check on a machine without the tool.
            if let Ok(output) = tool.output() {
                assert!(output.status.success(), "{output:?}");
            }
        }
    }
}

#[test]
fn unsafe_and_repeated_names_are_refused() {
    let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store).unwrap();
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
    let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store).unwrap();
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
        let mut writer = ArchiveWriter::new(Vec::new(), Compression::Store).unwrap();
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
    )
    .unwrap();
    let content = content().repeat(40);
    writer.start_file("x", content.len() as u64 + 1).unwrap();
    writer.write(&content).unwrap();
    let before = count.load(Ordering::Relaxed);
    assert!(before > 0);
    drop(writer);
    assert_eq!(count.load(Ordering::Relaxed), before);
}

#[test]
fn io_error_of_the_writer_is_kept() {
    let mut writer = ArchiveWriter::new(Counting(Arc::default(), 10), Compression::Store).unwrap();
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
    let mut writer =
        ArchiveWriter::new(File::create(&file.0).unwrap(), Compression::Store).unwrap();
    writer.start_file("zeros", size).unwrap();
    let mut zeros = io::repeat(0).take(size);
    let mut buffer = vec![0; BLOCK_BYTES];
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
