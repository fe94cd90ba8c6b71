//! The configuration of AWS clients.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Creates the HTTP client that all clients of a function share. Each would otherwise build a TLS
/// configuration from the system's certificates, and open connections of its own.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    Builder::new().tls_provider(tls).build_https()
}

/// Configures clients for `region`, or for the services at `endpoint`: credentials from the
/// function's environment, and timeouts well below API Gateway's 30 seconds.
///
/// The SDK's default chain also looks for credentials where no function has them. Doing without it
/// saves a third of a function's code and start.
#[must_use]
pub fn client_config(
    http_client: SharedHttpClient,
    region: Option<String>,
    endpoint: Option<String>,
) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .http_client(http_client)
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .region(region.map(Region::new));
    config.set_endpoint_url(endpoint);
    config.build()
}
