//! What the sweeper does with what jobs leave in the bucket.

use std::{collections::BTreeMap, time::Duration};

use jobs::{
    Clock, Job, JobId,
    JobType::{Analysis, Packaging, Repack},
    Status, UserId,
    release::output_prefix,
};
use serde_json::json;
use store::{Cancelled, Claimed};

use crate::job_types::world::{RETENTION, World};

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

async fn world() -> World {
    let world = World::new(json!({"title": "A Book"})).await;
    world.source("book.txt", b"Once");
    world
}

/// Starts a run whose process is gone: it has left a file and half an upload.
async fn die(world: &World, id: JobId) -> String {
    let clock: Clock = world.clock.clock();
    let seen = world.store.job(id, true).await.unwrap().unwrap();
    let Claimed::Yes(job) = world.store.claim(&seen, clock.now()).await.unwrap() else {
        panic!("{seen:?}")
    };
    let folder = output_prefix(job.release_id.unwrap(), id, job.fence);
    world.bucket.put(&format!("{folder}half.zip"), b"half");
    world.bucket.state().uploads.insert(
        id.to_string(),
        (format!("{folder}other.zip"), BTreeMap::new()),
    );
    folder
}

async fn seen(world: &World, id: JobId) -> Job {
    world.store.job(id, true).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_a_dead_run_left_is_removed_once_another_has_completed_the_job() {
    let mut world = world().await;
    let id = world.create(Packaging, json!({"release_name": NAME})).await;
    let left = die(&world, id).await;
    assert_eq!(world.sweep_in(61).await.rescued, 1);
    let (job, _) = world.process(id).await;
    assert_eq!((job.status, job.fence), (Status::Completed, 2));

    let early = world.sweep_in(61).await;
    assert_eq!(
        (early.examined, early.files_deleted),
        (1, 0),
        "a run may still be at work"
    );
    let swept = world.sweep_in(61).await;
    assert_eq!((swept.files_deleted, swept.uploads_aborted), (1, 1));
    assert_eq!(
        (world.names(&left), world.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(world.names(&world.package().await).len(), 4);
    assert_eq!(world.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn what_a_run_left_that_died_while_it_was_cancelled_is_removed() {
    let mut world = world().await;
    let id = world.create(Packaging, json!({})).await;
    let left = die(&world, id).await;
    let owner = UserId::try_from(7).unwrap();
    let cancelled = world
        .store
        .cancel(id, owner, false, world.clock.clock().now())
        .await
        .unwrap();
    assert!(matches!(cancelled, Cancelled::Yes(_)), "{cancelled:?}");
    world.sweep_in(61).await;
    assert_eq!(world.names(&left).len(), 1);
    assert_eq!(world.sweep_in(60).await.files_deleted, 1);
    assert_eq!(
        (world.names(&left), world.bucket.state().uploads.len()),
        (Vec::new(), 0)
    );
    assert_eq!(seen(&world, id).await.due_at, None);
}

#[tokio::test]
async fn what_a_run_left_that_was_its_jobs_last_is_removed() {
    let mut world = world().await;
    let id = world.create(Packaging, json!({})).await;
    for rescued in [1, 1, 0] {
        die(&world, id).await;
        assert_eq!(world.sweep_in(61).await.rescued, rescued);
    }
    assert_eq!(
        seen(&world, id).await.error.unwrap().code,
        "attempts_exhausted"
    );
    let swept = world.sweep_in(121).await;
    assert_eq!(
        (swept.files_deleted, world.bucket.state().uploads.len()),
        (3, 0)
    );
    assert_eq!(world.names("releases/42/jobs/"), Vec::<String>::new());
}

#[tokio::test]
async fn the_sweeper_does_not_look_at_jobs_that_left_nothing() {
    let mut world = world().await;
    let (job, _) = world.run(Analysis, json!({})).await;
    assert_eq!((job.status, job.due_at), (Status::Completed, None));
    let (job, _) = world.run(Repack, json!({})).await;
    assert_eq!((job.status, job.due_at), (Status::Failed, None));
    let id = world.create(Analysis, json!({})).await;
    world
        .store
        .cancel(
            id,
            UserId::try_from(7).unwrap(),
            false,
            world.clock.clock().now(),
        )
        .await
        .unwrap();
    assert_eq!(world.sweep_in(61).await.examined, 1);
    assert_eq!(world.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn a_replaced_package_is_deleted_when_its_time_is_over() {
    let mut world = world().await;
    world.run(Packaging, json!({"release_name": NAME})).await;
    let first = world.package().await;
    world.run(Repack, json!({"compression": "store"})).await;
    let second = world.package().await;
    let day = i64::try_from(RETENTION.as_secs()).unwrap();

    assert_eq!(
        world.sweep_in(day + 60).await.examined,
        0,
        "it may have been restored at the last moment"
    );
    assert_eq!(world.release().await.replaced.len(), 1);
    assert_eq!(world.sweep_in(3_600).await.files_deleted, 4);
    assert_eq!(
        (world.names(&first).len(), world.names(&second).len()),
        (0, 4)
    );
    assert_eq!(world.release().await.replaced, Vec::new());
    assert_eq!(world.sweep_in(10_000).await.examined, 0);
}

#[tokio::test]
async fn a_restored_package_outlives_the_one_that_it_replaced() {
    let mut world = world().await;
    let (job, _) = world.run(Packaging, json!({"release_name": NAME})).await;
    let first = world.package().await;
    world.run(Repack, json!({})).await;
    let second = world.package().await;
    let now = world.clock.clock().now();
    let restored = world
        .store
        .restore_package(world.release().await, job.id, now, RETENTION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(restored, world.release().await);
    assert_eq!(
        (world.package().await, restored.package.unwrap().version),
        (first.clone(), 3)
    );

    world
        .sweep_in(i64::try_from(RETENTION.as_secs()).unwrap() + 3_700)
        .await;
    assert_eq!(
        (world.names(&first).len(), world.names(&second).len()),
        (4, 0)
    );
}

#[tokio::test]
async fn a_package_is_restored_only_while_it_is_kept_and_nothing_else_has_changed() {
    let mut world = world().await;
    let (job, _) = world.run(Packaging, json!({"release_name": NAME})).await;
    world.run(Repack, json!({})).await;
    let (stale, now) = (world.release().await, world.clock.clock().now());
    let restore = |seen, now| world.store.restore_package(seen, job.id, now, RETENTION);
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
