//! Reads the volumes of an archive as a single file.

use std::io::{self, Read, Seek, SeekFrom};

/// Reads volumes one after the other. Each must have exactly its given size.
pub struct VolumeReader<R> {
    /// The start offset of each volume, and the volume.
    volumes: Vec<(u64, R)>,
    size: u64,
    position: u64,
    /// The volume positioned at `position`; `None` after a seek.
    current: Option<usize>,
}

impl<R: Read + Seek> VolumeReader<R> {
    /// Joins volumes of the given sizes, in bytes.
    pub fn new(volumes: impl IntoIterator<Item = (R, u64)>) -> Self {
        let mut size = 0;
        let mut starts = Vec::new();
        for (volume, bytes) in volumes {
            starts.push((size, volume));
            size += bytes;
        }
        Self {
            volumes: starts,
            size,
            position: 0,
            current: None,
        }
    }

    /// The size of all volumes, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<R: Read + Seek> Read for VolumeReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        // The last volume that starts at or before the position. Earlier ones may be empty.
        let at = self
            .volumes
            .partition_point(|(start, _)| *start <= self.position)
            - 1;
        let end = self
            .volumes
            .get(at + 1)
            .map_or(self.size, |(start, _)| *start);
        let (start, volume) = &mut self.volumes[at];
        if self.current != Some(at) {
            volume.seek(SeekFrom::Start(self.position - *start))?;
            self.current = Some(at);
        }
        let room = usize::try_from(end - self.position)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = volume.read(&mut buffer[..room])?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a volume is shorter than expected",
            ));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<R> Seek for VolumeReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        self.current = None;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn joined(parts: &[Vec<u8>]) -> VolumeReader<Cursor<&[u8]>> {
        VolumeReader::new(
            parts
                .iter()
                .map(|part| (Cursor::new(&part[..]), part.len() as u64)),
        )
    }

    proptest! {
        #[test]
        fn every_window_equals_that_of_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
            windows in prop::collection::vec((0_usize..400, 0_usize..80), 1..10),
        ) {
            let whole = parts.concat();
            let mut reader = joined(&parts);
            prop_assert_eq!(reader.size(), whole.len() as u64);
            for (offset, length) in windows {
                reader.seek(SeekFrom::Start(offset as u64)).unwrap();
                let mut window = Vec::new();
                reader.by_ref().take(length as u64).read_to_end(&mut window).unwrap();
                let start = offset.min(whole.len());
                prop_assert_eq!(&window, &whole[start..(start + length).min(whole.len())]);
            }
        }
    }

    #[test]
    fn seeking_works_from_all_ends_but_not_before_the_start() {
        let parts = [b"abc".to_vec(), b"def".to_vec()];
        let mut reader = joined(&parts);
        assert_eq!(reader.seek(SeekFrom::End(-2)).unwrap(), 4);
        assert_eq!(reader.seek(SeekFrom::Current(-1)).unwrap(), 3);
        assert!(reader.seek(SeekFrom::End(-7)).is_err());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "def");
    }

    #[test]
    fn short_volume_is_an_error() {
        let mut reader = VolumeReader::new([(Cursor::new(b"ab"), 3)]);
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}
