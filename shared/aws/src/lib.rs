//! What every AWS client of ours shares: its configuration, and how its errors are told apart.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

/// A call to AWS that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AwsError {
    /// The service is unavailable, slow or throttling: the same call may succeed later.
    #[error("{service} is unavailable: {detail}")]
    Unavailable {
        /// Which service.
        service: &'static str,
        /// What it said, for the operator's log only.
        detail: String,
    },
    /// Anything else: a missing permission, a missing table, a mistake of ours.
    #[error("{service} refused: {detail}")]
    Refused {
        /// Which service.
        service: &'static str,
        /// What it said, for the operator's log only.
        detail: String,
    },
}

impl AwsError {
    /// An error of `service`, which may pass or not.
    #[must_use]
    pub const fn new(service: &'static str, unavailable: bool, detail: String) -> Self {
        if unavailable {
            Self::Unavailable { service, detail }
        } else {
            Self::Refused { service, detail }
        }
    }

    /// What went wrong with the data that a service holds or returned.
    pub fn data(service: &'static str, detail: impl std::fmt::Display) -> Self {
        Self::Refused {
            service,
            detail: detail.to_string(),
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Error codes that say "not now". Throttling and unavailability as the services' API references
/// list them; `TransactionConflict` because the other transaction ends by itself.
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

/// Whether an error code says "not now".
#[must_use]
pub fn is_transient(code: &str) -> bool {
    TRANSIENT.contains(&code)
}

/// Tells an SDK error apart.
pub fn classify<E>(service: &'static str, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let unavailable = match error {
        SdkError::ServiceError(refusal) => {
            refusal.err().code().is_some_and(is_transient)
                || refusal.raw().status().is_server_error()
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let detail = DisplayErrorContext(error).to_string();
    AwsError::new(service, unavailable, detail)
}

/// The configuration of clients in `region`, or of the services at `endpoint`: credentials from the
/// function's environment, and time-outs well below API Gateway's 30 seconds.
///
/// Built without the SDK's default chain, which looks for credentials where no function has them:
/// it is a third of a function's code, and of its start.
#[must_use]
pub fn config(region: Option<String>, endpoint: Option<String>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .region(region.map(Region::new));
    config.set_endpoint_url(endpoint);
    config.build()
}
