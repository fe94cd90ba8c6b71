//! Multipart uploads.
//!
//! The SDK sends the CRC-32 of each part. So an upload is created with this algorithm, and completed
//! with the checksums of all parts, as S3 then requires (Amazon S3 User Guide, "Checking object
//! integrity").

use std::{collections::BTreeMap, io, time::Duration};

use aws_sdk_s3::{
    Config,
    config::timeout::TimeoutConfig,
    error::ProvideErrorMetadata,
    operation::head_object::HeadObjectError,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use jobs::{Failure, FailureCode};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{ObjectStore, copy::copy_source, read_error, sdk_error, unavailable};
use crate::files::StoredFile;

/// Maximum parts of a file (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const MAX_PARTS: i32 = 10_000;

/// Bytes of each part of an upload that was suspended by a version that did not save their sum.
const OLD_PART_BYTES: u64 = 8 * 1024 * 1024;

const GB: u64 = 1_000_000_000;

/// Timeout of completing an upload, which can take S3 minutes (Amazon S3 API Reference,
/// "`CompleteMultipartUpload`").
const COMPLETE_TIMEOUT: Duration = Duration::from_mins(5);

/// Time limit of aborting an upload when the work ends, within [`jobs::STOP_TIME`].
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A suspended multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    id: String,
    /// The `ETag` of each part, in order.
    parts: Vec<String>,
    /// The CRC-32 of each part, in order; empty in a state of an earlier version, whose upload was
    /// created without checksums.
    #[serde(default)]
    checksums: Vec<Option<String>>,
    /// The bytes of all parts; `None` in a state of an earlier version.
    #[serde(default)]
    sent: Option<u64>,
}

/// A part that has arrived.
#[derive(Default)]
struct Part {
    e_tag: Option<String>,
    /// The CRC-32, as S3 encodes it.
    checksum: Option<String>,
}

/// A multipart upload that sends parts while the next is prepared. It is aborted when dropped
/// unfinished.
pub(super) struct Upload {
    store: ObjectStore,
    key: String,
    id: String,
    /// The parts that have arrived, by number. They arrive in any order.
    parts: BTreeMap<i32, Part>,
    /// The number of the last part.
    last_number: i32,
    /// The bytes of all parts.
    size: u64,
    /// The parts in flight, in a set that aborts them when dropped.
    sending: JoinSet<io::Result<(i32, Part)>>,
    done: bool,
}

impl Upload {
    pub(super) fn start(store: &ObjectStore, key: &str) -> io::Result<Self> {
        store.check_stopped()?;
        let call = store
            .client
            .create_multipart_upload()
            .bucket(&store.bucket)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Crc32);
        let created = store
            .wait_for_write(call.send())?
            .map_err(|error| sdk_error(&error))?;
        let id = created
            .upload_id
            .ok_or_else(|| unavailable("S3 returned no upload id"))?;
        let state = UploadState {
            id,
            parts: Vec::new(),
            checksums: Vec::new(),
            sent: None,
        };
        Ok(Self::resume(store, key, state))
    }

    pub(super) fn resume(
        store: &ObjectStore,
        key: &str,
        UploadState {
            id,
            parts,
            checksums,
            sent,
        }: UploadState,
    ) -> Self {
        let count = parts.len();
        let checksums = checksums.into_iter().chain(std::iter::repeat(None));
        let parts = parts.into_iter().zip(checksums);
        let parts = parts.map(|(e_tag, checksum)| Part {
            e_tag: Some(e_tag),
            checksum,
        });
        Self {
            store: store.clone(),
            key: key.to_owned(),
            id,
            parts: (1..).zip(parts).collect(),
            last_number: i32::try_from(count).unwrap_or(i32::MAX),
            size: sent.unwrap_or(count as u64 * OLD_PART_BYTES),
            sending: JoinSet::new(),
            done: false,
        }
    }

    /// Waits for the parts in flight, and leaves the upload to another process.
    pub(super) fn suspend(mut self) -> io::Result<UploadState> {
        self.wait_for_parts(0)?;
        let parts = std::mem::take(&mut self.parts).into_values();
        let (e_tags, checksums) = parts.map(|part| (part.e_tag, part.checksum)).unzip();
        let e_tags: Vec<Option<String>> = e_tags;
        self.done = true;
        Ok(UploadState {
            id: self.id.clone(),
            parts: e_tags.into_iter().map(Option::unwrap_or_default).collect(),
            checksums,
            sent: Some(self.size),
        })
    }

    /// Waits until there may be another part in flight, and returns its number.
    fn next_number(&mut self) -> io::Result<i32> {
        self.store.check_stopped()?;
        self.wait_for_parts(self.store.sizes.parts_in_flight - 1)?;
        if self.last_number >= MAX_PARTS {
            let text = format!(
                "A file of the package would be larger than {} GB. Set `volume_size`.",
                self.size / GB
            );
            return Err(Failure::new(FailureCode::VolumesNeeded, text).into());
        }
        self.last_number += 1;
        Ok(self.last_number)
    }

    /// Waits until at most `left` parts are in flight. Fails as soon as one has failed.
    fn wait_for_parts(&mut self, left: usize) -> io::Result<()> {
        loop {
            let sent = match self.sending.try_join_next() {
                Some(sent) => sent,
                None if self.sending.len() <= left => return Ok(()),
                None => match self.store.wait(self.sending.join_next())? {
                    Some(sent) => sent,
                    None => return Ok(()),
                },
            };
            let (number, part) = sent.map_err(io::Error::other)??;
            self.parts.insert(number, part);
        }
    }

    /// Adds a part.
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let number = self.next_number()?;
        self.size += bytes.len() as u64;
        let call = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let call = call.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let call = call.part_number(number).body(ByteStream::from(bytes));
        let sending = async move {
            let sent = call.send().await.map_err(|error| sdk_error(&error))?;
            let part = Part {
                e_tag: sent.e_tag,
                checksum: sent.checksum_crc32,
            };
            Ok((number, part))
        };
        self.sending.spawn_on(sending, &self.store.handle);
        Ok(())
    }

    /// Adds the bytes of `file` from `start` up to `end`, exclusive.
    pub(super) fn copy(&mut self, file: &StoredFile, start: u64, end: u64) -> io::Result<()> {
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
        let copying = async move {
            let copied = call.send().await.map_err(|error| read_error(&error))?;
            let part = copied.copy_part_result.map(|result| Part {
                e_tag: result.e_tag,
                checksum: result.checksum_crc32,
            });
            Ok((number, part.unwrap_or_default()))
        };
        self.sending.spawn_on(copying, &self.store.handle);
        Ok(())
    }

    /// Completes the file, which then appears.
    pub(super) fn complete(mut self) -> io::Result<()> {
        self.wait_for_parts(0)?;
        self.store.check_stopped()?;
        let parts = std::mem::take(&mut self.parts);
        // Without that of the parts of an earlier version, none is named.
        let has_checksums = parts.values().all(|part| part.checksum.is_some());
        let completed = |(number, part): (i32, Part)| {
            let completed = CompletedPart::builder().part_number(number);
            let checksum = part.checksum.filter(|_| has_checksums);
            let completed = completed.set_checksum_crc32(checksum);
            completed.set_e_tag(part.e_tag).build()
        };
        // S3 wants them in the order of their numbers.
        let parts = parts.into_iter().map(completed);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect()));
        let call = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(&self.store.bucket)
            .key(&self.key);
        let call = call.upload_id(&self.id).multipart_upload(parts.build());
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
