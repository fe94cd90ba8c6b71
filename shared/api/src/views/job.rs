//! Views of a job: complete, with details, status only, and in lists.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{
    Caller, Failure, Job, JobId, JobType, ReleaseId, Run, RunOutcome, Status, Summary, Time,
    UserId, WaitingFor,
};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Details, Documents};

use super::log::text;

/// The least and the most that `poll_after` asks for while a job waits, in seconds.
const POLL_RANGE: std::ops::RangeInclusive<u64> = 2..=30;

/// The state of a job, shared by several views.
#[derive(Debug, Serialize)]
pub(super) struct StateView {
    status: Status,
    progress: u8,
    step: Option<String>,
    message: Option<String>,
    attempt: u32,
    created_at: Time,
    started_at: Option<Time>,
    updated_at: Time,
    finished_at: Option<Time>,
    error: Option<Failure>,
    /// The reason a pending job is not running.
    waiting_for: Option<WaitingFor>,
    cancelled_by: Option<Caller>,
    cancelled_at: Option<Time>,
    cancel_reason: Option<String>,
}

impl From<Job> for StateView {
    fn from(job: Job) -> Self {
        let cancellation = job.cancellation();
        Self {
            status: job.status(),
            waiting_for: job.waiting_for().cloned(),
            cancelled_by: cancellation.map(|cancellation| cancellation.by),
            cancelled_at: job.cancelled_at(),
            cancel_reason: cancellation.and_then(|cancellation| cancellation.reason.clone()),
            created_at: job.created_at(),
            finished_at: job.finished_at(),
            error: job.error().cloned(),
            progress: job.progress,
            step: job.step,
            message: job.message,
            attempt: job.attempt,
            started_at: job.started_at,
            updated_at: job.updated_at,
        }
    }
}

/// A job.
#[derive(Debug, Serialize)]
pub struct JobView {
    id: JobId,
    release_id: Option<ReleaseId>,
    job_type: Option<JobType>,
    config_json: Map<String, Value>,
    created_by: UserId,
    retry_of: Option<JobId>,
    retried_by: Option<JobId>,
    result: Option<Value>,
    #[serde(flatten)]
    state: StateView,
}

impl JobView {
    /// Creates the view of a job with its documents.
    #[must_use]
    pub fn new(job: Job, documents: Documents) -> Self {
        Self {
            id: job.id,
            release_id: job.release_id,
            job_type: job.job_type,
            config_json: documents.config,
            created_by: job.created_by,
            retry_of: job.retry_of,
            retried_by: job.retried_by,
            result: documents.result,
            state: job.into(),
        }
    }
}

/// A job with its attempts, and with the end of its log as text.
#[derive(Debug, Serialize)]
pub struct DetailsView {
    #[serde(flatten)]
    job: JobView,
    attempts: Vec<AttemptView>,
    duplicate_deliveries: u32,
    logs: String,
    logs_truncated: bool,
}

#[derive(Debug, Serialize)]
struct AttemptView {
    attempt: u32,
    started_at: Time,
    ended_at: Option<Time>,
    outcome: Option<RunOutcome>,
    error: Option<Failure>,
}

impl From<&Run> for AttemptView {
    fn from(run: &Run) -> Self {
        Self {
            attempt: run.attempt,
            started_at: run.started_at,
            ended_at: run.end.as_ref().map(|end| end.ended_at),
            outcome: run.outcome(),
            error: run.error().cloned(),
        }
    }
}

impl From<Details> for DetailsView {
    fn from(details: Details) -> Self {
        Self {
            attempts: details.job.runs.iter().map(AttemptView::from).collect(),
            duplicate_deliveries: details.job.duplicate_deliveries,
            logs: text(&details.log),
            logs_truncated: details.log_truncated,
            job: JobView::new(details.job, details.documents),
        }
    }
}

/// The status of a job.
#[derive(Debug, Serialize)]
pub struct StatusView {
    job_id: JobId,
    poll_after: Option<u64>,
    #[serde(flatten)]
    state: StateView,
}

impl StatusView {
    /// Creates the view of a job at the time `now`.
    #[must_use]
    pub fn new(job: Job, now: Time) -> Self {
        Self {
            job_id: job.id,
            poll_after: poll_after(&job, now),
            state: job.into(),
        }
    }
}

/// Seconds until it is worth asking for the job again: one while it runs, more and more while it
/// waits, `None` when it is final.
pub(super) fn poll_after(job: &Job, now: Time) -> Option<u64> {
    let waiting_since = match (job.status(), job.waiting_for()) {
        (status, _) if status.is_final() => return None,
        (Status::Running, _) => return Some(1),
        // A draft may wait for days before it is submitted, and then starts at once.
        (_, Some(WaitingFor::Queue)) => job.updated_at,
        _ => job.created_at(),
    };
    let age = now.since(waiting_since).as_secs();
    Some((age / 4).clamp(*POLL_RANGE.start(), *POLL_RANGE.end()))
}

/// The response to a cancel.
#[derive(Debug, Serialize)]
pub struct CancelView {
    job_id: JobId,
    status: Status,
    message: String,
    /// The latest time at which the current run stops; `None` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_by: Option<Time>,
}

impl From<Job> for CancelView {
    fn from(job: Job) -> Self {
        Self {
            job_id: job.id,
            status: job.status(),
            stops_by: job.stops_by(),
            message: job.message.unwrap_or_else(|| "Cancelled".to_owned()),
        }
    }
}

/// A page of a list of jobs.
#[derive(Debug, Serialize)]
pub struct PageView {
    pub(crate) jobs: Vec<Summary>,
    pub(crate) next_cursor: Option<String>,
}

/// The result of an analysis job.
#[derive(Debug, Serialize)]
pub struct AnalysisView {
    job_id: JobId,
    /// The parts of the result. One of an earlier version lacks those that are newer.
    #[serde(flatten)]
    result: Map<String, Value>,
}

impl AnalysisView {
    /// Creates the view of the result of the job `id`.
    #[must_use]
    pub fn new(id: JobId, result: Value) -> Self {
        let result = match result {
            Value::Object(result) => result,
            _ => Map::new(),
        };
        Self { job_id: id, result }
    }
}

/// Responds with a job: 202 for a new job, 201 for a new draft, 200 for one that an earlier request
/// created. The `Location` header has its path.
#[must_use]
pub fn job_answer(job: Job, documents: Documents, is_new: bool) -> Response {
    let status = match (is_new, job.status()) {
        (false, _) => StatusCode::OK,
        (true, Status::Draft) => StatusCode::CREATED,
        (true, _) => StatusCode::ACCEPTED,
    };
    let location = format!("/api/jobs/{}", job.id);
    let body = Json(JobView::new(job, documents));
    (status, [(header::LOCATION, location)], body).into_response()
}
