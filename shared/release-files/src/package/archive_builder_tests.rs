use std::{
    collections::BTreeMap,
    io::{self, Cursor},
};

use jobs::{Compression, FailureCode};
use proptest::prelude::*;

use super::*;
use crate::{
    formats::samples,
    package::{
        testing::{MemoryVolumes, memory_volumes},
        volume_reader::VolumeReader,
        volumes::find_archive,
    },
    progress::{NoProgress, testing::Recorder},
};

/// The compression and the volume size of an archive.
#[derive(Clone, Copy, Debug)]
struct Options(Compression, Option<u64>);

fn packed(
    options: Options,
    fill: impl FnOnce(&mut ArchiveBuilder<'_, MemoryVolumes>) -> Result<(), WorkError>,
) -> Result<BTreeMap<String, Vec<u8>>, WorkError> {
    let (volumes, stored) = memory_volumes(options.1);
    let mut progress = NoProgress;
    let writer = ArchiveWriter::new(volumes, options.0).unwrap();
    let mut builder = ArchiveBuilder::new(writer, (0, 1), &mut progress);
    fill(&mut builder)?;
    builder.finish()?.finish()?;
    let files = stored.borrow().clone();
    Ok(files)
}

/// Opens the volumes in the same way as a repack job.
fn opened<T>(
    files: &BTreeMap<String, Vec<u8>>,
    work: impl FnOnce(&mut Archive<'_, VolumeReader<Cursor<Vec<u8>>>>) -> Result<T, WorkError>,
) -> Result<T, WorkError> {
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let positions = find_archive(&names)?.unwrap().positions;
    let volumes: Vec<Vec<u8>> = positions
        .into_iter()
        .map(|at| files[names[at]].clone())
        .collect();
    let sizes: Vec<u64> = volumes.iter().map(|bytes| bytes.len() as u64).collect();
    let mut joined = VolumeReader::new(sizes, move |at| Cursor::new(volumes[at].clone()));
    let size = joined.size();
    work(&mut Archive::open(&mut joined, size)?.without_ratio_limit())
}

fn all<W: Write, R: Read + Seek>(
    builder: &mut ArchiveBuilder<'_, W>,
    archive: &mut Archive<'_, R>,
) -> Result<(), WorkError> {
    (0..archive.entries().len()).try_for_each(|index| builder.copy_entry(archive, index))
}

fn content(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    opened(files, |archive| {
        let paths: Vec<String> = archive
            .entries()
            .iter()
            .map(|entry| entry.path.clone())
            .collect();
        paths
            .into_iter()
            .enumerate()
            .map(|(at, path)| Ok((path, archive.read(at, u64::MAX)?)))
            .collect()
    })
    .unwrap()
}

fn options() -> impl Strategy<Value = Options> {
    let compression = prop::sample::select(vec![
        Compression::Store,
        Compression::Normal,
        Compression::High,
    ]);
    (compression, prop::option::of(40_u64..4_000))
        .prop_map(|(compression, size)| Options(compression, size))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn packaging_then_repacking_keeps_every_byte(
        files in prop::collection::btree_map("[a-z]{1,6}é?(/[a-z ]{0,5}[a-z]){0,2}\\.[a-z]{3}", prop::collection::vec(0..4_u8, 0..3_000), 1..6),
        before in options(),
        after in options(),
    ) {
        let package = packed(before, |builder| {
            files.iter().try_for_each(|(path, bytes)| builder.add_file(path, bytes.len() as u64, &mut &bytes[..]))
        }).unwrap();
        let repacked = packed(after, |builder| opened(&package, |archive| all(builder, archive))).unwrap();
        prop_assert_eq!(content(&repacked), content(&package));
        prop_assert_eq!(content(&repacked), files.into_iter().collect::<Vec<_>>());
        // The first options give the first archive again.
        let again = packed(before, |builder| opened(&repacked, |archive| all(builder, archive))).unwrap();
        prop_assert_eq!(again, package);
    }
}

#[test]
fn empty_folders_are_kept() {
    let archive = samples::zip(&[("empty/", b""), ("a/x.txt", b"hello")]);
    let files = BTreeMap::from([("a.zip".to_owned(), archive)]);
    let repacked = packed(Options(Compression::Store, None), |builder| {
        opened(&files, |archive| all(builder, archive))
    });
    let names: Vec<String> = content(&repacked.unwrap())
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(names, ["empty/", "a/x.txt"]);
}

#[test]
fn entry_with_an_extreme_ratio_is_repacked() {
    let zeros = usize::try_from(crate::formats::archive::MAX_UNCHECKED_BYTES).unwrap() + 1;
    let fill = |builder: &mut ArchiveBuilder<'_, _>| {
        builder.add_file("zeros", zeros as u64, &mut io::repeat(0).take(zeros as u64))
    };
    let package = packed(Options(Compression::High, None), fill).unwrap();
    assert!(package["a.zip"].len() < zeros / 500);
    let again = packed(Options(Compression::High, None), |builder| {
        opened(&package, |archive| all(builder, archive))
    });
    assert_eq!(again.unwrap(), package);
}

#[test]
fn damaged_entry_fails_the_archive() {
    let mut archive = samples::zip(&[("x", b"some content that compresses badly 0123456789")]);
    archive[35] ^= 0xFF;
    let files = BTreeMap::from([("a.zip".to_owned(), archive)]);
    let result = packed(Options(Compression::Store, None), |builder| {
        opened(&files, |archive| all(builder, archive))
    });
    assert!(
        matches!(result, Err(WorkError::Failed(failure)) if failure.code == FailureCode::ArchiveDamaged)
    );
}

/// Repacks this archive and returns its paths, or the failure.
fn repacked(archive: Vec<u8>) -> Result<Vec<String>, FailureCode> {
    let files = BTreeMap::from([("a.zip".to_owned(), archive)]);
    let repacked = packed(Options(Compression::Store, None), |builder| {
        opened(&files, |archive| all(builder, archive))
    });
    match repacked {
        Ok(files) => Ok(content(&files).into_iter().map(|(path, _)| path).collect()),
        Err(WorkError::Failed(failure)) => Err(failure.code),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn entry_shorter_than_its_size_is_damaged() {
    for last in [false, true] {
        let mut archive = samples::zip(&[("x", b"12345"), ("y", b"12345")]);
        let mut headers = (0..archive.len()).filter(|at| archive[*at..].starts_with(b"PK\x01\x02"));
        let header = headers.nth(usize::from(last)).unwrap();
        archive[header + 24] = 9;
        assert_eq!(repacked(archive), Err(FailureCode::ArchiveDamaged));
    }
}

#[test]
fn normalized_names_are_written_and_cut_names_refused() {
    let odd = samples::zip(&[
        ("a\\b.txt", b"1"),
        ("/c", b"2"),
        ("./d/", b""),
        ("Icon\r", b"3"),
    ]);
    let paths = ["a/b.txt", "c", "d/", "Icon_"].map(str::to_owned).to_vec();
    assert_eq!(repacked(odd), Ok(paths));
    let long = samples::zip(&[(&"x".repeat(1_025), b"1")]);
    assert_eq!(repacked(long), Err(FailureCode::ArchiveUnsafeName));
    let same = samples::zip(&[("a\\b", b"1"), ("a/b", b"2")]);
    assert_eq!(repacked(same), Err(FailureCode::DuplicateName));
}

#[test]
fn progress_is_reported_and_cancel_is_noticed() {
    let fill = |progress: &mut Recorder| {
        let mut builder = ArchiveBuilder::new(
            ArchiveWriter::new(Vec::new(), Compression::Store).unwrap(),
            (0, 10),
            progress,
        );
        builder.add_file("a", 4, &mut &b"1234"[..])?;
        builder.add_file("b", 6, &mut &b"123456"[..])?;
        builder.finish().map(drop)
    };
    let mut progress = Recorder::default();
    fill(&mut progress).unwrap();
    assert_eq!(progress.updates, [(4, 10), (10, 10)]);
    assert!(matches!(
        fill(&mut Recorder::cancelling_after(1)),
        Err(WorkError::Stopped)
    ));
}
