//! The documents of a job that may be large: its configuration and its result, both JSON.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{JobId, Time};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    DYNAMODB,
    item::{Item, parts_expire_at},
    keys,
    update::n,
};

/// Up to this many bytes a document is kept in the job's item. Every heartbeat writes that item, and is billed by its
/// size in KB; a larger document has its own item.
pub(super) const MAX_INLINE_BYTES: usize = 512;

/// A job's documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// Its configuration.
    pub config: Map<String, Value>,
    /// Its result, once it has completed.
    pub result: Option<Value>,
}

impl Documents {
    pub(super) fn from_json(config: &str, result: Option<&str>) -> Result<Self, AwsError> {
        Ok(Self {
            config: from_json(config)?,
            result: result.map(from_json).transpose()?,
        })
    }
}

/// The item of a large document.
pub(super) fn document_item(id: JobId, sk: &str, body: String, expires_at: Time) -> Item {
    let key = keys::job_part(id, sk);
    Item::from([
        ("pk".to_owned(), key.pk()),
        ("sk".to_owned(), key.sk()),
        ("body".to_owned(), AttributeValue::S(body)),
        ("expires_at".to_owned(), n(expires_at.seconds())),
    ])
}

/// The text of a large document's item.
pub(super) fn document_body(item: &mut Item) -> Option<String> {
    match item.remove("body") {
        Some(AttributeValue::S(body)) => Some(body),
        _ => None,
    }
}

/// When a large configuration expires: a draft's may be needed for another lifetime, from the day of its submission.
pub(super) fn config_expires_at(expires_at: Time, lifetime: Duration) -> Time {
    parts_expire_at(expires_at).after(lifetime)
}

pub(super) fn to_json(value: &Value) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(|error| AwsError::malformed(DYNAMODB, error))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, AwsError> {
    serde_json::from_str(text).map_err(|error| AwsError::malformed(DYNAMODB, error))
}
