//! Cancels each job type before each of its writes: no files are left and nothing has changed.
//!
//! A write that waits holds a thread of the runtime, and so does each other call in flight, since
//! the mocked client takes one at a time: the runtime has more threads than there are calls.

use std::sync::mpsc::{self, Receiver, Sender};

use jobs::{
    Caller, JobId,
    JobType::{self, Analysis, Dirfix, Nfofix, Packaging, Repack},
    Status, Time, UserId,
};
use release_files::formats::samples;
use serde_json::{Value, json};
use store::{CancelOutcome, Store};

use crate::Processed;
use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// Creates a release that each of these jobs changes. Its archive is a multipart upload.
async fn harness() -> WorkerHarness {
    let metadata = json!({"title": "A Book", "authors": ["Jane Doe"]});
    let mut harness = WorkerHarness::new(metadata).await.with_small_parts();
    let bytes: Vec<u8> = (0..9_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
        .collect();
    harness.source("book.bin", &bytes);
    // Without an SFV, which would not match the NFO written below.
    let config = json!({"release_name": NAME, "compression": "store", "generate_sfv": false});
    let (job, _) = harness.run(Packaging, config).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    let folder = harness.package_folder().await;
    harness
        .bucket
        .put(&format!("{folder}art/Cover Page.JPG"), &b"jpeg"[..]);
    harness
        .bucket
        .put(&format!("{folder}{NAME}.nfo"), &b"Title\tA Book\n"[..]);
    harness
}

/// Runs a job that is cancelled before its write number `at`, counted from 0. Returns `false` if
/// the job completed with fewer writes.
async fn cancelled_at(
    harness: &mut WorkerHarness,
    job_type: JobType,
    config: &Value,
    at: u32,
) -> bool {
    let (reached, resume) = pause_before_write(harness, at);
    let before = (
        harness.package_folder().await,
        harness.names("releases/42/jobs/"),
    );
    let id = harness.create(job_type, config.clone()).await;
    let (store, now) = (harness.store.clone(), harness.clock.clock().now());
    let canceller = tokio::spawn(async move {
        let is_paused = wait_for(reached).await;
        if is_paused {
            cancel(&store, id, now).await;
            resume.send(()).unwrap();
        }
        is_paused
    });
    let processed = harness.deliver(id).await;
    harness.bucket.state().before_write = None;
    let was_cancelled = canceller.await.unwrap();
    let context = format!("{job_type}, write {at}: {processed:?}");
    if !was_cancelled {
        assert!(
            matches!(&processed, Processed::Finished(job) if job.error().is_none()),
            "{context}"
        );
        return false;
    }
    assert!(matches!(processed, Processed::Fenced), "{context}");
    let after = (
        harness.package_folder().await,
        harness.names("releases/42/jobs/"),
    );
    assert_eq!(after, before, "{context}");
    assert!(harness.bucket.state().uploads.is_empty(), "{context}");
    let job = harness.store.job(id, true).await.unwrap().unwrap();
    assert_eq!(
        (job.status(), job.progress < 100),
        (Status::Cancelled, true)
    );
    true
}

/// Pauses the bucket before its write number `at`. The receiver is signalled when the pause
/// begins, and the sender ends it.
fn pause_before_write(harness: &WorkerHarness, at: u32) -> (Receiver<()>, Sender<()>) {
    let (reach, reached) = mpsc::channel();
    let (resume, resumed) = mpsc::channel();
    let pause = move || {
        reach.send(()).unwrap();
        resumed.recv().unwrap();
    };
    harness.bucket.state().before_write = Some((at, Box::new(pause)));
    (reached, resume)
}

/// Waits for the pause. Returns `false` if it never comes.
async fn wait_for(reached: Receiver<()>) -> bool {
    let received = tokio::task::spawn_blocking(move || reached.recv());
    received.await.unwrap().is_ok()
}

async fn cancel(store: &Store, id: JobId, now: Time) {
    let owner = Caller {
        user_id: UserId::try_from(7).unwrap(),
        admin: false,
    };
    let cancelled = store.cancel(id, owner, None, now).await.unwrap();
    assert!(
        matches!(cancelled, CancelOutcome::Cancelled(_)),
        "{cancelled:?}"
    );
}

/// Cancels a job before each of its writes. There must be at least `min_writes`.
async fn check_cancels(job_type: JobType, config: Value, min_writes: u32) {
    check_cancels_in(harness().await, job_type, config, min_writes).await;
}

async fn check_cancels_in(
    mut harness: WorkerHarness,
    job_type: JobType,
    config: Value,
    min_writes: u32,
) {
    let mut at = 0;
    while cancelled_at(&mut harness, job_type, &config, at).await {
        at += 1;
    }
    assert!(at >= min_writes, "{job_type} has only {at} writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn cancelled_packaging_leaves_nothing() {
    check_cancels(
        Packaging,
        json!({"release_name": NAME, "compression": "store"}),
        7,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn cancelled_repack_leaves_nothing() {
    check_cancels(Repack, json!({"compression": "store"}), 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn cancelled_nfofix_leaves_nothing() {
    check_cancels(Nfofix, json!({}), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn cancelled_dirfix_leaves_nothing() {
    check_cancels(Dirfix, json!({}), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn cancelled_analysis_leaves_nothing() {
    let harness = harness().await;
    harness.source("book.epub", &samples::epub_with_cover());
    check_cancels_in(harness, Analysis, json!({"path": "book.epub"}), 1).await;
}
