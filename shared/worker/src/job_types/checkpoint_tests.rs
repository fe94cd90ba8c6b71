//! A packaging job that needs more time than one function has.

use std::{collections::BTreeMap, time::Duration};

use jobs::{
    Job, JobId,
    JobType::{Packaging, Repack},
    Status, UserId,
    release::output_prefix,
};
use serde_json::{Value, json};

use crate::job_types::world::World;
use crate::service::Processed;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

async fn world() -> World {
    let world = World::new(json!({"title": "A Book"})).await;
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
        world.source(name, &bytes(size));
    }
    world
}

/// Delivers a job to a function that has time for one file only.
async fn delivered(world: &World, id: JobId) -> Processed {
    let now = world.clock.clock().now();
    world
        .deliver_until(id, now.after(Duration::from_secs(50)))
        .await
}

async fn package(world: &World) -> BTreeMap<String, Vec<u8>> {
    world.bucket.below(&world.package().await)
}

async fn job(world: &World, id: JobId) -> Job {
    world.store.job(id, true).await.unwrap().unwrap()
}

async fn in_one_go(config: Value) -> BTreeMap<String, Vec<u8>> {
    let mut world = world().await;
    let (job, _) = world.run(Packaging, config).await;
    assert_eq!((job.status, job.fence), (Status::Completed, 1));
    package(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_several_runs_has_the_same_bytes_as_one_of_a_single_run() {
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
        let mut world = world().await;
        let id = world.create(Packaging, config.clone()).await;
        let mut progress = 0;
        for file in 1..5 {
            let processed = delivered(&world, id).await;
            let Processed::Waiting(job, delay) = processed else {
                panic!("{processed:?}")
            };
            assert_eq!(
                (job.status, job.fence, job.attempt, delay),
                (Status::Pending, file, 1, Duration::ZERO)
            );
            assert!(job.progress >= progress, "{progress} {}", job.progress);
            progress = job.progress;
        }
        let (done, result) = world.process(id).await;
        assert_eq!(
            (done.status, done.fence, done.attempt),
            (Status::Completed, 5, 1)
        );
        assert!(
            package(&world).await == in_one_go(config).await,
            "{options}"
        );
        assert_eq!(
            world.package().await,
            output_prefix(done.release_id.unwrap(), id, 1)
        );
        assert_eq!(
            result["files"].as_array().unwrap().len(),
            package(&world).await.len()
        );

        world.sweep_in(121).await;
        assert_eq!(
            world.names("releases/42/jobs/").len(),
            package(&world).await.len(),
            "no checkpoint is left"
        );
        assert!(world.bucket.state().uploads.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repacked_package_too() {
    let (once, often) = (
        json!({"compression": "store"}),
        json!({"compression": "high", "volume_size": 3_000_000}),
    );
    let mut world = world().await;
    world.run(Packaging, json!({"release_name": NAME})).await;
    let id = world.create(Repack, often.clone()).await;
    for fence in 1..5 {
        let processed = delivered(&world, id).await;
        assert!(
            matches!(&processed, Processed::Waiting(job, _) if job.fence == fence),
            "{processed:?}"
        );
    }
    let (done, _) = world.process(id).await;
    assert_eq!(
        (done.status, done.fence, done.attempt),
        (Status::Completed, 5, 1)
    );
    let several = package(&world).await;
    world.run(Repack, once).await;
    world.run(Repack, often).await;
    assert!(package(&world).await == several);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_it_begins_anew() {
    let mut world = world().await;
    let id = world.create(Packaging, json!({"release_name": NAME})).await;
    assert!(matches!(
        delivered(&world, id).await,
        Processed::Waiting(..)
    ));
    let seen = job(&world, id).await;
    world
        .store
        .claim(&seen, world.clock.clock().now())
        .await
        .unwrap();
    assert_eq!(world.sweep_in(61).await.rescued, 1);
    let (done, _) = world.process(id).await;
    assert_eq!(
        (done.status, done.fence, done.attempt),
        (Status::Completed, 3, 2)
    );
    assert!(package(&world).await == in_one_go(json!({"release_name": NAME})).await);
    assert_eq!(
        world.package().await,
        output_prefix(done.release_id.unwrap(), id, 3)
    );
    world.sweep_in(121).await;
    assert_eq!(
        world.names("releases/42/jobs/").len(),
        package(&world).await.len()
    );
    assert!(world.bucket.state().uploads.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_source_file_was_replaced_meanwhile_it_begins_anew() {
    let mut world = world().await;
    let id = world.create(Packaging, json!({"release_name": NAME})).await;
    assert!(matches!(
        delivered(&world, id).await,
        Processed::Waiting(..)
    ));
    world.source("a.bin", b"another");
    let (done, _) = world.process(id).await;
    assert_eq!(
        world.package().await,
        output_prefix(done.release_id.unwrap(), id, 2),
        "nothing of the first run is in it"
    );
    assert_eq!((done.status, done.attempt), (Status::Completed, 1));
    let archive = package(&world)
        .await
        .remove(&format!("{NAME}.zip"))
        .unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut content = String::new();
    std::io::Read::read_to_string(&mut archive.by_name("a.bin").unwrap(), &mut content).unwrap();
    assert_eq!((content.as_str(), archive.len()), ("another", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_keeps_that_is_cancelled_between_two_runs_is_removed() {
    let mut world = world().await;
    let id = world
        .create(
            Packaging,
            json!({"release_name": NAME, "compression": "store"}),
        )
        .await;
    for _ in 0..2 {
        assert!(matches!(
            delivered(&world, id).await,
            Processed::Waiting(..)
        ));
    }
    assert_eq!(world.bucket.state().uploads.len(), 1);
    let owner = UserId::try_from(7).unwrap();
    world
        .store
        .cancel(id, owner, false, world.clock.clock().now())
        .await
        .unwrap();
    world.sweep_in(121).await;
    assert_eq!(world.names("releases/42/jobs/"), Vec::<String>::new());
    assert!(world.bucket.state().uploads.is_empty());
}
