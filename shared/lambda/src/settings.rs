//! The settings of a function: its environment variables, and the services built from them.

mod sign_in;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    time::Duration,
};

use api::{JobLimits, UserLimit};
use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jobs::Clock;
use live::{Connections, Pusher};
use store::{Store, UploadLimit};
use worker::{Files, Isolation, JobService, Metrics, Queue, Submissions, Sweeper, Worker};

pub use self::sign_in::SignIn;

const DAY: Duration = Duration::from_hours(24);
const GIB: u64 = 1024 * 1024 * 1024;

/// Looks up the value of a variable.
type Lookup = Box<dyn Fn(&str) -> Option<String>>;

/// Reads environment variables and builds the services of a function from them. Each method reads
/// only its own variables. A fault is recorded and replaced by an empty value, so that
/// [`Settings::check`] reports all faults at once.
pub struct Settings {
    lookup: Lookup,
    clock: Clock,
    /// Shared by all clients.
    http_client: SharedHttpClient,
    store: OnceCell<Store>,
    sqs: OnceCell<aws_sdk_sqs::Client>,
    requested: BTreeSet<&'static str>,
    faults: Vec<String>,
}

/// The faults of a function's settings.
#[derive(Debug, thiserror::Error)]
#[error("invalid settings: {}", .0.join("; "))]
pub struct SettingsError(Vec<String>);

