//! Reads archives in which the signature of a local header is damaged.

use std::io::{self, Read, Seek, SeekFrom};

/// The signature of a local header.
pub(super) const SIGNATURE: [u8; 4] = *b"PK\x03\x04";

/// Reads an archive as if the local header at `start` had its signature.
///
/// Some tools damage the first signature of an archive. The directory is right, and the checksum
/// shows if the header is wrong.
pub(super) struct WithSignature<'s, S> {
    inner: &'s mut S,
    start: u64,
    position: u64,
}

impl<'s, S: Seek> WithSignature<'s, S> {
    /// Creates a reader of the archive `inner`.
    pub(super) fn new(inner: &'s mut S, start: u64) -> Self {
        Self {
            inner,
            start,
            position: 0,
        }
    }
}

impl<S: Read> Read for WithSignature<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let end = self.position + count as u64;
        if self.position < self.start + SIGNATURE.len() as u64 && end > self.start {
            for (byte, at) in buffer[..count].iter_mut().zip(self.position..) {
                let offset = at.checked_sub(self.start);
                let offset = offset.and_then(|offset| usize::try_from(offset).ok());
                if let Some(mark) = offset.and_then(|offset| SIGNATURE.get(offset)) {
                    *byte = *mark;
                }
            }
        }
        self.position = end;
        Ok(count)
    }
}

impl<S: Seek> Seek for WithSignature<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn signature_is_read_at_its_place_only() {
        let mut inner = Cursor::new(b"aaPKxxbbbb");
        let mut reader = WithSignature::new(&mut inner, 2);
        let mut all = Vec::new();
        reader.seek(SeekFrom::Start(0)).unwrap();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"aaPK\x03\x04bbbb");
        for at in 0..8_u8 {
            let mut two = [0; 2];
            reader.seek(SeekFrom::Start(at.into())).unwrap();
            reader.read_exact(&mut two).unwrap();
            assert_eq!(two, all[usize::from(at)..][..2], "{at}");
        }
    }
}
