//! Files in the bucket: listings, presigned uploads and downloads, and clean-up.

use std::time::Duration;

use aws::{AwsError, classify, is_transient};
use aws_sdk_s3::{
    Client,
    presigning::PresigningConfig,
    types::{Delete, ObjectIdentifier},
};
use jobs::Time;

const S3: &str = "S3";
/// How many files one call deletes at the most (Amazon S3 API Reference, `DeleteObjects`).
const DELETED_AT_ONCE: usize = 1_000;
/// How long a presigned address is good for.
pub const PRESIGNED_FOR: Duration = Duration::from_mins(15);

/// The bucket.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
}

/// A file in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its whole key.
    pub key: String,
    /// Its size, in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Option<Time>,
    /// What changes when its content does.
    pub e_tag: Option<String>,
}

/// A request that its holder may send without credentials of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    /// Where to send it.
    pub url: String,
    /// The headers that have been signed and must be sent as they are.
    pub headers: Vec<(String, String)>,
}

impl Files {
    /// The bucket `bucket`, through `client`.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// The SDK's client, for what streams.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The files below `prefix`, in the order of their names: at most `limit`, rounded up to a page of S3's.
    ///
    /// # Errors
    /// When S3 cannot be asked.
    pub async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<StoredFile>, AwsError> {
        let mut files = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix);
            let page = call
                .set_continuation_token(token)
                .send()
                .await
                .map_err(|error| classify(S3, &error))?;
            files.extend(page.contents().iter().filter_map(stored_file));
            token = page.next_continuation_token;
            if token.is_none() || files.len() >= limit {
                return Ok(files);
            }
        }
    }

    /// Deletes everything below `prefix`, other than what is below `kept`; tells how many files.
    ///
    /// # Errors
    /// When S3 cannot be asked; some may have been deleted then.
    pub async fn delete_all_but(
        &self,
        prefix: &str,
        kept: Option<&str>,
    ) -> Result<usize, AwsError> {
        let mut files = self.list(prefix, usize::MAX).await?;
        files.retain(|file| kept.is_none_or(|kept| !file.key.starts_with(kept)));
        for batch in files.chunks(DELETED_AT_ONCE) {
            self.delete(batch).await?;
        }
        Ok(files.len())
    }

    async fn delete(&self, files: &[StoredFile]) -> Result<(), AwsError> {
        let ids: Result<Vec<_>, _> = files
            .iter()
            .map(|file| ObjectIdentifier::builder().key(&file.key).build())
            .collect();
        let ids = ids.map_err(|error| AwsError::data(S3, error))?;
        let delete = Delete::builder().set_objects(Some(ids)).quiet(true).build();
        let delete = delete.map_err(|error| AwsError::data(S3, error))?;
        let call = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete);
        let deleted = call.send().await.map_err(|error| classify(S3, &error))?;
        match deleted.errors().first() {
            None => Ok(()),
            Some(error) => Err(AwsError::new(
                S3,
                error.code().is_some_and(is_transient),
                format!("{error:?}"),
            )),
        }
    }

    /// Aborts the multipart uploads below `prefix` that nobody will complete.
    ///
    /// # Errors
    /// When S3 cannot be asked.
    pub async fn abort_uploads(&self, prefix: &str) -> Result<usize, AwsError> {
        let call = self
            .client
            .list_multipart_uploads()
            .bucket(&self.bucket)
            .prefix(prefix);
        let uploads = call.send().await.map_err(|error| classify(S3, &error))?;
        for upload in uploads.uploads() {
            let call = self.client.abort_multipart_upload().bucket(&self.bucket);
            let call = call
                .set_key(upload.key.clone())
                .set_upload_id(upload.upload_id.clone());
            call.send().await.map_err(|error| classify(S3, &error))?;
        }
        Ok(uploads.uploads().len())
    }

    /// An upload of exactly `size` bytes to `key`: the length is signed, so S3 refuses another.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn presign_upload(&self, key: &str, size: u64) -> Result<Presigned, AwsError> {
        let length = i64::try_from(size).unwrap_or(i64::MAX);
        let call = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_length(length);
        let request = call
            .presigned(presigning()?)
            .await
            .map_err(|error| classify(S3, &error))?;
        let headers = request
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Presigned {
            url: request.uri().to_owned(),
            headers,
        })
    }

    /// A download of `key`.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn presign_download(&self, key: &str) -> Result<Presigned, AwsError> {
        let call = self.client.get_object().bucket(&self.bucket).key(key);
        let request = call
            .presigned(presigning()?)
            .await
            .map_err(|error| classify(S3, &error))?;
        Ok(Presigned {
            url: request.uri().to_owned(),
            headers: Vec::new(),
        })
    }
}

fn presigning() -> Result<PresigningConfig, AwsError> {
    PresigningConfig::expires_in(PRESIGNED_FOR).map_err(|error| AwsError::data(S3, error))
}

fn stored_file(object: &aws_sdk_s3::types::Object) -> Option<StoredFile> {
    Some(StoredFile {
        key: object.key()?.to_owned(),
        size: u64::try_from(object.size()?).ok()?,
        last_modified: object
            .last_modified()
            .and_then(|time| Some(Time::from_millis(time.to_millis().ok()?))),
        e_tag: object.e_tag().map(str::to_owned),
    })
}
