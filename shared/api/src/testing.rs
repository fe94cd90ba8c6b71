//! A token secret for tests.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use crate::auth::KeySource;

/// Creates a key source with a mocked Secrets Manager, which calls `value` for each request.
pub fn token_secret(value: impl Fn() -> String + Send + Sync + 'static) -> KeySource {
    let rule =
        mock!(aws_sdk_secretsmanager::Client::get_secret_value).then_compute_output(move |_| {
            GetSecretValueOutput::builder()
                .secret_string(value())
                .build()
        });
    let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, [&rule]);
    KeySource::Secret {
        client,
        name: "jobs/token".to_owned(),
    }
}
