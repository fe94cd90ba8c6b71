//! Retries after errors and outages, and messages that change nothing.

use std::{sync::Arc, time::Duration};

use jobs::{FailureCode, testing::START};
use serde_json::{Value, json};
use store::{Permit, PermitCheck};
use worker::Processed;

use crate::{
    assert_shortly_after, assert_skipped,
    common::{ADMIN, Api, FakeWork, OWNER, job_id},
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
    assert_shortly_after(START.after(Duration::from_secs(15)), &receipt["stops_by"]);
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

#[tokio::test]
async fn work_that_does_not_stop_is_reported_and_keeps_its_permits() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let id = api.create(json!({"job_type": "packaging"})).await;
    let release = api.job(id).await.release_id.unwrap();
    let service = api.service();
    let run = start(service.clone(), id, &work).await;
    api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
        .await;
    // The heartbeat notices the cancel in real time, and waits by the clock.
    while !run.is_finished() {
        api.clock.advance(1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(matches!(run.await.unwrap(), Processed::Fenced));
    assert!(service.has_hung_work());
    let permit = Permit::Release(release);
    let cancelled_at = api.job(id).await.finished_at().unwrap();
    let check = api.store.check_permit(permit, cancelled_at).await.unwrap();
    assert!(matches!(check, PermitCheck::Full(holder) if holder.get() == id));
    work.release(1);
}

#[tokio::test]
async fn run_that_is_out_of_time_ends_although_its_work_does_not_stop() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let id = analysis(&api).await;
    let service = api.service();
    let run = {
        let (service, work) = (service.clone(), Arc::clone(&work));
        let deadline = START.after(Duration::from_mins(1));
        tokio::spawn(async move { service.process_job(job_id(id), &work, deadline).await })
    };
    while !run.is_finished() {
        api.clock.advance(5);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let processed = run.await.unwrap().unwrap();
    assert!(matches!(processed, Processed::Waiting(..)), "{processed:?}");
    assert!(service.has_hung_work());
    let runs = api.job(id).await.runs;
    assert_eq!(runs[0].error().unwrap().code, FailureCode::TimedOut);
    work.release(1);
}
