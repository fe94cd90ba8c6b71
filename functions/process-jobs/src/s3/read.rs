//! Reading a file block by block.

use std::{
    io::{self, Read, Seek, SeekFrom},
    time::Duration,
};

use shared::files::StoredFile;

use super::{BLOCK, Store, changed, failed_to_read, unavailable};

/// How often a block is asked for whose body breaks off; the SDK only repeats what fails before.
const TRIES: u32 = 4;

/// A file, read block by block.
pub struct ObjectReader {
    store: Store,
    file: StoredFile,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
}

impl ObjectReader {
    pub(super) fn new(store: Store, file: StoredFile) -> Self {
        Self { store, file, position: 0, block: Vec::new(), block_start: 0 }
    }

    fn fetch(&mut self) -> io::Result<()> {
        let end = (self.position + BLOCK as u64).min(self.file.size);
        let mut tries = 1;
        self.block = loop {
            self.store.check()?;
            match self.store.handle.block_on(self.range(end))? {
                Body::Whole(bytes) => break bytes,
                Body::BrokenOff(detail) if tries == TRIES => return Err(unavailable(detail)),
                Body::BrokenOff(_) => tries += 1,
            }
        };
        self.block_start = self.position;
        Ok(())
    }

    async fn range(&self, end: u64) -> io::Result<Body> {
        let (store, range) = (&self.store, format!("bytes={}-{}", self.position, end - 1));
        let call = store.client.get_object().bucket(&store.bucket).key(&self.file.key);
        let call = call.range(range).set_if_match(self.file.e_tag.clone());
        let output = call.send().await.map_err(|error| failed_to_read(&error))?;
        let expected = end - self.position;
        let broken = match output.body.collect().await.map(aws_sdk_s3::primitives::AggregatedBytes::to_vec) {
            Ok(bytes) if bytes.len() as u64 == expected => return Ok(Body::Whole(bytes)),
            // More than was asked for is another file's; `If-Match` should have told.
            Ok(bytes) if bytes.len() as u64 > expected => return Err(changed()),
            Ok(_) => "a body is shorter than its range".to_owned(),
            Err(error) => error.to_string(),
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(Body::BrokenOff(broken))
    }
}

/// What came of a range that S3 began to send.
enum Body {
    Whole(Vec<u8>),
    BrokenOff(String),
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.file.size || buffer.is_empty() {
            return Ok(0);
        }
        let block_end = self.block_start + self.block.len() as u64;
        if !(self.block_start..block_end).contains(&self.position) {
            self.fetch()?;
        }
        let at = usize::try_from(self.position - self.block_start).map_err(io::Error::other)?;
        let count = (self.block.len() - at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.block[at..at + count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.file.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
