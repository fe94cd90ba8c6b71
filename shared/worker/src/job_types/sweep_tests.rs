//! What the sweeper does with what jobs leave in the bucket.

use std::{collections::BTreeMap, time::Duration};

use jobs::{
    Clock, FailureCode, Job, JobId,
    JobType::{Analysis, Packaging, Repack},
    Status, UserId,
    release::output_prefix,
};
use serde_json::json;
use store::{CancelOutcome, Claim};

use crate::job_types::test_harness::{RETENTION, WorkerHarness};

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

async fn harness() -> WorkerHarness {
    let harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    harness.source("book.txt", b"Once");
    harness
}

/// Starts a run whose process is gone: it has left a file and half an upload.
async fn die(harness: &WorkerHarness, id: JobId) -> String {
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
async fn what_a_dead_run_left_is_removed_once_another_has_completed_the_job() {
    let mut harness = harness().await;
    let id = harness
        .create(Packaging, json!({"release_name": NAME}))
        .await;
    let left = die(&harness, id).await;
    assert_eq!(harness.sweep_in(61).await.rescued, 1);
    let (job, _) = harness.process(id).await;
    assert_eq!((job.status(), job.fence), (Status::Completed, 2));

    let early = harness.sweep_in(61).await;
    assert_eq!(
        (early.examined, early.files_deleted),
        (1, 0),
        "a run may still be at work"
    );
    let swept = harness.sweep_in(61).await;
    assert_eq!((swept.files_deleted, swept.uploads_aborted), (1, 1));
    assert_eq!(
        (harness.names(&left), harness.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(harness.names(&harness.package().await).len(), 4);
    assert_eq!(harness.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn what_a_run_left_that_died_while_it_was_cancelled_is_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    let left = die(&harness, id).await;
    let owner = UserId::try_from(7).unwrap();
    let cancelled = harness
        .store
        .cancel(id, owner, false, harness.clock.clock().now())
        .await
        .unwrap();
    assert!(
        matches!(cancelled, CancelOutcome::Cancelled(_)),
        "{cancelled:?}"
    );
    harness.sweep_in(61).await;
    assert_eq!(harness.names(&left).len(), 1);
    assert_eq!(harness.sweep_in(60).await.files_deleted, 1);
    assert_eq!(
        (harness.names(&left), harness.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(seen(&harness, id).await.due_at, None);
}

#[tokio::test]
async fn upload_aborted_by_a_concurrent_sweep_counts_as_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    let folder = die(&harness, id).await;
    let owner = UserId::try_from(7).unwrap();
    let now = harness.clock.clock().now();
    harness.store.cancel(id, owner, false, now).await.unwrap();
    let bucket = harness.bucket.clone();
    let abort_first = move || bucket.state().uploads.clear();
    harness.bucket.state().before_write = Some((0, Box::new(abort_first)));

    let report = harness.sweep_in(121).await;
    assert_eq!(
        (report.errors, report.uploads_aborted, report.files_deleted),
        (0, 0, 1)
    );
    assert_eq!(harness.names(&folder), Vec::<String>::new());
    assert_eq!(seen(&harness, id).await.due_at, None);
}

#[tokio::test]
async fn what_a_run_left_that_was_its_jobs_last_is_removed() {
    let mut harness = harness().await;
    let id = harness.create(Packaging, json!({})).await;
    for rescued in [1, 1, 0] {
        die(&harness, id).await;
        assert_eq!(harness.sweep_in(61).await.rescued, rescued);
    }
    assert_eq!(
        seen(&harness, id).await.error().unwrap().code,
        FailureCode::AttemptsExhausted
    );
    let swept = harness.sweep_in(121).await;
    assert_eq!(
        (swept.files_deleted, harness.bucket.state().uploads.len()),
        (3, 0)
    );
    assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
}

#[tokio::test]
async fn the_sweeper_does_not_look_at_jobs_that_left_nothing() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Analysis, json!({})).await;
    assert_eq!((job.status(), job.due_at), (Status::Completed, None));
    let (job, _) = harness.run(Repack, json!({})).await;
    assert_eq!((job.status(), job.due_at), (Status::Failed, None));
    let id = harness.create(Analysis, json!({})).await;
    harness
        .store
        .cancel(
            id,
            UserId::try_from(7).unwrap(),
            false,
            harness.clock.clock().now(),
        )
        .await
        .unwrap();
    assert_eq!(harness.sweep_in(61).await.examined, 1);
    assert_eq!(harness.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn a_replaced_package_is_deleted_when_its_time_is_over() {
    let mut harness = harness().await;
    harness.run(Packaging, json!({"release_name": NAME})).await;
    let first = harness.package().await;
    harness.run(Repack, json!({"compression": "store"})).await;
    let second = harness.package().await;
    let day = i64::try_from(RETENTION.as_secs()).unwrap();

    assert_eq!(
        harness.sweep_in(day + 60).await.examined,
        0,
        "it may have been restored at the last moment"
    );
    assert_eq!(harness.release().await.replaced.len(), 1);
    assert_eq!(harness.sweep_in(3_600).await.files_deleted, 4);
    assert_eq!(
        (harness.names(&first).len(), harness.names(&second).len()),
        (0, 4)
    );
    assert_eq!(harness.release().await.replaced, Vec::new());
    assert_eq!(harness.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn a_restored_package_outlives_the_one_that_it_replaced() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Packaging, json!({"release_name": NAME})).await;
    let first = harness.package().await;
    harness.run(Repack, json!({})).await;
    let second = harness.package().await;
    let now = harness.clock.clock().now();
    let restored = harness
        .store
        .restore_package(harness.release().await, job.id, now, RETENTION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(restored, harness.release().await);
    assert_eq!(
        (harness.package().await, restored.package.unwrap().version),
        (first.clone(), 3)
    );

    harness
        .sweep_in(i64::try_from(RETENTION.as_secs()).unwrap() + 3_700)
        .await;
    assert_eq!(
        (harness.names(&first).len(), harness.names(&second).len()),
        (4, 0)
    );
}

#[tokio::test]
async fn a_package_is_restored_only_while_it_is_kept_and_nothing_else_has_changed() {
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
    // Once more at the same moment, it is the same write, repeated.
    assert!(restore(stale.clone(), now).await.unwrap().is_some());
    assert!(
        restore(stale, now.after(Duration::from_millis(1)))
            .await
            .unwrap()
            .is_none()
    );
}
