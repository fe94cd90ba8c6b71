//! The bodies of responses.

mod job;
mod log;
mod me;
mod release;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub use self::{
    job::{AnalysisView, CancelView, DetailsView, JobView, PageView, StatusView, job_answer},
    log::{LineView, LogsView},
    me::MeView,
    release::{FileView, FilesView, ReleaseView, ReleasesView, UploadView, release_answer},
};

/// Responds with 201 and the path of the new resource in `Location`.
pub fn created(location: &str, body: impl Serialize) -> Response {
    let headers = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(body)).into_response()
}
