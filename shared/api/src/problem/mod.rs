//! Error responses as problem details (RFC 9457). They never contain text of a library or a
//! service.

mod types;

use std::{fmt::Display, time::Duration};

use aws::AwsError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{FieldError, InvalidJson, Job, Status};
use serde::{Serialize, Serializer};

pub use self::types::ProblemType;

/// The value of `Retry-After` during an outage, in seconds.
const RETRY_AFTER: u32 = 5;
/// The value of `Retry-After` while a user has too many open jobs, in seconds: the time after which
/// a client asks for a waiting job's status again.
const RETRY_OPEN_JOBS_AFTER: u32 = 30;

/// The largest number of errors that a problem lists. A body has room for thousands.
const MAX_ERRORS: usize = 20;

/// A kind of resource, which can be missing or belong to another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A job.
    Job,
    /// A release.
    Release,
    /// The analysis of an analysis job.
    Analysis,
}

impl Resource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Release => "release",
            Self::Analysis => "analysis",
        }
    }
}

/// An action on a job that the job's status can forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAction {
    /// Cancel the job, which must not be final.
    Cancel,
    /// Submit the job, which must be a draft.
    Submit,
    /// Edit the job, which must be a draft.
    Edit,
    /// Retry the job, which must be failed or cancelled.
    Retry,
    /// Read the analysis of the job, which must be completed.
    ReadAnalysis,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The pending and running jobs of a user.
    OpenJobs,
    /// The drafts of a user.
    Drafts,
    /// The releases of a user.
    Releases,
    /// The source files of a release.
    Files,
    /// The bytes of a release's source files.
    Bytes,
}

/// A limit that has been reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Reached {
    limit: u64,
    count: u64,
}

/// An error response.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(flatten, serialize_with = "serialize_type")]
    kind: ProblemType,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_status: Option<Status>,
    #[serde(flatten)]
    reached: Option<Reached>,
    /// The value of `Retry-After`, in seconds; `None` if time does not help.
    #[serde(skip)]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The internal cause, for the log only. It is boxed to keep the `Result` of each handler
    /// small.
    #[serde(skip)]
    cause: Option<Box<AwsError>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn serialize_type<S: Serializer>(kind: &ProblemType, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Members {
        r#type: &'static str,
        title: &'static str,
        status: u16,
    }
    let members = Members {
        r#type: kind.urn(),
        title: kind.title(),
        status: kind.status().as_u16(),
    };
    members.serialize(serializer)
}

