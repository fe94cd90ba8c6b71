//! Requests to the API, and to the storage by signed URL.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, Body, Proxy, SendBody,
    config::Config,
    http::{Method, Request, Response, header},
    tls::{RootCerts, TlsConfig},
};

use crate::{
    error::{Error, Refusal},
    live::LiveConfig,
    retry::Retry,
    settings::Settings,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// API Gateway answers within 30 seconds. A file may take long, but not stall for that time.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// An answer of Lambda has 6 MB at most.
const MAX_ANSWER_BYTES: u64 = 16 << 20;
/// A refusal by the storage is short.
const MAX_REFUSAL_BYTES: u64 = 64 << 10;

/// A request to the API.
pub struct Call<'a> {
    /// The request in words, as an infinitive: "list jobs".
    pub action: &'a str,
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The JSON of the body.
    pub body: Option<Value>,
    /// The `Idempotency-Key`, which makes a POST safe to repeat.
    pub key: Option<String>,
}

impl Call<'_> {
    /// Returns whether a lost request may be sent again.
    fn is_safe(&self) -> bool {
        self.method != Method::POST || self.key.is_some()
    }
}

/// The API, as one user calls it.
pub struct Client {
    /// Repeats requests.
    pub retry: Retry,
    /// Sends each request once.
    pub connection: Connection,
    /// How a job is followed.
    pub live: LiveConfig,
}

/// The API, without repetitions. Clones share the open connections.
#[derive(Clone)]
pub struct Connection {
    agent: Agent,
    /// The API and its user.
    pub settings: Settings,
    /// Requests go by a proxy.
    pub has_proxy: bool,
}

impl Client {
    /// Creates a client with the user's settings.
    pub fn new(settings: Settings, retry: Retry) -> Self {
        Self {
            retry,
            connection: Connection::new(settings),
            live: LiveConfig::default(),
        }
    }

    /// Reads a resource.
    pub fn get(&self, action: &str, path: String) -> Result<Value, Error> {
        self.send(&Call {
            action,
            method: Method::GET,
            path,
            body: None,
            key: None,
        })
    }

    /// Reads a resource as the type of its parts that the client uses.
    pub fn read<T: DeserializeOwned>(&self, action: &str, path: String) -> Result<T, Error> {
        typed(action, self.get(action, path)?)
    }

    /// Sends a request, and returns the JSON of a successful answer, or null if it has no body.
    ///
    /// Repeats it after a lost connection or an outage if that is safe.
    pub fn send(&self, call: &Call) -> Result<Value, Error> {
        self.retry
            .run(call.is_safe(), || self.connection.send(call))
    }

    /// Sends a request to the storage, without the token. The answer is a successful one.
    pub fn send_signed(
        &self,
        action: &str,
        request: Request<SendBody>,
    ) -> Result<Response<Body>, Error> {
        let answer = self.connection.run(action, Ok(request))?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(refusal(action, answer))
        }
    }
}

impl Connection {
    fn new(settings: Settings) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        // No proxy reaches this machine.
        let proxy = (!settings.api.is_local())
            .then(Proxy::try_from_env)
            .flatten();
        let has_proxy = proxy.is_some();
        let config = Config::builder()
            .http_status_as_error(false)
            // A redirect would take the token, or a file, to another place.
            .max_redirects(0)
            .proxy(proxy)
            .tls_config(tls.build())
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(STALL_TIMEOUT))
            .timeout_per_write(Some(STALL_TIMEOUT))
            .user_agent(concat!("jobs-cli/", env!("CARGO_PKG_VERSION")));
        Self {
            agent: config.build().new_agent(),
            settings,
            has_proxy,
        }
    }

    /// Sends a request once.
    pub fn send(&self, call: &Call) -> Result<Value, Error> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.settings.api.as_str(), call.path))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.settings.token.reveal()),
            )
            .header(header::ACCEPT, "application/json");
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        let answer = if let Some(body) = &call.body {
            let request = request.header(header::CONTENT_TYPE, "application/json");
            self.run(call.action, request.body(body.to_string()))
        } else {
            self.run(call.action, request.body(()))
        };
        read_json(call.action, answer?)
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        action: &str,
        request: ureq::http::Result<Request<B>>,
    ) -> Result<Response<Body>, Error> {
        request
            .map_err(ureq::Error::from)
            .and_then(|request| self.agent.run(request))
            .map_err(|error| Error::from_http(action, &error))
    }
}

/// Reads the parts of an answer that the client uses.
pub fn typed<T: DeserializeOwned>(action: &str, answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer).map_err(|_| Error::not_the_api(action))
}

fn read_json(action: &str, mut answer: Response<Body>) -> Result<Value, Error> {
    if !answer.status().is_success() {
        return Err(refusal(action, answer));
    }
    let body = read_body(&mut answer, MAX_ANSWER_BYTES)
        .map_err(|error| Error::from_http(action, &error))?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).map_err(|error| {
        if error.is_eof() {
            Error::cut(action)
        } else {
            Error::not_the_api(action)
        }
    })
}

fn refusal(action: &str, mut answer: Response<Body>) -> Error {
    let retry_after = answer.headers().get(header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    // The status says enough if the body is lost.
    let body = read_body(&mut answer, MAX_REFUSAL_BYTES).unwrap_or_default();
    let wait = seconds.map(Duration::from_secs);
    Refusal::new(action, answer.status().as_u16(), wait, &body).into()
}

fn read_body(answer: &mut Response<Body>, limit: u64) -> Result<Vec<u8>, ureq::Error> {
    answer.body_mut().with_config().limit(limit).read_to_vec()
}

/// Builds a path with a query of those parameters that have a value.
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Returns a new random `Idempotency-Key`.
pub fn new_key() -> String {
    format!("jobs-cli-{:032x}", rand::random::<u128>())
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
