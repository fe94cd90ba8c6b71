//! Processor time and allocations of a warm handler call, as ratios to the bare SDK call that it
//! wraps.
//!
//! DynamoDB runs in a process of its own, so that only the function is measured, from Lambda's
//! request to the bytes of the answer.
//!
//! `cargo bench -p tests --bench handlers` prints one JSON object per figure.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "support/server.rs"]
mod server;

use std::{alloc::System, cell::RefCell, collections::HashMap, fs, future::Future};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use axum::{body::Body, http::Request};
use common::{Api, FakeWork, Limits, OWNER, job_id};
use http_body_util::BodyExt;
use jobs::Event;
use lambda::telemetry;
use serde_json::json;
use server::{Server, serve_if_asked};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use store::{Store, testing::client};
use tower::ServiceExt;
use worker::testing::queue;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Number of calls of each kind.
const CALLS: usize = 2_000;
/// Calls of one kind in a row. Short turns spread noise over both kinds.
const TURN: usize = 100;
/// Maximum ratio of a handler to the bare call.
const LIMIT: f64 = 1.25;

/// The resources that calls used.
#[derive(Clone, Copy, Default)]
struct Usage {
    nanoseconds: u64,
    allocations: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    serve_if_asked().await;
    telemetry::start();
    let server = Server::start();
    let bench = Bench::new(&server.endpoint);
    bench.status().await;
    bench.list().await;
    bench.cancel().await;
}

struct Bench {
    api: Api,
    client: Client,
}

impl Bench {
    fn new(endpoint: &str) -> Self {
        let client = client(endpoint);
        // Each cancel needs an open job, with a release.
        let limits = Limits::new(100_000, 1, 100_000, (1, 1));
        let api = Api::limited(Store::new(&client, "jobs"), queue(), limits);
        Self { api, client }
    }

    async fn job(&self) -> u64 {
        self.api.create(json!({"job_type": "packaging"})).await
    }

    /// Builds the requests before the measurement.
    fn requests(method: &str, path: impl Fn(usize) -> String) -> RefCell<Vec<Request<Body>>> {
        RefCell::new(
            (0..CALLS)
                .map(|at| Api::request(OWNER, method, &path(CALLS - 1 - at), None, &[]))
                .collect(),
        )
    }

