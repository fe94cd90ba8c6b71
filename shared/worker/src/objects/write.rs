//! Writes a file part by part, and copies files inside S3.

use std::{
    io::{self, Write},
    time::Duration,
};

use aws_sdk_s3::{
    Config,
    config::timeout::TimeoutConfig,
    error::ProvideErrorMetadata,
    operation::head_object::HeadObjectError,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use jobs::{Failure, FailureCode};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{BLOCK_BYTES, ObjectStore, read_error, sdk_error, unavailable};
use crate::files::{StoredFile, percent_encoded};

/// Bytes that one call copies. S3 allows 5 GiB (Amazon S3 API Reference, `CopyObject`); with fewer,
/// a cancel is noticed sooner.
const MAX_COPY_BYTES: u64 = 256 * 1024 * 1024;

/// Maximum parts of a file (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const MAX_PARTS: i32 = 10_000;

/// Timeout of completing an upload, which can take S3 minutes (Amazon S3 API Reference,
/// "`CompleteMultipartUpload`").
const COMPLETE_TIMEOUT: Duration = Duration::from_mins(5);

/// Time limit of aborting an upload when the work ends, within [`jobs::STOP_TIME`].
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A file, written part by part. It leaves nothing behind when dropped unfinished.
pub struct ObjectWriter {
    store: ObjectStore,
    key: String,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

impl ObjectWriter {
    pub(super) fn new(store: ObjectStore, key: String) -> Self {
        Self {
            store,
            key,
            buffer: Vec::new(),
            upload: None,
        }
    }

    pub(super) fn resume(
        store: ObjectStore,
        key: String,
        upload: Option<UploadState>,
        unsent: Vec<u8>,
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
        self.buffer.reserve_exact(BLOCK_BYTES - self.buffer.len());
        let taken = bytes.len().min(BLOCK_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == BLOCK_BYTES {
            self.upload_part()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A suspended multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    id: String,
    /// The `ETag` of each part, in order.
    parts: Vec<String>,
}

/// Copies `file` to `key`.
pub(super) fn copy(store: &ObjectStore, file: &StoredFile, key: &str) -> io::Result<()> {
    store.check_stopped()?;
    if file.size > MAX_COPY_BYTES {
        let mut upload = Upload::start(store, key)?;
        let mut start = 0;
        while start < file.size {
            let end = (start + MAX_COPY_BYTES).min(file.size);
            upload.copy(file, start, end)?;
            start = end;
        }
        return upload.complete();
    }
    let call = store.client.copy_object().bucket(&store.bucket).key(key);
    let call = call
        .copy_source(copy_source(store, file))
        .set_copy_source_if_match(file.e_tag.clone());
    store
        .wait_for_write(call.send())?
        .map(drop)
        .map_err(|error| read_error(&error))
}

/// Returns the source of a copy, percent-encoded as the header requires.
fn copy_source(store: &ObjectStore, file: &StoredFile) -> String {
    let parts: Vec<String> = std::iter::once(store.bucket.as_str())
        .chain(file.key.split('/'))
        .map(percent_encoded)
        .collect();
    parts.join("/")
}

/// A multipart upload that sends one part while the next is prepared. It is aborted when dropped
/// unfinished.
struct Upload {
    store: ObjectStore,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
    /// The bytes of all parts.
    size: u64,
    /// The part in flight, in a set that aborts it when dropped.
    sending: JoinSet<io::Result<CompletedPart>>,
    done: bool,
}

impl Upload {
    fn start(store: &ObjectStore, key: &str) -> io::Result<Self> {
        store.check_stopped()?;
        let call = store
            .client
            .create_multipart_upload()
            .bucket(&store.bucket)
            .key(key);
        let created = store
            .wait_for_write(call.send())?
            .map_err(|error| sdk_error(&error))?;
        let id = created
            .upload_id
            .ok_or_else(|| unavailable("S3 returned no upload id"))?;
        Ok(Self::resume(
            store,
            key,
            UploadState {
                id,
                parts: Vec::new(),
            },
        ))
    }

    fn resume(store: &ObjectStore, key: &str, UploadState { id, parts }: UploadState) -> Self {
        let part = |(e_tag, number)| {
            CompletedPart::builder()
                .e_tag(e_tag)
                .part_number(number)
                .build()
        };
        Self {
            store: store.clone(),
            key: key.to_owned(),
            id,
            // Only a full block is sent before the end, so every part of a suspended upload is one.
            size: (parts.len() * BLOCK_BYTES) as u64,
            parts: parts.into_iter().zip(1..).map(part).collect(),
            sending: JoinSet::new(),
            done: false,
        }
    }

    fn suspend(mut self) -> io::Result<UploadState> {
        self.wait_for_part()?;
        let parts = self
            .parts
            .iter()
            .map(|part| part.e_tag().unwrap_or_default().to_owned())
            .collect();
        self.done = true;
        Ok(UploadState {
            id: self.id.clone(),
            parts,
        })
    }

    /// Waits for the part in flight, and returns the number of the next one.
    fn next_number(&mut self) -> io::Result<i32> {
        self.store.check_stopped()?;
        self.wait_for_part()?;
        let number = i32::try_from(self.parts.len() + 1).map_err(io::Error::other)?;
        if number > MAX_PARTS {
            let text = "A file of the package would be larger than 83 GB. Set `volume_size`.";
            return Err(Failure::new(FailureCode::VolumesNeeded, text).into());
        }
        Ok(number)
    }

    /// Waits for the part in flight.
    fn wait_for_part(&mut self) -> io::Result<()> {
        if let Some(sent) = self.store.wait(self.sending.join_next())? {
            self.parts.push(sent.map_err(io::Error::other)??);
        }
        Ok(())
    }

    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let number = self.next_number()?;
        self.size += bytes.len() as u64;
        let call = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let call = call.part_number(number).body(ByteStream::from(bytes));
        let sending = async move {
            let sent = call.send().await.map_err(|error| sdk_error(&error))?;
            Ok(CompletedPart::builder()
                .set_e_tag(sent.e_tag)
                .part_number(number)
                .build())
        };
        self.sending.spawn_on(sending, &self.store.handle);
        Ok(())
    }

    /// Adds the bytes of `file` from `start` up to `end`, exclusive.
    fn copy(&mut self, file: &StoredFile, start: u64, end: u64) -> io::Result<()> {
        let number = self.next_number()?;
        self.size += end - start;
        let call = self
            .store
            .client
            .upload_part_copy()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let call = call
            .copy_source(copy_source(&self.store, file))
            .set_copy_source_if_match(file.e_tag.clone());
        let call = call
            .part_number(number)
            .copy_source_range(format!("bytes={start}-{}", end - 1));
        let copied = self
            .store
            .wait(call.send())?
            .map_err(|error| read_error(&error))?;
        let e_tag = copied.copy_part_result.and_then(|result| result.e_tag);
        self.parts.push(
            CompletedPart::builder()
                .set_e_tag(e_tag)
                .part_number(number)
                .build(),
        );
        Ok(())
    }

    fn complete(mut self) -> io::Result<()> {
        self.wait_for_part()?;
        self.store.check_stopped()?;
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.parts)))
            .build();
        let call = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(&self.store.bucket)
            .key(&self.key);
        let call = call.upload_id(&self.id).multipart_upload(parts);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(COMPLETE_TIMEOUT)
            .operation_timeout(COMPLETE_TIMEOUT)
            .build();
        let patient = Config::builder().timeout_config(timeouts);
        let sent = call.customize().config_override(patient).send();
        if let Err(error) = self.store.wait_for_write(sent)? {
            let is_gone = error.code() == Some("NoSuchUpload");
            if !is_gone || !self.is_complete()? {
                return Err(sdk_error(&error));
            }
        }
        self.done = true;
        Ok(())
    }
}

impl Upload {
    /// Returns whether the file is there as a whole: a repeated call does not find the upload if the
    /// first completed it and its answer was lost.
    fn is_complete(&self) -> io::Result<bool> {
        let call = self.store.client.head_object().bucket(&self.store.bucket);
        let found = self.store.wait(call.key(&self.key).send())?;
        match found {
            Ok(found) => Ok(found
                .content_length
                .and_then(|size| u64::try_from(size).ok())
                == Some(self.size)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error(&error)),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.store.handle.block_on(self.sending.shutdown());
        let call = self
            .store
            .client
            .abort_multipart_upload()
            .bucket(&self.store.bucket)
            .key(&self.key);
        let aborted = tokio::time::timeout(ABORT_TIMEOUT, call.upload_id(&self.id).send());
        match self.store.handle.block_on(aborted) {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => {
                tracing::warn!(key = self.key, %error, "failed to abort an upload; the sweeper will retry");
            }
            Err(_) => {
                tracing::warn!(
                    key = self.key,
                    "timed out aborting an upload; the sweeper will retry"
                );
            }
        }
        self.store.reporter.leave_upload();
    }
}
