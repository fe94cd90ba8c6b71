//! Answers, as the contract has them.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{
    Failure, Job, JobId, JobType, LogEntry, ReleaseId, Status, Summary, Time, UserId, WaitingFor,
    release::{Package, Release, ReplacedPackage},
};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Details, Documents, LogPage};

/// A job.
#[derive(Debug, Serialize)]
pub struct JobView {
    id: JobId,
    release_id: Option<ReleaseId>,
    status: Status,
    job_type: Option<JobType>,
    config_json: Map<String, Value>,
    progress: u8,
    step: Option<String>,
    message: Option<String>,
    attempt: u32,
    result: Option<Value>,
    error: Option<Failure>,
    retry_of: Option<JobId>,
    created_at: Time,
    created_by: UserId,
    updated_at: Time,
    started_at: Option<Time>,
    finished_at: Option<Time>,
}

impl JobView {
    /// Shows a job with its documents.
    #[must_use]
    pub fn new(job: Job, documents: Documents) -> Self {
        Self {
            id: job.id,
            release_id: job.release_id,
            status: job.status,
            job_type: job.job_type,
            config_json: documents.config,
            progress: job.progress,
            step: job.step,
            message: job.message,
            attempt: job.attempt,
            result: documents.result,
            error: job.error,
            retry_of: job.retry_of,
            created_at: job.id.created_at(),
            created_by: job.created_by,
            updated_at: job.updated_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

/// A job with its attempts and the end of its log as text.
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
    outcome: Option<String>,
    error: Option<Failure>,
}

impl From<Details> for DetailsView {
    fn from(details: Details) -> Self {
        let attempts = details.job.runs.iter().cloned().map(|run| AttemptView {
            attempt: run.attempt,
            started_at: run.started_at,
            ended_at: run.ended_at,
            outcome: run.outcome,
            error: run.error,
        });
        Self {
            duplicate_deliveries: details.job.duplicate_deliveries,
            attempts: attempts.collect(),
            job: JobView::new(details.job, details.documents),
            logs: text(&details.log),
            logs_truncated: details.log_truncated,
        }
    }
}

fn text(entries: &[LogEntry]) -> String {
    entries
        .iter()
        .flat_map(|entry| [entry.to_string(), "\n".to_owned()])
        .collect()
}

/// A job's status.
#[derive(Debug, Serialize)]
pub struct StatusView {
    job_id: JobId,
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
    /// While pending: why it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<WaitingFor>,
}

impl From<Job> for StatusView {
    fn from(job: Job) -> Self {
        Self {
            waiting_for: job.waiting_for(),
            job_id: job.id,
            status: job.status,
            progress: job.progress,
            step: job.step,
            message: job.message,
            attempt: job.attempt,
            created_at: job.id.created_at(),
            started_at: job.started_at,
            updated_at: job.updated_at,
            finished_at: job.finished_at,
            error: job.error,
        }
    }
}

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
    /// Shows a page of the log of `job`.
    #[must_use]
    pub fn new(job: &Job, page: LogPage) -> Self {
        Self {
            job_id: job.id,
            status: job.status,
            logs: page.entries,
            next_cursor: page.next.to_string(),
            finished: page.finished,
        }
    }

    /// The page as JSON or, where the client prefers it, as lines of text. How to go on stands in
    /// headers then.
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

/// What came of a cancel.
#[derive(Debug, Serialize)]
pub struct CancelView {
    job_id: JobId,
    status: Status,
    message: String,
    /// Where a run was at work: when it has stopped at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_by: Option<Time>,
}

impl From<Job> for CancelView {
    fn from(job: Job) -> Self {
        let stops_by = job.stops_by();
        let message = job.message.unwrap_or_else(|| "Cancelled".to_owned());
        Self {
            job_id: job.id,
            status: job.status,
            message,
            stops_by,
        }
    }
}

/// A page of a list of jobs.
#[derive(Debug, Serialize)]
pub struct PageView {
    pub(super) jobs: Vec<Summary>,
    pub(super) next_cursor: Option<String>,
}

/// What an analysis found.
#[derive(Debug, Serialize)]
pub struct AnalysisView {
    job_id: JobId,
    metadata: Value,
    mediainfo: Value,
    structure: Value,
}

impl AnalysisView {
    /// Shows the result of the analysis job `id`.
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

/// A release.
#[derive(Debug, Serialize)]
pub struct ReleaseView {
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    name: Option<String>,
    group: Option<String>,
    metadata: Map<String, Value>,
    package: Option<PackageView>,
    replaced_packages: Vec<ReplacedPackageView>,
    created_at: Time,
}

#[derive(Debug, Serialize)]
struct PackageView {
    job_id: JobId,
    version: u32,
    since: Time,
}

impl From<Package> for PackageView {
    fn from(
        Package {
            job_id,
            version,
            since,
            ..
        }: Package,
    ) -> Self {
        Self {
            job_id,
            version,
            since,
        }
    }
}

/// A package that can be made current again until it expires.
#[derive(Debug, Serialize)]
struct ReplacedPackageView {
    #[serde(flatten)]
    package: PackageView,
    expires_at: Time,
}

impl From<ReplacedPackage> for ReplacedPackageView {
    fn from(
        ReplacedPackage {
            package,
            expires_at,
        }: ReplacedPackage,
    ) -> Self {
        Self {
            package: package.into(),
            expires_at,
        }
    }
}

impl From<Release> for ReleaseView {
    fn from(release: Release) -> Self {
        Self {
            id: release.id,
            user_id: release.user_id,
            release_type: release.release_type,
            name: release.name,
            group: release.group,
            metadata: release.metadata,
            package: release.package.map(PackageView::from),
            replaced_packages: release
                .replaced
                .into_iter()
                .map(ReplacedPackageView::from)
                .collect(),
            created_at: release.created_at,
        }
    }
}

/// A presigned upload of one file.
#[derive(Debug, Serialize)]
pub struct UploadView {
    path: String,
    upload: Upload,
}

#[derive(Debug, Serialize)]
struct Upload {
    method: &'static str,
    url: String,
    headers: Map<String, Value>,
    expires_at: Time,
}

impl UploadView {
    /// Shows an upload to `path` that is good until `expires_at`: its URL, and the headers that must be sent.
    #[must_use]
    pub fn new(
        path: String,
        url: String,
        headers: Vec<(String, String)>,
        expires_at: Time,
    ) -> Self {
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        Self {
            path,
            upload: Upload {
                method: "PUT",
                url,
                headers,
                expires_at,
            },
        }
    }
}

/// The files of a release.
#[derive(Debug, Serialize)]
pub struct FilesView {
    /// Source files, then the current package.
    pub files: Vec<FileView>,
}

/// A file of a release.
#[derive(Debug, Serialize)]
pub struct FileView {
    /// `source/...`, or `package/...` for the current package.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Option<Time>,
    /// A presigned download.
    pub url: String,
}

/// 201, with where the new thing is.
pub fn created(location: &str, body: impl Serialize) -> Response {
    (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(body),
    )
        .into_response()
}

/// The answer to a request that brought a job in: 202, or 201 for a draft, with where it is; or
/// 200 for one that an earlier request had brought in.
#[must_use]
pub fn job_answer(job: Job, documents: Documents, is_new: bool) -> Response {
    let status = match (is_new, job.status) {
        (false, _) => StatusCode::OK,
        (true, Status::Draft) => StatusCode::CREATED,
        (true, _) => StatusCode::ACCEPTED,
    };
    let location = format!("/api/jobs/{}", job.id);
    (
        status,
        [(header::LOCATION, location)],
        Json(JobView::new(job, documents)),
    )
        .into_response()
}
