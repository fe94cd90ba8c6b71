//! Splits what is written into volumes: `name.zip.001`, `name.zip.002` and so on, which `cat`
//! and 7-Zip join. Without a size there is one file, `name.zip`.

use std::io::{self, Write};

use jobs::{Failure, FailureCode};

use super::PackageFile;
use crate::WorkError;
use crate::formats::digest::Hasher;

/// The most volumes that three digits count.
const MAX_VOLUMES: usize = 999;

/// Finds the archive among files of these names: its stem, and the places of its volumes in
/// their order. `None`: there is no archive, or more than one.
///
/// # Errors
/// [`FailureCode::PackageCorrupt`] when a volume is missing, naming it.
pub fn find(names: &[&str]) -> Result<Option<(String, Vec<usize>)>, WorkError> {
    let mut volumes: Vec<(&str, usize, usize)> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        volumes.extend(split(name).map(|(stem, number)| (stem, number, at)));
    }
    volumes.sort_unstable();
    let Some(&(stem, first, _)) = volumes.first() else {
        return Ok(None);
    };
    let numbered = first > 0 || volumes.len() > 1;
    if volumes
        .iter()
        .any(|(other, number, _)| *other != stem || (numbered && *number == 0))
    {
        return Ok(None);
    }
    let gap = volumes
        .iter()
        .enumerate()
        .find(|(at, (_, number, _))| *number != at + usize::from(numbered));
    if let Some((at, _)) = gap {
        let sentence = format!(
            "The package is corrupt: its volume {stem}.zip.{:03} is missing",
            at + 1
        );
        return Err(WorkError::failed(FailureCode::PackageCorrupt, sentence));
    }
    Ok(Some((
        stem.to_owned(),
        volumes.into_iter().map(|(.., at)| at).collect(),
    )))
}

/// The stem and the number of an archive's volume; an archive in one file has the number 0.
fn split(name: &str) -> Option<(&str, usize)> {
    let (stem, ending) = name.rsplit_once('.')?;
    if ending.eq_ignore_ascii_case("zip") {
        return Some((stem, 0));
    }
    let number = ending
        .parse()
        .ok()
        .filter(|number| *number > 0 && ending.len() == 3)?;
    let (stem, ending) = stem.rsplit_once('.')?;
    ending.eq_ignore_ascii_case("zip").then_some((stem, number))
}

/// A writer that has to be told when it has everything.
pub trait Finish: Write {
    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(self) -> io::Result<()>;
}

/// A writer into volumes that `create` opens.
pub struct Volumes<C, W> {
    name: String,
    size: Option<u64>,
    create: C,
    current: Option<(String, W, Hasher)>,
    done: Vec<PackageFile>,
}

impl<W: Finish, C: FnMut(&str) -> W> Volumes<C, W> {
    /// Volumes of at most `size` bytes each.
    pub fn new(name: &str, size: Option<u64>, create: C) -> Self {
        Self {
            name: name.to_owned(),
            size,
            create,
            current: None,
            done: Vec::new(),
        }
    }

    /// Goes on with volumes that were put down: the ones that are done, and the one that is not.
    #[must_use]
    pub fn taken_up(self, done: Vec<PackageFile>, current: Option<(String, W, Hasher)>) -> Self {
        Self {
            current,
            done,
            ..self
        }
    }

    /// Puts the volumes down: gives the ones that are done, and the one that is not.
    pub fn put_down(self) -> (Vec<PackageFile>, Option<(String, W, Hasher)>) {
        (self.done, self.current)
    }

    fn end_volume(&mut self) -> io::Result<()> {
        if let Some((name, writer, hasher)) = self.current.take() {
            writer.finish()?;
            self.done.push(PackageFile::hashed(&name, hasher));
        }
        Ok(())
    }

    /// Ends the last volume; gives them all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<Vec<PackageFile>> {
        self.end_volume()?;
        Ok(self.done)
    }
}

