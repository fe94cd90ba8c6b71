//! Reads a file in ranges.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
};

use super::{ObjectStore, range::RangeFetch, unavailable, window::Window};
use crate::files::StoredFile;

/// A file, read in ranges. The next ranges are fetched while the first is processed.
///
/// After a seek the range is small. The ranges grow, and more are fetched ahead, as reading turns
/// out to be sequential.
pub struct ObjectReader {
    store: ObjectStore,
    file: StoredFile,
    position: u64,
    /// The received bytes around the position.
    window: Window,
    /// Those around the position before the last jump: a reader of a zip jumps between its ends.
    before_jump: Window,
    /// The ranges in flight, without a gap from the end of the window.
    ranges: VecDeque<RangeFetch>,
    /// The position after the last jump.
    jumped_to: u64,
    /// The end of the last range.
    requested: u64,
    next_range: u64,
    /// Whether the whole file is read from its start.
    is_sequential: bool,
}

impl ObjectReader {
    /// Opens a file to read it from start to end if `is_sequential`, or else in any order.
    pub(super) fn new(store: ObjectStore, file: StoredFile, is_sequential: bool) -> Self {
        let sizes = store.sizes;
        let next_range = if is_sequential {
            sizes.range_of(file.size)
        } else {
            sizes.small
        };
        Self {
            store,
            file,
            position: 0,
            window: Window::default(),
            before_jump: Window::default(),
            ranges: VecDeque::new(),
            jumped_to: 0,
            requested: 0,
            next_range,
            is_sequential,
        }
    }

    /// Receives bytes until those at the position are here.
    fn receive(&mut self) -> io::Result<()> {
        while self.received().is_none() {
            self.store.check_stopped()?;
            if !self.is_near() {
                self.start_over();
            }
            self.request_ahead()?;
            let range = self.ranges.front_mut();
            let range = range.ok_or_else(|| unavailable("no range was requested"))?;
            match range.next(self.window.end()) {
                Ok(Some(chunk)) => self.window.push(chunk),
                Ok(None) => drop(self.ranges.pop_front()),
                Err(error) => {
                    // The next read asks again.
                    self.ranges.clear();
                    self.requested = self.window.end();
                    return Err(error);
                }
            }
            self.forget();
        }
        Ok(())
    }

    /// Returns the received bytes at the position, if any.
    fn received(&self) -> Option<&[u8]> {
        let before_jump = || self.before_jump.bytes_at(self.position);
        self.window.bytes_at(self.position).or_else(before_jump)
    }

    /// Returns whether waiting for the bytes at the position takes no longer than to request them.
    fn is_near(&self) -> bool {
        let skipped = self.position.checked_sub(self.window.end());
        self.position <= self.requested
            && skipped.is_some_and(|bytes| bytes < self.store.sizes.small)
    }

    /// Drops the ranges in flight, and starts with a small range at the position. Near the end of the
    /// file it starts earlier: what precedes the end of a zip, its directory, is read next.
    fn start_over(&mut self) {
        self.ranges.clear();
        let end = self.file.size.saturating_sub(self.store.sizes.end());
        let start = self.position.min(end);
        let window = Window::starting_at(start);
        self.before_jump = std::mem::replace(&mut self.window, window);
        self.jumped_to = self.position;
        self.requested = start;
        self.next_range = self.store.sizes.small;
        self.is_sequential = false;
    }

    /// Requests the next ranges, as far as the reader will probably come.
    fn request_ahead(&mut self) -> io::Result<()> {
        while self.requested < self.file.size
            && self.ranges.len() < self.store.sizes.ranges_in_flight
            && self.needs_range()
        {
            self.store.check_stopped()?;
            let end = (self.requested.saturating_add(self.next_range)).min(self.file.size);
            let range = RangeFetch::start(&self.store, &self.file, self.requested..end);
            self.ranges.push_back(range);
            self.requested = end;
            if !self.is_sequential {
                self.next_range = self.store.sizes.range_after(self.next_range);
            }
        }
        Ok(())
    }

    /// Returns whether the ranges in flight are too few for a reader that has come so far. One that
    /// seeks does not need the next range.
    fn needs_range(&self) -> bool {
        let read = self.position.saturating_sub(self.jumped_to);
        let unread = self.requested.saturating_sub(self.position);
        self.is_sequential || unread == 0 || unread < read / 2
    }

    /// Forgets the bytes to which no reader seeks back without a new request.
    fn forget(&mut self) {
        let kept = if self.is_sequential {
            0
        } else {
            self.store.sizes.small
        };
        self.window
            .forget_before(self.position.saturating_sub(kept));
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.file.size || buffer.is_empty() {
            return Ok(0);
        }
        self.receive()?;
        let bytes = self.received().unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        let is_in_window = self.window.bytes_at(self.position).is_some();
        self.position += count as u64;
        if is_in_window {
            self.forget();
            self.request_ahead()?;
        }
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
