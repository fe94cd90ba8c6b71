//! Files in S3 as blocking readers and writers, in bounded memory.

use std::{
    error::Error as StdError,
    io::{self, Read, Seek, SeekFrom, Write},
};

use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::SdkError,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use shared::{
    files::{Files, StoredFile},
    service::Reporter,
};
use tokio::runtime::Handle;

use crate::failure::{Failure, StoppedError, code};

/// How much is read, and uploaded, at a time. S3 asks for parts of at least 5 MiB (Amazon S3
/// User Guide, "Amazon S3 multipart upload limits").
const BLOCK: usize = 8 * 1024 * 1024;
/// How much is copied in one request, between two looks at whether the job goes on. S3 takes up
/// to 5 GiB, and up to 10,000 parts (Amazon S3 User Guide, "Copying objects").
const MAX_COPY: u64 = 1024 * 1024 * 1024;

/// What readers and writers share.
#[derive(Clone)]
pub struct Store {
    client: Client,
    bucket: String,
    handle: Handle,
    report: Reporter,
}

impl Store {
    /// The bucket of `files`, for blocking work that `report` can stop.
    pub fn new(files: &Files, report: Reporter) -> Self {
        Self { client: files.client().clone(), bucket: files.bucket().to_owned(), handle: Handle::current(), report }
    }

    /// Opens a file as it was listed: one that has changed since is refused.
    pub fn open(&self, file: &StoredFile) -> ObjectReader {
        ObjectReader { store: self.clone(), file: file.clone(), position: 0, block: Vec::new(), block_start: 0 }
    }

    /// Starts to write a file. It is there once it is finished, and not before.
    pub fn create(&self, key: String) -> ObjectWriter {
        ObjectWriter { store: self.clone(), key, buffer: Vec::new(), upload: None, parts: Vec::new(), done: false }
    }

    /// Copies a file as it was listed within the bucket, without reading it.
    pub fn copy(&self, file: &StoredFile, key: String) -> io::Result<()> {
        self.check()?;
        if file.size > MAX_COPY {
            let mut copy = self.create(key);
            let starts = (0..file.size).step_by(usize::try_from(MAX_COPY).map_err(io::Error::other)?);
            for start in starts {
                copy.copy_part(file, start, (start + MAX_COPY).min(file.size) - 1)?;
            }
            return copy.finish();
        }
        let call = self.client.copy_object().bucket(&self.bucket).key(key).copy_source(self.copy_source(file));
        let sent = self.handle.block_on(call.set_copy_source_if_match(file.e_tag.clone()).send());
        sent.map(|_| ()).map_err(of_read)
    }

    /// Bucket and key, percent-encoded as a copy names its source.
    fn copy_source(&self, file: &StoredFile) -> String {
        let mut source = format!("{}/", self.bucket);
        let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
        for byte in file.key.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => source.push(byte.into()),
                _ => source.extend(['%', hex(byte >> 4), hex(byte & 15)]),
            }
        }
        source
    }

    fn check(&self) -> io::Result<()> {
        if self.report.is_stopped() { Err(StoppedError.into_io()) } else { Ok(()) }
    }
}

/// A file, read block by block.
pub struct ObjectReader {
    store: Store,
    file: StoredFile,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
}

impl ObjectReader {
    fn fetch(&mut self) -> io::Result<()> {
        self.store.check()?;
        let last = (self.position + BLOCK as u64).min(self.file.size) - 1;
        let call = self.store.client.get_object().bucket(&self.store.bucket).key(&self.file.key);
        let call = call.range(format!("bytes={}-{last}", self.position)).set_if_match(self.file.e_tag.clone());
        let bytes = self.store.handle.block_on(async {
            let output = call.send().await.map_err(of_read)?;
            output.body.collect().await.map_err(io::Error::other)
        })?;
        self.block = bytes.to_vec();
        self.block_start = self.position;
        if self.block.is_empty() { Err(changed()) } else { Ok(()) }
    }
}

