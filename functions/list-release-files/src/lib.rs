//! `GET /api/releases/{id}/files`: lists a release's files, with presigned downloads.

mod cursor;

use api::{
    Answer, FileView, FilesView, PathId, Problem, QueryParams, Route, SignedIn, allow_release,
};
use axum::{Json, Router, extract::State};
use jobs::{
    ReleaseId,
    release::{Release, output_prefix, source_prefix},
};
use lambda::Settings;
use store::Store;
use worker::{Files, StoredFile};

use self::cursor::FileCursor;

/// The default `limit`: files per page.
const DEFAULT_LIMIT: usize = 100;
/// The largest `limit`. A presigned URL has up to 2 KB, and an answer has at most 6 MB (AWS Lambda
/// Developer Guide, "Lambda quotas").
const MAX_LIMIT: usize = 500;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/releases/{id}/files")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.files())
}

/// Builds the function's router.
pub fn router(store: Store, files: Files) -> Router {
    api::router(&ROUTES, list_release_files).with_state((store, files))
}

async fn list_release_files(
    State((store, files)): State<(Store, Files)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    mut params: QueryParams,
) -> Answer<Json<FilesView>> {
    let limit = params.limit(DEFAULT_LIMIT, MAX_LIMIT);
    let cursor: Option<String> = params.one("cursor");
    params.finish()?;
    let release = allow_release(caller, &store, id).await?;
    let after = match cursor {
        Some(text) => {
            let cursor = FileCursor::decode(&text, &release);
            Some(cursor.map_err(|error| Problem::invalid_field("cursor", error))?)
        }
        None => None,
    };
    let (found, is_last) = page(&files, &release, after.as_ref(), limit).await?;
    let last = found.last().filter(|_| !is_last);
    let next_cursor = last.map(|(path, _)| FileCursor::after(path, &release).encode());
    let mut views = Vec::new();
    for (path, file) in found {
        views.push(FileView {
            path,
            size: file.size,
            last_modified: file.last_modified,
            url: files.presign_download(&file.key).await?.url,
        });
    }
    Ok(Json(FilesView {
        files: views,
        next_cursor,
    }))
}

/// Lists at most `limit` files after a cursor, with their paths: first the source files, then the
/// current package. The second value is true on the last page.
async fn page(
    files: &Files,
    release: &Release,
    after: Option<&FileCursor>,
    limit: usize,
) -> Answer<(Vec<(String, StoredFile)>, bool)> {
    let package = release.package.as_ref();
    let package = package.map(|package| output_prefix(release.id, package.job_id, package.fence));
    let mut folders = vec![("source/", source_prefix(release.id))];
    folders.extend(package.map(|prefix| ("package/", prefix)));
    let first = folders
        .iter()
        .position(|(folder, _)| after.is_some_and(|after| after.within(folder).is_some()));
    let mut found = Vec::new();
    for (folder, prefix) in folders.into_iter().skip(first.unwrap_or(0)) {
        if found.len() == limit {
            return Ok((found, false));
        }
        let start = after.and_then(|after| after.within(folder));
        let (listed, has_more) = files.page(&prefix, start, limit - found.len()).await?;
        found.extend(listed.into_iter().map(|file| {
            let name = file.key.strip_prefix(&prefix).unwrap_or(&file.key);
            (format!("{folder}{name}"), file)
        }));
        if has_more {
            return Ok((found, false));
        }
    }
    Ok((found, true))
}
