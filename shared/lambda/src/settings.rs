//! The settings of a function: its environment variables, and what is built from them.

use std::{collections::BTreeSet, time::Duration};

use api::auth::{KeySource, TokenRules};
use aws_config::SdkConfig;
use jobs::Clock;
use store::Store;
use worker::{Files, JobService, Metrics, Queue, Submissions, Sweeper, Worker};

/// How long the fetch of a JWKS may take.
const JWKS_TIMEOUT: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_hours(24);

/// Looks up the value of a variable.
type Lookup = Box<dyn Fn(&str) -> Option<String>>;

/// Reads environment variables and builds from them what a function needs. Each method reads its own variables, so a
/// function needs no others. A fault is recorded, and replaced by an empty value, so that [`Settings::check`] reports
/// all of them at once.
pub struct Settings {
    lookup: Lookup,
    clock: Clock,
    requested: BTreeSet<&'static str>,
    faults: Vec<String>,
}

/// The faults of a function's settings.
#[derive(Debug, thiserror::Error)]
#[error("invalid settings: {}", .0.join("; "))]
pub struct SettingsError(Vec<String>);

impl Settings {
    /// The settings in the function's environment.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads environment variables"
    )]
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The settings that `lookup` knows by name.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            clock: Clock::system(),
            requested: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Whether everything that was built has its variables.
    ///
    /// # Errors
    /// All faults.
    pub fn check(self) -> Result<(), SettingsError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(SettingsError(self.faults))
        }
    }

    /// The variables that have been read so far, but for those of the Lambda platform.
    #[must_use]
    pub const fn requested(&self) -> &BTreeSet<&'static str> {
        &self.requested
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The table: `TABLE_NAME`.
    pub fn store(&mut self) -> Store {
        let client = aws_sdk_dynamodb::Client::new(&self.client_config("dynamodb"));
        Store::new(client, self.required("TABLE_NAME"))
    }

    /// The jobs queue: `QUEUE_URL`.
    pub fn queue(&mut self) -> Queue {
        self.queue_at("QUEUE_URL")
    }

    /// The dead-letter queue: `DEAD_LETTER_QUEUE_URL`.
    pub fn dead_letter_queue(&mut self) -> Queue {
        self.queue_at("DEAD_LETTER_QUEUE_URL")
    }

    fn queue_at(&mut self, name: &'static str) -> Queue {
        let client = aws_sdk_sqs::Client::new(&self.client_config("sqs"));
        Queue::new(client, self.required(name))
    }

    /// The bucket: `BUCKET_NAME`.
    pub fn files(&mut self) -> Files {
        let client = aws_sdk_s3::Client::new(&self.client_config("s3"));
        Files::new(client, self.required("BUCKET_NAME"))
    }

    /// The job service over the table, with the limit of a user's running jobs: `USER_RUNNING_LIMIT`, without which all
    /// of them may run.
    pub fn limited_jobs(&mut self) -> JobService {
        let limit = self.number("USER_RUNNING_LIMIT").filter(|limit| *limit > 0);
        self.jobs().with_user_limit(limit)
    }

    /// The job service over the table.
    pub fn jobs(&mut self) -> JobService {
        JobService::new(self.store(), self.clock())
    }

    /// The metrics: `METRICS_NAMESPACE`.
    pub fn metrics(&mut self) -> Metrics {
        Metrics::new(self.required("METRICS_NAMESPACE"), self.clock())
    }

    /// Brings jobs into the table and the queue.
    pub fn submissions(&mut self) -> Submissions {
        Submissions::new(self.store(), self.queue(), self.clock(), self.retention())
    }

    /// The work of the job types, over the table and the bucket.
    pub fn worker(&mut self) -> Worker {
        Worker::new(self.store(), self.files(), self.package_retention())
    }

    /// The sweeper, over the table, the queue and the bucket.
    pub fn sweeper(&mut self) -> Sweeper {
        Sweeper::new(self.store(), self.queue(), self.files(), self.clock())
    }

    /// How long jobs are kept: `RETENTION_DAYS`.
    pub fn retention(&mut self) -> Duration {
        self.days("RETENTION_DAYS")
    }

    /// How long replaced packages are kept: `PACKAGE_RETENTION_DAYS`.
    pub fn package_retention(&mut self) -> Duration {
        self.days("PACKAGE_RETENTION_DAYS")
    }

    /// Where the keys of tokens come from: `TOKEN_SECRET_NAME`, or else `TOKEN_JWKS_URL`.
    pub fn key_source(&mut self) -> KeySource {
        let url = self.optional("TOKEN_JWKS_URL");
        if let Some(name) = self.optional("TOKEN_SECRET_NAME") {
            let config = self.client_config("secrets_manager");
            let client = aws_sdk_secretsmanager::Client::new(&config);
            return KeySource::Secret { client, name };
        }
        let client = reqwest::Client::builder().timeout(JWKS_TIMEOUT).build();
        let client = client.unwrap_or_else(|error| {
            self.faults
                .push(format!("failed to build an HTTP client: {error}"));
            reqwest::Client::new()
        });
        let url = url.unwrap_or_else(|| {
            let fault = "neither TOKEN_SECRET_NAME nor TOKEN_JWKS_URL is set";
            self.faults.push(fault.to_owned());
            String::new()
        });
        KeySource::Jwks { client, url }
    }

    /// The rules for tokens: `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_USER_CLAIM`, `TOKEN_ROLE_CLAIM`.
    pub fn token_rules(&mut self) -> TokenRules {
        TokenRules {
            issuer: self.optional("TOKEN_ISSUER"),
            audience: self.optional("TOKEN_AUDIENCE"),
            user_claim: self
                .optional("TOKEN_USER_CLAIM")
                .unwrap_or("sub".to_owned()),
            role_claim: self
                .optional("TOKEN_ROLE_CLAIM")
                .unwrap_or("role".to_owned()),
        }
    }

    /// The configuration of a service's client. A local AWS is found by `AWS_ENDPOINT_URL`, a single service by the
    /// same with its name (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
    fn client_config(&self, service: &str) -> SdkConfig {
        let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
        let endpoint = self.value(&own).or_else(|| self.value("AWS_ENDPOINT_URL"));
        aws::client_config(self.value("AWS_REGION"), endpoint)
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn optional(&mut self, name: &'static str) -> Option<String> {
        self.requested.insert(name);
        self.value(name)
    }

    fn required(&mut self, name: &'static str) -> String {
        let value = self.optional(name);
        value.unwrap_or_else(|| {
            self.faults.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn number(&mut self, name: &'static str) -> Option<u32> {
        let text = self.optional(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.faults.push(format!("{name} is not a number"));
        }
        number
    }

    fn days(&mut self, name: &'static str) -> Duration {
        if self.value(name).is_none() {
            self.required(name);
        }
        DAY * self.number(name).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let mut settings = Settings::new(|name| (name == "RETENTION_DAYS").then(|| "many".into()));
        settings.submissions();
        settings.key_source();
        let error = settings.check().unwrap_err().to_string();
        for fault in [
            "TABLE_NAME is not set",
            "QUEUE_URL is not set",
            "RETENTION_DAYS is not a number",
            "neither TOKEN_SECRET_NAME nor TOKEN_JWKS_URL is set",
        ] {
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn settings_without_a_fault_pass() {
        let mut settings = Settings::new(|_| Some("30".to_owned()));
        settings.sweeper();
        settings.limited_jobs();
        assert_eq!(settings.retention(), DAY * 30);
        settings.check().unwrap();
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let mut settings = Settings::new(|_| Some(String::new()));
        settings.store();
        assert!(settings.check().is_err());
    }
}
