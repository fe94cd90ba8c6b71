//! Answers, as the contract defines them.

mod job;
mod log;
mod release;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub use self::{
    job::{AnalysisView, CancelView, DetailsView, JobView, PageView, StatusView, job_answer},
    log::LogsView,
    release::{FileView, FilesView, ReleaseView, UploadView},
};

/// 201, with the address of the new resource.
pub fn created(location: &str, body: impl Serialize) -> Response {
    let headers = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(body)).into_response()
}
