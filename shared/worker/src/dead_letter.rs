//! Messages that can never succeed, and the dead letters that they become.

use std::{collections::HashMap, fmt::Display};

use aws::AwsError;
use aws_sdk_sqs::types::MessageAttributeValue;
use text::one_line;

/// Declares the reasons once: the variant, its code, and its meaning on the operator's page.
macro_rules! reasons {
    ($($variant:ident = $code:literal, $meaning:literal;)+) => {
        /// The reason for which a message can never succeed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum DeadLetterReason {
            $(#[doc = $meaning] $variant,)+
        }

        impl DeadLetterReason {
            /// All reasons, in the order of the operator's page.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable code, which a dead letter has as its attribute `reason`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Returns the meaning, as on the operator's page.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

reasons! {
    NotJson = "not_json", "the body is not a JSON object of at most 64 levels";
    InvalidFields = "invalid_fields", "a field is unknown, missing or invalid";
    KeyReused = "key_reused", "the idempotency key belongs to another job";
    UnknownJob = "unknown_job", "the job does not exist";
    UnknownRelease = "unknown_release", "the release does not exist";
    Forbidden = "forbidden", "the release belongs to another user than the one in `created_by`";
}

/// A message that can never succeed: its reason, and a text for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: DeadLetterReason,
    /// What is wrong with this message, on one line.
    pub detail: String,
}

impl Refusal {
    /// Creates a refusal.
    pub fn new(reason: DeadLetterReason, detail: impl Display) -> Self {
        Self {
            reason,
            detail: one_line(&detail.to_string()),
        }
    }

    /// Returns the attributes of the dead letter of the message `message_id`, which the invocation
    /// `request_id` moves.
    ///
    /// # Errors
    /// Never in practice: the data type is set.
    pub(crate) fn attributes(
        &self,
        message_id: &str,
        request_id: &str,
    ) -> Result<HashMap<String, MessageAttributeValue>, AwsError> {
        let texts = [
            ("reason", self.reason.as_str()),
            ("detail", &self.detail),
            ("message_id", message_id),
            ("request_id", request_id),
        ];
        // SQS refuses an empty value.
        let given = texts.into_iter().filter(|(_, text)| !text.is_empty());
        given
            .map(|(name, text)| Ok((name.to_owned(), attribute(text)?)))
            .collect()
    }
}

fn attribute(text: &str) -> Result<MessageAttributeValue, AwsError> {
    let value = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(text);
    value
        .build()
        .map_err(|error| AwsError::malformed("SQS", error))
}
