//! `POST /api/releases/{id}/files`: presigns the upload of one source file.

mod room;

use api::{
    Answer, Body, NoParams, PathId, Route, SignedIn, UploadView, UserLimit, allow_release, created,
};
use axum::{Router, extract::State, response::Response};
use jobs::{
    Clock, FieldReader, ReadFields, ReleaseId,
    release::{MAX_UPLOAD_BYTES, SourcePath, source_prefix},
};
use lambda::Settings;
use store::{Store, UploadLimit};
use worker::{Files, PRESIGNED_URL_TTL};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/releases/{id}/files")];

#[derive(Clone)]
struct Parts {
    store: Store,
    files: Files,
    clock: Clock,
    limit: UserLimit<UploadLimit>,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let (store, files) = (settings.store(), settings.files());
    router(store, files, settings.clock(), settings.upload_limit())
}

/// Builds the function's router. `limit` limits the source files of a release.
pub fn router(store: Store, files: Files, clock: Clock, limit: UserLimit<UploadLimit>) -> Router {
    let parts = Parts {
        store,
        files,
        clock,
        limit,
    };
    api::router(&ROUTES, add_release_file).with_state(parts)
}

/// The file that the client is about to upload.
struct UploadRequest {
    path: SourcePath,
    size: u64,
}

impl ReadFields for UploadRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let path = fields.required("path", FieldReader::parsed);
        let size = fields.required("size", |fields, name| {
            fields.integer(name, 0..=MAX_UPLOAD_BYTES)
        });
        Some(Self {
            path: path?,
            size: size?,
        })
    }
}

async fn add_release_file(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    _: NoParams,
    body: Body,
) -> Answer<Response> {
    let UploadRequest { path, size } = body.read()?;
    allow_release(caller, &parts.store, id).await?;
    let key = format!("{}{path}", source_prefix(id));
    let now = parts.clock.now();
    if let Some(limit) = parts.limit.max_for(caller) {
        room::take(&parts, id, &key, (size, limit), now).await?;
    }
    let expires_at = now.after(PRESIGNED_URL_TTL);
    let upload = parts.files.presign_upload(&key, size).await?;
    let view = UploadView::new(path.to_string(), upload.url, upload.headers, expires_at);
    Ok(created(&format!("/api/releases/{id}/files"), view))
}