/// A file that is not there as it was listed has changed; everything else may pass.
fn of_read<E: StdError + Send + Sync + 'static>(error: SdkError<E, HttpResponse>) -> io::Error {
    match error.raw_response().map(|raw| raw.status().as_u16()) {
        Some(404 | 412 | 416) => changed(),
        _ => io::Error::other(error),
    }
}

fn changed() -> io::Error {
    Failure::new(code::SOURCE_CHANGED, "A source file was replaced or deleted while the job read it").into_io()
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

/// A file, written part by part. Dropped unfinished, it leaves nothing.
pub struct ObjectWriter {
    store: Store,
    key: String,
    buffer: Vec<u8>,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
    done: bool,
}

impl ObjectWriter {
    /// The number of the next part, of an upload that is begun with the first.
    fn next_part(&mut self) -> io::Result<i32> {
        self.store.check()?;
        if self.upload.is_none() {
            let call = self.store.client.create_multipart_upload().bucket(&self.store.bucket).key(&self.key);
            self.upload = self.store.handle.block_on(call.send()).map_err(io::Error::other)?.upload_id;
        }
        i32::try_from(self.parts.len() + 1).map_err(io::Error::other)
    }

    fn copy_part(&mut self, file: &StoredFile, first: u64, last: u64) -> io::Result<()> {
        let number = self.next_part()?;
        let call = self.store.client.upload_part_copy().bucket(&self.store.bucket).key(&self.key);
        let call = call.set_upload_id(self.upload.clone()).part_number(number);
        let call = call.copy_source(self.store.copy_source(file)).copy_source_range(format!("bytes={first}-{last}"));
        let call = call.set_copy_source_if_match(file.e_tag.clone());
        let sent = self.store.handle.block_on(call.send()).map_err(of_read)?;
        let e_tag = sent.copy_part_result.and_then(|part| part.e_tag);
        self.parts.push(CompletedPart::builder().set_e_tag(e_tag).part_number(number).build());
        Ok(())
    }

    fn upload_part(&mut self) -> io::Result<()> {
        let number = self.next_part()?;
        let (client, bucket) = (self.store.client.clone(), self.store.bucket.clone());
        let body = ByteStream::from(std::mem::take(&mut self.buffer));
        let call = client.upload_part().bucket(bucket).key(&self.key).set_upload_id(self.upload.clone());
        let sent = self.store.handle.block_on(call.part_number(number).body(body).send()).map_err(io::Error::other)?;
        self.parts.push(CompletedPart::builder().set_e_tag(sent.e_tag).part_number(number).build());
        Ok(())
    }

    /// Ends the file: now it is there.
    pub fn finish(mut self) -> io::Result<()> {
        self.store.check()?;
        let (client, bucket) = (self.store.client.clone(), self.store.bucket.clone());
        if self.upload.is_none() {
            let body = ByteStream::from(std::mem::take(&mut self.buffer));
            let call = client.put_object().bucket(bucket).key(&self.key).body(body);
            self.store.handle.block_on(call.send()).map_err(io::Error::other)?;
        } else {
            if !self.buffer.is_empty() {
                self.upload_part()?;
            }
            let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts))).build();
            let call = client.complete_multipart_upload().bucket(bucket).key(&self.key);
            let call = call.set_upload_id(self.upload.clone()).multipart_upload(parts);
            self.store.handle.block_on(call.send()).map_err(io::Error::other)?;
        }
        self.done = true;
        Ok(())
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BLOCK {
            self.upload_part()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        if self.done || self.upload.is_none() {
            return;
        }
        let call = self.store.client.abort_multipart_upload().bucket(&self.store.bucket).key(&self.key);
        if let Err(error) = self.store.handle.block_on(call.set_upload_id(self.upload.take()).send()) {
            tracing::warn!(key = self.key, %error, "an upload could not be aborted; the bucket's lifecycle will");
        }
    }
}
