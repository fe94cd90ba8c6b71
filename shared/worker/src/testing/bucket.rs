//! A bucket in memory, for tests of the work on files in S3.

mod uploads;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_sdk_s3::{
    Client,
    config::{Builder, http::HttpResponse, retry::RetryConfig},
    error::ErrorMetadata,
    operation::{
        copy_object::{CopyObjectError, CopyObjectOutput},
        delete_object::DeleteObjectOutput,
        delete_objects::DeleteObjectsOutput,
        get_object::{GetObjectError, GetObjectOutput},
        head_object::HeadObjectOutput,
        list_objects_v2::ListObjectsV2Output,
        put_object::{PutObjectError, PutObjectOutput},
    },
    primitives::{ByteStream, SdkBody},
    types::Object,
};
use aws_smithy_mocks::{
    MockResponse, MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock,
    mock_client,
};
use jobs::testing::ManualClock;

use super::signing_config;
use crate::{
    files::{Files, StoredFile},
    reporter::Reporter,
};

/// The content of the bucket, and its faults.
#[derive(Default)]
pub struct State {
    /// The files by key.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The media type and the tags of each file that was written with both.
    pub labels: BTreeMap<String, (String, String)>,
    /// The open multipart uploads by id: key, parts.
    pub uploads: BTreeMap<String, (String, BTreeMap<i32, Vec<u8>>)>,
    /// The number of upcoming reads that break off in the middle.
    pub broken_reads: u32,
    /// `true` if the bucket answers that it is overloaded.
    pub down: bool,
    /// The operations called, in order.
    pub calls: Vec<&'static str>,
    /// The ranges read, in the order of their requests.
    pub reads: Vec<Range<usize>>,
    /// An action to run before a write, after the given number of other writes.
    pub before_write: Option<(u32, Box<dyn FnOnce() + Send>)>,
    /// A file to replace before a read, after the given number of other reads.
    pub replace: Option<(u32, String)>,
    /// The uploads that were created with checksums.
    checked_uploads: BTreeSet<String>,
    next_upload: u32,
}

/// A bucket in memory.
#[derive(Clone, Default)]
pub struct Bucket(Arc<Mutex<State>>);

