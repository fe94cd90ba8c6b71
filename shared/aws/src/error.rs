//! Errors of calls to AWS.

use std::fmt::Display;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

/// A failed call to AWS. Its text is only for the operator's log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AwsError {
    /// The service is unavailable, slow or throttling. The same call may succeed later.
    #[error("{service} is unavailable: {detail}")]
    Unavailable {
        /// The service.
        service: &'static str,
        /// The error it returned.
        detail: String,
    },
    /// The service refused the call: a missing permission, a missing table, an invalid request.
    #[error("{service} refused the call: {detail}")]
    Refused {
        /// The service.
        service: &'static str,
        /// The error it returned.
        detail: String,
    },
    /// The data sent to a service or read from it is malformed.
    #[error("malformed data for {service}: {detail}")]
    Malformed {
        /// The service.
        service: &'static str,
        /// The fault in the data.
        detail: String,
    },
    /// Concurrent changes defeated every try. The same operation may succeed later.
    #[error("too many concurrent changes: {0}")]
    Contention(&'static str),
}

impl AwsError {
    /// Classifies an SDK error.
    pub fn from_sdk<E>(service: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let unavailable = match error {
            SdkError::ServiceError(answer) => {
                answer.err().code().is_some_and(is_transient)
                    || answer.raw().status().is_server_error()
            }
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        let detail = DisplayErrorContext(error).to_string();
        if unavailable {
            Self::Unavailable { service, detail }
        } else {
            Self::Refused { service, detail }
        }
    }

    /// Reports that the service is unavailable.
    pub fn unavailable(service: &'static str, detail: impl Display) -> Self {
        Self::Unavailable {
            service,
            detail: detail.to_string(),
        }
    }

    /// Reports malformed data sent to the service or read from it.
    pub fn malformed(service: &'static str, detail: impl Display) -> Self {
        Self::Malformed {
            service,
            detail: detail.to_string(),
        }
    }

    /// Returns `true` if the same call may succeed later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contention(_))
    }
}

/// Error codes of temporary failures: throttling and unavailability from the services' API
/// references, and `TransactionConflict`, since the other transaction ends on its own.
const TRANSIENT: [&str; 17] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "KmsThrottled",
    "OverLimit",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Returns `true` if an error code means a temporary failure.
#[must_use]
pub fn is_transient(code: &str) -> bool {
    TRANSIENT.contains(&code)
}
