//! The heartbeat of a run: what it writes, what it only reads, and what it notices.

mod common;

use common::{Api, OWNER};
use jobs::{Level, testing::START};
use serde_json::{Value, json};
use store::{
    RunHandle,
    testing::{Meter, metered_store},
};
use worker::{
    Reporter,
    testing::{beat_every_second, queue},
};

/// A job with a run, and the meter of its table.
struct Running {
    api: Api,
    meter: Meter,
    id: u64,
    run: RunHandle,
    reporter: Reporter,
}

impl Running {
    async fn new() -> Self {
        let (store, meter) = metered_store().await;
        let api = Api::over(store, queue());
        let id = api.create(json!({"job_type": "packaging"})).await;
        let run = api.claim(id, START).await;
        let reporter = Reporter::new(api.clock.clock(), 1);
        let _ = meter.take();
        Self {
            api,
            meter,
            id,
            run,
            reporter,
        }
    }

    async fn beat(&self, seconds: u8, work: impl FnMut(u8)) {
        let (store, run) = (&self.api.store, &self.run);
        beat_every_second(store, run, &self.reporter, START, seconds, work).await;
    }

    async fn status(&self) -> Value {
        let path = format!("/api/jobs/{}/status", self.id);
        self.api.get(OWNER, &path).await.1
    }

    /// Returns the units read and written since the claim.
    fn units(&self) -> (f64, f64) {
        let costs = self.meter.take();
        let reads = costs.iter().map(|cost| cost.reads).sum();
        (reads, costs.iter().map(|cost| cost.writes).sum())
    }
}

#[tokio::test]
async fn percentage_alone_is_written_every_four_seconds() {
    let job = Running::new().await;
    job.beat(40, |second| job.reporter.progress(second)).await;
    assert_eq!(job.units(), (5.0, 10.0));
    assert_eq!(job.status().await["progress"], 40);
}

#[tokio::test]
async fn step_message_and_line_are_written_by_the_next_beat() {
    let job = Running::new().await;
    job.beat(1, |_| {
        job.reporter.step("archive");
        job.reporter.progress(7);
        job.reporter.message("Compressing");
        job.reporter.log(Level::Info, "Compressed 3 of 5 files");
    })
    .await;
    let status = job.status().await;
    assert_eq!(status["step"], "archive");
    assert_eq!(status["progress"], 7);
    assert_eq!(status["message"], "Compressing");
    let path = format!("/api/jobs/{}/logs", job.id);
    let (_, page) = job.api.get(OWNER, &path).await;
    assert_eq!(page["logs"][0]["message"], "Compressed 3 of 5 files");
}

#[tokio::test]
async fn cancel_is_noticed_within_two_seconds_without_a_write() {
    let job = Running::new().await;
    job.api
        .send(OWNER, "PUT", &format!("/api/jobs/{}/cancel", job.id), None)
        .await;
    let _ = job.meter.take();
    job.beat(1, |_| {}).await;
    assert!(!job.reporter.is_stopped());
    job.beat(2, |_| {}).await;
    assert!(job.reporter.is_stopped());
    assert_eq!(job.units(), (0.5, 0.0));
}

#[tokio::test]
async fn read_that_lags_behind_the_claim_stops_nothing() {
    let mut job = Running::new().await;
    job.run.fence += 1;
    job.beat(3, |_| {}).await;
    assert!(!job.reporter.is_stopped());
    assert_eq!(job.units(), (0.5, 0.0));
}
