//! Files in the bucket: listing, deletion, presigned uploads and downloads.

use std::time::Duration;

use aws::{AwsError, is_transient};
use aws_sdk_s3::{
    Client,
    error::SdkError,
    operation::abort_multipart_upload::AbortMultipartUploadError,
    presigning::PresigningConfig,
    types::{Delete, Object, ObjectIdentifier},
};
use jobs::Time;

const S3: &str = "S3";
/// The media type of a thumbnail.
pub(crate) const JPEG: &str = "image/jpeg";
/// The number of files that one call deletes. S3 allows 1,000 (Amazon S3 API Reference, `DeleteObjects`), which can
/// take longer than one try of a call may.
const MAX_DELETE_KEYS: usize = 250;
/// The memory of a function that does not say how much it has, in MiB: the default of the template.
const DEFAULT_MEMORY: u32 = 1_769;
/// Lifetime of a presigned URL.
pub const PRESIGNED_URL_TTL: Duration = Duration::from_mins(15);

/// The bucket.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
    memory: u32,
}

/// A file in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The full key.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last write.
    pub last_modified: Option<Time>,
    /// A tag that changes with the content.
    pub e_tag: Option<String>,
}

/// A request that its holder may send without AWS credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedRequest {
    /// The URL.
    pub url: String,
    /// The signed headers, which must be sent unchanged.
    pub headers: Vec<(String, String)>,
}

impl Files {
    /// Creates a handle to the bucket named `bucket`.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
            memory: DEFAULT_MEMORY,
        }
    }

    /// Sets the memory of the function, in MiB, which limits the size of requests. Without it, a
    /// function has 1,769 MiB.
    #[must_use]
    pub fn with_memory(self, memory: u32) -> Self {
        Self { memory, ..self }
    }

    /// Returns the SDK's client, for streams.
    #[must_use]
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the bucket's name.
    #[must_use]
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the memory of the function, in MiB.
    #[must_use]
    pub(crate) const fn memory(&self) -> u32 {
        self.memory
    }

    /// Lists the files below `prefix`, sorted by key: at most `limit`, rounded up to a full page
    /// of S3.
    pub async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<StoredFile>, AwsError> {
        let mut files = Vec::new();
        let mut token = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.bucket);
            let call = call.prefix(prefix).set_continuation_token(token);
            let page = call
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(S3, &error))?;
            files.extend(page.contents().iter().filter_map(stored_file));
            token = page.next_continuation_token;
            if token.is_none() || files.len() >= limit {
                return Ok(files);
            }
        }
    }

    /// Deletes the files below `prefix`, except those below `kept`. Returns the number of files
    /// deleted.
    ///
    /// # Errors
    /// Some files may already have been deleted.
    pub async fn delete_all_but(
        &self,
        prefix: &str,
        kept: Option<&str>,
    ) -> Result<usize, AwsError> {
        let mut files = self.list(prefix, usize::MAX).await?;
        files.retain(|file| kept.is_none_or(|kept| !file.key.starts_with(kept)));
        for batch in files.chunks(MAX_DELETE_KEYS) {
            self.delete(batch).await?;
        }
        Ok(files.len())
    }

    /// Deletes the file at `key`, if it exists.
    pub async fn delete_file(&self, key: &str) -> Result<(), AwsError> {
        let call = self.client.delete_object().bucket(&self.bucket).key(key);
        let deleted = call.send().await;
        deleted.map_err(|error| AwsError::from_sdk(S3, &error))?;
        Ok(())
    }

    async fn delete(&self, files: &[StoredFile]) -> Result<(), AwsError> {
        let malformed = |error| AwsError::malformed(S3, error);
        let id = |file: &StoredFile| ObjectIdentifier::builder().key(&file.key).build();
        let ids: Result<Vec<_>, _> = files.iter().map(id).collect();
        let delete = Delete::builder().set_objects(Some(ids.map_err(malformed)?));
        let delete = delete.quiet(true).build().map_err(malformed)?;
        let call = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete);
        let deleted = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(S3, &error))?;
        let Some(error) = deleted.errors().first() else {
            return Ok(());
        };
        let (code, key) = (error.code().unwrap_or_default(), error.key());
        let (key, message) = (key.unwrap_or_default(), error.message().unwrap_or_default());
        let detail = format!("{code} for {key}: {message}");
        Err(if error.code().is_some_and(is_transient) {
            AwsError::Unavailable {
                service: S3,
                detail,
            }
        } else {
            AwsError::Refused {
                service: S3,
                detail,
            }
        })
    }

    /// Aborts the abandoned multipart uploads below `prefix`. Returns the number aborted.
    pub async fn abort_uploads(&self, prefix: &str) -> Result<usize, AwsError> {
        let call = self.client.list_multipart_uploads().bucket(&self.bucket);
        let listed = call.prefix(prefix).send().await;
        let listed = listed.map_err(|error| AwsError::from_sdk(S3, &error))?;
        let mut aborted = 0;
        for upload in listed.uploads() {
            let call = self.client.abort_multipart_upload().bucket(&self.bucket);
            let call = call
                .set_key(upload.key.clone())
                .set_upload_id(upload.upload_id.clone());
            match call.send().await {
                Ok(_) => aborted += 1,
                // A concurrent sweep was faster.
                Err(error) if is_no_such_upload(&error) => {}
                Err(error) => return Err(AwsError::from_sdk(S3, &error)),
            }
        }
        Ok(aborted)
    }

    /// Signs an upload of exactly `size` bytes to `key`. S3 refuses any other length.
    pub async fn presign_upload(&self, key: &str, size: u64) -> Result<PresignedRequest, AwsError> {
        let length = i64::try_from(size).unwrap_or(i64::MAX);
        let call = self.client.put_object().bucket(&self.bucket).key(key);
        let call = call.content_length(length).presigned(presigning()?);
        let request = call.await.map_err(|error| AwsError::from_sdk(S3, &error))?;
        let headers = request.headers();
        Ok(PresignedRequest {
            url: request.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// Lists at most `limit` files below `prefix` whose keys follow `after`, sorted by key. The
    /// second value is true if there are more.
    pub async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<StoredFile>, bool), AwsError> {
        let call = self.client.list_objects_v2().bucket(&self.bucket);
        let call = call
            .prefix(prefix)
            .set_start_after(after.map(|path| format!("{prefix}{path}")))
            .max_keys(i32::try_from(limit).unwrap_or(i32::MAX));
        let page = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(S3, &error))?;
        let files = page.contents().iter().filter_map(stored_file);
        Ok((files.collect(), page.is_truncated() == Some(true)))
    }

    /// Signs a download of `key`, which a browser saves under the file's name. It never shows the
    /// file, even if the upload had another type.
    pub async fn presign_download(&self, key: &str) -> Result<PresignedRequest, AwsError> {
        let call = self.client.get_object().bucket(&self.bucket).key(key);
        let call = call
            .response_content_disposition(attachment(key))
            .response_content_type("application/octet-stream");
        let request = call.presigned(presigning()?).await;
        let request = request.map_err(|error| AwsError::from_sdk(S3, &error))?;
        Ok(PresignedRequest {
            url: request.uri().to_owned(),
            headers: Vec::new(),
        })
    }

    /// Signs a request for a JPEG at `key` that the system itself has made. A browser shows it.
    pub async fn presign_jpeg(&self, key: &str) -> Result<PresignedRequest, AwsError> {
        let call = self.client.get_object().bucket(&self.bucket).key(key);
        let request = call.response_content_type(JPEG).presigned(presigning()?);
        let request = request
            .await
            .map_err(|error| AwsError::from_sdk(S3, &error))?;
        Ok(PresignedRequest {
            url: request.uri().to_owned(),
            headers: Vec::new(),
        })
    }
}

