//! Copies files inside S3.

use std::io;

use super::{ObjectStore, read_error, upload::Upload};
use crate::files::{StoredFile, percent_encoded};

/// Bytes that one call copies. S3 allows 5 GiB (Amazon S3 API Reference, `CopyObject`); with fewer,
/// a cancel is noticed sooner.
const MAX_COPY_BYTES: u64 = 256 * 1024 * 1024;

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
pub(super) fn copy_source(store: &ObjectStore, file: &StoredFile) -> String {
    let parts: Vec<String> = std::iter::once(store.bucket.as_str())
        .chain(file.key.split('/'))
        .map(percent_encoded)
        .collect();
    parts.join("/")
}
