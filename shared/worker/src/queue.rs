//! The jobs queue and its messages.

use std::{collections::HashMap, time::Duration};

use aws::AwsError;
use aws_sdk_sqs::{Client, types::MessageAttributeValue};
use jobs::{
    Caller, FieldError, FieldReader, JobId, MAX_KEY_CHARS, NewJob, ReadFields, UserId, parse_object,
};
use serde_json::json;

use crate::{
    dead_letter::{DeadLetterReason, Refusal},
    request::JobRequest,
};

const SQS: &str = "SQS";
/// Longest delay of a message (Amazon SQS API Reference, "`SendMessage`").
const MAX_DELAY: Duration = Duration::from_mins(15);

/// The attributes of a message.
type Attributes = HashMap<String, MessageAttributeValue>;

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

impl Message {
    /// Parses the body of a message.
    ///
    /// # Errors
    /// The message can never succeed.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        let object = parse_object(body.as_bytes()).map_err(|error| {
            Refusal::new(DeadLetterReason::NotJson, format!("the message {error}"))
        })?;
        FieldReader::read(object, "").map_err(|errors| invalid_fields(&errors))
    }
}

fn invalid_fields(errors: &[FieldError]) -> Refusal {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let detail = format!("the message has invalid fields: {}", errors.join("; "));
    Refusal::new(DeadLetterReason::InvalidFields, detail)
}

impl ReadFields for Message {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        if let Some(id) = fields.id("job_id") {
            return Some(Self::Job(id));
        }
        let request = JobRequest::read_submission(fields);
        let created_by = fields.required("created_by", FieldReader::id);
        let key = fields.line("idempotency_key", MAX_KEY_CHARS);
        // A producer acts for the user, never for an admin.
        let caller = Caller {
            user_id: created_by?,
            admin: false,
        };
        Some(Self::Submission {
            job: request.into_job(caller, false),
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

    /// Sends `body` unchanged, with attributes. If SQS refuses them, the body is sent alone: a body
    /// of the maximum size leaves no room for attributes.
    pub async fn send(&self, body: &str, attributes: Attributes) -> Result<(), AwsError> {
        match self.try_send(body, Some(attributes)).await {
            Err(AwsError::Refused { .. }) => self.try_send(body, None).await,
            sent => sent,
        }
    }

    async fn try_send(&self, body: &str, attributes: Option<Attributes>) -> Result<(), AwsError> {
        let call = self.client.send_message().queue_url(&self.url);
        let call = call.message_body(body).set_message_attributes(attributes);
        let sent = call.send().await;
        sent.map(drop)
            .map_err(|error| AwsError::from_sdk(SQS, &error))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::{
        error::ErrorMetadata,
        operation::send_message::{SendMessageError, SendMessageOutput},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    fn refused(body: &str) -> Refusal {
        Message::parse(body).unwrap_err()
    }

    /// Returns the names of the invalid fields.
    fn invalid_fields(body: &str) -> Vec<String> {
        assert_eq!(refused(body).reason, DeadLetterReason::InvalidFields);
        let object = serde_json::from_str(body).unwrap();
        let errors = FieldReader::read::<Message>(object, "").unwrap_err();
        errors.into_iter().map(|error| error.field).collect()
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
        let deep = format!(
            r#"{{"config_json": {}1{}}}"#,
            "[".repeat(64),
            "]".repeat(64)
        );
        let raw = r#"{"config_json": {"$serde_json::private::RawValue": "[[1]]"}}"#;
        for body in ["", "not json", "[]", "7", "null", &deep, raw] {
            assert_eq!(refused(body).reason, DeadLetterReason::NotJson, "{body}");
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
        let detail = refused(template).detail;
        assert!(detail.contains("config_json.template"), "{detail}");
        let detail = refused(r#"{"job_id": 5, "extra": 1}"#).detail;
        assert!(detail.contains("extra is not a known field"), "{detail}");
    }

    #[tokio::test]
    async fn message_without_room_for_attributes_is_sent_without_them() {
        let too_long = || {
            let meta = ErrorMetadata::builder().code("InvalidParameterValue");
            SendMessageError::generic(meta.build())
        };
        let with_attributes = mock!(Client::send_message)
            .match_requests(|request| request.message_attributes().is_some())
            .then_error(too_long);
        let alone = mock!(Client::send_message)
            .match_requests(|request| request.message_attributes().is_none())
            .then_output(|| SendMessageOutput::builder().build());
        let client = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&with_attributes, &alone]);
        let refusal = refused("not json");
        let attributes = refusal.attributes("message", "request").unwrap();
        let queue = Queue::new(client, "https://sqs.test/dead");
        queue.send("not json", attributes).await.unwrap();
        assert_eq!((with_attributes.num_calls(), alone.num_calls()), (1, 1));
    }
}
