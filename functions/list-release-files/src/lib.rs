//! `GET /api/releases/{id}/files`: a release's source files and its current package.

use axum::{Json, Router, extract::State, routing::get};
use shared::{
    auth::Caller,
    files::Files,
    http::{Answer, FileView, FilesView, PathId, allow_release},
    job::ReleaseId,
    release::{output_prefix, source_prefix},
    store::Store,
};

/// How many files of each kind are listed at the most.
const MAX_FILES: usize = 1_000;

/// The function's route.
pub fn router(store: Store, files: Files) -> Router {
    Router::new().route("/api/releases/{id}/files", get(list_release_files)).with_state((store, files))
}

async fn list_release_files(
    State((store, files)): State<(Store, Files)>,
    caller: Caller,
    PathId(id): PathId<ReleaseId>,
) -> Answer<Json<FilesView>> {
    let release = allow_release(caller, &store, id).await?;
    let mut folders = vec![("source/", source_prefix(id))];
    folders.extend(release.package.map(|package| ("package/", output_prefix(id, package.job_id, package.fence))));
    let mut shown = Vec::new();
    for (name, prefix) in folders {
        for file in files.list(&prefix, MAX_FILES).await? {
            let path = format!("{name}{}", file.key.trim_start_matches(&prefix));
            let url = files.presign_download(&file.key).await?.url;
            shown.push(FileView { path, size: file.size, last_modified: file.last_modified, url });
        }
    }
    Ok(Json(FilesView { files: shown }))
}
