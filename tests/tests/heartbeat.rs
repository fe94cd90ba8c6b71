//! The heartbeat of a run: what it writes, what it only reads, and what it notices.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};
use common::{Api, OWNER, job_id};
use jobs::{Level, testing::START};
use serde_json::{Value, json};
use store::{
    RunHandle, Store,
    testing::{Meter, client, intercepted_store, metered_store, serve},
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

/// Fails the first request of a client.
#[derive(Debug, Default)]
struct RefuseOnce(AtomicBool);

impl Intercept for RefuseOnce {
    fn name(&self) -> &'static str {
        "RefuseOnce"
    }

    fn read_before_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.swap(true, Ordering::Relaxed) {
            Ok(())
        } else {
            Err("refused".into())
        }
    }
}

impl Running {
    async fn new() -> Self {
        let (store, meter) = metered_store().await;
        Self::over(store, meter).await
    }

    async fn over(store: Store, meter: Meter) -> Self {
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
    assert_eq!(job.units(), (10.0, 10.0));
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
    assert_eq!(job.units(), (1.0, 0.0));
}

#[tokio::test]
async fn run_of_a_job_that_is_gone_stops() {
    let mut job = Running::new().await;
    job.run.job_id = job_id(job.id + 1);
    job.beat(2, |_| {}).await;
    assert!(job.reporter.is_stopped());
}

#[tokio::test]
async fn step_that_could_not_be_written_is_written_by_the_next_beat() {
    let endpoint = serve(dynoxide::Database::memory().unwrap()).await;
    let refusing = intercepted_store(&endpoint, RefuseOnce::default());
    let job = Running::over(Store::new(&client(&endpoint), "jobs"), Meter::default()).await;
    let report = |second| {
        if second == 1 {
            job.reporter.step("archive");
        }
    };
    beat_every_second(&refusing, &job.run, &job.reporter, START, 2, report).await;
    assert_eq!(job.status().await["step"], "archive");
}
