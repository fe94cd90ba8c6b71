//! Errors as clients see them: RFC 9457, in our words only.

use aws::AwsError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{FieldError, Status};
use serde::Serialize;

/// After how many seconds a client may try again.
const RETRY_AFTER: &str = "5";

/// An error answer.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// Boxed, as the cause is: every handler's `Result` has room for a problem.
    #[serde(rename = "type")]
    urn: Box<str>,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What went wrong on our side: for our log only.
    #[serde(skip)]
    cause: Option<Box<AwsError>>,
}

/// Why a job's status refuses a request.
#[derive(Clone, Copy, Debug)]
pub enum FinalJob {
    /// It cannot be cancelled any more.
    Cancel,
    /// It is no draft.
    Submit,
    /// It is no draft.
    Edit,
    /// It is not final, or it has completed.
    Retry,
    /// Its analysis is not finished.
    Analysis,
}

impl Problem {
    fn new(status: StatusCode, urn: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            urn: format!("urn:jobs:{urn}").into(),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            job_status: None,
            request_id: None,
            cause: None,
        }
    }

    /// 404: there is no such `resource` (`job`, `release`).
    #[must_use]
    pub fn not_found(resource: &str) -> Self {
        let detail = format!("There is no such {resource}.");
        Self::new(
            StatusCode::NOT_FOUND,
            &format!("{resource}-not-found"),
            "Not found",
            detail,
        )
    }

    /// 404: no route has this path.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "route-not-found",
            "Not found",
            "There is nothing at this address.",
        )
    }

    /// 405: the route has no such method.
    #[must_use]
    pub fn wrong_method() -> Self {
        let detail = "This address does not take this method.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 403: the `resource` is another user's.
    #[must_use]
    pub fn forbidden(resource: &str) -> Self {
        let detail = format!("This {resource} belongs to another user.");
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// 403: only an admin may ask for this.
    #[must_use]
    pub fn admins_only(what: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Forbidden",
            format!("Only an admin may {what}."),
        )
    }

    /// 401: the request reached the function without a caller.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized",
            "A bearer token is needed.",
        )
    }

    /// 400: fields of the body, or parameters, are at fault.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let first: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.message))
            .collect();
        let detail = format!("The request is not valid: {}.", first.join("; "));
        Self {
            errors,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "invalid-request",
                "Invalid request",
                detail,
            )
        }
    }

    /// 400: one field is at fault.
    #[must_use]
    pub fn invalid_field(field: &str, message: impl std::fmt::Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 400: the body is no JSON object.
    #[must_use]
    pub fn malformed() -> Self {
        let detail = "The body must be one JSON object.";
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed-body",
            "Malformed body",
            detail,
        )
    }

    /// 413: something is larger than its limit.
    #[must_use]
    pub fn too_large(what: &str, limit: usize) -> Self {
        let detail = format!("{what} must not be larger than {limit} bytes.");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            detail,
        )
    }

    /// 409: the job's status refuses the request.
    #[must_use]
    pub fn wrong_status(status: Status, refused: FinalJob) -> Self {
        let (urn, what) = match refused {
            FinalJob::Cancel => ("job-final", "it can no longer be cancelled"),
            FinalJob::Submit => ("job-not-draft", "only a draft can be submitted"),
            FinalJob::Edit => ("job-not-draft", "only a draft can be changed"),
            FinalJob::Retry => (
                "job-not-retryable",
                "only a failed or cancelled job can be tried again",
            ),
            FinalJob::Analysis => ("analysis-not-finished", "its analysis is not finished"),
        };
        let detail = format!("The job is {status}: {what}.");
        Self {
            job_status: Some(status),
            ..Self::new(StatusCode::CONFLICT, urn, "Conflict", detail)
        }
    }

    /// 409: another request of the same user has this idempotency key.
    #[must_use]
    pub fn key_reused() -> Self {
        let detail = "This Idempotency-Key has been used for another request.";
        Self::new(
            StatusCode::CONFLICT,
            "idempotency-key-reused",
            "Conflict",
            detail,
        )
    }

    /// 409: the id that was given is taken.
    #[must_use]
    pub fn id_taken() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "release-id-taken",
            "Conflict",
            "There is a release with this id already.",
        )
    }

    /// 409: the package cannot be made current.
    #[must_use]
    pub fn package_not_kept() -> Self {
        let detail = "This job built no package of the release, or it is no longer kept, or another became current \
                      meanwhile.";
        Self::new(StatusCode::CONFLICT, "package-not-kept", "Conflict", detail)
    }

    /// 409: the draft changed while it was being changed.
    #[must_use]
    pub fn changed_meanwhile() -> Self {
        let detail = "The draft was changed by another request meanwhile; try again.";
        Self::new(StatusCode::CONFLICT, "draft-changed", "Conflict", detail)
    }

    fn unavailable() -> Self {
        let detail = "A service that this needs is not available; try again in a few seconds.";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Service unavailable",
            detail,
        )
    }

    fn internal() -> Self {
        let detail = "Something went wrong on our side; tell us the request_id.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            detail,
        )
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// What went wrong, in words that are not for clients; none where the request is at fault.
    pub(super) fn cause(&self) -> Option<&AwsError> {
        self.cause.as_deref()
    }

    /// The answer, with the id under which the request stands in the logs.
    pub(super) fn into_answer(self, request_id: Option<String>) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&Self { request_id, ..self }).unwrap_or_default();
        // Set, not added: a body of bytes comes with a content type of its own.
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
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
    /// The problem travels as an extension: the outermost layer, which knows the request's id,
    /// writes it.
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
    fn a_problem_says_what_it_is_and_when_to_try_again() {
        for (problem, retry_after) in [
            (Problem::no_route(), None),
            (Problem::unavailable(), Some(RETRY_AFTER)),
        ] {
            let answer = problem.into_answer(None);
            let values = |name| answer.headers().get_all(name).iter().collect::<Vec<_>>();
            assert_eq!(values(header::CONTENT_TYPE), ["application/problem+json"]);
            assert_eq!(
                values(header::RETRY_AFTER),
                retry_after.into_iter().collect::<Vec<_>>()
            );
        }
    }
}
