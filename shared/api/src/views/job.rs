//! Views of a job: complete, with details, status only, and in lists.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{
    Failure, Job, JobId, JobType, ReleaseId, Run, RunOutcome, Status, Summary, Time, UserId,
    WaitingFor,
};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Details, Documents};

use super::log::text;

/// The state of a job, shared by several views.
#[derive(Debug, Serialize)]
struct StateView {
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
}

impl From<Job> for StateView {
    fn from(job: Job) -> Self {
        Self {
            status: job.status(),
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
    #[serde(flatten)]
    state: StateView,
    /// The reason a pending job is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<WaitingFor>,
}

impl From<Job> for StatusView {
    fn from(job: Job) -> Self {
        Self {
            job_id: job.id,
            waiting_for: job.waiting_for().cloned(),
            state: job.into(),
        }
    }
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
    metadata: Value,
    mediainfo: Value,
    structure: Value,
}

impl AnalysisView {
    /// Creates the view of the result of the job `id`.
    #[must_use]
    pub fn new(id: JobId, mut result: Value) -> Self {
        let mut part = |name: &str| result.get_mut(name).map_or(Value::Null, Value::take);
        Self {
            job_id: id,
            metadata: part("metadata"),
            mediainfo: part("mediainfo"),
            structure: part("structure"),
        }
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
