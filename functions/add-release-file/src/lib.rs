//! `POST /api/releases/{id}/files`: presigns the upload of one source file.

mod room;

use api::{Answer, Body, NoParams, PathId, Route, SignedIn, UploadView, allow_release, created};
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
    limits: Limits,
}

/// The limit on the source files of a release.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The files and bytes.
    pub upload: UploadLimit,
    /// True if the limit does not hold for requests of admins.
    pub admins_exempt: bool,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let limits = Limits {
        upload: settings.upload_limit(),
        admins_exempt: settings.admins_are_exempt(),
    };
    let (store, files) = (settings.store(), settings.files());
    router(store, files, settings.clock(), limits)
}

/// Builds the function's router.
pub fn router(store: Store, files: Files, clock: Clock, limits: Limits) -> Router {
    let parts = Parts {
        store,
        files,
        clock,
        limits,
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
    if !(caller.admin && parts.limits.admins_exempt) {
        room::take(&parts, id, &key, size, now).await?;
    }
    let expires_at = now.after(PRESIGNED_URL_TTL);
    let upload = parts.files.presign_upload(&key, size).await?;
    let view = UploadView::new(path.to_string(), upload.url, upload.headers, expires_at);
    Ok(created(&format!("/api/releases/{id}/files"), view))
}