impl Settings {
    /// Reads the settings from the environment.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads environment variables"
    )]
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Reads the settings through `lookup`, which returns the value of a variable.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            clock: Clock::system(),
            http_client: aws::http_client(),
            store: OnceCell::new(),
            sqs: OnceCell::new(),
            requested: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Checks that no faults were recorded.
    pub fn check(self) -> Result<(), SettingsError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(SettingsError(self.faults))
        }
    }

    /// Returns the variables read so far, except those of the Lambda platform.
    #[must_use]
    pub const fn requested(&self) -> &BTreeSet<&'static str> {
        &self.requested
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Builds the store, from `TABLE_NAME`.
    pub fn store(&mut self) -> Store {
        let table = self.required("TABLE_NAME");
        let new = || aws_sdk_dynamodb::Client::new(&self.client_config("dynamodb"));
        let store = self.store.get_or_init(|| Store::new(&new(), table));
        store.clone()
    }

    /// Builds the jobs queue, from `QUEUE_URL`.
    pub fn queue(&mut self) -> Queue {
        self.queue_at("QUEUE_URL")
    }

    /// Builds the dead-letter queue, from `DEAD_LETTER_QUEUE_URL`.
    pub fn dead_letter_queue(&mut self) -> Queue {
        self.queue_at("DEAD_LETTER_QUEUE_URL")
    }

    fn queue_at(&mut self, name: &'static str) -> Queue {
        let url = self.required(name);
        let new = || aws_sdk_sqs::Client::new(&self.client_config("sqs"));
        Queue::new(self.sqs.get_or_init(new).clone(), url)
    }

    /// Builds the bucket, from `BUCKET_NAME`.
    pub fn files(&mut self) -> Files {
        let client = aws_sdk_s3::Client::new(&self.client_config("s3"));
        Files::new(client, self.required("BUCKET_NAME"))
    }

    /// Builds the job service, with a limit on each user's running jobs from `USER_RUNNING_LIMIT`.
    /// Unset or 0 means no limit.
    pub fn limited_jobs(&mut self) -> JobService {
        let limit = self.number("USER_RUNNING_LIMIT").filter(|limit| *limit > 0);
        self.jobs().with_user_limit(limit)
    }

    /// Builds the job service.
    pub fn jobs(&mut self) -> JobService {
        JobService::new(self.store(), self.clock())
    }

    /// Builds the metrics, from `METRICS_NAMESPACE`.
    pub fn metrics(&mut self) -> Metrics {
        Metrics::new(self.required("METRICS_NAMESPACE"), self.clock())
    }

    /// Builds the service that creates jobs.
    pub fn submissions(&mut self) -> Submissions {
        Submissions::new(self.store(), self.queue(), self.clock(), self.retention())
    }

    /// Returns the address of the live channel, from `LIVE_URL`.
    pub fn live_url(&mut self) -> String {
        self.required("LIVE_URL")
    }

    /// Returns the origins of the pages that may connect to the live channel, from
    /// `LIVE_ORIGINS`, which is separated by commas. Of an address only its origin counts.
    pub fn live_origins(&mut self) -> Vec<String> {
        let urls = self.required("LIVE_ORIGINS");
        let urls = urls.split(',').map(str::trim);
        urls.filter(|url| !url.is_empty()).map(origin).collect()
    }

    /// Builds the connections of the live channel, from `CONNECTIONS_URL`.
    pub fn connections(&mut self) -> Connections {
        let url = self.required("CONNECTIONS_URL");
        let config = self.client_config_at(Some(url));
        Connections::new(aws_sdk_apigatewaymanagement::Client::new(&config))
    }

    /// Builds what pushes changes to the connections of the live channel.
    pub fn pusher(&mut self) -> Pusher {
        Pusher::new(self.store(), self.connections(), self.clock())
    }

    /// Builds a client of the event bus, and returns it with `EVENT_BUS_NAME`.
    pub fn event_bus(&mut self) -> (aws_sdk_eventbridge::Client, String) {
        let client = aws_sdk_eventbridge::Client::new(&self.client_config("eventbridge"));
        (client, self.required("EVENT_BUS_NAME"))
    }

    /// Builds the worker. The platform sets the memory of the function, in
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` (AWS Lambda Developer Guide, "Defined runtime environment
    /// variables").
    pub fn worker(&mut self, isolation: Isolation) -> Worker {
        let (store, mut files) = (self.store(), self.files());
        let memory = self.value("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        if let Some(memory) = memory.and_then(|text| text.parse().ok()) {
            files = files.with_memory(memory);
        }
        Worker::new(store, files, self.package_retention(), isolation)
    }

    /// Builds the sweeper.
    pub fn sweeper(&mut self) -> Sweeper {
        Sweeper::new(self.store(), self.queue(), self.files(), self.clock())
    }

    /// Returns the limits on a user's jobs, from `USER_OPEN_JOB_LIMIT` and `USER_DRAFT_LIMIT`.
    pub fn job_limits(&mut self) -> JobLimits {
        JobLimits {
            open: self.user_limit("USER_OPEN_JOB_LIMIT"),
            drafts: self.user_limit("USER_DRAFT_LIMIT"),
        }
    }

    /// Returns a limit on what one user may have, from the variable `name` and
    /// `ADMINS_EXEMPT_FROM_LIMITS`. Unset or 0 means no limit.
    pub fn user_limit(&mut self, name: &'static str) -> UserLimit {
        UserLimit {
            max: self.number(name).filter(|limit| *limit > 0),
            admins_exempt: self.admins_are_exempt(),
        }
    }

    /// Returns the limit on the source files of a release, from `RELEASE_FILE_LIMIT`,
    /// `RELEASE_SIZE_LIMIT_GIB` and `ADMINS_EXEMPT_FROM_LIMITS`.
    pub fn upload_limit(&mut self) -> UserLimit<UploadLimit> {
        let mut required = |name| {
            self.required(name);
            self.number(name).unwrap_or_default()
        };
        let limit = UploadLimit {
            files: required("RELEASE_FILE_LIMIT"),
            bytes: u64::from(required("RELEASE_SIZE_LIMIT_GIB")) * GIB,
        };
        UserLimit {
            max: Some(limit),
            admins_exempt: self.admins_are_exempt(),
        }
    }

    fn admins_are_exempt(&mut self) -> bool {
        self.optional("ADMINS_EXEMPT_FROM_LIMITS").as_deref() == Some("true")
    }

    /// Returns the retention of jobs, from `RETENTION_DAYS`.
    pub fn retention(&mut self) -> Duration {
        self.days("RETENTION_DAYS")
    }

    /// Returns the retention of replaced packages, from `PACKAGE_RETENTION_DAYS`.
    pub fn package_retention(&mut self) -> Duration {
        self.days("PACKAGE_RETENTION_DAYS")
    }

    /// Reads the files of a folder that is packaged beside the function's program, by their paths in it.
    pub fn packaged_files(&mut self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let read = std::env::current_exe()
            .and_then(|program| read_files(&program.with_file_name(folder), "", &mut files));
        if let Err(error) = read {
            self.faults.push(format!(
                "failed to read the packaged folder {folder}: {error}"
            ));
        }
        files
    }

    /// Returns the origins that the variable `name` lists, separated by commas. Of an address only
    /// its origin counts. Unset means none.
    pub fn origins(&mut self, name: &'static str) -> Vec<String> {
        let list = self.optional(name).unwrap_or_default();
        let origins: Vec<String> = list.split(',').map(|one| origin(one.trim())).collect();
        let is_plain = |c: char| c.is_ascii_graphic() && c != ';' && c != '\'';
        if !origins.iter().all(|origin| origin.chars().all(is_plain)) {
            self.faults.push(format!("{name} is not a list of origins"));
            return Vec::new();
        }
        origins.into_iter().filter(|one| !one.is_empty()).collect()
    }

    /// Builds the configuration of a service's client. `AWS_ENDPOINT_URL` sets a local AWS, and the
    /// same variable with the service's name sets the endpoint of one service (AWS SDKs and Tools
    /// Reference Guide, "Service-specific endpoints").
    fn client_config(&self, service: &str) -> SdkConfig {
        let specific = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
        let endpoint = self.value(&specific);
        let endpoint = endpoint.or_else(|| self.value("AWS_ENDPOINT_URL"));
        self.client_config_at(endpoint)
    }

    fn client_config_at(&self, endpoint: Option<String>) -> SdkConfig {
        aws::client_config(self.http_client.clone(), self.value("AWS_REGION"), endpoint)
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

/// Returns the origin of an address: its scheme, host and port (RFC 6454, section 4).
fn origin(url: &str) -> String {
    let path = url.find("://").and_then(|at| {
        let host = at + 3;
        url[host..].find('/').map(|length| host + length)
    });
    url[..path.unwrap_or(url.len())].to_ascii_lowercase()
}

/// Reads the files below `folder`; `prefix` begins their names.
fn read_files(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_files(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
