//! What tests of all crates share: a table in this process, a queue that remembers, a clock to set.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

mod meter;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    },
};
use aws_sdk_s3::{
    operation::{
        get_object::GetObjectOutput,
        list_multipart_uploads::{ListMultipartUploadsError, ListMultipartUploadsOutput},
        list_objects_v2::ListObjectsV2Output,
    },
    primitives::ByteStream,
    types::Object,
};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{RuleMode, mock, mock_client};

pub use self::meter::{Cost, Meter};
use crate::{
    auth::KeySource,
    files::Files,
    queue::Queue,
    store::Store,
    time::{Clock, Time},
};

/// The time at which a test's clock starts: 2026-11-23T00:00:00Z.
pub const START: Time = Time::from_millis(1_795_392_000_000);

const SHOWN: [&str; 7] = [
    "status",
    "release_id",
    "job_type",
    "started_at",
    "finished_at",
    "error_code",
    "error_message",
];

/// A clock that stands still until it is set forward.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.millis())))
    }
}

impl ManualClock {
    /// Sets it `seconds` forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// The clock as the library takes it. Each look at it is a millisecond later than the last.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || Time::from_millis(millis.fetch_add(1, Ordering::SeqCst)))
    }
}

/// A new, empty table with the template's keys and indexes, in a DynamoDB of its own.
pub async fn store() -> Store {
    metered_store().await.0
}

/// As [`store`], with what each request costs.
pub async fn metered_store() -> (Store, Meter) {
    store_in(dynoxide::Database::memory().unwrap()).await
}

/// As [`metered_store`], in a database that can be filled past the store: in its table `jobs`.
pub async fn store_in(database: dynoxide::Database) -> (Store, Meter) {
    let client = client(&serve(database).await);
    let meter = Meter::default();
    let metered = client
        .config()
        .to_builder()
        .interceptor(meter.clone())
        .build();
    (Store::new(Client::from_conf(metered), "jobs"), meter)
}

/// Serves a database in which there is the table `jobs`, as long as the runtime runs; gives its
/// address.
pub async fn serve(database: dynoxide::Database) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    create_table(&client(&endpoint)).await;
    endpoint
}

/// The SDK's client of the `DynamoDB` at `endpoint`.
#[must_use]
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

async fn create_table(client: &Client) {
    let with_owner: Vec<&str> = SHOWN.iter().copied().chain(["created_by"]).collect();
    let call = client
        .create_table()
        .table_name("jobs")
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(&["pk"], &["sk"])))
        .global_secondary_indexes(index("by_owner", &["created_by"], &["id"], &SHOWN))
        .global_secondary_indexes(index(
            "by_owner_phase",
            &["created_by"],
            &["phase", "id"],
            &SHOWN,
        ))
        .global_secondary_indexes(index("by_release", &["release_id"], &["id"], &with_owner))
        .global_secondary_indexes(index("recent", &["bucket", "shard"], &["id"], &with_owner))
        .global_secondary_indexes(index("due", &["shard"], &["due_at"], &[]));
    let strings = ["pk", "sk", "phase"].map(|name| attribute(name, ScalarAttributeType::S));
    let numbers = [
        "id",
        "created_by",
        "release_id",
        "bucket",
        "shard",
        "due_at",
    ]
    .map(|name| attribute(name, ScalarAttributeType::N));
    call.set_attribute_definitions(Some(strings.into_iter().chain(numbers).collect()))
        .send()
        .await
        .unwrap();
}

fn attribute(name: &str, scalar: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(scalar)
        .build()
        .unwrap()
}

fn keys(hash: &[&str], range: &[&str]) -> Vec<KeySchemaElement> {
    let element = |name: &&str, kind: KeyType| {
        KeySchemaElement::builder()
            .attribute_name(*name)
            .key_type(kind)
            .build()
            .unwrap()
    };
    let hash = hash.iter().map(|name| element(name, KeyType::Hash));
    hash.chain(range.iter().map(|name| element(name, KeyType::Range)))
        .collect()
}

fn index(name: &str, hash: &[&str], range: &[&str], include: &[&str]) -> GlobalSecondaryIndex {
    let keys = keys(hash, range);
    let include: Vec<String> = include
        .iter()
        .filter(|name| !hash.contains(name))
        .map(|name| (*name).to_owned())
        .collect();
    let projection = if include.is_empty() {
        Projection::builder()
            .projection_type(ProjectionType::KeysOnly)
            .build()
    } else {
        let projection = Projection::builder().projection_type(ProjectionType::Include);
        projection.set_non_key_attributes(Some(include)).build()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(keys))
        .projection(projection);
    index.build().unwrap()
}

/// A queue that takes every message.
#[must_use]
pub fn queue() -> Queue {
    counted_queue().0
}

/// The same, with the number of messages that it was sent.
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

/// A bucket with nothing in it.
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

/// A bucket whose uploads cannot be listed.
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

/// A bucket of which nothing is asked but signed addresses.
#[must_use]
pub fn signing_files() -> Files {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    Files::new(aws_sdk_s3::Client::from_conf(config), "bucket")
}

/// A bucket in which every folder has one file, of this text.
#[must_use]
pub fn files_of(text: &'static str) -> Files {
    let size = i64::try_from(text.len()).unwrap();
    let objects = mock!(aws_sdk_s3::Client::list_objects_v2).then_compute_output(move |asked| {
        let object = Object::builder()
            .key(format!("{}book.txt", asked.prefix().unwrap()))
            .size(size)
            .e_tag("1");
        ListObjectsV2Output::builder()
            .contents(object.build())
            .build()
    });
    let content = mock!(aws_sdk_s3::Client::get_object).then_compute_output(move |asked| {
        let (first, last) = asked
            .range()
            .unwrap()
            .trim_start_matches("bytes=")
            .split_once('-')
            .unwrap();
        let range = first.parse().unwrap()..=last.parse().unwrap();
        GetObjectOutput::builder()
            .body(ByteStream::from_static(&text.as_bytes()[range]))
            .build()
    });
    Files::new(
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&objects, &content]),
        "bucket",
    )
}

/// A queue that refuses every message.
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

/// Tokens that are signed with a secret in Secrets Manager, whose value is asked for at each call.
pub fn token_secret(value: impl Fn() -> String + Send + Sync + 'static) -> KeySource {
    let rule =
        mock!(aws_sdk_secretsmanager::Client::get_secret_value).then_compute_output(move |_| {
            GetSecretValueOutput::builder()
                .secret_string(value())
                .build()
        });
    let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, [&rule]);
    KeySource::Secret {
        client,
        name: "jobs/token".to_owned(),
    }
}
