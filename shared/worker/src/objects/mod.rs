//! Files in S3 as blocking readers and writers, in bounded memory.
//!
//! Written by hand: no crate suspends an upload and resumes it in another process, or stops
//! between two blocks.

mod copy;
mod range;
mod read;
mod sizes;
mod upload;
mod window;
mod write;

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use aws::AwsError;
use aws_sdk_s3::{
    Client,
    config::{http::HttpResponse, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use jobs::{Failure, FailureCode};
use release_files::StoppedError;
use tokio::runtime::Handle;

use self::sizes::Sizes;
pub use self::{read::ObjectReader, upload::UploadState, write::ObjectWriter};
use crate::{
    files::{Files, JPEG, StoredFile},
    reporter::Reporter,
};

const S3: &str = "S3";
/// The tag by which the bucket's lifecycle rule knows a file that expires with its job.
pub const EXPIRES_WITH_JOB: &str = "expires-with=job";
/// Timeout of one try of a call. Copying, and completing a large upload, is slow.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The bucket, as the blocking work of one run uses it.
#[derive(Clone)]
pub struct ObjectStore {
    client: Client,
    bucket: String,
    handle: Handle,
    reporter: Reporter,
    sizes: Sizes,
}

impl ObjectStore {
    /// Opens the bucket of `files` for work that `reporter` can stop.
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    #[must_use]
    pub fn new(files: &Files, reporter: Reporter) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(REQUEST_TIMEOUT)
            .operation_timeout(REQUEST_TIMEOUT * 3)
            .build();
        let config = files.client().config().to_builder();
        Self {
            client: Client::from_conf(config.timeout_config(timeouts).build()),
            bucket: files.bucket().to_owned(),
            handle: Handle::current(),
            reporter,
            sizes: Sizes::for_memory(files.memory()),
        }
    }

    /// Opens a file as listed, to read parts of it. Reading fails if the file has changed since.
    #[must_use]
    pub fn open(&self, file: &StoredFile) -> ObjectReader {
        ObjectReader::new(self.clone(), file.clone(), false)
    }

    /// Like [`ObjectStore::open`], for a file that is read as a whole, from start to end: it takes
    /// the fewest requests.
    #[must_use]
    pub fn open_whole(&self, file: &StoredFile) -> ObjectReader {
        ObjectReader::new(self.clone(), file.clone(), true)
    }

    /// Reads a small file as a whole. The caller checks its size.
    pub fn read(&self, file: &StoredFile) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_whole(file).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Starts a file, which appears once it is finished.
    #[must_use]
    pub fn create(&self, key: String) -> ObjectWriter {
        ObjectWriter::new(self.clone(), key)
    }

    /// Resumes a suspended file, given its upload and its unsent bytes.
    #[must_use]
    pub fn resume(&self, key: String, suspended: (Option<UploadState>, Vec<u8>)) -> ObjectWriter {
        ObjectWriter::resume(self.clone(), key, suspended)
    }

    /// Writes a small file.
    pub fn write(&self, key: String, bytes: &[u8]) -> io::Result<()> {
        let mut object = self.create(key);
        object.write_all(bytes)?;
        object.finish()
    }

    /// Writes a small JPEG that expires with its job: the bucket deletes it at the end of the jobs'
    /// retention.
    pub fn write_expiring_jpeg(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.check_stopped()?;
        let call = self.client.put_object().bucket(&self.bucket).key(key);
        let call = call.content_type(JPEG).tagging(EXPIRES_WITH_JOB);
        let sent = self.wait_for_write(call.body(ByteStream::from(bytes)).send())?;
        sent.map(drop).map_err(|error| sdk_error(&error))
    }

    /// Copies a file as listed, inside S3. The copy appears as a whole or not at all.
    pub fn copy(&self, file: &StoredFile, key: &str) -> io::Result<()> {
        self.copy_all(&[(file, key.to_owned())], |_| {})
    }

    /// Copies each file to its key as [`ObjectStore::copy`] does, several at a time. Calls `copied`
    /// with the number of files so far.
    pub fn copy_all(
        &self,
        files: &[(&StoredFile, String)],
        copied: impl FnMut(usize),
    ) -> io::Result<()> {
        copy::copy_all(self, files, copied)
    }

    /// Moves a file that this run has written.
    pub fn rename(&self, file: &StoredFile, key: &str) -> io::Result<()> {
        self.copy(file, key)?;
        let call = self.client.delete_object().bucket(&self.bucket);
        let deleted = self.wait(call.key(&file.key).send())?;
        deleted.map(drop).map_err(|error| sdk_error(&error))
    }

    /// Waits for a call, unless the work is stopped first.
    fn wait<T>(&self, call: impl Future<Output = T>) -> io::Result<T> {
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = self.reporter.until_stopped() => Err(StoppedError.into()),
                answer = call => Ok(answer),
            }
        })
    }

    /// Like [`ObjectStore::wait`], for a call that may take effect later if it is given up.
    fn wait_for_write<T>(&self, call: impl Future<Output = T>) -> io::Result<T> {
        let answer = self.wait(call);
        if answer.is_err() {
            self.reporter.leave_upload();
        }
        answer
    }

    fn check_stopped(&self) -> io::Result<()> {
        if self.reporter.is_stopped() {
            Err(StoppedError.into())
        } else {
            Ok(())
        }
    }
}

fn source_changed() -> io::Error {
    let message = "A file was replaced or deleted while the job read it.";
    Failure::new(FailureCode::SourceChanged, message).into()
}

fn unavailable(detail: impl std::fmt::Display) -> io::Error {
    io::Error::other(AwsError::unavailable(S3, detail))
}

/// Wraps an S3 error in an I/O error, from which [`release_files::find_cause`] recovers it.
fn sdk_error<E>(error: &SdkError<E, HttpResponse>) -> io::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    io::Error::other(AwsError::from_sdk(S3, error))
}

/// Like [`sdk_error`], for a call that reads a file as listed.
fn read_error<E>(error: &SdkError<E, HttpResponse>) -> io::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.raw_response().map(|raw| raw.status().as_u16()) {
        Some(404 | 412 | 416) => source_changed(),
        _ => sdk_error(error),
    }
}

#[cfg(test)]
mod part_server;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod write_tests;
