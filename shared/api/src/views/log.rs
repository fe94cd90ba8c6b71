//! Views of a job's log: JSON and text.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use jobs::{Job, JobId, LogEntry, Time};
use serde::Serialize;
use store::LogPage;

use super::job::{StateView, poll_after};

/// A page of a job's log, with the job's state, so that one request follows both.
#[derive(Debug, Serialize)]
pub struct LogsView {
    job_id: JobId,
    poll_after: Option<u64>,
    #[serde(flatten)]
    state: StateView,
    logs: Vec<LineView>,
    next_cursor: String,
    finished: bool,
}

/// A line of a job's log.
#[derive(Debug, Serialize)]
pub struct LineView {
    #[serde(flatten)]
    entry: LogEntry,
    attempt: u32,
}

impl LineView {
    /// Creates the view of an entry of the log of `job`.
    #[must_use]
    pub fn new(job: &Job, entry: LogEntry) -> Self {
        Self {
            attempt: job.attempt_at(entry.seq),
            entry,
        }
    }
}

impl LogsView {
    /// Creates the view of a page of the log of `job` at the time `now`.
    #[must_use]
    pub fn new(job: Job, page: LogPage, now: Time) -> Self {
        let line = |entry| LineView::new(&job, entry);
        Self {
            job_id: job.id,
            poll_after: poll_after(&job, now),
            logs: page.entries.into_iter().map(line).collect(),
            next_cursor: page.next.to_string(),
            finished: page.finished,
            state: job.into(),
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
        let entries = self.logs.iter().map(|line| &line.entry);
        (headers, text(entries)).into_response()
    }
}

/// Formats log entries as text, one per line.
pub(super) fn text<'a>(entries: impl IntoIterator<Item = &'a LogEntry>) -> String {
    entries
        .into_iter()
        .flat_map(|entry| [entry.to_string(), "\n".to_owned()])
        .collect()
}
