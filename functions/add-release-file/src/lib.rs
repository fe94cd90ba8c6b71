//! `POST /api/releases/{id}/files`: a presigned upload of one source file.

use api::{Answer, Body, PathId, Problem, SignedIn, UploadView, allow_release, created};
use axum::{Router, extract::State, response::Response, routing::post};
use jobs::{
    Clock, ReleaseId,
    release::{MAX_UPLOAD_BYTES, SourcePath, source_prefix},
};
use store::Store;
use worker::files::{Files, PRESIGNED_FOR};

#[derive(Clone)]
struct Parts {
    store: Store,
    files: Files,
    clock: Clock,
}

/// The function's route.
pub fn router(store: Store, files: Files, clock: Clock) -> Router {
    Router::new()
        .route("/api/releases/{id}/files", post(add_release_file))
        .with_state(Parts {
            store,
            files,
            clock,
        })
}

async fn add_release_file(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    body: Body,
) -> Answer<Response> {
    let mut fields = body.fields();
    let path: Option<SourcePath> = fields.parsed("path");
    let size = fields.integer("size", 0..=MAX_UPLOAD_BYTES);
    let (path, size) = (fields.require("path", path), fields.require("size", size));
    fields.finish()?;
    let (Some(path), Some(size)) = (path, size) else {
        return Err(Problem::malformed());
    };
    allow_release(caller, &parts.store, id).await?;
    let expires_at = parts.clock.now().after(PRESIGNED_FOR);
    let key = format!("{}{path}", source_prefix(id));
    let upload = parts.files.presign_upload(&key, size).await?;
    Ok(created(
        &format!("/api/releases/{id}/files"),
        UploadView::new(path.to_string(), upload.url, upload.headers, expires_at),
    ))
}
