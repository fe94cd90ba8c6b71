//! Views of a job's log: JSON and text.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use jobs::{Job, JobId, LogEntry, Status};
use serde::Serialize;
use store::LogPage;

/// A page of a job's log.
#[derive(Debug, Serialize)]
pub struct LogsView {
    job_id: JobId,
    status: Status,
    logs: Vec<LogEntry>,
    next_cursor: String,
    finished: bool,
}

impl LogsView {
    /// Creates the view of a page of the log of `job`.
    #[must_use]
    pub fn new(job: &Job, page: LogPage) -> Self {
        Self {
            job_id: job.id,
            status: job.status(),
            logs: page.entries,
            next_cursor: page.next.to_string(),
            finished: page.finished,
        }
    }

    /// Responds with JSON, or with lines of text and the cursor in headers if the client prefers
    /// text.
    #[must_use]
    pub fn answer(self, as_text: bool) -> Response {
        if !as_text {
            return Json(self).into_response();
        }
        let headers = [
            ("content-type", "text/plain; charset=utf-8".to_owned()),
            ("x-next-cursor", self.next_cursor),
            ("x-finished", self.finished.to_string()),
        ];
        (headers, text(&self.logs)).into_response()
    }
}

/// Formats log entries as text, one per line.
pub(super) fn text(entries: &[LogEntry]) -> String {
    entries
        .iter()
        .flat_map(|entry| [entry.to_string(), "\n".to_owned()])
        .collect()
}