impl Bucket {
    /// Locks its state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts a file.
    pub fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.state().objects.insert(key.to_owned(), bytes.into());
    }

    /// Returns a file as a listing would.
    #[must_use]
    pub fn listed(&self, key: &str) -> StoredFile {
        let bytes = &self.state().objects[key];
        StoredFile {
            key: key.to_owned(),
            size: bytes.len() as u64,
            last_modified: None,
            e_tag: Some(e_tag(bytes)),
        }
    }

    /// Returns the files below a prefix, by the rest of their keys.
    #[must_use]
    pub fn below(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let found = state
            .objects
            .iter()
            .filter_map(|(key, bytes)| Some((key.strip_prefix(prefix)?, bytes)));
        found
            .map(|(path, bytes)| (path.to_owned(), bytes.clone()))
            .collect()
    }

    /// Returns a handle to the bucket.
    #[must_use]
    pub fn files(&self) -> Files {
        let rules = [
            self.get_object(),
            self.list_objects(),
            self.delete_object(),
            self.list_uploads(),
            self.put_object(),
            self.delete_objects(),
            self.copy_object(),
            self.create_upload(),
            self.upload_part(),
            self.copy_part(),
            self.complete_upload(),
            self.head_object(),
            self.abort_upload(),
        ];
        let rules: Vec<&Rule> = rules.iter().collect();
        // The mock cannot answer the same call twice, so the SDK must not retry.
        let once = |config: Builder| config.retry_config(RetryConfig::disabled());
        Files::new(
            mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules[..], once),
            "bucket",
        )
    }

    /// Returns a handle that lists and deletes files, and signs requests, which it cannot send.
    #[must_use]
    pub fn listing_files(&self) -> Files {
        let interceptor = MockResponseInterceptor::new()
            .rule_mode(RuleMode::MatchAny)
            .with_rule(&self.list_objects())
            .with_rule(&self.delete_object())
            .allow_passthrough();
        let config = signing_config().to_builder().interceptor(interceptor);
        let config = config.http_client(create_mock_http_client());
        Files::new(Client::from_conf(config.build()), "bucket")
    }

    /// Returns the bucket for work that is never stopped.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn objects(&self) -> crate::objects::ObjectStore {
        crate::objects::ObjectStore::new(&self.files(), reporter())
    }

    /// Runs the action that is due before this write, if any.
    fn run_before_write(&self) {
        let due = {
            let mut state = self.state();
            match state.before_write.take() {
                Some((0, action)) => Some(action),
                Some((left, action)) => {
                    state.before_write = Some((left - 1, action));
                    None
                }
                None => None,
            }
        };
        if let Some(action) = due {
            action();
        }
    }

    fn get_object(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::get_object).then_compute_response(move |call| {
            let mut state = bucket.state();
            state.calls.push("get_object");
            let key = call.key().unwrap();
            if state.down {
                return MockResponse::Error(GetObjectError::generic(slow_down()));
            }
            if let Some((left, key)) = state.replace.take() {
                match left {
                    0 => drop(state.objects.insert(key, b"another".to_vec())),
                    _ => state.replace = Some((left - 1, key)),
                }
            }
            let Some(bytes) = state.objects.get(key) else {
                return MockResponse::Http(status(404));
            };
            if call
                .if_match()
                .is_some_and(|expected| expected != e_tag(bytes))
            {
                return MockResponse::Http(status(412));
            }
            let (start, end) = range(call.range().unwrap());
            let mut body = bytes[start..end.min(bytes.len())].to_vec();
            state.reads.push(start..end);
            if state.broken_reads > 0 {
                state.broken_reads -= 1;
                body.truncate(body.len() / 2);
            }
            let body = ByteStream::from(body);
            MockResponse::Output(GetObjectOutput::builder().body(body).build())
        })
    }

    fn list_objects(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::list_objects_v2).then_compute_output(move |call| {
            let mut state = bucket.state();
            state.calls.push("list_objects_v2");
            let mut output = ListObjectsV2Output::builder();
            let after = call.start_after().unwrap_or_default();
            let limit = call
                .max_keys()
                .map_or(usize::MAX, |max| usize::try_from(max).unwrap());
            let listed = state
                .objects
                .iter()
                .filter(|(key, _)| key.starts_with(call.prefix().unwrap()) && key.as_str() > after);
            output = output.is_truncated(listed.clone().count() > limit);
            for (key, bytes) in listed.take(limit) {
                let size = i64::try_from(bytes.len()).unwrap();
                output = output.contents(
                    Object::builder()
                        .key(key)
                        .size(size)
                        .e_tag(e_tag(bytes))
                        .build(),
                );
            }
            output.build()
        })
    }

    fn delete_object(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::delete_object).then_compute_output(move |call| {
            let mut state = bucket.state();
            state.calls.push("delete_object");
            state.objects.remove(call.key().unwrap());
            DeleteObjectOutput::builder().build()
        })
    }

    fn put_object(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::put_object).then_compute_response(move |call| {
            bucket.run_before_write();
            let mut state = bucket.state();
            state.calls.push("put_object");
            if state.down {
                return MockResponse::Error(PutObjectError::generic(slow_down()));
            }
            let body = call.body().bytes().unwrap().to_vec();
            if let Some((media_type, tags)) = call.content_type().zip(call.tagging()) {
                let labels = (media_type.to_owned(), tags.to_owned());
                state.labels.insert(call.key().unwrap().to_owned(), labels);
            }
            state.objects.insert(call.key().unwrap().to_owned(), body);
            MockResponse::Output(PutObjectOutput::builder().build())
        })
    }

    fn delete_objects(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::delete_objects).then_compute_output(move |call| {
            for object in call.delete().unwrap().objects() {
                bucket.state().objects.remove(object.key());
            }
            DeleteObjectsOutput::builder().build()
        })
    }

    fn copy_object(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::copy_object).then_compute_response(move |call| {
            bucket.run_before_write();
            let mut state = bucket.state();
            state.calls.push("copy_object");
            if state.down {
                return MockResponse::Error(CopyObjectError::generic(slow_down()));
            }
            let Some(bytes) = state
                .objects
                .get(&source_key(call.copy_source().unwrap()))
                .cloned()
            else {
                return MockResponse::Http(status(404));
            };
            if call
                .copy_source_if_match()
                .is_some_and(|expected| expected != e_tag(&bytes))
            {
                return MockResponse::Http(status(412));
            }
            state.objects.insert(call.key().unwrap().to_owned(), bytes);
            MockResponse::Output(CopyObjectOutput::builder().build())
        })
    }

    fn head_object(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::head_object).then_compute_response(move |call| {
            let state = bucket.state();
            let Some(bytes) = state.objects.get(call.key().unwrap()) else {
                return MockResponse::Http(status(404));
            };
            let size = i64::try_from(bytes.len()).unwrap();
            MockResponse::Output(HeadObjectOutput::builder().content_length(size).build())
        })
    }
}

/// Returns the reporter of a run without a heartbeat.
#[must_use]
pub fn reporter() -> Reporter {
    Reporter::new(ManualClock::default().clock(), 1)
}

fn e_tag(bytes: &[u8]) -> String {
    format!("\"{:08x}{}\"", crc32fast::hash(bytes), bytes.len())
}

fn checksum(bytes: &[u8]) -> String {
    format!("CRC-32 of {}", e_tag(bytes))
}

fn range(header: &str) -> (usize, usize) {
    let (start, last) = header
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    (start.parse().unwrap(), last.parse::<usize>().unwrap() + 1)
}

/// Returns the key in the source of a copy.
fn source_key(source: &str) -> String {
    let pair = format!("k={source}").replace('+', "%2B");
    let key = form_urlencoded::parse(pair.as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    key.strip_prefix("bucket/").unwrap().to_owned()
}

fn slow_down() -> ErrorMetadata {
    ErrorMetadata::builder().code("SlowDown").build()
}

fn status(code: u16) -> HttpResponse {
    HttpResponse::new(code.try_into().unwrap(), SdkBody::empty())
}
