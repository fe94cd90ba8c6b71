//! What a function is built from: its environment variables and AWS clients.

use std::time::Duration;

use api::auth::{KeySource, TokenRules};
use aws_config::SdkConfig;
use jobs::Clock;
use store::Store;
use worker::{
    files::Files,
    metrics::Metrics,
    queue::Queue,
    service::{JobService, Submissions, Sweeper},
};

/// The function's environment. Each part reads its own variables, so a function needs no others.
#[derive(Clone, Debug)]
pub struct Env {
    clock: Clock,
}

/// The environment lacks something.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// A variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(String),
    /// A variable's value cannot be used.
    #[error("the environment variable {0} is not a number")]
    NotANumber(&'static str),
    /// A client could not be built.
    #[error("a client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
}

impl Env {
    /// The function's own environment.
    #[must_use]
    pub fn load() -> Self {
        Self {
            clock: Clock::system(),
        }
    }

    /// The configuration of a service's client. A local AWS is found by `AWS_ENDPOINT_URL`, a single service
    /// by the same with its name (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
    fn config(service: &str) -> SdkConfig {
        let endpoint = variable(&format!(
            "AWS_ENDPOINT_URL_{}",
            service.to_ascii_uppercase()
        ))
        .or_else(|_| variable("AWS_ENDPOINT_URL"));
        aws::config(variable("AWS_REGION").ok(), endpoint.ok())
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The table: `TABLE_NAME`.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn store(&self) -> Result<Store, EnvError> {
        Ok(Store::new(
            aws_sdk_dynamodb::Client::new(&Self::config("dynamodb")),
            variable("TABLE_NAME")?,
        ))
    }

    /// The jobs queue: `QUEUE_URL`.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn queue(&self) -> Result<Queue, EnvError> {
        Ok(Queue::new(
            aws_sdk_sqs::Client::new(&Self::config("sqs")),
            variable("QUEUE_URL")?,
        ))
    }

    /// The dead-letter queue: `DEAD_LETTER_QUEUE_URL`.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn dead_letter_queue(&self) -> Result<Queue, EnvError> {
        Ok(Queue::new(
            aws_sdk_sqs::Client::new(&Self::config("sqs")),
            variable("DEAD_LETTER_QUEUE_URL")?,
        ))
    }

    /// The bucket: `BUCKET_NAME`.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn files(&self) -> Result<Files, EnvError> {
        Ok(Files::new(
            aws_sdk_s3::Client::new(&Self::config("s3")),
            variable("BUCKET_NAME")?,
        ))
    }

    /// The job service over the table.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn jobs(&self) -> Result<JobService, EnvError> {
        Ok(JobService::new(self.store()?, self.clock()))
    }

    /// Where metrics go: `METRICS_NAMESPACE`.
    ///
    /// # Errors
    /// When the variable is missing.
    pub fn metrics(&self) -> Result<Metrics, EnvError> {
        Ok(Metrics::new(variable("METRICS_NAMESPACE")?, self.clock()))
    }

    /// How many jobs of one user may run at a time: `USER_RUNNING_LIMIT`, without which all may.
    ///
    /// # Errors
    /// When the variable is no number.
    pub fn user_limit(&self) -> Result<Option<u32>, EnvError> {
        const NAME: &str = "USER_RUNNING_LIMIT";
        let Ok(limit) = variable(NAME) else {
            return Ok(None);
        };
        let limit: u32 = limit.parse().map_err(|_| EnvError::NotANumber(NAME))?;
        Ok(Some(limit).filter(|limit| *limit > 0))
    }

    /// Where jobs come in, over the table and the queue.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn submissions(&self) -> Result<Submissions, EnvError> {
        Ok(Submissions::new(
            self.store()?,
            self.queue()?,
            self.clock(),
            self.retention()?,
        ))
    }

    /// The sweeper, over the table, the queue and the bucket.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn sweeper(&self) -> Result<Sweeper, EnvError> {
        Ok(Sweeper::new(
            self.store()?,
            self.queue()?,
            self.files()?,
            self.clock(),
        ))
    }

    /// How long jobs are kept: `RETENTION_DAYS`.
    ///
    /// # Errors
    /// When the variable is missing, or no number.
    pub fn retention(&self) -> Result<Duration, EnvError> {
        days("RETENTION_DAYS")
    }

    /// How long packages that were replaced are kept: `PACKAGE_RETENTION_DAYS`.
    ///
    /// # Errors
    /// When the variable is missing, or no number.
    pub fn package_retention(&self) -> Result<Duration, EnvError> {
        days("PACKAGE_RETENTION_DAYS")
    }

    /// Where the keys of tokens come from: `TOKEN_SECRET_NAME`, or else `TOKEN_JWKS_URL`.
    ///
    /// # Errors
    /// When neither variable is set.
    pub fn token_keys(&self) -> Result<KeySource, EnvError> {
        if let Ok(name) = variable("TOKEN_SECRET_NAME") {
            return Ok(KeySource::Secret {
                client: aws_sdk_secretsmanager::Client::new(&Self::config("secrets_manager")),
                name,
            });
        }
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(3))
            .build()?;
        Ok(KeySource::Jwks {
            client,
            url: variable("TOKEN_JWKS_URL")?,
        })
    }

    /// What is asked of tokens: `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_USER_CLAIM`, `TOKEN_ROLE_CLAIM`.
    #[must_use]
    pub fn token_rules(&self) -> TokenRules {
        TokenRules {
            issuer: variable("TOKEN_ISSUER").ok(),
            audience: variable("TOKEN_AUDIENCE").ok(),
            user_claim: variable("TOKEN_USER_CLAIM").unwrap_or_else(|_| "sub".to_owned()),
            role_claim: variable("TOKEN_ROLE_CLAIM").unwrap_or_else(|_| "role".to_owned()),
        }
    }
}

fn days(name: &'static str) -> Result<Duration, EnvError> {
    let days: u32 = variable(name)?
        .parse()
        .map_err(|_| EnvError::NotANumber(name))?;
    Ok(Duration::from_secs(u64::from(days.max(1)) * 24 * 60 * 60))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads environment variables"
)]
fn variable(name: &str) -> Result<String, EnvError> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(EnvError::Missing(name.to_owned())),
    }
}
