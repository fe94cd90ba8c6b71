//! The room for another source file in a release.

use api::{Answer, Counted, Problem};
use jobs::{ReleaseId, Time, release::source_prefix};
use store::{UploadLimit, Uploads};
use worker::PRESIGNED_URL_TTL;

use crate::Parts;

/// Counts the upload of `size` bytes to `key`. If the release seems full, the files in the bucket
/// are counted, at most once per lifetime of a signed upload.
///
/// # Errors
/// 409 if the release has no room, 503 or 500 if DynamoDB or S3 fails.
pub(crate) async fn take(
    parts: &Parts,
    release: ReleaseId,
    key: &str,
    (size, limit): (u64, UploadLimit),
    now: Time,
) -> Answer<()> {
    let Some(seen) = parts.store.count_upload(release, size, limit).await? else {
        return Ok(());
    };
    let before = now.before(PRESIGNED_URL_TTL);
    if seen
        .recounted_at
        .is_some_and(|recounted| recounted > before)
    {
        return Err(refused(limit, seen, now));
    }
    let stored = stored(parts, release, key, limit).await?;
    let store = &parts.store;
    store.recount_uploads(release, stored, before, now).await?;
    match store.count_upload(release, size, limit).await? {
        Some(seen) => Err(refused(limit, seen, now)),
        None => Ok(()),
    }
}

/// Returns the number and the bytes of the release's source files, without the one that the upload
/// replaces.
async fn stored(
    parts: &Parts,
    release: ReleaseId,
    key: &str,
    limit: UploadLimit,
) -> Answer<(u64, u64)> {
    // More files than the limit fill the release, however many there are.
    let most = usize::try_from(limit.files).unwrap_or(usize::MAX);
    let prefix = source_prefix(release);
    let mut files = parts.files.list(&prefix, most.saturating_add(2)).await?;
    files.retain(|file| file.key != key);
    let bytes = files.iter().map(|file| file.size).sum();
    Ok((files.len() as u64, bytes))
}

fn refused(limit: UploadLimit, seen: Uploads, now: Time) -> Problem {
    let problem = if seen.files >= u64::from(limit.files) {
        Problem::limit_reached(Counted::Files, limit.files.into(), seen.files)
    } else {
        Problem::limit_reached(Counted::Bytes, limit.bytes, seen.bytes)
    };
    // Then the files are counted again, without uploads that were signed and never sent.
    let recount = seen.recounted_at.unwrap_or(now).after(PRESIGNED_URL_TTL);
    problem.retry_after(recount.since(now))
}
