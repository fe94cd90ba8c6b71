//! The sweeper's cleanup of leftover files, uploads and replaced packages.

use std::{collections::BTreeMap, time::Duration};

use jobs::{
    Clock, FailureCode, Job, JobId,
    JobType::{Analysis, Packaging, Repack},
    Status,
    release::{cover_key, output_prefix},
};
use release_files::formats::samples;
use serde_json::json;
use store::Claim;

use crate::job_types::test_harness::{RETENTION, WorkerHarness};

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

async fn harness() -> WorkerHarness {
    let harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    harness.source("book.txt", b"Once");
    harness
}

/// Claims a job and leaves a file and an upload, like a run that died. Returns the run's folder.
async fn crash(harness: &WorkerHarness, id: JobId) -> String {
    let clock: Clock = harness.clock.clock();
    let seen = harness.store.job(id, true).await.unwrap().unwrap();
    let Claim::Won(job) = harness.store.claim(&seen, clock.now()).await.unwrap() else {
        panic!("{seen:?}")
    };
    let folder = output_prefix(job.release_id.unwrap(), id, job.fence);
    harness.bucket.put(&format!("{folder}half.zip"), b"half");
    harness.bucket.state().uploads.insert(
        id.to_string(),
        (format!("{folder}other.zip"), BTreeMap::new()),
    );
    folder
}

async fn seen(harness: &WorkerHarness, id: JobId) -> Job {
    harness.store.job(id, true).await.unwrap().unwrap()
}

#[tokio::test]
async fn leftovers_of_a_dead_run_are_removed_after_the_job_completes() {
    let mut harness = harness().await;
    let id = harness
        .create(Packaging, json!({"release_name": NAME}))
        .await;
    let folder = crash(&harness, id).await;
    assert_eq!(harness.sweep_after(61).await.rescued, 1);
    let (job, _) = harness.process(id).await;
    assert_eq!((job.status(), job.fence), (Status::Completed, 2));

    let early = harness.sweep_after(61).await;
    assert_eq!(
        (early.examined, early.files_deleted),
        (1, 0),
        "a run may still be writing"
    );
    let swept = harness.sweep_after(61).await;
    assert_eq!((swept.files_deleted, swept.uploads_aborted), (1, 1));
    assert_eq!(
        (harness.names(&folder), harness.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(harness.names(&harness.package_folder().await).len(), 4);
    assert_eq!(harness.sweep_after(10_000).await.examined, 0);
}

#[tokio::test]
async fn leftovers_of_a_cancelled_dead_run_are_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    let folder = crash(&harness, id).await;
    assert!(harness.cancel(id).await);
    harness.sweep_after(61).await;
    assert_eq!(harness.names(&folder).len(), 1);
    assert_eq!(harness.sweep_after(60).await.files_deleted, 1);
    assert_eq!(
        (harness.names(&folder), harness.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(seen(&harness, id).await.due_at, None);
}

#[tokio::test]
async fn upload_aborted_by_a_concurrent_sweep_counts_as_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    let folder = crash(&harness, id).await;
    assert!(harness.cancel(id).await);
    let bucket = harness.bucket.clone();
    let abort_first = move || bucket.state().uploads.clear();
    harness.bucket.state().before_write = Some((0, Box::new(abort_first)));

    let report = harness.sweep_after(121).await;
    assert_eq!(
        (report.errors, report.uploads_aborted, report.files_deleted),
        (0, 0, 1)
    );
    assert_eq!(harness.names(&folder), Vec::<String>::new());
    assert_eq!(seen(&harness, id).await.due_at, None);
}

#[tokio::test]
async fn second_crash_fails_the_job_and_its_leftovers_are_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    for (rescued, crashed) in [(1, 0), (0, 1)] {
        crash(&harness, id).await;
        let swept = harness.sweep_after(61).await;
        assert_eq!((swept.rescued, swept.crashed.len()), (rescued, crashed));
        // No operator is woken up: the job's files are the likely cause.
        assert_eq!(swept.failed, []);
    }
    assert_eq!(
        seen(&harness, id).await.error().unwrap().code,
        FailureCode::AttemptCrashed
    );
    let swept = harness.sweep_after(121).await;
    assert_eq!(
        (swept.files_deleted, harness.bucket.state().uploads.len()),
        (2, 0)
    );
    assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
}

#[tokio::test]
async fn jobs_without_leftovers_are_not_swept() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Analysis, json!({})).await;
    assert_eq!((job.status(), job.due_at), (Status::Completed, None));
    let (job, _) = harness.run(Repack, json!({})).await;
    assert_eq!((job.status(), job.due_at), (Status::Failed, None));
    let id = harness.create(Analysis, json!({})).await;
    assert!(harness.cancel(id).await);
    assert_eq!(harness.sweep_after(61).await.examined, 1);
    assert_eq!(harness.sweep_after(10_000).await.examined, 0);
}

