//! The types of problems, with their status codes and titles.

use axum::http::StatusCode;

/// Generates [`ProblemType`] from one row per type: variant, URN, status code, title.
macro_rules! problem_types {
    ($($variant:ident = $urn:literal, $status:ident, $title:literal;)+) => {
        /// The type of a problem, a stable URN for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ProblemType {
            $(#[doc = concat!("`urn:jobs:", $urn, "`.")] $variant,)+
        }

        impl ProblemType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The URN.
            #[must_use]
            pub const fn urn(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("urn:jobs:", $urn),)+
                }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }

            pub(super) const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }
        }
    };
}

problem_types! {
    InvalidRequest = "invalid-request", BAD_REQUEST, "Invalid request";
    MalformedBody = "malformed-body", BAD_REQUEST, "Malformed body";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Unauthorized";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden";
    JobNotFound = "job-not-found", NOT_FOUND, "Not found";
    ReleaseNotFound = "release-not-found", NOT_FOUND, "Not found";
    AnalysisNotFound = "analysis-not-found", NOT_FOUND, "Not found";
    RouteNotFound = "route-not-found", NOT_FOUND, "Not found";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    JobFinal = "job-final", CONFLICT, "Conflict";
    JobNotDraft = "job-not-draft", CONFLICT, "Conflict";
    JobNotRetryable = "job-not-retryable", CONFLICT, "Conflict";
    AnalysisNotFinished = "analysis-not-finished", CONFLICT, "Conflict";
    DraftChanged = "draft-changed", CONFLICT, "Conflict";
    IdempotencyKeyReused = "idempotency-key-reused", CONFLICT, "Conflict";
    ReleaseIdTaken = "release-id-taken", CONFLICT, "Conflict";
    ReleaseChanged = "release-changed", CONFLICT, "Conflict";
    PackageNotKept = "package-not-kept", CONFLICT, "Conflict";
    TooManyOpenJobs = "too-many-open-jobs", TOO_MANY_REQUESTS, "Limit reached";
    TooManyDrafts = "too-many-drafts", TOO_MANY_REQUESTS, "Limit reached";
    TooManyReleases = "too-many-releases", CONFLICT, "Limit reached";
    TooManyFiles = "too-many-files", CONFLICT, "Limit reached";
    ReleaseTooLarge = "release-too-large", CONFLICT, "Limit reached";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "Too large";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Service unavailable";
}
