//! `GET /api/releases/{id}/files`: a release's source files and its current package.

use api::{Answer, FileView, FilesView, PathId, Route, SignedIn, allow_release};
use axum::{Json, Router, extract::State};
use jobs::{
    ReleaseId,
    release::{MAX_PACKAGE_FILES, MAX_SOURCES, output_prefix, source_prefix},
};
use lambda::Settings;
use store::Store;
use worker::Files;

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
) -> Answer<Json<FilesView>> {
    let release = allow_release(caller, &store, id).await?;
    let package = release.package.as_ref();
    let package = package.map(|package| output_prefix(id, package.job_id, package.fence));
    let mut folders = vec![("source/", source_prefix(id), MAX_SOURCES)];
    folders.extend(package.map(|prefix| ("package/", prefix, MAX_PACKAGE_FILES)));
    let mut views = Vec::new();
    for (folder, prefix, limit) in folders {
        for file in files.list(&prefix, limit).await? {
            let name = file.key.strip_prefix(&prefix).unwrap_or(&file.key);
            views.push(FileView {
                path: format!("{folder}{name}"),
                size: file.size,
                last_modified: file.last_modified,
                url: files.presign_download(&file.key).await?.url,
            });
        }
    }
    Ok(Json(FilesView { files: views }))
}