    async fn answer(&self, requests: &RefCell<Vec<Request<Body>>>) {
        let request = requests.borrow_mut().pop().unwrap();
        let response = self.api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(
            !response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }

    async fn status(&self) {
        let id = self.job().await;
        self.api
            .process(id, FakeWork::Complete(json!({"files": []})))
            .await;
        let requests = Self::requests("GET", |_| format!("/api/jobs/{id}/status"));
        let handler = async |_| self.answer(&requests).await;
        let bare = async |_| {
            let call = self
                .client
                .get_item()
                .table_name("jobs")
                .set_key(Some(key(id)))
                .consistent_read(false);
            assert!(call.send().await.unwrap().item.is_some());
        };
        compare("status", handler, bare).await;
    }

    async fn list(&self) {
        for _ in 0..50 {
            let id = self.job().await;
            self.api
                .process(id, FakeWork::Complete(json!({"files": []})))
                .await;
        }
        let requests = Self::requests("GET", |_| "/api/jobs".to_owned());
        let handler = async |_| self.answer(&requests).await;
        let bare = async |_| {
            let call = self
                .client
                .query()
                .table_name("jobs")
                .index_name("by_owner");
            let call =
                call.key_condition_expression("#owner = :owner AND #id BETWEEN :low AND :high");
            let call = call
                .expression_attribute_names("#owner", "created_by")
                .expression_attribute_names("#id", "id");
            let call = call.expression_attribute_values(":owner", number(OWNER.0));
            let call = call.expression_attribute_values(":low", number(1));
            let call = call.expression_attribute_values(":high", number((1 << 53) - 1));
            let page = call
                .scan_index_forward(false)
                .limit(51)
                .send()
                .await
                .unwrap();
            assert_eq!(page.count(), 51);
        };
        compare("list of 50", handler, bare).await;
    }

    async fn cancel(&self) {
        let mut jobs = Vec::new();
        for _ in 0..2 * CALLS {
            jobs.push(self.job().await);
        }
        let (ours, bare_ones) = jobs.split_at(CALLS);
        let requests = Self::requests("PUT", |at| format!("/api/jobs/{}/cancel", ours[at]));
        let handler = async |_| self.answer(&requests).await;
        let bare = async |at: usize| self.bare_cancel(bare_ones[at]).await;
        compare("cancel", handler, bare).await;
    }

    /// Cancels a job with the same write as the store.
    async fn bare_cancel(&self, id: u64) {
        let names = [
            "status",
            "phase",
            "updated_at",
            "finished_at",
            "closing",
            "log_seq",
            "message",
            "cancelled_by",
            "created_by",
            "lease_expires_at",
        ];
        let mut call = self
            .client
            .update_item()
            .table_name("jobs")
            .set_key(Some(key(id)))
            .update_expression(
                "SET #status = :status, #phase = :status, #updated_at = :now, #finished_at = :now, \
                 #closing = :closing, #log_seq = #log_seq + :one, #message = :message, \
                 #cancelled_by = :caller REMOVE #lease_expires_at",
            )
            .condition_expression("#status IN (:draft, :pending, :running) AND #created_by = :by")
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for name in names {
            call = call.expression_attribute_names(format!("#{name}"), name);
        }
        let text = |text: &str| AttributeValue::S(text.to_owned());
        for status in Event::Cancel.sources() {
            call = call.expression_attribute_values(format!(":{status}"), text(status.as_str()));
        }
        let closing = HashMap::from([
            ("at".to_owned(), number(1)),
            ("level".to_owned(), text("WARNING")),
            ("message".to_owned(), text("Cancelled by user 7")),
        ]);
        let caller = HashMap::from([
            ("user_id".to_owned(), number(OWNER.0)),
            ("admin".to_owned(), AttributeValue::Bool(false)),
        ]);
        let call = call
            .expression_attribute_values(":status", text(Event::Cancel.target().as_str()))
            .expression_attribute_values(":now", number(1))
            .expression_attribute_values(":by", number(OWNER.0))
            .expression_attribute_values(":message", text("Cancelled by user 7"))
            .expression_attribute_values(":closing", AttributeValue::M(closing))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":caller", AttributeValue::M(caller));
        assert!(call.send().await.unwrap().attributes.is_some());
    }
}

/// Makes both kinds of calls by turns, and prints the ratios of the handler to the bare call.
async fn compare<H: Future<Output = ()>, B: Future<Output = ()>>(
    name: &str,
    handler: impl Fn(usize) -> H,
    bare: impl Fn(usize) -> B,
) {
    let mut usage = [Usage::default(); 2];
    handler(0).await;
    bare(0).await;
    for turn in (1..CALLS).step_by(TURN) {
        let calls = turn..(turn + TURN).min(CALLS);
        add(&mut usage[0], &handler, calls.clone()).await;
        add(&mut usage[1], &bare, calls).await;
    }
    let [ours, theirs] = usage;
    print(name, "processor time", ours.nanoseconds, theirs.nanoseconds);
    print(
        name,
        "allocations",
        ours.allocations as u64,
        theirs.allocations as u64,
    );
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let micros = ours.nanoseconds as f64 / CALLS as f64 / 1_000.0;
    println!(
        "{}",
        json!({"name": format!("{name}, processor time"), "value": micros, "unit": "us"})
    );
}

async fn add<F: Future<Output = ()>>(
    usage: &mut Usage,
    call: impl Fn(usize) -> F,
    calls: std::ops::Range<usize>,
) {
    let (begun, region) = (processor_time(), Region::new(ALLOCATOR));
    for at in calls {
        call(at).await;
    }
    usage.allocations += region.change().allocations;
    usage.nanoseconds += processor_time() - begun;
}

/// Returns the processor time of this thread in nanoseconds: the first number of its `schedstat`
/// (Linux, `Documentation/scheduler/sched-stats`).
fn processor_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn print(name: &str, what: &str, ours: u64, theirs: u64) {
    let name = format!("{name}, {what}, ratio to the bare call");
    let ratio = ours as f64 / theirs as f64;
    println!(
        "{}",
        json!({"name": name, "value": ratio, "unit": "times", "goal_at_most": LIMIT})
    );
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(id: u64) -> HashMap<String, AttributeValue> {
    let pk = AttributeValue::S(format!("JOB#{}", job_id(id)));
    HashMap::from([
        ("pk".to_owned(), pk),
        ("sk".to_owned(), AttributeValue::S("META".to_owned())),
    ])
}
