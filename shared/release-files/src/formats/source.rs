//! The reader that all format code reads through.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use jobs::{Failure, FailureCode};

use crate::WorkError;

/// How much is read from the file at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// A buffered reader that remembers the error of the file beneath it.
///
/// Format libraries turn an I/O error into "this file is broken" as they please. After a library
/// failed, [`Fault::or`] tells a broken file from a file that could not be read. Unlike
/// `BufReader`, it keeps its buffer across seeks, which zip directories need.
pub struct Source<'r, R> {
    inner: &'r mut R,
    fault: Fault,
    size: u64,
    position: u64,
    buffer: Box<[u8]>,
    start: u64,
    filled: usize,
    allowance: Rc<Cell<Option<u64>>>,
}

/// The hold on what a library may still read.
pub struct Allowance(Rc<Cell<Option<u64>>>);

impl Allowance {
    /// Lets the library read as much as it likes again.
    pub fn lift(&self) {
        self.0.set(None);
    }
}

/// The error that the file beneath a [`Source`] gave, if it gave one.
#[derive(Clone, Default)]
pub struct Fault(Rc<RefCell<Option<io::Error>>>);

impl Fault {
    /// The file's own error when there was one, else what `broken` says about its content.
    pub fn or(&self, broken: impl FnOnce() -> WorkError) -> WorkError {
        match self.0.borrow_mut().take() {
            Some(error) => WorkError::from(error),
            None => broken(),
        }
    }

    /// Reports the file's own error even where a library swallowed it.
    ///
    /// # Errors
    /// The error that the file gave.
    pub fn check(&self) -> Result<(), WorkError> {
        match self.0.borrow_mut().take() {
            Some(error) => Err(WorkError::from(error)),
            None => Ok(()),
        }
    }
}

impl<'r, R: Read + Seek> Source<'r, R> {
    /// Reads `inner`, which has `size` bytes; the position is at its start.
    pub fn new(inner: &'r mut R, size: u64) -> Self {
        Self {
            inner,
            fault: Fault::default(),
            size,
            position: 0,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            filled: 0,
            allowance: Rc::default(),
        }
    }

    /// The memory of this reader's own errors.
    pub fn fault(&self) -> Fault {
        self.fault.clone()
    }

    /// Lets a library read at most so many bytes more; `None` sets it free again. What it may
    /// read bounds what it can keep in memory.
    pub fn allow(&mut self, bytes: Option<u64>) -> Allowance {
        self.allowance.set(bytes);
        Allowance(Rc::clone(&self.allowance))
    }

    /// The file's size, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads at most `limit` bytes from `offset`.
    ///
    /// # Errors
    /// Those of the file.
    pub fn window(&mut self, offset: u64, limit: u64) -> Result<Vec<u8>, WorkError> {
        self.position = offset;
        let mut bytes = Vec::new();
        let read = self.take(limit).read_to_end(&mut bytes);
        self.fault.check()?;
        read?;
        Ok(bytes)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.filled = 0;
        self.inner.seek(SeekFrom::Start(self.position))?;
        self.start = self.position;
        self.filled = loop {
            match self.inner.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        Ok(())
    }

    /// Keeps the error and gives the library another that is as final.
    fn remember(&self, error: io::Error) -> io::Error {
        let kind = match error.kind() {
            // Libraries take this one for a short file and go on.
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
        let buffered = self.start..self.start + self.filled as u64;
        if !buffered.contains(&self.position) {
            self.fill().map_err(|error| self.remember(error))?;
        }
        // The offset is below the buffer's length, so it fits.
        let offset = usize::try_from(self.position - self.start).unwrap_or(self.filled);
        let available = &self.buffer[offset..self.filled];
        let count = available.len().min(out.len());
        if let Some(allowed) = self.allowance.get() {
            let Some(left) = allowed.checked_sub(count as u64) else {
                let sentence = "The archive's directory is too large, or damaged.";
                let failure = Failure::new(FailureCode::ArchiveTooLarge, sentence);
                return Err(self.remember(failure.into()));
            };
            self.allowance.set(Some(left));
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

    /// A file whose every read fails.
    pub struct Broken;
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
    fn reads_any_window_across_buffers() {
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
            let window = source.window(offset, limit).unwrap();
            let start = usize::try_from(offset).unwrap().min(bytes.len());
            let end = (start + usize::try_from(limit).unwrap()).min(bytes.len());
            assert_eq!(window, bytes[start..end], "{offset}+{limit}");
        }
        assert_eq!(source.seek(SeekFrom::End(-1)).unwrap(), 199_999);
        assert_eq!(source.seek(SeekFrom::Current(-9)).unwrap(), 199_990);
        assert!(source.seek(SeekFrom::Current(-999_999)).is_err());
    }

    #[test]
    fn the_error_of_the_file_wins_over_what_a_library_made_of_it() {
        let mut broken = Broken;
        let mut source = Source::new(&mut broken, 10);
        let fault = source.fault();
        assert!(source.read(&mut [0; 4]).is_err());
        let error = fault.or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(&error, WorkError::Io(io) if io.to_string() == "connection lost"));
        let error = fault.or(|| WorkError::failed(FailureCode::FileEmpty, "broken"));
        assert!(matches!(error, WorkError::Failed(_)));
        assert!(matches!(source.window(0, 4), Err(WorkError::Io(_))));
        assert!(fault.check().is_ok());
    }
}
