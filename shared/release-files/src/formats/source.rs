//! The reader that all parsers of formats read through.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use jobs::{Failure, FailureCode};

use crate::WorkError;

/// How much is read from the file at once, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// A buffered reader that keeps the error of its file.
///
/// Libraries that parse formats may report an I/O error as a broken file. [`Fault::take_or`] tells
/// the two apart after a library failed. Unlike `BufReader`, it keeps its buffer across seeks,
/// which zip directories need.
pub struct Source<'r, R> {
    inner: &'r mut R,
    fault: Fault,
    size: u64,
    position: u64,
    buffer: Box<[u8]>,
    /// The position of the buffer's start in the file.
    buffer_start: u64,
    /// How many bytes of the buffer are filled.
    filled: usize,
    /// How many bytes may still be read; `None`: any number.
    remaining: Rc<Cell<Option<u64>>>,
}

/// A limit on the bytes that a library may still read.
pub struct ReadLimit(Rc<Cell<Option<u64>>>);

impl ReadLimit {
    /// Ends the limit.
    pub fn lift(&self) {
        self.0.set(None);
    }
}

/// The first error of a [`Source`]'s file, if there was one.
#[derive(Clone, Default)]
pub struct Fault(Rc<RefCell<Option<io::Error>>>);

impl Fault {
    /// Takes the file's error, or else makes one about its content.
    pub fn take_or(&self, broken: impl FnOnce() -> WorkError) -> WorkError {
        match self.0.borrow_mut().take() {
            Some(error) => WorkError::from(error),
            None => broken(),
        }
    }

    /// Fails with the file's error, even when a library has swallowed it.
    pub fn check(&self) -> Result<(), WorkError> {
        match self.0.borrow_mut().take() {
            Some(error) => Err(WorkError::from(error)),
            None => Ok(()),
        }
    }
}

impl<'r, R: Read + Seek> Source<'r, R> {
    /// Reads `inner`, which has `size` bytes, from its start.
    pub fn new(inner: &'r mut R, size: u64) -> Self {
        Self {
            inner,
            fault: Fault::default(),
            size,
            position: 0,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            buffer_start: 0,
            filled: 0,
            remaining: Rc::default(),
        }
    }

    /// The handle on the file's error.
    pub fn fault(&self) -> Fault {
        self.fault.clone()
    }

    /// Limits how many bytes can be read from now on, and so how much of the file a library can
    /// keep in memory.
    pub fn limit_reads(&mut self, bytes: u64) -> ReadLimit {
        self.remaining.set(Some(bytes));
        ReadLimit(Rc::clone(&self.remaining))
    }

    /// The file's size, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads at most `limit` bytes from `offset`.
    pub fn read_at(&mut self, offset: u64, limit: u64) -> Result<Vec<u8>, WorkError> {
        self.position = offset;
        let mut bytes = Vec::new();
        let read = self.take(limit).read_to_end(&mut bytes);
        self.fault.check()?;
        read?;
        Ok(bytes)
    }

    fn fill_buffer(&mut self) -> io::Result<()> {
        self.filled = 0;
        self.inner.seek(SeekFrom::Start(self.position))?;
        self.buffer_start = self.position;
        self.filled = loop {
            match self.inner.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        Ok(())
    }

    /// Keeps the error, and returns another one for the library.
    fn keep_error(&self, error: io::Error) -> io::Error {
        let kind = match error.kind() {
            // Libraries take this kind for a short file and continue.
            io::ErrorKind::UnexpectedEof => io::ErrorKind::Other,
            kind => kind,
        };
        self.fault.0.borrow_mut().get_or_insert(error);
        io::Error::from(kind)
    }
}

impl<R: Read + Seek> Read for Source<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.size {
            return Ok(0);
        }
        let buffered = self.buffer_start..self.buffer_start + self.filled as u64;
        if !buffered.contains(&self.position) {
            self.fill_buffer().map_err(|error| self.keep_error(error))?;
        }
        // The offset is below the buffer's length, so it fits.
        let offset = usize::try_from(self.position - self.buffer_start).unwrap_or(self.filled);
        let available = &self.buffer[offset..self.filled];
        let count = available.len().min(out.len());
        if let Some(remaining) = self.remaining.get() {
            let Some(left) = remaining.checked_sub(count as u64) else {
                let sentence = "The archive's directory is too large, or damaged.";
                let failure = Failure::new(FailureCode::ArchiveTooLarge, sentence);
                return Err(self.keep_error(failure.into()));
            };
            self.remaining.set(Some(left));
        }
        out[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Source<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A file that cannot be read.
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "connection lost",
            ))
        }
    }
    impl Seek for Broken {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn any_range_is_read_across_buffers() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let mut cursor = Cursor::new(bytes.clone());
        let mut source = Source::new(&mut cursor, bytes.len() as u64);
        for (offset, limit) in [
            (0, 10),
            (65_530, 20),
            (199_990, 50),
            (300_000, 5),
            (3, 150_000),
        ] {
            let range = source.read_at(offset, limit).unwrap();
            let start = usize::try_from(offset).unwrap().min(bytes.len());
            let end = (start + usize::try_from(limit).unwrap()).min(bytes.len());
            assert_eq!(range, bytes[start..end], "{offset}+{limit}");
        }
        assert_eq!(source.seek(SeekFrom::End(-1)).unwrap(), 199_999);
        assert_eq!(source.seek(SeekFrom::Current(-9)).unwrap(), 199_990);
        assert!(source.seek(SeekFrom::Current(-999_999)).is_err());
    }

    #[test]
    fn the_files_error_wins_over_the_librarys() {
        let mut broken = Broken;
        let mut source = Source::new(&mut broken, 10);
        let fault = source.fault();
        assert!(source.read(&mut [0; 4]).is_err());
        let error = fault.take_or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(&error, WorkError::Io(io) if io.to_string() == "connection lost"));
        let error = fault.take_or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(error, WorkError::Failed(_)));
        assert!(matches!(source.read_at(0, 4), Err(WorkError::Io(_))));
        assert!(fault.check().is_ok());
    }
}
