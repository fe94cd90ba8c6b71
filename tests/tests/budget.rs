//! What each operation may cost, in requests to DynamoDB and in capacity units.

mod common;

use common::{ADMIN, Api, Does, OWNER, job_id};
use serde_json::json;
use shared::{
    job::{Level, LogEntry},
    store::{Claimed, Completion, Leftovers, Progress, RunHandle},
    testing::{Cost, Meter, START, metered_store, queue},
};

async fn metered() -> (Api, Meter) {
    let (store, meter) = metered_store().await;
    (Api::over(store, queue()), meter)
}

/// Requests, read units, write units.
fn sum(costs: &[Cost]) -> (usize, f64, f64) {
    let reads = costs.iter().map(|cost| cost.reads).sum();
    (costs.len(), reads, costs.iter().map(|cost| cost.writes).sum())
}

#[track_caller]
fn within(costs: &[Cost], requests: usize, reads: f64, writes: f64) {
    let (found, found_reads, found_writes) = sum(costs);
    assert!(found <= requests && found_reads <= reads && found_writes <= writes, "{costs:#?}");
    assert!(found > 0, "nothing was asked");
}

#[tokio::test]
async fn status_is_one_request_and_half_a_unit() {
    let (api, meter) = metered().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let _ = meter.take();
    api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    within(&meter.take(), 1, 0.5, 0.0);
}

#[tokio::test]
async fn details_with_a_short_log_are_one_request() {
    let (api, meter) = metered().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    api.process(id, Does::Say(30)).await;
    let _ = meter.take();
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["logs"].as_str().unwrap().lines().count(), 32);
    within(&meter.take(), 1, 1.5, 0.0);
}

#[tokio::test]
async fn a_page_of_the_log_is_two_requests_however_long_the_log_is() {
    let (api, meter) = metered().await;
    let (id, run) = running(&api).await;
    let mut seq = 0;
    for _ in 0..100 {
        api.store.put_log(&run, &lines(&mut seq, 30)).await.unwrap();
    }
    api.store.heartbeat(&run, &Progress { log_seq: seq, ..Progress::default() }, START).await.unwrap();
    let _ = meter.take();
    let (_, page) = api.get(OWNER, &format!("/api/jobs/{id}/logs?limit=100")).await;
    assert_eq!(page["logs"].as_array().unwrap().len(), 100);
    within(&meter.take(), 2, 16.5, 0.0);
}

#[tokio::test]
async fn cancel_is_one_request() {
    let (api, meter) = metered().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let _ = meter.take();
    assert_eq!(api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None).await.0, 200);
    within(&meter.take(), 1, 0.0, 4.0);
}

#[tokio::test]
async fn create_is_at_most_two_requests() {
    let (api, meter) = metered().await;
    let (_, release) = api.send(OWNER, "POST", "/api/releases", Some(json!({"release_type": "ebook"}))).await;
    let _ = meter.take();
    api.create(json!({"job_type": "packaging", "release_id": release["id"]})).await;
    within(&meter.take(), 2, 1.0, 7.0);
    let body = json!({"job_type": "packaging", "release_id": release["id"]}).to_string();
    let (status, _) = api.send_with(OWNER, "POST", "/api/jobs", Some(body), &[("Idempotency-Key", "k")]).await;
    assert_eq!(status, 202);
    assert!(meter.take().len() <= 2);
}

#[tokio::test]
async fn a_page_of_50_jobs_is_one_request_and_two_units_whatever_filter_has_an_index() {
    let (api, meter) = metered().await;
    let (_, release) = api.send(OWNER, "POST", "/api/releases", Some(json!({"release_type": "ebook"}))).await;
    let release = release["id"].as_u64().unwrap();
    for _ in 0..60 {
        let id = api.create(json!({"job_type": "packaging", "release_id": release})).await;
        api.process(id, Does::Fail).await;
    }
    for filter in ["", "&status=failed", &format!("&release_id={release}"), "&created_after=2026-01-01T00:00:00Z"] {
        let _ = meter.take();
        let (_, page) = api.get(OWNER, &format!("/api/jobs?limit=50{filter}")).await;
        assert_eq!(page["jobs"].as_array().unwrap().len(), 50, "{filter}");
        within(&meter.take(), 1, 2.0, 0.0);
    }
}

#[tokio::test]
async fn a_page_with_running_jobs_is_one_batch_more() {
    let (api, meter) = metered().await;
    for _ in 0..10 {
        running(&api).await;
    }
    let _ = meter.take();
    let (_, page) = api.get(OWNER, "/api/jobs").await;
    assert_eq!(page["jobs"][0]["status"], "running");
    within(&meter.take(), 2, 7.0, 0.0);
}

#[tokio::test]
async fn a_rare_status_is_found_at_once() {
    let (api, meter) = metered().await;
    for at in 0..300 {
        let id = api.create(json!({"job_type": "packaging"})).await;
        api.process(id, if at == 7 { Does::Fail } else { Does::Complete(json!({})) }).await;
    }
    let _ = meter.take();
    let (_, page) = api.get(OWNER, "/api/jobs?status=failed").await;
    assert_eq!(page["jobs"].as_array().unwrap().len(), 1);
    within(&meter.take(), 1, 2.0, 0.0);
}

#[tokio::test]
async fn an_admins_page_is_bounded() {
    let (api, meter) = metered().await;
    for _ in 0..60 {
        api.create(json!({"job_type": "packaging"})).await;
    }
    let _ = meter.take();
    let (_, page) = api.get(ADMIN, "/api/jobs?limit=50").await;
    assert_eq!(page["jobs"].as_array().unwrap().len(), 50);
    within(&meter.take(), 5, 32.0, 0.0);
}

#[tokio::test]
async fn the_whole_life_of_a_job_is_at_most_36_write_units() {
    let (api, meter) = metered().await;
    let (id, run) = running(&api).await;
    for progress in 1..=20 {
        let progress = Progress { percent: progress * 5, ..Progress::default() };
        api.store.heartbeat(&run, &progress, START).await.unwrap();
    }
    let completion = Completion::of(json!({"files": []}));
    api.store.complete(&run, &Progress::default(), &completion, Leftovers::None, START).await.unwrap();
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["status"], "completed");
    let costs = meter.take();
    assert!(sum(&costs).2 <= 36.0, "{costs:#?}");
}

#[tokio::test]
async fn log_lines_cost_what_their_bytes_do() {
    let (api, meter) = metered().await;
    for (count, budget) in [(200, 32.0), (10_000, 1.3 * 10_000.0 * 100.0 / 1024.0)] {
        let id = api.create(json!({"job_type": "packaging"})).await;
        let _ = meter.take();
        api.process(id, Does::Say(count)).await;
        let costs = meter.take();
        let log: f64 = costs.iter().filter(|cost| cost.operation == "PutItem").map(|cost| cost.writes).sum();
        assert!(log > 0.0 && log <= budget, "{log} units for {count} lines");
    }
}

/// A job of the owner's that has been claimed.
async fn running(api: &Api) -> (u64, RunHandle) {
    let id = api.create(json!({"job_type": "packaging"})).await;
    let seen = api.store.job(job_id(id), true).await.unwrap().unwrap();
    let Claimed::Yes(job) = api.store.claim(&seen, START).await.unwrap() else { panic!("claimed") };
    (id, RunHandle::of(&job))
}

fn lines(seq: &mut u64, count: u64) -> Vec<LogEntry> {
    let line = |seq| LogEntry { seq, timestamp: START, level: Level::Info, message: "x".repeat(100), step: None };
    let lines = (*seq + 1..=*seq + count).map(line).collect();
    *seq += count;
    lines
}
