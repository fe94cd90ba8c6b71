//! The received bytes around the position of a reader.

use std::collections::VecDeque;

/// Received bytes of a file without a gap.
#[derive(Default)]
pub(super) struct Window {
    chunks: VecDeque<Vec<u8>>,
    start: u64,
    end: u64,
}

impl Window {
    /// Returns the position after the last byte.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Creates an empty window, whose first bytes are at `position`.
    pub(super) const fn starting_at(position: u64) -> Self {
        Self {
            chunks: VecDeque::new(),
            start: position,
            end: position,
        }
    }

    /// Adds the next bytes.
    pub(super) fn push(&mut self, chunk: Vec<u8>) {
        self.end += chunk.len() as u64;
        self.chunks.push_back(chunk);
    }

    /// Forgets the chunks that end at or before `position`.
    pub(super) fn forget_before(&mut self, position: u64) {
        while let Some(chunk) = self.chunks.front() {
            let end = self.start + chunk.len() as u64;
            if end > position {
                return;
            }
            self.start = end;
            self.chunks.pop_front();
        }
    }

    /// Returns the bytes from `position` to the end of their chunk; `None` if they are not here.
    pub(super) fn bytes_at(&self, position: u64) -> Option<&[u8]> {
        // A reader is mostly at the last chunk.
        let mut start = self.end;
        for chunk in self.chunks.iter().rev() {
            start -= chunk.len() as u64;
            if let Some(at) = position.checked_sub(start) {
                let bytes = chunk.get(usize::try_from(at).ok()?..)?;
                return Some(bytes).filter(|bytes| !bytes.is_empty());
            }
        }
        None
    }
}
