//! Queues and buckets in memory.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a failed setup fails the test"
)]

pub mod bucket;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_s3::{
    config::{BehaviorVersion, Credentials, Region},
    operation::{
        get_object::GetObjectOutput,
        list_multipart_uploads::{ListMultipartUploadsError, ListMultipartUploadsOutput},
        list_objects_v2::ListObjectsV2Output,
    },
    primitives::ByteStream,
    types::Object,
};
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use jobs::{Clock, Time};
use store::{RunHandle, Store};

use crate::{Reporter, files::Files, heartbeat::Heartbeat, queue::Queue};

/// Lets the heartbeat of `run` beat every second for `seconds` after `start`. Before each beat, `work`
/// reports to `reporter`.
pub async fn beat_every_second(
    store: &Store,
    run: &RunHandle,
    reporter: &Reporter,
    start: Time,
    seconds: u8,
    mut work: impl FnMut(u8),
) {
    let never = Time::from_millis(i64::MAX);
    let elapsed = Arc::new(AtomicUsize::new(0));
    let read = Arc::clone(&elapsed);
    let clock = Clock::new(move || {
        let seconds = read.load(Ordering::Relaxed) as u64;
        start.after(Duration::from_secs(seconds))
    });
    let mut heartbeat = Heartbeat::new(store, run, reporter, &clock, never, false);
    for second in 1..=seconds {
        work(second);
        elapsed.store(second.into(), Ordering::Relaxed);
        heartbeat.beat().await;
    }
}

/// Returns a queue that accepts every message.
#[must_use]
pub fn queue() -> Queue {
    counted_queue().0
}

/// Returns a queue that accepts every message, and the number of messages sent.
#[must_use]
pub fn counted_queue() -> (Queue, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let sent = Arc::clone(&count);
    let rule = mock!(aws_sdk_sqs::Client::send_message).then_compute_output(move |_| {
        sent.fetch_add(1, Ordering::Relaxed);
        SendMessageOutput::builder().build()
    });
    (
        Queue::new(
            mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&rule]),
            "https://sqs.test/jobs",
        ),
        count,
    )
}

/// Returns an empty bucket.
#[must_use]
pub fn files() -> Files {
    let objects = mock!(aws_sdk_s3::Client::list_objects_v2)
        .then_output(|| ListObjectsV2Output::builder().build());
    let uploads = mock!(aws_sdk_s3::Client::list_multipart_uploads)
        .then_output(|| ListMultipartUploadsOutput::builder().build());
    Files::new(
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&objects, &uploads]),
        "bucket",
    )
}

/// Returns a bucket whose uploads cannot be listed.
#[must_use]
pub fn broken_files() -> Files {
    let uploads = mock!(aws_sdk_s3::Client::list_multipart_uploads).then_error(|| {
        let meta = aws_sdk_s3::error::ErrorMetadata::builder()
            .code("SlowDown")
            .build();
        ListMultipartUploadsError::generic(meta)
    });
    Files::new(
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&uploads]),
        "bucket",
    )
}

/// Returns a bucket that can only presign requests.
#[must_use]
pub fn signing_files() -> Files {
    Files::new(aws_sdk_s3::Client::from_conf(signing_config()), "bucket")
}

fn signing_config() -> aws_sdk_s3::Config {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build()
}

/// Returns a bucket whose every folder has one file with this text.
#[must_use]
pub fn files_with_text(text: &'static str) -> Files {
    let size = i64::try_from(text.len()).unwrap();
    let objects = mock!(aws_sdk_s3::Client::list_objects_v2).then_compute_output(move |call| {
        let object = Object::builder()
            .key(format!("{}book.txt", call.prefix().unwrap()))
            .size(size)
            .e_tag("1");
        ListObjectsV2Output::builder()
            .contents(object.build())
            .build()
    });
    let content = mock!(aws_sdk_s3::Client::get_object).then_compute_output(move |call| {
        // A presigned download asks for the whole file.
        let content = call.range().map_or(text, |range| {
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            &text[first.parse().unwrap()..=last.parse().unwrap()]
        });
        GetObjectOutput::builder()
            .body(ByteStream::from_static(content.as_bytes()))
            .build()
    });
    Files::new(
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&objects, &content]),
        "bucket",
    )
}

/// Returns a queue that refuses every message.
#[must_use]
pub fn broken_queue() -> Queue {
    let rule = mock!(aws_sdk_sqs::Client::send_message).then_error(|| {
        let meta = aws_sdk_sqs::error::ErrorMetadata::builder()
            .code("ServiceUnavailable")
            .build();
        SendMessageError::generic(meta)
    });
    Queue::new(
        mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&rule]),
        "https://sqs.test/jobs",
    )
}
