//! Jobs that wait: for another job of their release, for their owner's limit, for a retry.

#[path = "../common/mod.rs"]
mod common;
mod gated_work;
mod releases;
mod retries;
mod user_limit;

use std::time::Duration;

use common::{Api, FakeWork, OWNER};
use jobs::Time;
use serde_json::{Value, json};
use worker::Processed;

/// Returns what a job waits for, according to its status. No attempt has begun.
async fn waiting_for(api: &Api, id: u64) -> Value {
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    assert_eq!(status["status"], "pending", "{status}");
    assert_eq!(status["attempt"], 0, "{status}");
    status["waiting_for"].clone()
}

/// Delivers a job's message; the work would complete at once.
async fn deliver(api: &Api, id: u64) -> Processed {
    api.process(id, FakeWork::Complete(json!({}))).await
}

/// Delivers a job's message and returns the delay until the next one.
async fn assert_waits(api: &Api, id: u64) -> Duration {
    match deliver(api, id).await {
        Processed::Waiting(_, delay) => delay,
        other => panic!("job {id} should wait: {other:?}"),
    }
}

async fn assert_finishes(api: &Api, id: u64) {
    let processed = deliver(api, id).await;
    assert!(matches!(processed, Processed::Finished(_)), "{processed:?}");
}

async fn assert_skipped(api: &Api, id: u64) {
    let processed = deliver(api, id).await;
    assert!(matches!(processed, Processed::Skipped(_)), "{processed:?}");
}

/// Allows for the test clock, which advances by a millisecond with each reading.
fn assert_shortly_after(time: Time, found: &Value) {
    let found = found.as_str().unwrap();
    let latest = time.after(Duration::from_millis(200)).to_string();
    assert!(
        time.to_string().as_str() <= found && found <= latest.as_str(),
        "{time} {found}"
    );
}
