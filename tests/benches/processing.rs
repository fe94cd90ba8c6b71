//! Jobs per second of one processor: short analyses one after another, with DynamoDB in a process
//! of its own and a bucket in memory.
//!
//! `cargo bench -p tests --bench processing` prints one JSON object per figure.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "support/server.rs"]
mod server;

use std::time::Instant;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use common::{Api, OWNER, RETENTION};
use lambda_runtime::{Context, LambdaEvent};
use process_jobs::process_jobs;
use serde_json::json;
use server::{Server, serve_if_asked};
use store::{Store, testing::client};
use worker::{
    Isolation, Metrics, Processor, Submissions, Worker,
    testing::{files_with_text, queue},
};

const JOBS: usize = 500;
const TEXT: &str = "Once upon a time\r\n";

#[tokio::main]
async fn main() {
    serve_if_asked().await;
    let server = Server::start();
    let api = Api::over(Store::new(&client(&server.endpoint), "jobs"), queue());
    let processor = processor(&api);
    let release = api.create_release().await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(
            api.create(json!({"job_type": "analysis", "release_id": release}))
                .await,
        );
    }
    let start = Instant::now();
    for id in &jobs {
        deliver(&processor, *id).await;
    }
    let seconds = start.elapsed().as_secs_f64();
    for id in jobs {
        assert_eq!(
            api.get(OWNER, &format!("/api/jobs/{id}/status")).await.1["status"],
            "completed"
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = JOBS as f64 / seconds;
    println!(
        "{}",
        json!({"name": "jobs from message to end, one processor", "value": rate, "unit": "jobs/s"})
    );
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