#[tokio::test]
async fn replaced_package_is_deleted_after_its_retention() {
    let mut harness = harness().await;
    harness.run(Packaging, json!({"release_name": NAME})).await;
    let first = harness.package_folder().await;
    harness.run(Repack, json!({"compression": "store"})).await;
    let second = harness.package_folder().await;
    let day = i64::try_from(RETENTION.as_secs()).unwrap();

    assert_eq!(
        harness.sweep_after(day + 60).await.examined,
        0,
        "the package may have been restored at the last moment"
    );
    assert_eq!(harness.release().await.replaced.len(), 1);
    assert_eq!(harness.sweep_after(3_600).await.files_deleted, 4);
    assert_eq!(
        (harness.names(&first).len(), harness.names(&second).len()),
        (0, 4)
    );
    assert_eq!(harness.release().await.replaced, Vec::new());
    assert_eq!(harness.sweep_after(10_000).await.examined, 0);
}

#[tokio::test]
async fn restored_package_outlives_the_replaced_one() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Packaging, json!({"release_name": NAME})).await;
    let first = harness.package_folder().await;
    harness.run(Repack, json!({})).await;
    let second = harness.package_folder().await;
    let now = harness.clock.clock().now();
    let restored = harness
        .store
        .restore_package(harness.release().await, job.id, now, RETENTION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(restored, harness.release().await);
    assert_eq!(
        (
            harness.package_folder().await,
            restored.package.unwrap().version
        ),
        (first.clone(), 3)
    );

    harness
        .sweep_after(i64::try_from(RETENTION.as_secs()).unwrap() + 3_700)
        .await;
    assert_eq!(
        (harness.names(&first).len(), harness.names(&second).len()),
        (4, 0)
    );
}

#[tokio::test]
async fn package_is_restored_only_within_retention_and_if_the_release_is_unchanged() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Packaging, json!({"release_name": NAME})).await;
    harness.run(Repack, json!({})).await;
    let (stale, now) = (harness.release().await, harness.clock.clock().now());
    let restore = |seen, now| harness.store.restore_package(seen, job.id, now, RETENTION);
    assert!(
        restore(stale.clone(), now.after(RETENTION))
            .await
            .unwrap()
            .is_none()
    );
    assert!(restore(stale.clone(), now).await.unwrap().is_some());
    // At the same timestamp, it counts as the same write repeated.
    assert!(restore(stale.clone(), now).await.unwrap().is_some());
    assert!(
        restore(stale, now.after(Duration::from_millis(1)))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn thumbnail_of_a_completed_analysis_outlives_the_leftovers_of_its_dead_run() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("book.epub", &samples::epub_with_cover());
    let id = harness.create(Analysis, json!({})).await;
    let folder = crash(&harness, id).await;
    harness.bucket.put(&format!("{folder}cover.jpg"), b"jpeg");
    assert_eq!(harness.sweep_after(61).await.rescued, 1);
    let (job, result) = harness.process(id).await;
    assert_eq!((job.status(), job.fence), (Status::Completed, 2));
    assert_eq!(result["cover"]["thumbnail"]["width"], 2);

    let key = cover_key(job.release_id.unwrap(), id, 2);
    assert_eq!(harness.sweep_after(121).await.files_deleted, 2);
    assert_eq!(
        harness.names("releases/42/jobs/"),
        [key.strip_prefix("releases/42/jobs/").unwrap()]
    );
    assert_eq!(harness.sweep_after(10_000).await.examined, 0);
}
