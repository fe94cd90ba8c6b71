//! Counts the uploads signed for a release, for the limits on its source files.
//!
//! A signed upload may never happen, and a file may be uploaded again, so the count may be too high.
//! It is then replaced by what is in the bucket, at most once per lifetime of a signed upload: those
//! signed before the last count have expired by the next. So a release never has more than twice its
//! limit.

use aws::AwsError;
use jobs::{ReleaseId, Time};
use serde::Deserialize;

use crate::{
    Store, Updated,
    item::{Item, from_item},
    keys,
    update::{Update, n},
};

/// The source files that a release may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimit {
    /// The number of files.
    pub files: u32,
    /// Their bytes in total.
    pub bytes: u64,
}

/// The source files of a release, with those that may still be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploads {
    /// The number of files.
    pub files: u64,
    /// Their bytes in total.
    pub bytes: u64,
    /// The time at which the files in the bucket were last counted.
    pub recounted_at: Option<Time>,
}

#[derive(Debug, Default, Deserialize)]
struct UploadsItem {
    files: u64,
    bytes: u64,
    recounted_at: Option<i64>,
}

impl Store {
    /// Counts an upload of `size` bytes. Returns the earlier uploads, and counts nothing, if that
    /// would be more than `limit`.
    pub async fn count_upload(
        &self,
        release: ReleaseId,
        size: u64,
        limit: UploadLimit,
    ) -> Result<Option<Uploads>, AwsError> {
        let Some(room) = limit.bytes.checked_sub(size) else {
            let item = self.get_item(&keys::uploads(release), true).await?;
            return uploads_of(item).map(Some);
        };
        let update = Update::new(keys::uploads(release))
            .assign("#files = if_not_exists(#files, :none) + :one", ":one", n(1))
            .assign(
                "#bytes = if_not_exists(#bytes, :none) + :size",
                ":size",
                n(size),
            )
            .value(":none", n(0))
            .only_if("(attribute_not_exists(#files) OR #files < :limit)")
            .value(":limit", n(limit.files))
            .only_if("(attribute_not_exists(#bytes) OR #bytes <= :room)")
            .value(":room", n(room));
        match self.update(update).await? {
            Updated::Done(_) => Ok(None),
            Updated::Refused(item) => uploads_of(item).map(Some),
        }
    }

    /// Replaces the count by the `files` and `bytes` in the bucket, unless they were counted after
    /// `before`.
    pub async fn recount_uploads(
        &self,
        release: ReleaseId,
        (files, bytes): (u64, u64),
        before: Time,
        now: Time,
    ) -> Result<(), AwsError> {
        let update = Update::new(keys::uploads(release))
            .set("files", n(files))
            .set("bytes", n(bytes))
            .set("recounted_at", n(now.millis()))
            .only_if("(attribute_not_exists(#recounted_at) OR #recounted_at <= :before)")
            .value(":before", n(before.millis()));
        // A refusal means that another request has just counted them.
        self.update(update).await.map(drop)
    }
}

fn uploads_of(item: Option<Item>) -> Result<Uploads, AwsError> {
    let stored: Option<UploadsItem> = item.map(from_item).transpose()?;
    let stored = stored.unwrap_or_default();
    Ok(Uploads {
        files: stored.files,
        bytes: stored.bytes,
        recounted_at: stored.recounted_at.map(Time::from_millis),
    })
}
