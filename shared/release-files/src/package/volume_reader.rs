//! Reads the volumes of an archive as a single file.

use std::io::{self, Read, Seek, SeekFrom};

/// Opens the volume at a position.
type Open<R> = Box<dyn FnMut(usize) -> R>;

/// Reads volumes one after the other. Each must have exactly its given size. Only one is open at a
/// time: each may hold megabytes of its file, and there may be hundreds.
pub struct VolumeReader<R> {
    /// The start offset of each volume.
    starts: Vec<u64>,
    open: Open<R>,
    size: u64,
    position: u64,
    /// The open volume.
    current: Option<(usize, R)>,
    /// Whether the open volume is at `position`.
    is_placed: bool,
}

impl<R: Read + Seek> VolumeReader<R> {
    /// Joins volumes of the given sizes, in bytes, which `open` opens by their position.
    pub fn new(
        sizes: impl IntoIterator<Item = u64>,
        open: impl FnMut(usize) -> R + 'static,
    ) -> Self {
        let mut size = 0;
        let mut starts = Vec::new();
        for bytes in sizes {
            starts.push(size);
            size += bytes;
        }
        Self {
            starts,
            open: Box::new(open),
            size,
            position: 0,
            current: None,
            is_placed: false,
        }
    }

    /// The size of all volumes, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the volume number `at`, which is opened unless it is open, at the position.
    fn volume(&mut self, at: usize) -> io::Result<&mut R> {
        let open = match self.current.take() {
            Some((number, volume)) if number == at => volume,
            _ => {
                self.is_placed = false;
                (self.open)(at)
            }
        };
        let (_, volume) = self.current.insert((at, open));
        if !self.is_placed {
            volume.seek(SeekFrom::Start(self.position - self.starts[at]))?;
            self.is_placed = true;
        }
        Ok(volume)
    }
}

impl<R: Read + Seek> Read for VolumeReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        // The last volume that starts at or before the position. Earlier ones may be empty.
        let at = self.starts.partition_point(|start| *start <= self.position) - 1;
        let end = self.starts.get(at + 1).copied().unwrap_or(self.size);
        let room = usize::try_from(end - self.position)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.volume(at)?.read(&mut buffer[..room])?;
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
        self.is_placed = false;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, rc::Rc};

    use proptest::prelude::*;

    use super::*;

    fn joined(parts: &[Vec<u8>]) -> VolumeReader<Cursor<Vec<u8>>> {
        let (sizes, parts) = (parts.iter().map(|part| part.len() as u64), parts.to_vec());
        VolumeReader::new(sizes, move |at| Cursor::new(parts[at].clone()))
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
    fn one_volume_is_open_at_a_time() {
        let token = Rc::new(());
        let made = Rc::clone(&token);
        let open = move |_| Counted(Cursor::new(*b"abc"), Rc::clone(&made));
        let mut reader = VolumeReader::new([3, 3, 3], open);
        for position in [8, 0, 1, 4, 3, 7] {
            reader.seek(SeekFrom::Start(position)).unwrap();
            reader.read_exact(&mut [0]).unwrap();
            // The test, the opener and the open volume.
            assert_eq!(Rc::strong_count(&token), 3);
        }
    }

    struct Counted(
        Cursor<[u8; 3]>,
        #[expect(dead_code, reason = "it is counted")] Rc<()>,
    );

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn short_volume_is_an_error() {
        let mut reader = VolumeReader::new([3], |_| Cursor::new(b"ab"));
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}
