//! Copies files inside S3.

use std::io;

use futures::{StreamExt as _, stream};

use super::{ObjectStore, read_error, upload::Upload};
use crate::files::{StoredFile, percent_encoded};

/// Bytes that one call copies. S3 allows 5 GiB (Amazon S3 API Reference, `CopyObject`); with fewer,
/// a cancel is noticed sooner.
const MAX_COPY_BYTES: u64 = 256 * 1024 * 1024;

/// Maximum number of files that are copied at a time. A call takes tens of milliseconds and no
/// memory.
const COPIES_IN_FLIGHT: usize = 8;

/// Copies each file to its key, several at a time. Calls `copied` with the number of files so far.
pub(super) fn copy_all(
    store: &ObjectStore,
    files: &[(&StoredFile, String)],
    mut copied: impl FnMut(usize),
) -> io::Result<()> {
    store.check_stopped()?;
    let (large, small): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|(file, _)| file.size > MAX_COPY_BYTES);
    let calls = small
        .iter()
        .map(|(file, key)| copy_at_once(store, file, key));
    let mut calls = stream::iter(calls).buffer_unordered(COPIES_IN_FLIGHT);
    let mut count = 0;
    while let Some(copy) = store.wait_for_write(calls.next())? {
        count += 1;
        if copy.is_err() && count < small.len() {
            // The calls in flight are given up, and may take effect later.
            store.reporter.leave_upload();
        }
        copy?;
        copied(count);
    }
    for (file, key) in large {
        copy_in_parts(store, file, key)?;
        count += 1;
        copied(count);
    }
    Ok(())
}

async fn copy_at_once(store: &ObjectStore, file: &StoredFile, key: &str) -> io::Result<()> {
    let call = store.client.copy_object().bucket(&store.bucket).key(key);
    let call = call
        .copy_source(copy_source(store, file))
        .set_copy_source_if_match(file.e_tag.clone());
    let sent = call.send().await;
    sent.map(drop).map_err(|error| read_error(&error))
}

fn copy_in_parts(store: &ObjectStore, file: &StoredFile, key: &str) -> io::Result<()> {
    let mut upload = Upload::start(store, key)?;
    let mut start = 0;
    while start < file.size {
        let end = (start + MAX_COPY_BYTES).min(file.size);
        upload.copy(file, start, end)?;
        start = end;
    }
    upload.complete()
}

/// Returns the source of a copy, percent-encoded as the header requires.
pub(super) fn copy_source(store: &ObjectStore, file: &StoredFile) -> String {
    let parts: Vec<String> = std::iter::once(store.bucket.as_str())
        .chain(file.key.split('/'))
        .map(percent_encoded)
        .collect();
    parts.join("/")
}
