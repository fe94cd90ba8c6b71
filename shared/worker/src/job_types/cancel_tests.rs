//! A cancel before each write of each job that writes: nothing of it is left, and nothing changed.

use std::sync::mpsc;

use jobs::{
    JobType::{self, Dirfix, Nfofix, Packaging, Repack},
    Status, UserId,
};
use serde_json::{Value, json};
use store::CancelOutcome;

use crate::Processed;
use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// A release on which each of these jobs has something to do; its archive is an upload of parts.
async fn harness() -> WorkerHarness {
    let mut harness = WorkerHarness::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    let bytes: Vec<u8> = (0..9_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
        .collect();
    harness.source("book.bin", &bytes);
    // Without an SFV: the NFO below is not the one that it would list.
    let config = json!({"release_name": NAME, "compression": "store", "generate_sfv": false});
    let (job, _) = harness.run(Packaging, config).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    let folder = harness.package().await;
    harness
        .bucket
        .put(&format!("{folder}art/Cover Page.JPG"), &b"jpeg"[..]);
    harness
        .bucket
        .put(&format!("{folder}{NAME}.nfo"), &b"Title\tA Book\n"[..]);
    harness
}

/// Runs a job that is cancelled before its write `at`. `false`: it has not so many.
async fn cancelled_at(
    harness: &mut WorkerHarness,
    job_type: JobType,
    config: &Value,
    at: u32,
) -> bool {
    let (came, comes) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    harness.bucket.state().before_write = Some((
        at,
        Box::new(move || {
            came.send(()).unwrap();
            goes.recv().unwrap();
        }),
    ));
    let before = (harness.package().await, harness.names("releases/42/jobs/"));
    let id = harness.create(job_type, config.clone()).await;
    let (store, now) = (harness.store.clone(), harness.clock.clock().now());
    let canceller = tokio::spawn(async move {
        if tokio::task::spawn_blocking(move || comes.recv())
            .await
            .unwrap()
            .is_err()
        {
            return false;
        }
        let cancelled = store
            .cancel(id, UserId::try_from(7).unwrap(), false, now)
            .await
            .unwrap();
        assert!(
            matches!(cancelled, CancelOutcome::Cancelled(_)),
            "{cancelled:?}"
        );
        go.send(()).unwrap();
        true
    });
    let processed = harness.deliver(id).await;
    harness.bucket.state().before_write = None;
    let was_cancelled = canceller.await.unwrap();
    if was_cancelled {
        assert!(
            matches!(processed, Processed::Fenced),
            "{job_type}, write {at}: {processed:?}"
        );
        assert_eq!(
            (harness.package().await, harness.names("releases/42/jobs/")),
            before,
            "{job_type}, write {at}"
        );
        assert!(
            harness.bucket.state().uploads.is_empty(),
            "{job_type}, write {at}"
        );
        let job = harness.store.job(id, true).await.unwrap().unwrap();
        assert_eq!(
            (job.status(), job.progress < 100),
            (Status::Cancelled, true)
        );
    } else {
        assert!(
            matches!(&processed, Processed::Finished(job) if job.error().is_none()),
            "{job_type}: {processed:?}"
        );
    }
    was_cancelled
}

/// Cancels jobs of a type before each of their writes; there are `writes` of them at the least.
async fn leaves_nothing(job_type: JobType, config: Value, writes: u32) {
    let mut harness = harness().await;
    let mut at = 0;
    while cancelled_at(&mut harness, job_type, &config, at).await {
        at += 1;
    }
    assert!(at >= writes, "{job_type} has {at} writes only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_packaging_leaves_nothing_whenever_the_cancel_comes() {
    leaves_nothing(
        Packaging,
        json!({"release_name": NAME, "compression": "store"}),
        7,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_repack_leaves_nothing_whenever_the_cancel_comes() {
    leaves_nothing(Repack, json!({"compression": "store"}), 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_nfofix_leaves_nothing_whenever_the_cancel_comes() {
    leaves_nothing(Nfofix, json!({}), 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_dirfix_leaves_nothing_whenever_the_cancel_comes() {
    leaves_nothing(Dirfix, json!({}), 4).await;
}
