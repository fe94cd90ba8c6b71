//! Retries after errors and outages, and messages that change nothing.

use std::time::Duration;

use jobs::testing::START;
use serde_json::{Value, json};
use worker::Processed;

use crate::{
    assert_shortly_after, assert_skipped,
    common::{ADMIN, Api, FakeWork, OWNER},
    deliver,
    gated_work::{GatedWork, start},
};

async fn analysis(api: &Api) -> u64 {
    api.create(json!({"job_type": "analysis"})).await
}

/// Processes a job with work that ends its attempt early, and returns the delay of the next one.
async fn process_until_retry(api: &Api, id: u64, work: FakeWork) -> Duration {
    let Processed::Waiting(job, delay) = api.process(id, work).await else {
        panic!("the job should wait")
    };
    assert_eq!(job.attempt, 1);
    delay
}

#[tokio::test]
async fn outage_defers_a_job_for_longer_each_time() {
    let api = Api::new().await;
    let id = analysis(&api).await;
    for seconds in [20, 40, 80, 160, 300, 300] {
        let delay = process_until_retry(&api, id, FakeWork::Outage).await;
        let (min, max) = (seconds, seconds + seconds / 2);
        assert!(delay >= Duration::from_secs(min), "{min}: {delay:?}");
        assert!(delay <= Duration::from_secs(max), "{max}: {delay:?}");
        let delay = i64::try_from(delay.as_secs()).unwrap();
        api.clock.advance(delay);
    }
}

#[tokio::test]
async fn status_shows_when_a_failed_attempt_is_retried() {
    let api = Api::new().await;
    let id = analysis(&api).await;
    let delay = process_until_retry(&api, id, FakeWork::IoError).await;
    assert!((5_000..=7_500).contains(&delay.as_millis()), "{delay:?}");
    let path = format!("/api/jobs/{id}/status");
    let (_, status) = api.get(OWNER, &path).await;
    let waiting_for = &status["waiting_for"];
    assert_eq!(waiting_for["reason"], "backoff", "{status}");
    assert_shortly_after(START.after(delay), &waiting_for["until"]);
    // A message that is already on its way does not shorten the delay.
    assert_skipped(&api, id).await;
    api.clock.advance(8);
    deliver(&api, id).await;
    let (_, status) = api.get(OWNER, &path).await;
    let waiting_for = status.get("waiting_for");
    assert!(waiting_for.is_none_or(Value::is_null), "{status}");
}

#[tokio::test]
async fn job_cancelled_before_its_retry_never_runs() {
    let api = Api::new().await;
    let id = analysis(&api).await;
    api.process(id, FakeWork::IoError).await;
    let path = format!("/api/jobs/{id}");
    let cancel = format!("{path}/cancel");
    assert_eq!(api.send(OWNER, "PUT", &cancel, None).await.0, 200);
    assert_skipped(&api, id).await;
    assert_eq!(api.get(OWNER, &path).await.1["status"], "cancelled");
}

#[tokio::test]
async fn cancel_of_a_running_job_says_when_it_stops() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let (pending, running) = (analysis(&api).await, analysis(&api).await);
    let run = start(api.service(), running, &work).await;
    let cancel = async |id| {
        let path = format!("/api/jobs/{id}/cancel");
        api.send(OWNER, "PUT", &path, None).await.1
    };
    let receipt = cancel(running).await;
    assert_shortly_after(START.after(Duration::from_secs(5)), &receipt["stops_by"]);
    let receipt = cancel(pending).await;
    let stops_by = receipt.get("stops_by");
    assert!(stops_by.is_none_or(Value::is_null), "{receipt}");
    work.release(1);
    assert!(matches!(run.await.unwrap(), Processed::Fenced));
    let (_, job) = api.get(ADMIN, &format!("/api/jobs/{running}")).await;
    assert_eq!(job["status"], "cancelled");
}

#[tokio::test]
async fn deliveries_after_the_end_are_counted() {
    let api = Api::new().await;
    let id = analysis(&api).await;
    let result = json!({"x": 1});
    api.process(id, FakeWork::Complete(result.clone())).await;
    for _ in 0..2 {
        assert_skipped(&api, id).await;
    }
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["duplicate_deliveries"], 2);
    assert_eq!(job["result"], result);
}