impl<W: Finish, C: FnMut(&str) -> W> Write for Volumes<C, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.current.is_none() {
            if self.done.len() == MAX_VOLUMES {
                let text = "The archive needs more than 999 volumes; choose a larger volume_size";
                return Err(Failure::new(FailureCode::TooManyVolumes, text).into());
            }
            let name = match self.size {
                Some(_) => format!("{}.{:03}", self.name, self.done.len() + 1),
                None => self.name.clone(),
            };
            let writer = (self.create)(&name);
            self.current = Some((name, writer, Hasher::default()));
        }
        let Some((_, writer, hasher)) = &mut self.current else {
            return Ok(0);
        };
        let room = self.size.map_or(u64::MAX, |size| size - hasher.size());
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        writer.write_all(&bytes[..count])?;
        hasher.update(&bytes[..count]);
        if self.size.is_some_and(|size| hasher.size() >= size) {
            self.end_volume()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

    use super::*;

    type Stored = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

    /// A file that is stored when it is finished, and takes a few bytes at a time.
    struct Memory(Stored, String, Vec<u8>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(7);
            self.2.extend_from_slice(&bytes[..count]);
            Ok(count)
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

    fn volumes(size: Option<u64>) -> (Volumes<impl FnMut(&str) -> Memory, Memory>, Stored) {
        let stored = Stored::default();
        let store = Rc::clone(&stored);
        let create = move |name: &str| Memory(Rc::clone(&store), name.to_owned(), Vec::new());
        (Volumes::new("a.zip", size, create), stored)
    }

    fn written(bytes: &[u8], size: Option<u64>) -> (Vec<PackageFile>, BTreeMap<String, Vec<u8>>) {
        let (mut volumes, stored) = volumes(size);
        volumes.write_all(bytes).unwrap();
        volumes.flush().unwrap();
        let files = volumes.finish().unwrap();
        let stored = stored.borrow().clone();
        (files, stored)
    }

    #[test]
    fn an_archive_is_found_with_its_volumes_in_order() {
        let found = |names: &[&str]| find(names).unwrap();
        assert_eq!(
            found(&["a.nfo", "a.zip", "a.sfv"]),
            Some(("a".to_owned(), vec![1]))
        );
        assert_eq!(
            found(&["x/a.ZIP.002", "b", "x/a.zip.001"]),
            Some(("x/a".to_owned(), vec![2, 0]))
        );
        for none in [
            &["a.nfo"][..],
            &["a.zip", "b.zip"],
            &["a.zip", "a.zip.001"],
            &["a.001"],
            &[],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_missing_volume_is_named() {
        for (names, missing) in [
            (&["a.zip.002"][..], "a.zip.001"),
            (&["a.zip.001", "a.zip.003"], "a.zip.002"),
        ] {
            let Err(WorkError::Failed(failure)) = find(names) else {
                panic!("{names:?}")
            };
            assert_eq!(failure.code, FailureCode::PackageCorrupt);
            assert!(failure.message.contains(missing), "{failure}");
        }
    }

    #[test]
    fn the_volumes_join_to_the_whole() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let (files, stored) = written(&bytes, Some(300));
        let sizes: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.size))
            .collect();
        assert_eq!(
            sizes,
            [
                ("a.zip.001", 300),
                ("a.zip.002", 300),
                ("a.zip.003", 300),
                ("a.zip.004", 100)
            ]
        );
        assert_eq!(
            stored.values().flatten().copied().collect::<Vec<_>>(),
            bytes
        );
        for file in &files {
            assert_eq!(file, &PackageFile::of(&file.path, &stored[&file.path]));
        }
    }

    #[test]
    fn an_exact_fit_leaves_no_empty_volume() {
        assert_eq!(written(&[7; 600], Some(300)).0.len(), 2);
        assert!(written(b"", Some(300)).0.is_empty());
    }

    #[test]
    fn without_a_size_there_is_one_file() {
        let (files, stored) = written(&[7; 600], None);
        assert_eq!((files.len(), files[0].path.as_str()), (1, "a.zip"));
        assert_eq!(stored["a.zip"], [7; 600]);
    }

    #[test]
    fn more_volumes_than_their_names_can_count_are_refused() {
        let (mut volumes, stored) = volumes(Some(1));
        let error = WorkError::from(volumes.write_all(&[0; 1001]).unwrap_err());
        assert!(
            matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::TooManyVolumes)
        );
        assert_eq!(stored.borrow().len(), MAX_VOLUMES);
    }
}
