//! `dirfix`, from the queue's message to the release, over a bucket in memory.

use jobs::JobType::{Dirfix, Packaging, Repack};
use release_files::package::sfv;
use serde_json::{Value, json};

use crate::job_types::world::World;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// A package by the rules.
async fn packaged() -> World {
    let mut world = World::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    world.source("book.txt", b"content");
    world.run(Packaging, json!({"release_name": NAME})).await;
    world
}

/// A package that breaks rules: other names, a wrong folder, a file more.
async fn broken() -> World {
    let world = packaged().await;
    let folder = world.package().await;
    for (from, to) in [
        ("zip", "Jane Doe - A.Book 2024.zip"),
        ("nfo", "info/LISEZ MOI.NFO"),
    ] {
        let bytes = world
            .bucket
            .state()
            .objects
            .remove(&format!("{folder}{NAME}.{from}"))
            .unwrap();
        world.bucket.put(&format!("{folder}{to}"), bytes);
    }
    world
        .bucket
        .put(&format!("{folder}images/couverture été.JPG"), b"picture");
    world
}

fn whys(result: &Value) -> Vec<(&str, Vec<&str>)> {
    let mut found = Vec::new();
    for change in result["changes"].as_array().unwrap() {
        let why = change["why"].as_array().unwrap();
        found.push((
            change["to"].as_str().unwrap(),
            why.iter().map(|why| why.as_str().unwrap()).collect(),
        ));
    }
    found
}

#[tokio::test]
async fn a_package_by_the_rules_keeps_its_version() {
    let mut world = packaged().await;
    let names = world.names("");
    let (job, result) = world.run(Dirfix, json!({})).await;
    assert!(job.error.is_none(), "{:?}", job.error);
    assert_eq!(
        (&result["changes"], &result["applied"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(
        (
            world.release().await.package.unwrap().version,
            world.names("")
        ),
        (1, names)
    );
}

#[tokio::test]
async fn names_and_places_are_put_right_in_a_new_version() {
    let mut world = broken().await;
    let before = world.package().await;
    let (job, result) = world.run(Dirfix, json!({})).await;
    assert!(job.error.is_none(), "{:?}", job.error);
    let after = world.package().await;
    let name = "Jane.Doe-A.Book.2024-GRP";
    let files = world.bucket.below(&after);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = ["zip", "nfo", "sfv"].map(|ending| format!("{name}.{ending}"));
    let [zip, nfo, list] = &expected;
    assert_eq!(
        names,
        ["FILE_ID.DIZ", nfo, list, zip, "images/couverture.ete.jpg"]
    );
    assert_eq!(
        whys(&result),
        [
            (zip.as_str(), vec!["spaces", "group_suffix"]),
            (list.as_str(), vec!["release_name"]),
            (
                "images/couverture.ete.jpg",
                vec!["accents", "spaces", "extension_case"]
            ),
            (
                nfo.as_str(),
                vec!["spaces", "release_name", "folder", "extension_case"]
            ),
            (list.as_str(), vec!["sfv_wrong"]),
        ]
    );
    let checksums = sfv::parse(&files[list]).unwrap();
    assert_eq!(checksums.len(), 4);
    assert!(
        checksums
            .iter()
            .all(|(path, crc32)| crc32fast::hash(&files[path]) == *crc32)
    );
    assert_eq!(
        files[zip],
        world.bucket.below(&before)["Jane Doe - A.Book 2024.zip"]
    );

    let (_, again) = world.run(Dirfix, json!({})).await;
    assert_eq!(
        (&again["changes"], world.package().await),
        (&json!([]), after)
    );
    let (job, _) = world.run(Repack, json!({})).await;
    assert!(job.error.is_none(), "{:?}", job.error);
}

#[tokio::test]
async fn a_dry_run_shows_the_same_changes_and_makes_none() {
    let mut world = broken().await;
    let (before, names) = (world.package().await, world.names(""));
    let (_, plan) = world.run(Dirfix, json!({"dry_run": true})).await;
    assert_eq!(
        (&plan["applied"], world.package().await, world.names("")),
        (&json!(false), before, names)
    );
    let (_, done) = world.run(Dirfix, json!({})).await;
    assert_eq!(
        (&plan["changes"], &done["applied"]),
        (&done["changes"], &json!(true))
    );
}

#[tokio::test]
async fn an_sfv_that_is_missing_wrong_or_unreadable_is_written_anew() {
    for (content, why) in [
        (None, "sfv_missing"),
        (Some("A.zip 00000000\r\n"), "sfv_wrong"),
        (Some("?"), "sfv_wrong"),
    ] {
        let mut world = packaged().await;
        let key = format!("{}{NAME}.sfv", world.package().await);
        let right = world.bucket.state().objects.remove(&key).unwrap();
        if let Some(content) = content {
            world.bucket.put(&key, content);
        }
        let (_, result) = world.run(Dirfix, json!({})).await;
        assert_eq!(whys(&result), [(format!("{NAME}.sfv").as_str(), vec![why])]);
        assert_eq!(
            world.bucket.below(&world.package().await)[&format!("{NAME}.sfv")],
            right
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_its_sfv_says_is_told_in_the_log() {
    let mut world = packaged().await;
    let folder = world.package().await;
    world.bucket.put(&format!("{folder}FILE_ID.DIZ"), "another");
    let (job, result) = world.run(Dirfix, json!({})).await;
    assert_eq!(
        whys(&result),
        [(format!("{NAME}.sfv").as_str(), vec!["sfv_wrong"])]
    );
    let details = world.store.details(job.id).await.unwrap().unwrap();
    let warned = details
        .log
        .iter()
        .any(|line| line.message.contains("FILE_ID.DIZ has the CRC-32"));
    assert!(warned, "{:?}", details.log);
}

#[tokio::test]
async fn source_files_are_looked_at_and_left() {
    let mut world = World::new(json!({})).await;
    world.source("un été.txt", b"a");
    world.source("fine.txt", b"b");
    let names = world.names("");
    let (_, result) = world.run(Dirfix, json!({})).await;
    assert_eq!(whys(&result), [("un.ete.txt", vec!["accents", "spaces"])]);
    assert_eq!(
        (&result["applied"], world.names("")),
        (&json!(false), names)
    );
    assert!(world.release().await.package.is_none());
}

#[tokio::test]
async fn a_release_without_files_has_nothing_to_repair() {
    let mut world = World::new(json!({})).await;
    assert_eq!(world.code(Dirfix, json!({})).await, "source_missing");
}
