//! Reads a file block by block.

use std::{
    io::{self, Read, Seek, SeekFrom},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{BLOCK_BYTES, ObjectStore, read_error, source_changed, unavailable};
use crate::files::StoredFile;

/// Maximum requests for a block whose body breaks off. The SDK retries only failures before the
/// body.
const MAX_TRIES: u32 = 4;

/// A file, read block by block. The next block is fetched while the current one is processed.
pub struct ObjectReader {
    store: ObjectStore,
    file: StoredFile,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
    /// The fetch of the block at `ahead_start`, in a set that aborts it when dropped.
    ahead: JoinSet<io::Result<Vec<u8>>>,
    ahead_start: u64,
}

impl ObjectReader {
    pub(super) fn new(store: ObjectStore, file: StoredFile) -> Self {
        Self {
            store,
            file,
            position: 0,
            block: Vec::new(),
            block_start: 0,
            ahead: JoinSet::new(),
            ahead_start: 0,
        }
    }

    fn fetch(&mut self) -> io::Result<()> {
        self.store.check_stopped()?;
        let is_sequential = self.position == self.block_start + self.block.len() as u64;
        if self.ahead_start != self.position || self.ahead.is_empty() {
            self.ahead.abort_all();
            self.ahead = JoinSet::new();
            self.start_fetch(self.position);
        }
        let fetched = self.store.wait(self.ahead.join_next())?;
        self.block = fetched
            .ok_or_else(|| unavailable("no block was requested"))?
            .map_err(io::Error::other)??;
        self.block_start = self.position;
        // A reader that seeks does not need the next block.
        let next = self.block_start + self.block.len() as u64;
        if is_sequential && next < self.file.size {
            self.start_fetch(next);
        }
        Ok(())
    }

    /// Starts to fetch the block at `start`.
    fn start_fetch(&mut self, start: u64) {
        self.ahead_start = start;
        let end = (start + BLOCK_BYTES as u64).min(self.file.size);
        self.ahead.spawn_on(
            fetch_block(self.store.clone(), self.file.clone(), start, end),
            &self.store.handle,
        );
    }
}

/// Fetches the bytes from `start` up to `end`, exclusive.
async fn fetch_block(
    store: ObjectStore,
    file: StoredFile,
    start: u64,
    end: u64,
) -> io::Result<Vec<u8>> {
    let mut tries = 1;
    loop {
        store.check_stopped()?;
        match fetch_range(&store, &file, start, end).await? {
            Body::Complete(bytes) => return Ok(bytes),
            Body::Truncated(detail) if tries == MAX_TRIES => return Err(unavailable(detail)),
            Body::Truncated(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn fetch_range(
    store: &ObjectStore,
    file: &StoredFile,
    start: u64,
    end: u64,
) -> io::Result<Body> {
    let call = store
        .client
        .get_object()
        .bucket(&store.bucket)
        .key(&file.key);
    let call = call
        .range(format!("bytes={start}-{}", end - 1))
        .set_if_match(file.e_tag.clone());
    let mut body = call.send().await.map_err(|error| read_error(&error))?.body;
    let expected = usize::try_from(end - start).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(expected);
    loop {
        match body.try_next().await {
            Ok(Some(part)) => bytes.extend_from_slice(&part),
            Ok(None) if bytes.len() == expected => return Ok(Body::Complete(bytes)),
            Ok(None) => {
                return Ok(Body::Truncated(
                    "the body is shorter than its range".to_owned(),
                ));
            }
            Err(error) => return Ok(Body::Truncated(error.to_string())),
        }
        // Excess bytes belong to another file, which `If-Match` should have excluded.
        if bytes.len() > expected {
            return Err(source_changed());
        }
    }
}

/// The body of a range request.
enum Body {
    Complete(Vec<u8>),
    Truncated(String),
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
