//! Jobs per second of one processor, and where their time goes: short analyses one after another,
//! with DynamoDB in a process of its own and a bucket in memory.
//!
//! `cargo bench -p tests --bench processing` prints one JSON object per figure.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "support/server.rs"]
mod server;
#[path = "support/stopwatch.rs"]
mod stopwatch;

use std::time::Instant;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use common::{Api, OWNER, RETENTION};
use lambda_runtime::{Context, LambdaEvent};
use process_jobs::process_jobs;
use serde_json::{Value, json};
use server::{Server, serve_if_asked};
use stopwatch::Stopwatch;
use store::{Store, testing::client};
use worker::{
    Isolation, Metrics, Processor, Submissions, Worker,
    testing::{files_with_text, queue},
};

const JOBS: u32 = 500;
/// Requests to `DynamoDB` of a short job: its message's read and claim, its release, its log, its end.
const MAX_REQUESTS: f64 = 5.0;
const TEXT: &str = "Once upon a time\r\n";

#[tokio::main]
async fn main() {
    serve_if_asked().await;
    let server = Server::start();
    let stopwatch = Stopwatch::default();
    let client = stopwatch.time(&client(&server.endpoint));
    let api = Api::over(Store::new(&client, "jobs"), queue());
    let processor = processor(&api);
    let release = api.create_release().await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(
            api.create(json!({"job_type": "analysis", "release_id": release}))
                .await,
        );
    }
    let _ = stopwatch.take();
    let start = Instant::now();
    for id in &jobs {
        deliver(&processor, *id).await;
    }
    let seconds = start.elapsed().as_secs_f64();
    let operations = stopwatch.take();
    for id in jobs {
        assert_eq!(
            api.get(OWNER, &format!("/api/jobs/{id}/status")).await.1["status"],
            "completed"
        );
    }
    let jobs = f64::from(JOBS);
    print(
        &json!({"name": "jobs from message to end, one processor", "value": jobs / seconds, "unit": "jobs/s"}),
    );
    let count: u32 = operations.values().map(|requests| requests.count).sum();
    print(&json!({
        "name": "requests to DynamoDB of a short analysis", "value": f64::from(count) / jobs,
        "unit": "requests", "limit": MAX_REQUESTS,
    }));
    let mut others = seconds;
    for (operation, requests) in operations {
        let waited = requests.time.as_secs_f64();
        others -= waited;
        let name = format!("time of a short analysis in {operation}");
        print(&json!({"name": name, "value": waited / jobs * 1_000.0, "unit": "ms"}));
    }
    let name = "time of a short analysis besides DynamoDB";
    print(&json!({"name": name, "value": others / jobs * 1_000.0, "unit": "ms"}));
}

fn print(metric: &Value) {
    println!("{metric}");
}

fn processor(api: &Api) -> Processor {
    let worker = Worker::new(
        api.store.clone(),
        files_with_text(TEXT),
        RETENTION,
        Isolation::InProcess,
    );
    let submissions = Submissions::new(api.store.clone(), queue(), api.clock.clock(), RETENTION);
    Processor::new(
        api.service(),
        submissions,
        queue(),
        queue(),
        worker,
        Metrics::new("bench", api.clock.clock()),
    )
}

async fn deliver(processor: &Processor, id: u64) {
    let mut message = SqsMessage::default();
    message.body = Some(json!({ "job_id": id }).to_string());
    let mut event = SqsEvent::default();
    event.records = vec![message];
    let mut context = Context::default();
    context.deadline = u64::MAX;
    let answer = process_jobs(processor, LambdaEvent::new(event, context))
        .await
        .unwrap();
    assert!(answer.batch_item_failures.is_empty());
}
