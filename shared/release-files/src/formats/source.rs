//! The reader that all format parsers share.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use jobs::{Failure, FailureCode};

use crate::WorkError;

/// The size of the buffer, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// A buffered reader that keeps the first I/O error of its file.
///
/// A library that parses a format may report an I/O error as a damaged file.
/// [`ErrorSlot::take_or`] distinguishes the two. Unlike `BufReader`, the reader keeps its buffer
/// across seeks, which makes reading zip directories fast.
pub struct Source<'r, R> {
    inner: &'r mut R,
    error_slot: ErrorSlot,
    size: u64,
    position: u64,
    buffer: Box<[u8]>,
    /// The position of the buffer's start in the file.
    buffer_start: u64,
    /// The number of bytes in the buffer.
    filled: usize,
    /// The number of bytes that may still be read; `None` if there is no limit.
    remaining: Rc<Cell<Option<u64>>>,
}

/// A limit on the bytes that a library may read.
pub struct ReadLimit(Rc<Cell<Option<u64>>>);

impl ReadLimit {
    /// Lifts the limit.
    pub fn lift(&self) {
        self.0.set(None);
    }
}

/// The first I/O error of a [`Source`], if there was one.
#[derive(Clone, Default)]
pub struct ErrorSlot(Rc<RefCell<Option<io::Error>>>);

impl ErrorSlot {
    /// Takes the I/O error, or else creates an error about the content.
    pub fn take_or(&self, broken: impl FnOnce() -> WorkError) -> WorkError {
        match self.0.borrow_mut().take() {
            Some(error) => WorkError::from(error),
            None => broken(),
        }
    }

    /// Fails with the I/O error, even if a library has ignored it.
    pub fn check(&self) -> Result<(), WorkError> {
        match self.0.borrow_mut().take() {
            Some(error) => Err(WorkError::from(error)),
            None => Ok(()),
        }
    }
}

impl<'r, R: Read + Seek> Source<'r, R> {
    /// Creates a reader of `inner`, which has `size` bytes.
    pub fn new(inner: &'r mut R, size: u64) -> Self {
        Self {
            inner,
            error_slot: ErrorSlot::default(),
            size,
            position: 0,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            buffer_start: 0,
            filled: 0,
            remaining: Rc::default(),
        }
    }

    /// Returns a handle to the file's I/O error.
    pub fn error_slot(&self) -> ErrorSlot {
        self.error_slot.clone()
    }

    /// Limits the bytes that can be read from now on, which limits how much of the file a library
    /// can keep in memory.
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
        self.error_slot.check()?;
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

    /// Keeps the error, and returns a replacement for the library.
    fn keep_error(&self, error: io::Error) -> io::Error {
        let kind = match error.kind() {
            // Libraries treat this kind as a short file and continue.
            io::ErrorKind::UnexpectedEof => io::ErrorKind::Other,
            kind => kind,
        };
        self.error_slot.0.borrow_mut().get_or_insert(error);
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
        // The offset is smaller than the buffer, so the conversion succeeds.
        let offset = usize::try_from(self.position - self.buffer_start).unwrap_or(self.filled);
        let available = &self.buffer[offset..self.filled];
        let count = available.len().min(out.len());
        if let Some(remaining) = self.remaining.get() {
            let Some(left) = remaining.checked_sub(count as u64) else {
                let message = "The directory of the archive is too large or damaged.";
                let failure = Failure::new(FailureCode::ArchiveTooLarge, message);
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
    fn file_error_takes_precedence_over_library_error() {
        let mut broken = Broken;
        let mut source = Source::new(&mut broken, 10);
        let error_slot = source.error_slot();
        assert!(source.read(&mut [0; 4]).is_err());
        let error = error_slot.take_or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(&error, WorkError::Io(io) if io.to_string() == "connection lost"));
        let error = error_slot.take_or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(error, WorkError::Failed(_)));
        assert!(matches!(source.read_at(0, 4), Err(WorkError::Io(_))));
        assert!(error_slot.check().is_ok());
    }
}
