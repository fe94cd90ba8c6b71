//! Files in S3 as blocking readers and writers, in bounded memory.

mod read;
mod write;

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use aws::{AwsError, classify};
use aws_sdk_s3::{
    Client,
    config::{http::HttpResponse, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
};
use release_files::failure::{Failure, StoppedError, UnavailableError, code};
use tokio::runtime::Handle;

pub use self::{
    read::ObjectReader,
    write::{ObjectWriter, UploadState},
};
use crate::{
    files::{Files, StoredFile},
    service::Reporter,
};

const S3: &str = "S3";
/// How much is read, and uploaded, at a time. S3 asks for parts of at least 5 MiB (Amazon S3
/// User Guide, "Amazon S3 multipart upload limits").
const BLOCK: usize = 8 * 1024 * 1024;
/// How long one try of a call may take: copies and the ends of large uploads take their time.
const PATIENCE: Duration = Duration::from_secs(30);

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
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(files: &Files, report: Reporter) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(PATIENCE)
            .operation_timeout(PATIENCE * 3)
            .build();
        let config = files
            .client()
            .config()
            .to_builder()
            .timeout_config(timeouts);
        let client = Client::from_conf(config.build());
        Self {
            client,
            bucket: files.bucket().to_owned(),
            handle: Handle::current(),
            report,
        }
    }

    /// Opens a file as it was listed: one that has changed since is refused.
    #[must_use]
    pub fn open(&self, file: &StoredFile) -> ObjectReader {
        ObjectReader::new(self.clone(), file.clone())
    }

    /// Reads a small file as a whole; its size is the caller's to check.
    ///
    /// # Errors
    /// Those of [`ObjectReader`].
    pub fn read(&self, file: &StoredFile) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(file).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Starts to write a file. It is there once it is finished, and not before.
    #[must_use]
    pub fn create(&self, key: String) -> ObjectWriter {
        ObjectWriter::new(self.clone(), key)
    }

    /// Goes on with a file that was put down: with its upload, and the bytes that were not sent yet.
    #[must_use]
    pub fn take_up(
        &self,
        key: String,
        upload: Option<UploadState>,
        unsent: Vec<u8>,
    ) -> ObjectWriter {
        ObjectWriter::taken_up(self.clone(), key, upload, unsent)
    }

    /// Writes a small file.
    ///
    /// # Errors
    /// When S3 does not take it, or the job was stopped.
    pub fn write(&self, key: String, bytes: &[u8]) -> io::Result<()> {
        let mut object = self.create(key);
        object.write_all(bytes)?;
        object.finish()
    }

    /// Copies a file as it was listed, inside S3. The copy is there as a whole, or not at all.
    ///
    /// # Errors
    /// When it has changed, S3 does not copy it, or the job was stopped.
    pub fn copy(&self, file: &StoredFile, key: &str) -> io::Result<()> {
        write::copy(self, file, key)
    }

    fn check(&self) -> io::Result<()> {
        if self.report.is_stopped() {
            Err(StoppedError.into_io())
        } else {
            Ok(())
        }
    }
}

fn changed() -> io::Error {
    Failure::new(
        code::SOURCE_CHANGED,
        "A file was replaced or deleted while the job read it",
    )
    .into_io()
}

fn unavailable(detail: impl Into<String>) -> io::Error {
    io::Error::other(UnavailableError(detail.into()))
}

/// What an error of S3's means for the work: [`release_files::failure::WorkError`] finds it again.
fn failed<E>(error: &SdkError<E, HttpResponse>) -> io::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match classify(S3, error) {
        AwsError::Unavailable { detail, .. } => unavailable(detail),
        refused @ AwsError::Refused { .. } => io::Error::other(refused),
    }
}

/// As [`failed`], for a call that reads a file as it was listed.
fn failed_to_read<E>(error: &SdkError<E, HttpResponse>) -> io::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.raw_response().map(|raw| raw.status().as_u16()) {
        Some(404 | 412 | 416) => changed(),
        _ => failed(error),
    }
}

#[cfg(test)]
mod tests;
