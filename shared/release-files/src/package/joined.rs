//! Files read as one, as `cat` joins them: an archive's volumes.

use std::io::{self, Read, Seek, SeekFrom};

/// Parts, one behind the other. Each must have as many bytes as it was announced with.
pub struct Joined<R> {
    /// Where each part begins, and the part.
    parts: Vec<(u64, R)>,
    size: u64,
    position: u64,
    /// The part that stands at `position`, unless a seek has left it.
    current: Option<usize>,
}

impl<R: Read + Seek> Joined<R> {
    /// Joins parts of the given sizes, in bytes.
    pub fn new(parts: impl IntoIterator<Item = (R, u64)>) -> Self {
        let mut size = 0;
        let mut starting = Vec::new();
        for (part, bytes) in parts {
            starting.push((size, part));
            size += bytes;
        }
        Self {
            parts: starting,
            size,
            position: 0,
            current: None,
        }
    }

    /// The size of all parts, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<R: Read + Seek> Read for Joined<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        // The last part that begins at or before the position; those before it may be empty.
        let at = self
            .parts
            .partition_point(|(start, _)| *start <= self.position)
            - 1;
        let end = self
            .parts
            .get(at + 1)
            .map_or(self.size, |(start, _)| *start);
        let (start, part) = &mut self.parts[at];
        if self.current != Some(at) {
            part.seek(SeekFrom::Start(self.position - *start))?;
            self.current = Some(at);
        }
        let room = usize::try_from(end - self.position)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = part.read(&mut buffer[..room])?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a volume is shorter than announced",
            ));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<R> Seek for Joined<R> {
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

    fn joined(parts: &[Vec<u8>]) -> Joined<Cursor<&[u8]>> {
        Joined::new(
            parts
                .iter()
                .map(|part| (Cursor::new(&part[..]), part.len() as u64)),
        )
    }

    proptest! {
        #[test]
        fn any_window_of_the_parts_is_that_of_the_whole(
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
    fn it_seeks_from_all_ends_and_refuses_what_is_before_the_start() {
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
    fn a_part_that_ends_early_is_an_error() {
        let mut reader = Joined::new([(Cursor::new(b"ab"), 3)]);
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}
