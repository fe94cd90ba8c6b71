//! The reasons why a command ends without success, as a person reads them.

use std::{fmt, io, time::Duration};

use serde::Deserialize;
use thiserror::Error;

use crate::output::clean;

/// A command's failure. Its text never contains a token or a signed URL.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line or the settings are at fault.
    #[error("{0}")]
    Usage(String),
    /// The API or the storage refused the request.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The request or its answer was lost.
    #[error("failed to {action}: {reason}")]
    Network {
        /// The request, as an infinitive.
        action: String,
        /// The reason, as the HTTP client words it.
        reason: String,
        /// Another try may succeed.
        is_transient: bool,
    },
    /// The command cannot do its work with the files, or with the answer, that it found.
    #[error("{0}")]
    Failed(String),
    /// A file or folder of this machine is at fault.
    #[error("failed to {action}: {source}")]
    File {
        /// The action and its path, as an infinitive.
        action: String,
        /// The reason.
        source: io::Error,
    },
    /// The output was closed.
    #[error("failed to write the output: {0}")]
    Output(#[source] io::Error),
}

impl Error {
    /// Makes an error of a failed exchange.
    pub fn from_http(action: &str, error: &ureq::Error) -> Self {
        let is_transient = match error {
            // A certificate that is not trusted.
            ureq::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
            ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_)
            | ureq::Error::BodyStalled => true,
            _ => false,
        };
        let reason = match error {
            ureq::Error::Io(error) => error.to_string(),
            // It quotes the address, which may be signed.
            ureq::Error::BadUri(_) => "the address is not valid".to_owned(),
            error => error.to_string(),
        };
        Self::Network {
            action: action.to_owned(),
            reason,
            is_transient,
        }
    }

    /// Makes an error of an answer that ended early.
    pub fn cut(action: &str) -> Self {
        Self::Network {
            action: action.to_owned(),
            reason: "the answer ended early".to_owned(),
            is_transient: true,
        }
    }

    /// Makes an error of an answer that the API does not give.
    pub fn not_the_api(action: &str) -> Self {
        let reason = "the answer is not one of the jobs API; is its address right?";
        Self::Failed(format!("failed to {action}: {reason}"))
    }

    /// Makes an error of a file operation, given as an infinitive with the path.
    pub fn file(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            action: action.into(),
            source,
        }
    }

    /// Returns whether another try may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Network { is_transient, .. } => *is_transient,
            Self::Refused(refusal) => refusal.is_transient(),
            _ => false,
        }
    }

    /// Returns the wait that the server asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Returns whether the reader of the output has closed it, as `head` does.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A problem of RFC 9457, or a refusal by API Gateway.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
    request_id: Option<String>,
    /// Only in a refusal by API Gateway.
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    field: String,
    message: String,
}

/// An answer with a status that is no success.
#[derive(Debug)]
pub struct Refusal {
    /// The refused request, as an infinitive.
    action: String,
    /// The HTTP status.
    pub status: u16,
    /// The wait that the server asks for.
    pub retry_after: Option<Duration>,
    problem: Problem,
}

const UNAVAILABLE: u16 = 503;
const TOO_MANY_REQUESTS: u16 = 429;
const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;

impl Refusal {
    /// Reads a refusal. A body that is neither a problem nor a message is ignored.
    pub fn new(action: &str, status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        Self {
            action: action.to_owned(),
            status,
            retry_after,
            problem: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// Returns whether it passes on its own: an outage, or API Gateway's throttle. A limit of the
    /// user, which has the status of the throttle, does not.
    fn is_transient(&self) -> bool {
        let is_throttled = self.status == TOO_MANY_REQUESTS && self.problem.detail.is_none();
        self.status == UNAVAILABLE || is_throttled
    }

    fn write_problem(&self, f: &mut fmt::Formatter<'_>, detail: &str) -> fmt::Result {
        write!(f, "{}", clean(detail))?;
        // The detail names the first error.
        for error in self.problem.errors.iter().skip(1) {
            let (field, message) = (clean(&error.field), clean(&error.message));
            write!(f, "\n  {field}: {message}")?;
        }
        if let Some(id) = &self.problem.request_id {
            write!(f, "\n  request id: {}", clean(id))?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(detail) = &self.problem.detail {
            return self.write_problem(f, detail);
        }
        let (action, status) = (&self.action, self.status);
        match (&self.problem.message, status) {
            (Some(_), UNAUTHORIZED | FORBIDDEN) => {
                let advice = "the API does not accept the token; sign in again with 'jobs login'";
                write!(f, "failed to {action}: {advice}")
            }
            (Some(message), _) => {
                write!(f, "failed to {action}: {} ({status})", clean(message))
            }
            (None, _) => write!(f, "failed to {action}: the server answered {status}"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Error {
        Refusal::new("list jobs", status, None, body.as_bytes()).into()
    }

    #[test]
    fn problem_is_shown_with_all_its_errors_and_its_request_id() {
        let body = r#"{"type": "urn:jobs:invalid-request", "title": "Invalid request",
            "detail": "The request is not valid: limit is wrong (and 1 more).",
            "errors": [{"field": "limit", "message": "is wrong"},
                       {"field": "status", "message": "is unknown"}],
            "request_id": "JKJaXmPLvHcESHA="}"#;
        assert_eq!(
            refusal(400, body).to_string(),
            "The request is not valid: limit is wrong (and 1 more).\n  status: is unknown\n  \
             request id: JKJaXmPLvHcESHA="
        );
    }

    #[test]
    fn refused_token_leads_to_login() {
        for status in [401, 403] {
            let text = refusal(status, r#"{"message": "Forbidden"}"#).to_string();
            assert!(text.contains("'jobs login'"), "{text}");
        }
    }

    #[test]
    fn page_of_a_proxy_is_not_shown() {
        assert_eq!(
            refusal(502, "<html>\u{1b}[31m").to_string(),
            "failed to list jobs: the server answered 502"
        );
    }

    #[test]
    fn only_an_outage_and_the_throttle_pass_on_their_own() {
        let limit = r#"{"detail": "The user has 1000 open jobs.", "limit": 1000}"#;
        assert!(refusal(503, "").is_transient());
        assert!(refusal(429, r#"{"message": "Too Many Requests"}"#).is_transient());
        assert!(!refusal(429, limit).is_transient());
        assert!(!refusal(500, "").is_transient());
        assert!(!refusal(404, "").is_transient());
    }

    #[test]
    fn control_characters_of_an_answer_do_not_reach_the_terminal() {
        let text = refusal(400, r#"{"detail": "a\u001b[2Jb\u0007"}"#).to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
