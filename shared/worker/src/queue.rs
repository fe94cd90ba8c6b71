//! The jobs queue and its messages.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_sqs::Client;
use jobs::{FieldError, FieldReader, JobId, JobRequest, MAX_KEY_CHARS, NewJob, ReadFields, UserId};
use serde_json::{Map, Value, json};

use crate::config_check::check_config;

const SQS: &str = "SQS";
/// Longest delay of a message (Amazon SQS API Reference, "`SendMessage`").
const MAX_DELAY: Duration = Duration::from_mins(15);

/// The request in a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Work on an existing job.
    Job(JobId),
    /// Create a job, for a producer that bypasses the API.
    Submission {
        /// The job to create.
        job: NewJob,
        /// The idempotency key. With `None`, the message's id is the key.
        key: Option<String>,
    },
}

/// A message that can never succeed. Its text is the reason for the log.
#[derive(Debug, thiserror::Error)]
pub enum PoisonMessage {
    /// The body is not a JSON object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// Some fields are invalid.
    #[error("the message has invalid fields: {}", join(.0))]
    InvalidFields(Vec<FieldError>),
}

fn join(errors: &[FieldError]) -> String {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    errors.join("; ")
}

impl Message {
    /// Parses the body of a message.
    pub fn parse(body: &str) -> Result<Self, PoisonMessage> {
        let object: Map<String, Value> =
            serde_json::from_str(body).map_err(|_| PoisonMessage::NotAnObject)?;
        let message = FieldReader::read(object, "").map_err(PoisonMessage::InvalidFields)?;
        if let Self::Submission { job, .. } = &message
            && let Some(job_type) = job.job_type
        {
            check_config(job_type, &job.config).map_err(PoisonMessage::InvalidFields)?;
        }
        Ok(message)
    }
}

impl ReadFields for Message {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        if let Some(id) = fields.id("job_id") {
            return Some(Self::Job(id));
        }
        let request = JobRequest::read_submission(fields);
        let created_by = fields.required("created_by", FieldReader::id);
        let key = fields.line("idempotency_key", MAX_KEY_CHARS);
        Some(Self::Submission {
            job: request?.into_job(created_by?, false),
            key,
        })
    }
}

/// A queue of messages.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Creates a handle to the queue at `url`.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
        }
    }

    /// Sends the message that starts a job after `delay`, at most 15 minutes. The messages of one
    /// owner form a group: on a standard queue, the backlog of one user then does not delay the
    /// jobs of others (Amazon SQS Developer Guide, "Amazon SQS fair queues").
    ///
    /// # Errors
    /// The message may have been sent nevertheless.
    pub async fn send_job(
        &self,
        id: JobId,
        owner: UserId,
        delay: Duration,
    ) -> Result<(), AwsError> {
        // Rounded up to whole seconds: a message delivered early is treated as a duplicate.
        let delay = (delay + Duration::from_millis(999))
            .min(MAX_DELAY)
            .as_secs();
        let call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(json!({ "job_id": id }).to_string())
            .delay_seconds(i32::try_from(delay).unwrap_or(0))
            .message_group_id(format!("user-{owner}"));
        let sent = call.send().await;
        sent.map(drop)
            .map_err(|error| AwsError::from_sdk(SQS, &error))
    }

    /// Makes a received message visible again after `delay`.
    ///
    /// # Errors
    /// The message becomes visible after its current visibility timeout.
    pub async fn set_visibility_timeout(
        &self,
        receipt_handle: &str,
        delay: Duration,
    ) -> Result<(), AwsError> {
        let call = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let changed = call.send().await;
        changed
            .map(drop)
            .map_err(|error| AwsError::from_sdk(SQS, &error))
    }

    /// Sends `body` unchanged.
    pub async fn send(&self, body: String) -> Result<(), AwsError> {
        let call = self.client.send_message();
        let sent = call.queue_url(&self.url).message_body(body).send().await;
        sent.map(drop)
            .map_err(|error| AwsError::from_sdk(SQS, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid_fields(body: &str) -> Vec<String> {
        match Message::parse(body) {
            Err(PoisonMessage::InvalidFields(errors)) => {
                errors.into_iter().map(|error| error.field).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn message_names_a_job_or_submits_one() {
        let id = JobId::try_from(7_338_214_520_942_592).unwrap();
        let message = Message::parse(r#"{"job_id": 7338214520942592}"#).unwrap();
        assert_eq!(message, Message::Job(id));
        let body = r#"{"job_type": "packaging", "release_id": 42, "config_json": {}, "created_by": 7, "idempotency_key": "k"}"#;
        let Message::Submission { job, key } = Message::parse(body).unwrap() else {
            panic!("{body} is not parsed as a submission")
        };
        assert_eq!(job.created_by.get(), 7);
        assert_eq!(key.as_deref(), Some("k"));
        assert!(!job.draft);
    }

    #[test]
    fn poison_message_is_rejected_with_a_reason() {
        for body in ["", "not json", "[]", "7", "null"] {
            let result = Message::parse(body);
            assert!(matches!(result, Err(PoisonMessage::NotAnObject)), "{body}");
        }
        assert_eq!(
            invalid_fields(r#"{"job_id": "x"}"#),
            ["job_id", "job_type", "created_by"]
        );
        assert_eq!(invalid_fields(r#"{"job_id": 5, "extra": 1}"#), ["extra"]);
        assert_eq!(
            invalid_fields(r#"{"job_type": "juggling", "created_by": 7}"#),
            ["job_type"]
        );
        assert_eq!(
            invalid_fields(r#"{"job_type": "nfofix"}"#),
            ["release_id", "created_by"]
        );
        let template = r#"{"job_type": "packaging", "release_id": 42, "created_by": 7,
            "config_json": {"template": "{% if %}"}}"#;
        assert_eq!(invalid_fields(template), ["config_json.template"]);
        let error = Message::parse(r#"{"job_id": 5, "extra": 1}"#).unwrap_err();
        let reason = error.to_string();
        assert!(reason.contains("extra is not a known field"), "{reason}");
    }
}