/// Returns the `Content-Disposition` of a download: its file name in ASCII, and in UTF-8 (RFC 6266,
/// section 5, and RFC 8187).
fn attachment(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let ascii: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    // `*` is not an `attr-char`.
    let utf8 = percent_encoded(name).replace('*', "%2A");
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{utf8}")
}

/// Percent-encodes all but letters, digits and `*-._`.
pub(crate) fn percent_encoded(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

fn is_no_such_upload(error: &SdkError<AbortMultipartUploadError>) -> bool {
    error
        .as_service_error()
        .is_some_and(AbortMultipartUploadError::is_no_such_upload)
}

fn presigning() -> Result<PresigningConfig, AwsError> {
    PresigningConfig::expires_in(PRESIGNED_URL_TTL).map_err(|error| AwsError::malformed(S3, error))
}

fn stored_file(object: &Object) -> Option<StoredFile> {
    let millis = object
        .last_modified()
        .and_then(|time| time.to_millis().ok());
    Some(StoredFile {
        key: object.key()?.to_owned(),
        size: u64::try_from(object.size()?).ok()?,
        last_modified: millis.map(Time::from_millis),
        e_tag: object.e_tag().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn download_has_no_type_that_a_browser_shows() {
        let files = crate::testing::signing_files();
        let url = files.presign_download("releases/42/source/a.html").await;
        let url = url.unwrap().url;
        for signed in [
            "response-content-disposition=attachment",
            "response-content-type=application%2Foctet-stream",
        ] {
            assert!(url.contains(signed), "{url}");
        }
    }

    #[test]
    fn download_is_saved_under_the_name_of_its_file() {
        for (key, disposition) in [
            (
                "releases/42/source/cd 1/a book.epub",
                "attachment; filename=\"a book.epub\"; filename*=UTF-8''a%20book.epub",
            ),
            (
                "é\"*.zip",
                "attachment; filename=\"__*.zip\"; filename*=UTF-8''%C3%A9%22%2A.zip",
            ),
        ] {
            assert_eq!(attachment(key), disposition);
        }
    }
}
