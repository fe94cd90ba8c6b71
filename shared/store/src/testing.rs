//! An in-process table with the keys and indexes of the template, and a meter of its requests.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

mod meter;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Intercept, Region},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    },
};

pub use self::meter::{Cost, Meter};
use crate::Store;

/// The attributes that both indexes of releases project.
const RELEASE_FIELDS: [&str; 6] = [
    "id",
    "release_type",
    "name",
    "release_group",
    "title",
    "package",
];

/// The attributes that every index by owner, release or time projects.
const PROJECTED: [&str; 7] = [
    "status",
    "release_id",
    "job_type",
    "started_at",
    "finished_at",
    "error_code",
    "error_message",
];

/// Creates a store with an empty table in its own in-process DynamoDB.
pub async fn store() -> Store {
    metered_store().await.0
}

/// Creates a store like [`store`], with a meter of the capacity that each request consumes.
pub async fn metered_store() -> (Store, Meter) {
    store_in(dynoxide::Database::memory().unwrap()).await
}

/// Creates a metered store in the table `jobs` of `database`, which tests can also fill directly.
pub async fn store_in(database: dynoxide::Database) -> (Store, Meter) {
    let meter = Meter::default();
    let store = intercepted_store(&serve(database).await, meter.clone());
    (store, meter)
}

/// Creates a store in the table `jobs` of the `DynamoDB` at `endpoint`, whose requests pass through
/// `interceptor`.
#[must_use]
pub fn intercepted_store(endpoint: &str, interceptor: impl Intercept + 'static) -> Store {
    let config = client(endpoint).config().to_builder();
    let config = config.interceptor(interceptor).build();
    Store::new(&Client::from_conf(config), "jobs")
}

/// Serves `database`, with the table `jobs`, until the runtime stops. Returns its URL.
pub async fn serve(database: dynoxide::Database) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    create_table(&client(&endpoint)).await;
    endpoint
}

/// Creates an SDK client of the `DynamoDB` at `endpoint`.
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
    let with_owner: Vec<&str> = PROJECTED.iter().copied().chain(["created_by"]).collect();
    let call = client
        .create_table()
        .table_name("jobs")
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(&["pk"], &["sk"])))
        .global_secondary_indexes(index("by_owner", &["created_by"], &["id"], &PROJECTED))
        .global_secondary_indexes(index(
            "by_owner_phase",
            &["created_by"],
            &["phase", "id"],
            &PROJECTED,
        ))
        .global_secondary_indexes(index("by_release", &["release_id"], &["id"], &with_owner))
        .global_secondary_indexes(index("recent", &["bucket", "shard"], &["id"], &with_owner))
        .global_secondary_indexes(index(
            "releases_by_owner",
            &["user_id"],
            &["created_at"],
            &RELEASE_FIELDS,
        ))
        .global_secondary_indexes(index(
            "releases",
            &["kind"],
            &["created_at"],
            &[&RELEASE_FIELDS[..], &["user_id"]].concat(),
        ))
        .global_secondary_indexes(index("due", &["shard"], &["due_at"], &[]));
    let strings = ["pk", "sk", "phase", "kind"].map(|name| attribute(name, ScalarAttributeType::S));
    let numbers = [
        "id",
        "created_by",
        "release_id",
        "bucket",
        "shard",
        "due_at",
        "user_id",
        "created_at",
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
