//! Writing a file part by part, and copying one inside S3.

use std::io::{self, Write};

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use release_files::failure::{Failure, code};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{BLOCK, Store, failed, failed_to_read, unavailable};
use crate::files::StoredFile;

/// What is copied with one call. S3 takes up to 5 GiB (Amazon S3 API Reference, `CopyObject`);
/// less lets a cancel be noticed in time.
const COPIED_AT_ONCE: u64 = 256 * 1024 * 1024;

/// How many parts a file may have (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const MAX_PARTS: i32 = 10_000;

/// A file, written part by part. Dropped unfinished, it leaves nothing.
pub struct ObjectWriter {
    store: Store,
    key: String,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

impl ObjectWriter {
    pub(super) fn new(store: Store, key: String) -> Self {
        Self {
            store,
            key,
            buffer: Vec::new(),
            upload: None,
        }
    }

    pub(super) fn taken_up(
        store: Store,
        key: String,
        upload: Option<UploadState>,
        unsent: Vec<u8>,
    ) -> Self {
        let upload = upload.map(|state| Upload::taken_up(&store, &key, state));
        Self {
            store,
            key,
            buffer: unsent,
            upload,
        }
    }

    /// Puts the file down, for another process to go on with: gives its upload, and the bytes
    /// that were not sent yet.
    ///
    /// # Errors
    /// When S3 does not take the part that is on its way, or the job was stopped.
    pub fn put_down(self) -> io::Result<(Option<UploadState>, Vec<u8>)> {
        self.store.check()?;
        let upload = self.upload.map(Upload::put_down).transpose()?;
        Ok((upload, self.buffer))
    }

    fn upload_part(&mut self) -> io::Result<()> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(Upload::start(&self.store, &self.key)?),
        };
        upload.send(std::mem::take(&mut self.buffer))
    }

    /// Ends the file: now it is there.
    ///
    /// # Errors
    /// When S3 does not take it, or the job was stopped.
    pub fn finish(mut self) -> io::Result<()> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.upload_part()?;
        }
        self.store.check()?;
        if let Some(upload) = self.upload {
            return upload.complete();
        }
        let call = self
            .store
            .client
            .put_object()
            .bucket(&self.store.bucket)
            .key(&self.key);
        let sent = self
            .store
            .handle
            .block_on(call.body(ByteStream::from(self.buffer)).send());
        sent.map(drop).map_err(|error| failed(&error))
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.reserve_exact(BLOCK - self.buffer.len());
        let taken = bytes.len().min(BLOCK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == BLOCK {
            self.upload_part()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A multipart upload that was put down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    id: String,
    /// What S3 has called each part.
    parts: Vec<String>,
}

/// Copies `file` to `key`.
pub(super) fn copy(store: &Store, file: &StoredFile, key: &str) -> io::Result<()> {
    store.check()?;
    if file.size > COPIED_AT_ONCE {
        let mut upload = Upload::start(store, key)?;
        let mut start = 0;
        while start < file.size {
            let end = (start + COPIED_AT_ONCE).min(file.size);
            upload.copy(file, start, end)?;
            start = end;
        }
        return upload.complete();
    }
    let call = store.client.copy_object().bucket(&store.bucket).key(key);
    let call = call
        .copy_source(source(store, file))
        .set_copy_source_if_match(file.e_tag.clone());
    store
        .handle
        .block_on(call.send())
        .map(drop)
        .map_err(|error| failed_to_read(&error))
}

/// Where a copy comes from, percent-encoded as a header asks for.
fn source(store: &Store, file: &StoredFile) -> String {
    let encoded = |part: &str| {
        form_urlencoded::byte_serialize(part.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let parts: Vec<String> = std::iter::once(store.bucket.as_str())
        .chain(file.key.split('/'))
        .map(encoded)
        .collect();
    parts.join("/")
}

/// A multipart upload, whose parts are sent one behind the other while the next is made. Dropped
/// before its end, it is aborted.
struct Upload {
    store: Store,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
    /// The part that is on its way, in a set that gives it up when it is dropped.
    sending: JoinSet<io::Result<CompletedPart>>,
    done: bool,
}

impl Upload {
    fn start(store: &Store, key: &str) -> io::Result<Self> {
        store.check()?;
        let call = store
            .client
            .create_multipart_upload()
            .bucket(&store.bucket)
            .key(key);
        let created = store
            .handle
            .block_on(call.send())
            .map_err(|error| failed(&error))?;
        let id = created
            .upload_id
            .ok_or_else(|| unavailable("an upload was given no id"))?;
        Ok(Self::taken_up(
            store,
            key,
            UploadState {
                id,
                parts: Vec::new(),
            },
        ))
    }

    fn taken_up(store: &Store, key: &str, UploadState { id, parts }: UploadState) -> Self {
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
            parts: parts.into_iter().zip(1..).map(part).collect(),
            sending: JoinSet::new(),
            done: false,
        }
    }

    fn put_down(mut self) -> io::Result<UploadState> {
        self.arrived()?;
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

    /// The number of the next part; the one before it has arrived.
    fn next_number(&mut self) -> io::Result<i32> {
        self.store.check()?;
        self.arrived()?;
        let number = i32::try_from(self.parts.len() + 1).map_err(io::Error::other)?;
        if number > MAX_PARTS {
            let text = "A file of the package would be larger than 83 GB; choose a volume_size";
            return Err(Failure::new(code::VOLUMES_NEEDED, text).into_io());
        }
        Ok(number)
    }

    /// Waits for the part that is on its way.
    fn arrived(&mut self) -> io::Result<()> {
        if let Some(sent) = self.store.handle.block_on(self.sending.join_next()) {
            self.parts.push(sent.map_err(io::Error::other)??);
        }
        Ok(())
    }

    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let number = self.next_number()?;
        let call = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let call = call.part_number(number).body(ByteStream::from(bytes));
        let sending = async move {
            let sent = call.send().await.map_err(|error| failed(&error))?;
            Ok(CompletedPart::builder()
                .set_e_tag(sent.e_tag)
                .part_number(number)
                .build())
        };
        self.sending.spawn_on(sending, &self.store.handle);
        Ok(())
    }

    /// Adds the bytes from `start` to before `end` of `file`.
    fn copy(&mut self, file: &StoredFile, start: u64, end: u64) -> io::Result<()> {
        let number = self.next_number()?;
        let call = self
            .store
            .client
            .upload_part_copy()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let call = call
            .copy_source(source(&self.store, file))
            .set_copy_source_if_match(file.e_tag.clone());
        let call = call
            .part_number(number)
            .copy_source_range(format!("bytes={start}-{}", end - 1));
        let copied = self
            .store
            .handle
            .block_on(call.send())
            .map_err(|error| failed_to_read(&error))?;
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
        self.arrived()?;
        self.store.check()?;
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
        self.store
            .handle
            .block_on(call.send())
            .map_err(|error| failed(&error))?;
        self.done = true;
        Ok(())
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
        if let Err(error) = self.store.handle.block_on(call.upload_id(&self.id).send()) {
            tracing::warn!(key = self.key, %error, "an upload could not be aborted; the sweeper will");
            self.store.report.leave_upload();
        }
    }
}
