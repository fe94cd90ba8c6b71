//! The documents of a job: its configuration and its result. Both are JSON and may be large.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{JobId, Time};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    DYNAMODB,
    item::{Item, parts_expire_at},
    keys::{self, Key},
    update::n,
};

/// The largest configuration stored in the job's item, in bytes. Every heartbeat writes that item and
/// is billed by its size in KB, so a larger configuration has a separate item.
pub(super) const MAX_INLINE_CONFIG_BYTES: usize = 512;

/// The largest result stored in the job's item, in bytes. An item of its own would take a transaction,
/// which costs twice as much, and the job is hardly written after its end. With it, the item is
/// normally below the 4 KB that half a read unit returns.
pub(super) const MAX_INLINE_RESULT_BYTES: usize = 2_048;

/// The documents of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// Its configuration.
    pub config: Map<String, Value>,
    /// Its result; `None` until it has completed.
    pub result: Option<Value>,
}

impl Documents {
    /// Reads the documents of the job `id`.
    ///
    /// # Errors
    /// If one is damaged. The error names it.
    pub(super) fn read(id: JobId, config: &str, result: Option<&str>) -> Result<Self, AwsError> {
        Ok(Self {
            config: from_json(config, &keys::job(id), "config")?,
            result: result
                .map(|result| from_json(result, &keys::job(id), "result"))
                .transpose()?,
        })
    }

    /// Reads the documents of the job `id` to show them. A damaged one is logged and left out.
    pub(super) fn readable(id: JobId, config: &str, result: Option<&str>) -> Self {
        Self {
            config: or_logged(from_json(config, &keys::job(id), "config")).unwrap_or_default(),
            result: result
                .and_then(|result| or_logged(from_json(result, &keys::job(id), "result"))),
        }
    }
}

/// Creates the item of a large document.
pub(super) fn document_item(id: JobId, sk: &str, body: String, expires_at: Time) -> Item {
    let key = keys::job_part(id, sk);
    Item::from([
        ("pk".to_owned(), key.pk()),
        ("sk".to_owned(), key.sk()),
        ("body".to_owned(), AttributeValue::S(body)),
        ("expires_at".to_owned(), n(expires_at.seconds())),
    ])
}

/// Takes the text out of the item of a large document.
pub(super) fn document_body(item: &mut Item) -> Option<String> {
    match item.remove("body") {
        Some(AttributeValue::S(body)) => Some(body),
        _ => None,
    }
}

/// The time at which a large configuration expires. A draft needs it for another lifetime after its
/// submission.
pub(super) fn config_expires_at(expires_at: Time, lifetime: Duration) -> Time {
    parts_expire_at(expires_at).after(lifetime)
}

pub(super) fn to_json(value: &Value) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(|error| AwsError::malformed(DYNAMODB, error))
}

/// Reads the document `name` of the item `key`.
///
/// # Errors
/// If it is damaged. The error names it, so that an operator can repair it.
pub(super) fn from_json<T: DeserializeOwned>(
    text: &str,
    key: &Key,
    name: &str,
) -> Result<T, AwsError> {
    serde_json::from_str(text).map_err(|error| {
        let Key { pk, sk } = key;
        AwsError::malformed(DYNAMODB, format!("{name} of {pk} {sk}: {error}"))
    })
}

/// Logs the error of a damaged document.
pub(super) fn or_logged<T>(document: Result<T, AwsError>) -> Option<T> {
    document
        .inspect_err(|error| tracing::error!(%error, "failed to read a stored document"))
        .ok()
}
