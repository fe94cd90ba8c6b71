//! Writes an archive into volumes of a given size, or into a single file.

use std::io::{self, Write};

use jobs::{Failure, FailureCode};

use super::{package_file::PackageFile, volumes::volume_name};
use crate::checksum::Hasher;

/// The largest number of volumes, which have three-digit numbers.
const MAX_VOLUMES: usize = 999;

/// The file of a volume.
pub trait VolumeFile: Write {
    /// Finishes the file.
    fn finish(self) -> io::Result<()>;
}

/// Writes into volumes, which `create` opens by name.
pub struct VolumeWriter<C, W> {
    name: String,
    /// The size of a volume in bytes; `None` for a single file.
    size: Option<u64>,
    create: C,
    current: Option<(String, W, Hasher)>,
    finished: Vec<PackageFile>,
}

impl<W: VolumeFile, C: FnMut(&str) -> W> VolumeWriter<C, W> {
    /// Creates a writer of the archive `name` with volumes of at most `size` bytes, or with a
    /// single file if `size` is `None`.
    pub fn new(name: &str, size: Option<u64>, create: C) -> Self {
        Self {
            name: name.to_owned(),
            size,
            create,
            current: None,
            finished: Vec::new(),
        }
    }

    /// Resumes with the finished volumes and the current one.
    #[must_use]
    pub fn resume(self, finished: Vec<PackageFile>, current: Option<(String, W, Hasher)>) -> Self {
        Self {
            current,
            finished,
            ..self
        }
    }

    /// Suspends the writer. Returns the finished volumes and the current one.
    pub fn suspend(self) -> (Vec<PackageFile>, Option<(String, W, Hasher)>) {
        (self.finished, self.current)
    }

    fn end_volume(&mut self) -> io::Result<()> {
        if let Some((name, file, hasher)) = self.current.take() {
            file.finish()?;
            self.finished.push(PackageFile::from_hasher(&name, hasher));
        }
        Ok(())
    }

    /// Finishes the last volume and returns all volumes.
    pub fn finish(mut self) -> io::Result<Vec<PackageFile>> {
        self.end_volume()?;
        Ok(self.finished)
    }
}

impl<W: VolumeFile, C: FnMut(&str) -> W> Write for VolumeWriter<C, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.current.is_none() {
            if self.finished.len() == MAX_VOLUMES {
                let message = "The archive needs more than 999 volumes; raise `volume_size`.";
                return Err(Failure::new(FailureCode::TooManyVolumes, message).into());
            }
            let name = match self.size {
                Some(_) => volume_name(&self.name, self.finished.len() + 1),
                None => self.name.clone(),
            };
            let file = (self.create)(&name);
            self.current = Some((name, file, Hasher::default()));
        }
        let Some((_, file, hasher)) = &mut self.current else {
            return Ok(0);
        };
        let room = self.size.map_or(u64::MAX, |size| size - hasher.size());
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        file.write_all(&bytes[..count])?;
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::{WorkError, package::testing::memory_volumes};

    fn written(bytes: &[u8], size: Option<u64>) -> (Vec<PackageFile>, BTreeMap<String, Vec<u8>>) {
        let (mut volumes, stored) = memory_volumes(size);
        volumes.write_all(bytes).unwrap();
        volumes.flush().unwrap();
        let files = volumes.finish().unwrap();
        let stored = stored.borrow().clone();
        (files, stored)
    }

    #[test]
    fn volumes_join_to_the_whole() {
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
            assert_eq!(
                file,
                &PackageFile::from_bytes(&file.path, &stored[&file.path])
            );
        }
    }

    #[test]
    fn exact_fit_leaves_no_empty_volume() {
        assert_eq!(written(&[7; 600], Some(300)).0.len(), 2);
        assert!(written(b"", Some(300)).0.is_empty());
    }

    #[test]
    fn archive_without_a_volume_size_is_one_file() {
        let (files, stored) = written(&[7; 600], None);
        assert_eq!((files.len(), files[0].path.as_str()), (1, "a.zip"));
        assert_eq!(stored["a.zip"], [7; 600]);
    }

    #[test]
    fn too_many_volumes_are_refused() {
        let (mut volumes, stored) = memory_volumes(Some(1));
        let error = WorkError::from(volumes.write_all(&[0; 1001]).unwrap_err());
        assert!(
            matches!(error, WorkError::Failed(failure) if failure.code == FailureCode::TooManyVolumes)
        );
        assert_eq!(stored.borrow().len(), MAX_VOLUMES);
    }
}
