//! Fetches a range of a file, chunk by chunk.

use std::{io, ops::Range, time::Duration};

use tokio::{sync::mpsc, task::JoinSet};

use super::{ObjectStore, read_error, source_changed, unavailable};
use crate::files::StoredFile;

/// Maximum requests in a row whose body breaks off without a byte. The SDK retries only failures
/// before the body.
const MAX_TRIES: u32 = 4;

/// A range in flight. Its chunks wait until they are taken.
pub(super) struct RangeFetch {
    store: ObjectStore,
    /// The position after the last byte.
    end: u64,
    chunks: mpsc::UnboundedReceiver<io::Result<Vec<u8>>>,
    /// The fetch, in a set that aborts it when dropped.
    _task: JoinSet<()>,
}

impl RangeFetch {
    /// Starts to fetch `range` of `file`, which is not empty.
    pub(super) fn start(store: &ObjectStore, file: &StoredFile, range: Range<u64>) -> Self {
        let (end, (sender, chunks)) = (range.end, mpsc::unbounded_channel());
        let fetch = Fetch {
            store: store.clone(),
            file: file.clone(),
            left: range,
            chunk: Vec::new(),
            chunks: sender,
        };
        let mut task = JoinSet::new();
        task.spawn_on(fetch.run(), &store.handle);
        Self {
            store: store.clone(),
            end,
            chunks,
            _task: task,
        }
    }

    /// Waits for the chunk at `position`; `None` at the end of the range.
    pub(super) fn next(&mut self, position: u64) -> io::Result<Option<Vec<u8>>> {
        if position == self.end {
            return Ok(None);
        }
        let chunk = self.store.wait(self.chunks.recv())?;
        let ended = || Err(unavailable("a range ended before its last byte"));
        chunk.unwrap_or_else(ended).map(Some)
    }
}

/// The task of a range.
struct Fetch {
    store: ObjectStore,
    file: StoredFile,
    /// The bytes that have not been received.
    left: Range<u64>,
    chunk: Vec<u8>,
    chunks: mpsc::UnboundedSender<io::Result<Vec<u8>>>,
}

impl Fetch {
    async fn run(mut self) {
        if let Err(error) = self.receive_all().await {
            self.send(Err(error));
        }
    }

    async fn receive_all(&mut self) -> io::Result<()> {
        let mut tries = 0;
        loop {
            self.store.check_stopped()?;
            let start = self.left.start;
            let reason = self.request().await?;
            if self.left.is_empty() {
                return Ok(());
            }
            tries = if self.left.start > start {
                0
            } else {
                tries + 1
            };
            if tries == MAX_TRIES {
                return Err(unavailable(reason));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Requests the bytes that are left. Returns the reason why the body ended.
    async fn request(&mut self) -> io::Result<String> {
        let Range { start, end } = self.left;
        let call = self.store.client.get_object().bucket(&self.store.bucket);
        let call = call
            .key(&self.file.key)
            .range(format!("bytes={start}-{}", end - 1))
            .set_if_match(self.file.e_tag.clone());
        let mut body = call.send().await.map_err(|error| read_error(&error))?.body;
        loop {
            match body.try_next().await {
                Ok(Some(bytes)) => self.add(&bytes)?,
                Ok(None) => return Ok("the body is shorter than its range".to_owned()),
                Err(error) => return Ok(error.to_string()),
            }
        }
    }

    /// Copies bytes into chunks: the connection's own buffers would take more memory.
    fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // Excess bytes belong to another file, which `If-Match` should have excluded.
        if bytes.len() as u64 > self.left.end - self.left.start {
            return Err(source_changed());
        }
        while !bytes.is_empty() {
            if self.chunk.is_empty() {
                let left = self.left.end - self.left.start;
                let size = self.store.sizes.chunk.min(left);
                let size = usize::try_from(size).map_err(io::Error::other)?;
                self.chunk = Vec::with_capacity(size);
            }
            let room = self.chunk.capacity() - self.chunk.len();
            let (taken, rest) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(taken);
            self.left.start += taken.len() as u64;
            if self.chunk.len() == self.chunk.capacity() || self.left.is_empty() {
                let chunk = std::mem::take(&mut self.chunk);
                self.send(Ok(chunk));
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Hands bytes over to the reader, unless it is gone.
    fn send(&self, chunk: io::Result<Vec<u8>>) {
        let _ = self.chunks.send(chunk);
    }
}
