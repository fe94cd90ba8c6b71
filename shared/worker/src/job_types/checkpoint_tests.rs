//! Packaging jobs that take longer than one function may run.

use std::{collections::BTreeMap, time::Duration};

use jobs::{
    Job, JobId,
    JobType::{Packaging, Repack},
    Status,
    release::output_prefix,
};
use serde_json::{Value, json};

use crate::Processed;
use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

async fn harness() -> WorkerHarness {
    let harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    let harness = harness.with_small_parts();
    let bytes = |count: u32| -> Vec<u8> {
        (0..count)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
            .collect()
    };
    for (name, size) in [
        ("a.bin", 10),
        ("b.bin", 9_000_000),
        ("c.bin", 0),
        ("d.bin", 8_500_000),
        ("e.bin", 70_000),
    ] {
        harness.source(name, &bytes(size));
    }
    harness
}

/// Delivers a job to a function that has time for only one file.
async fn deliver_for_one_file(harness: &WorkerHarness, id: JobId) -> Processed {
    let now = harness.clock.clock().now();
    harness
        .deliver_until(id, now.after(Duration::from_secs(50)))
        .await
}

/// Delivers a job of five files four times. Each run packs one file and gives the job back.
async fn suspend_after_each_file(harness: &WorkerHarness, id: JobId) {
    let mut progress = 0;
    for fence in 1..5 {
        let processed = deliver_for_one_file(harness, id).await;
        let Processed::Waiting(job, delay) = processed else {
            panic!("{processed:?}")
        };
        assert_eq!(
            (job.status(), job.fence, job.attempt, delay),
            (Status::Pending, fence, 1, Duration::ZERO)
        );
        assert!(job.progress >= progress, "{progress} {}", job.progress);
        progress = job.progress;
    }
}

async fn package(harness: &WorkerHarness) -> BTreeMap<String, Vec<u8>> {
    harness.bucket.below(&harness.package_folder().await)
}

async fn job(harness: &WorkerHarness, id: JobId) -> Job {
    harness.store.job(id, true).await.unwrap().unwrap()
}

async fn package_in_one_run(config: Value) -> BTreeMap<String, Vec<u8>> {
    let mut harness = harness().await;
    let (job, _) = harness.run(Packaging, config).await;
    assert_eq!((job.status(), job.fence), (Status::Completed, 1));
    package(&harness).await
}

#[tokio::test(flavor = "multi_thread")]
async fn package_built_in_several_runs_equals_one_built_in_one() {
    for options in [
        json!({}),
        json!({"compression": "store", "volume_size": 4_000_000}),
        json!({"compression": "store"}),
    ] {
        let mut config = json!({"release_name": NAME});
        config
            .as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let mut harness = harness().await;
        let id = harness.create(Packaging, config.clone()).await;
        suspend_after_each_file(&harness, id).await;
        let (done, result) = harness.process(id).await;
        assert_eq!(
            (done.status(), done.fence, done.attempt),
            (Status::Completed, 5, 1)
        );
        assert!(
            package(&harness).await == package_in_one_run(config).await,
            "{options}"
        );
        assert_eq!(
            harness.package_folder().await,
            output_prefix(done.release_id.unwrap(), id, 1)
        );
        assert_eq!(
            result["files"].as_array().unwrap().len(),
            package(&harness).await.len()
        );

        harness.sweep_after(121).await;
        assert_eq!(
            harness.names("releases/42/jobs/").len(),
            package(&harness).await.len(),
            "no checkpoint is left"
        );
        assert!(harness.bucket.state().uploads.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn package_repacked_in_several_runs_equals_one_repacked_in_one() {
    let (once, often) = (
        json!({"compression": "store"}),
        json!({"compression": "high", "volume_size": 3_000_000}),
    );
    let mut harness = harness().await;
    harness.run(Packaging, json!({"release_name": NAME})).await;
    let id = harness.create(Repack, often.clone()).await;
    for fence in 1..5 {
        let processed = deliver_for_one_file(&harness, id).await;
        assert!(
            matches!(&processed, Processed::Waiting(job, _) if job.fence == fence),
            "{processed:?}"
        );
    }
    let (done, _) = harness.process(id).await;
    assert_eq!(
        (done.status(), done.fence, done.attempt),
        (Status::Completed, 5, 1)
    );
    let several = package(&harness).await;
    harness.run(Repack, once).await;
    harness.run(Repack, often).await;
    assert!(package(&harness).await == several);
}

#[tokio::test(flavor = "multi_thread")]
async fn packaging_starts_over_after_a_crash() {
    let mut harness = harness().await;
    let id = harness
        .create(Packaging, json!({"release_name": NAME}))
        .await;
    assert!(matches!(
        deliver_for_one_file(&harness, id).await,
        Processed::Waiting(..)
    ));
    let seen = job(&harness, id).await;
    harness
        .store
        .claim(&seen, harness.clock.clock().now())
        .await
        .unwrap();
    assert_eq!(harness.sweep_after(61).await.rescued, 1);
    let (done, _) = harness.process(id).await;
    assert_eq!(
        (done.status(), done.fence, done.attempt),
        (Status::Completed, 3, 2)
    );
    assert!(package(&harness).await == package_in_one_run(json!({"release_name": NAME})).await);
    assert_eq!(
        harness.package_folder().await,
        output_prefix(done.release_id.unwrap(), id, 3)
    );
    harness.sweep_after(121).await;
    assert_eq!(
        harness.names("releases/42/jobs/").len(),
        package(&harness).await.len()
    );
    assert!(harness.bucket.state().uploads.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn packaging_starts_over_after_a_source_is_replaced() {
    let mut harness = harness().await;
    let id = harness
        .create(Packaging, json!({"release_name": NAME}))
        .await;
    assert!(matches!(
        deliver_for_one_file(&harness, id).await,
        Processed::Waiting(..)
    ));
    harness.source("a.bin", b"another");
    let (done, _) = harness.process(id).await;
    assert_eq!(
        harness.package_folder().await,
        output_prefix(done.release_id.unwrap(), id, 2),
        "the package contains nothing of the first run"
    );
    assert_eq!((done.status(), done.attempt), (Status::Completed, 1));
    let archive = package(&harness)
        .await
        .remove(&format!("{NAME}.zip"))
        .unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut content = String::new();
    std::io::Read::read_to_string(&mut archive.by_name("a.bin").unwrap(), &mut content).unwrap();
    assert_eq!((content.as_str(), archive.len()), ("another", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn job_cancelled_between_runs_leaves_nothing() {
    let mut harness = harness().await;
    let id = harness
        .create(
            Packaging,
            json!({"release_name": NAME, "compression": "store"}),
        )
        .await;
    for _ in 0..2 {
        assert!(matches!(
            deliver_for_one_file(&harness, id).await,
            Processed::Waiting(..)
        ));
    }
    assert_eq!(harness.bucket.state().uploads.len(), 1);
    assert!(harness.cancel(id).await);
    harness.sweep_after(121).await;
    assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
    assert!(harness.bucket.state().uploads.is_empty());
}
