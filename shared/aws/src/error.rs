//! How a call to AWS can fail.

use std::fmt::Display;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

/// A call to AWS that did not succeed. Its text is for the operator's log only.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AwsError {
    /// The service is unavailable, slow or throttling: the same call may succeed later.
    #[error("{service} is unavailable: {detail}")]
    Unavailable {
        /// The service.
        service: &'static str,
        /// What it answered.
        detail: String,
    },
    /// The service refused the call: a missing permission, a missing table, a request that is not valid.
    #[error("{service} refused the call: {detail}")]
    Refused {
        /// The service.
        service: &'static str,
        /// What it answered.
        detail: String,
    },
    /// The data sent to a service, or read from it, is not what it must be.
    #[error("malformed data for {service}: {detail}")]
    Malformed {
        /// The service.
        service: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Concurrent changes got in the way each time: the same operation may succeed later.
    #[error("concurrent changes got in the way: {0}")]
    Contention(&'static str),
}

impl AwsError {
    /// Classifies an error of the SDK.
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

    /// The service is unavailable.
    pub fn unavailable(service: &'static str, detail: impl Display) -> Self {
        Self::Unavailable {
            service,
            detail: detail.to_string(),
        }
    }

    /// The data sent to the service, or read from it, is malformed.
    pub fn malformed(service: &'static str, detail: impl Display) -> Self {
        Self::Malformed {
            service,
            detail: detail.to_string(),
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contention(_))
    }
}

/// Error codes that mean "not now": throttling and unavailability as the services' API references list them, and
/// `TransactionConflict`, since the other transaction ends by itself.
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

/// Whether an error code means "not now".
#[must_use]
pub fn is_transient(code: &str) -> bool {
    TRANSIENT.contains(&code)
}