impl Problem {
    fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            job_status: None,
            reached: None,
            retry_after: None,
            request_id: None,
            cause: None,
        }
    }

    /// 404: the resource does not exist.
    #[must_use]
    pub fn not_found(resource: Resource) -> Self {
        let kind = match resource {
            Resource::Job => ProblemType::JobNotFound,
            Resource::Release => ProblemType::ReleaseNotFound,
            Resource::Analysis => ProblemType::AnalysisNotFound,
        };
        let detail = format!("There is no such {}.", resource.as_str());
        Self::new(kind, detail)
    }

    /// 404: no route has this path.
    #[must_use]
    pub fn route_not_found() -> Self {
        Self::new(ProblemType::RouteNotFound, "There is no such route.")
    }

    /// 405: the route does not have this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "This route does not support this method.";
        Self::new(ProblemType::MethodNotAllowed, detail)
    }

    /// 403: the resource belongs to another user.
    #[must_use]
    pub fn forbidden(resource: Resource) -> Self {
        let detail = format!("This {} belongs to another user.", resource.as_str());
        Self::new(ProblemType::Forbidden, detail)
    }

    /// 403: only an admin may do this.
    #[must_use]
    pub fn admins_only(action: &str) -> Self {
        Self::new(
            ProblemType::Forbidden,
            format!("Only an admin may {action}."),
        )
    }

    /// 401: the request has no caller.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(ProblemType::Unauthorized, "A bearer token is required.")
    }

    /// 400: fields of the body, or parameters, are not valid. The detail names the first error and
    /// counts the others; `errors` lists at most 20.
    #[must_use]
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        let more = match errors.len() {
            0 | 1 => String::new(),
            count => format!("; and {} more", count - 1),
        };
        errors.truncate(MAX_ERRORS);
        let detail = format!("The request is not valid: {first}{more}.");
        Self {
            errors,
            ..Self::new(ProblemType::InvalidRequest, detail)
        }
    }

    /// 400: one field is not valid.
    #[must_use]
    pub fn invalid_field(field: &str, message: impl Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 400: the body is not a JSON object, or nests too deeply.
    #[must_use]
    pub fn malformed_body(error: InvalidJson) -> Self {
        Self::new(
            ProblemType::MalformedBody,
            format!("The request body {error}."),
        )
    }

    /// 413: the body or one of its fields is larger than its limit.
    #[must_use]
    pub fn too_large(name: &str, limit: usize) -> Self {
        let detail = format!("{name} must not be larger than {limit} bytes.");
        Self::new(ProblemType::TooLarge, detail)
    }

    /// 409: the job's status forbids the action.
    #[must_use]
    pub fn wrong_status(status: Status, action: JobAction) -> Self {
        let (kind, rule) = match action {
            JobAction::Cancel => (ProblemType::JobFinal, "it can no longer be cancelled"),
            JobAction::Submit => (ProblemType::JobNotDraft, "only a draft can be submitted"),
            JobAction::Edit => (ProblemType::JobNotDraft, "only a draft can be edited"),
            JobAction::Retry => (
                ProblemType::JobNotRetryable,
                "only a failed or cancelled job can be retried",
            ),
            JobAction::ReadAnalysis => (
                ProblemType::AnalysisNotFinished,
                "its analysis is not finished",
            ),
        };
        Self {
            job_status: Some(status),
            ..Self::new(kind, format!("The job is {status}: {rule}."))
        }
    }

    /// 409: a draft has changed since it was read. Its new status forbids the action, or another
    /// request edited it.
    #[must_use]
    pub fn not_as_seen(job: &Job, action: JobAction) -> Self {
        match job.status() {
            Status::Draft => Self::draft_changed(),
            status => Self::wrong_status(status, action),
        }
    }

    /// 409: the same user has used this idempotency key for another request.
    #[must_use]
    pub fn key_reused() -> Self {
        let detail = "This Idempotency-Key was already used for another request.";
        Self::new(ProblemType::IdempotencyKeyReused, detail)
    }

    /// 409: the release id is taken.
    #[must_use]
    pub fn id_taken() -> Self {
        let detail = "A release with this id already exists.";
        Self::new(ProblemType::ReleaseIdTaken, detail)
    }

    /// 409: the package cannot be restored.
    #[must_use]
    pub fn package_not_kept() -> Self {
        let detail = "The release has no replaced package of this job: it never had one, \
                      the package has expired, or the release has just changed.";
        Self::new(ProblemType::PackageNotKept, detail)
    }

    /// 429 or 409: there are `count` of what `limit` limits.
    #[must_use]
    pub fn limit_reached(what: Counted, limit: u64, count: u64) -> Self {
        let (kind, detail) = match what {
            Counted::OpenJobs => (
                ProblemType::TooManyOpenJobs,
                format!("The user has {count} open jobs, and may have at most {limit}."),
            ),
            Counted::Drafts => (
                ProblemType::TooManyDrafts,
                format!("The user has {count} drafts, and may have at most {limit}."),
            ),
            Counted::Releases => (
                ProblemType::TooManyReleases,
                format!("The user has {count} releases, and may have at most {limit}."),
            ),
            Counted::Files => (
                ProblemType::TooManyFiles,
                format!(
                    "The release has {count} source files, signed uploads included, and may have \
                     at most {limit}."
                ),
            ),
            Counted::Bytes => (
                ProblemType::ReleaseTooLarge,
                format!(
                    "The release has {count} bytes of source files, signed uploads included, and \
                     may have at most {limit}: there is no room for this one."
                ),
            ),
        };
        Self {
            reached: Some(Reached { limit, count }),
            retry_after: (what == Counted::OpenJobs).then_some(RETRY_OPEN_JOBS_AFTER),
            ..Self::new(kind, detail)
        }
    }

    /// Tells the client to try again after `time`, rounded up to seconds.
    #[must_use]
    pub fn retry_after(self, time: Duration) -> Self {
        Self {
            retry_after: Some(
                time.as_millis()
                    .div_ceil(1_000)
                    .try_into()
                    .unwrap_or(u32::MAX),
            ),
            ..self
        }
    }

    /// 409: another request edited the draft at the same time.
    fn draft_changed() -> Self {
        let detail = "Another request edited the draft at the same time; try again.";
        Self::new(ProblemType::DraftChanged, detail)
    }

    /// 409: a job or another request changed the release's metadata at the same time.
    #[must_use]
    pub fn release_changed() -> Self {
        let detail = "The release's metadata changed at the same time; try again.";
        Self::new(ProblemType::ReleaseChanged, detail)
    }

    fn unavailable() -> Self {
        let detail = "A service is temporarily unavailable; try again in a few seconds.";
        Self {
            retry_after: Some(RETRY_AFTER),
            ..Self::new(ProblemType::Unavailable, detail)
        }
    }

    fn internal() -> Self {
        let detail = "An internal error occurred; report it with the request_id.";
        Self::new(ProblemType::Internal, detail)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status().as_u16()
    }

    /// The internal cause, which clients do not see; `None` if the request is at fault.
    #[must_use]
    pub fn cause(&self) -> Option<&AwsError> {
        self.cause.as_deref()
    }

    /// Adds the id of the request, which the operator's log has too.
    #[must_use]
    pub fn with_request_id(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    /// Converts the problem into a response that contains `request_id`.
    pub(crate) fn into_answer(self, request_id: Option<String>) -> Response {
        let (status, retry_after) = (self.kind.status(), self.retry_after);
        let body = serde_json::to_vec(&self.with_request_id(request_id)).unwrap_or_default();
        // This replaces the default content type of a body of bytes.
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<AwsError> for Problem {
    fn from(error: AwsError) -> Self {
        let problem = if error.is_unavailable() {
            Self::unavailable()
        } else {
            Self::internal()
        };
        Self {
            cause: Some(Box::new(error)),
            ..problem
        }
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl IntoResponse for Problem {
    /// Attaches the problem as an extension. The outermost layer, which knows the request id,
    /// writes the response.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_that_time_solves_has_a_retry_after_header() {
        let reached = |what| Problem::limit_reached(what, 3, 3);
        let rest = Duration::from_millis(1_001);
        for (problem, retry_after) in [
            (Problem::route_not_found(), None),
            (Problem::unavailable(), Some("5")),
            (reached(Counted::OpenJobs), Some("30")),
            (reached(Counted::Drafts), None),
            (reached(Counted::Files).retry_after(rest), Some("2")),
        ] {
            let answer = problem.into_answer(None);
            let values = |name| answer.headers().get_all(name).iter().collect::<Vec<_>>();
            assert_eq!(values(header::CONTENT_TYPE), ["application/problem+json"]);
            let expected: Vec<_> = retry_after.into_iter().collect();
            assert_eq!(values(header::RETRY_AFTER), expected);
        }
    }
}
