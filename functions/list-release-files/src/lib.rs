//! `GET /api/releases/{id}/files`: a release's source files and its current package.

use api::{Answer, FileView, FilesView, PathId, SignedIn, allow_release};
use axum::{Json, Router, extract::State, routing::get};
use jobs::{
    ReleaseId,
    release::{MAX_PACKAGE_FILES, MAX_SOURCES, output_prefix, source_prefix},
};
use store::Store;
use worker::files::Files;

/// The function's route.
pub fn router(store: Store, files: Files) -> Router {
    Router::new()
        .route("/api/releases/{id}/files", get(list_release_files))
        .with_state((store, files))
}

async fn list_release_files(
    State((store, files)): State<(Store, Files)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
) -> Answer<Json<FilesView>> {
    let release = allow_release(caller, &store, id).await?;
    let package = release
        .package
        .map(|package| output_prefix(id, package.job_id, package.fence));
    let mut folders = vec![("source/", source_prefix(id), MAX_SOURCES)];
    folders.extend(package.map(|prefix| ("package/", prefix, MAX_PACKAGE_FILES)));
    let mut shown = Vec::new();
    for (name, prefix, limit) in folders {
        for file in files.list(&prefix, limit).await? {
            let path = format!(
                "{name}{}",
                file.key.strip_prefix(&prefix).unwrap_or(&file.key)
            );
            let url = files.presign_download(&file.key).await?.url;
            shown.push(FileView {
                path,
                size: file.size,
                last_modified: file.last_modified,
                url,
            });
        }
    }
    Ok(Json(FilesView { files: shown }))
}
