//! The jobs queue: what its messages say, and how they are sent.

use std::time::Duration;

use aws::{AwsError, classify};
use aws_sdk_sqs::Client;
use jobs::{FieldError, Fields, JobId, JobRequest, MAX_KEY_CHARS, NewJob, UserId};
use serde_json::{Map, Value, json};

const SQS: &str = "SQS";
/// The longest delay of a message (Amazon SQS API Reference, "`SendMessage`").
const MAX_DELAY: Duration = Duration::from_mins(15);

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Work on a job that exists.
    Job(JobId),
    /// Create a job, for a producer that does not go through the API.
    Submission {
        /// The job.
        job: NewJob,
        /// What makes a second message the same submission; without one, the message's id.
        key: Option<String>,
    },
}

/// A message that can never succeed.
#[derive(Debug, thiserror::Error)]
pub enum Poison {
    /// It is not one JSON object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// Its fields are at fault.
    #[error("the message's fields are at fault: {}", list(.0))]
    Fields(Vec<FieldError>),
}

fn list(errors: &[FieldError]) -> String {
    let errors: Vec<String> = errors
        .iter()
        .map(|error| format!("{} {}", error.field, error.message))
        .collect();
    errors.join("; ")
}

impl Message {
    /// Reads a message's body.
    ///
    /// # Errors
    /// When the message can never succeed, with the reason for the log.
    pub fn parse(body: &str) -> Result<Self, Poison> {
        let object: Map<String, Value> =
            serde_json::from_str(body).map_err(|_| Poison::NotAnObject)?;
        let mut fields = Fields::new(object, "");
        if let Some(id) = fields.id("job_id") {
            return fields
                .finish()
                .map(|()| Self::Job(id))
                .map_err(Poison::Fields);
        }
        let request = JobRequest::read(&mut fields);
        fields.require("job_type", request.job_type);
        let created_by: Option<UserId> = fields.id("created_by");
        let created_by = fields.require("created_by", created_by);
        let key = fields.line("idempotency_key", MAX_KEY_CHARS);
        fields.finish().map_err(Poison::Fields)?;
        let created_by = created_by.ok_or_else(|| Poison::Fields(Vec::new()))?;
        Ok(Self::Submission {
            job: request.into_job(created_by, false),
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
    /// The queue at `url`, through `client`.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
        }
    }

    /// Asks the processor to work on a job, after `delay` (15 minutes at the most). The owner's
    /// messages are one group: on a standard queue that makes it fair, so that one user's backlog
    /// does not hold up another's job (Amazon SQS Developer Guide, "Amazon SQS fair queues").
    ///
    /// # Errors
    /// When SQS cannot be asked. The message may have been sent all the same.
    pub async fn send_job(
        &self,
        id: JobId,
        owner: UserId,
        delay: Duration,
    ) -> Result<(), AwsError> {
        // In whole seconds, and rather late than early: one that comes early is not taken.
        let delay = i32::try_from(
            (delay + Duration::from_millis(999))
                .min(MAX_DELAY)
                .as_secs(),
        )
        .unwrap_or(0);
        let call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(json!({ "job_id": id }).to_string());
        let call = call
            .delay_seconds(delay)
            .message_group_id(format!("user-{owner}"));
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| classify(SQS, &error))
    }

    /// Lets a message that was received be delivered again after `delay`, instead of when its
    /// visibility timeout is over.
    ///
    /// # Errors
    /// When SQS cannot be asked: the message comes after its visibility timeout.
    pub async fn deliver_again(
        &self,
        receipt_handle: &str,
        delay: Duration,
    ) -> Result<(), AwsError> {
        let delay = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let call = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle);
        call.visibility_timeout(delay)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify(SQS, &error))
    }

    /// Sends a body as it is.
    ///
    /// # Errors
    /// When SQS cannot be asked.
    pub async fn send(&self, body: String) -> Result<(), AwsError> {
        let call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| classify(SQS, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<String> {
        match Message::parse(body) {
            Err(Poison::Fields(errors)) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_names_a_job_or_submits_one() {
        let id = JobId::try_from(7_338_214_520_942_592).unwrap();
        assert_eq!(
            Message::parse(r#"{"job_id": 7338214520942592}"#).unwrap(),
            Message::Job(id)
        );
        let body = r#"{"job_type": "packaging", "release_id": 42, "config_json": {}, "created_by": 7, "idempotency_key": "k"}"#;
        let Message::Submission { job, key } = Message::parse(body).unwrap() else {
            panic!("a submission")
        };
        assert_eq!(job.created_by.get(), 7);
        assert_eq!(key.as_deref(), Some("k"));
        assert!(!job.draft);
    }

    #[test]
    fn poison_is_recognised_with_its_reason() {
        for body in ["", "not json", "[]", "7", "null"] {
            assert!(
                matches!(Message::parse(body), Err(Poison::NotAnObject)),
                "{body}"
            );
        }
        assert_eq!(
            faults(r#"{"job_id": "x"}"#),
            ["job_id", "job_type", "created_by"]
        );
        assert_eq!(faults(r#"{"job_id": 5, "extra": 1}"#), ["extra"]);
        assert_eq!(
            faults(r#"{"job_type": "juggling", "created_by": 7}"#),
            ["job_type"]
        );
        assert_eq!(faults(r#"{"job_type": "nfofix"}"#), ["created_by"]);
        let reason = Message::parse(r#"{"job_id": 5, "extra": 1}"#)
            .unwrap_err()
            .to_string();
        assert!(reason.contains("extra is not a known field"), "{reason}");
    }
}
