//! Writes a file part by part.

use std::io::{self, Write};

use aws_sdk_s3::primitives::ByteStream;

use super::{
    ObjectStore, sdk_error,
    upload::{Upload, UploadState},
};

/// A file, written part by part. It leaves nothing behind when dropped unfinished.
pub struct ObjectWriter {
    store: ObjectStore,
    key: String,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

impl ObjectWriter {
    pub(super) fn new(store: ObjectStore, key: String) -> Self {
        Self::resume(store, key, (None, Vec::new()))
    }

    /// Resumes a file from its upload and its unsent bytes.
    pub(super) fn resume(
        store: ObjectStore,
        key: String,
        (upload, unsent): (Option<UploadState>, Vec<u8>),
    ) -> Self {
        let upload = upload.map(|state| Upload::resume(&store, &key, state));
        Self {
            store,
            key,
            buffer: unsent,
            upload,
        }
    }

    /// Suspends the file for another process to resume. Returns its upload and its unsent bytes.
    pub fn suspend(self) -> io::Result<(Option<UploadState>, Vec<u8>)> {
        self.store.check_stopped()?;
        let upload = self.upload.map(Upload::suspend).transpose()?;
        Ok((upload, self.buffer))
    }

    fn upload_part(&mut self) -> io::Result<()> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(Upload::start(&self.store, &self.key)?),
        };
        upload.send(std::mem::take(&mut self.buffer))
    }

    /// Makes room for `count` bytes, without the memory of a whole part for a small file.
    fn reserve(&mut self, count: usize) {
        let needed = self.buffer.len() + count;
        if needed > self.buffer.capacity() {
            let doubled = self.buffer.capacity().saturating_mul(2);
            let part = self.store.sizes.part;
            let is_large = self.upload.is_some();
            let wanted = if is_large { part } else { doubled };
            let capacity = wanted.min(part).max(needed);
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
    }

    /// Finishes the file, which then appears.
    pub fn finish(mut self) -> io::Result<()> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.upload_part()?;
        }
        self.store.check_stopped()?;
        if let Some(upload) = self.upload {
            return upload.complete();
        }
        let call = self
            .store
            .client
            .put_object()
            .bucket(&self.store.bucket)
            .key(&self.key);
        let call = call.body(ByteStream::from(self.buffer));
        let sent = self.store.wait_for_write(call.send())?;
        sent.map(drop).map_err(|error| sdk_error(&error))
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // A full part is sent only now, so that a file of exactly one part is a single request. The
        // unsent bytes of a suspended file may be more than a part of this function.
        let part = self.store.sizes.part;
        if self.buffer.len() >= part {
            self.upload_part()?;
        }
        let taken = bytes.len().min(part - self.buffer.len());
        self.reserve(taken);
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
