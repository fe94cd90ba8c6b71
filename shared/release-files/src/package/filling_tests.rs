use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Cursor},
    rc::Rc,
};

use jobs::Compression;
use jobs::FailureCode;
use proptest::prelude::*;

use super::*;
use crate::{
    formats::samples,
    package::{
        joined::Joined,
        volumes::{self, Finish, Volumes},
    },
    watch::{Unwatched, testing::Recorder},
};

type Stored = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

struct Memory(Stored, String, Vec<u8>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.2.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Finish for Memory {
    fn finish(self) -> io::Result<()> {
        self.0.borrow_mut().insert(self.1, self.2);
        Ok(())
    }
}

/// How an archive is built.
#[derive(Clone, Copy, Debug)]
struct Options(Compression, Option<u64>);

fn packed(
    options: Options,
    fill: impl FnOnce(
        &mut Filling<'_, Volumes<Box<dyn FnMut(&str) -> Memory>, Memory>>,
    ) -> Result<(), WorkError>,
) -> Result<BTreeMap<String, Vec<u8>>, WorkError> {
    let stored = Stored::default();
    let store = Rc::clone(&stored);
    let create: Box<dyn FnMut(&str) -> Memory> =
        Box::new(move |name| Memory(Rc::clone(&store), name.to_owned(), Vec::new()));
    let mut watch = Unwatched;
    let writer = ArchiveWriter::new(Volumes::new("a.zip", options.1, create), options.0);
    let mut filling = Filling::new(writer, (0, 1), &mut watch);
    fill(&mut filling)?;
    filling.finish()?.finish()?;
    let files = stored.borrow().clone();
    Ok(files)
}

/// Reads the volumes as the repacking job does.
fn opened<T>(
    files: &BTreeMap<String, Vec<u8>>,
    work: impl FnOnce(&mut Archive<'_, Joined<Cursor<&[u8]>>>) -> Result<T, WorkError>,
) -> Result<T, WorkError> {
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let (_, places) = volumes::find(&names)?.unwrap();
    let volumes = places.into_iter().map(|at| &files[names[at]]);
    let mut joined =
        Joined::new(volumes.map(|bytes| (Cursor::new(&bytes[..]), bytes.len() as u64)));
    let size = joined.size();
    work(&mut Archive::open(&mut joined, size)?.trusted())
}

fn all<W: Write, R: Read + Seek>(
    filling: &mut Filling<'_, W>,
    archive: &mut Archive<'_, R>,
) -> Result<(), WorkError> {
    (0..archive.entries().len()).try_for_each(|index| filling.unpacked(archive, index))
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
        let package = packed(before, |filling| {
            files.iter().try_for_each(|(path, bytes)| filling.file(path, bytes.len() as u64, &mut &bytes[..]))
        }).unwrap();
        let repacked = packed(after, |filling| opened(&package, |archive| all(filling, archive))).unwrap();
        prop_assert_eq!(content(&repacked), content(&package));
        prop_assert_eq!(content(&repacked), files.into_iter().collect::<Vec<_>>());
        // Back to the first options, the very archive is there again.
        let again = packed(before, |filling| opened(&repacked, |archive| all(filling, archive))).unwrap();
        prop_assert_eq!(again, package);
    }
}

#[test]
fn empty_folders_of_another_tools_archive_are_kept() {
    let archive = samples::zip(&[("empty/", b""), ("a/x.txt", b"hello")]);
    let files = BTreeMap::from([("a.zip".to_owned(), archive)]);
    let repacked = packed(Options(Compression::Store, None), |filling| {
        opened(&files, |archive| all(filling, archive))
    });
    let names: Vec<String> = content(&repacked.unwrap())
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(names, ["empty/", "a/x.txt"]);
}

#[test]
fn what_compresses_to_almost_nothing_is_repacked_too() {
    let zeros = usize::try_from(crate::formats::archive::RATIO_FREE_SIZE).unwrap() + 1;
    let fill = |filling: &mut Filling<'_, _>| {
        filling.file("zeros", zeros as u64, &mut io::repeat(0).take(zeros as u64))
    };
    let package = packed(Options(Compression::High, None), fill).unwrap();
    assert!(package["a.zip"].len() < zeros / 500);
    let again = packed(Options(Compression::High, None), |filling| {
        opened(&package, |archive| all(filling, archive))
    });
    assert_eq!(again.unwrap(), package);
}

#[test]
fn a_damaged_entry_ends_it() {
    let mut archive = samples::zip(&[("x", b"some content that compresses badly 0123456789")]);
    archive[35] ^= 0xFF;
    let files = BTreeMap::from([("a.zip".to_owned(), archive)]);
    let result = packed(Options(Compression::Store, None), |filling| {
        opened(&files, |archive| all(filling, archive))
    });
    assert!(
        matches!(result, Err(WorkError::Failed(failure)) if failure.code == FailureCode::ArchiveDamaged)
    );
}

#[test]
fn progress_is_told_and_a_stop_noticed() {
    let fill = |watch: &mut Recorder| {
        let mut filling = Filling::new(
            ArchiveWriter::new(Vec::new(), Compression::Store),
            (0, 10),
            watch,
        );
        filling.file("a", 4, &mut &b"1234"[..])?;
        filling.file("b", 6, &mut &b"123456"[..])?;
        filling.finish().map(drop)
    };
    let mut watch = Recorder::default();
    fill(&mut watch).unwrap();
    assert_eq!(watch.progress, [(4, 10), (10, 10)]);
    assert!(matches!(
        fill(&mut Recorder::stopping_after(1)),
        Err(WorkError::Stopped)
    ));
}
