//! `dirfix` from the queue's message to the release, over a bucket in memory.

use jobs::FailureCode;
use jobs::JobType::{Dirfix, Packaging, Repack};
use release_files::package::sfv;
use serde_json::{Value, json};

use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// Creates a package that follows the rules.
async fn packaged() -> WorkerHarness {
    let mut harness = WorkerHarness::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    harness.source("book.txt", b"content");
    harness.run(Packaging, json!({"release_name": NAME})).await;
    harness
}

/// Creates a package that breaks rules: wrong names, a wrong folder, an extra file.
async fn broken() -> WorkerHarness {
    let harness = packaged().await;
    let folder = harness.package_folder().await;
    for (from, to) in [
        ("zip", "Jane Doe - A.Book 2024.zip"),
        ("nfo", "info/LISEZ MOI.NFO"),
    ] {
        let bytes = harness
            .bucket
            .state()
            .objects
            .remove(&format!("{folder}{NAME}.{from}"))
            .unwrap();
        harness.bucket.put(&format!("{folder}{to}"), bytes);
    }
    harness
        .bucket
        .put(&format!("{folder}images/couverture été.JPG"), b"picture");
    harness
}

/// Returns the new path and the reasons of each change.
fn reasons(result: &Value) -> Vec<(&str, Vec<&str>)> {
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
async fn compliant_package_keeps_its_version() {
    let mut harness = packaged().await;
    let names = harness.names("");
    let (job, result) = harness.run(Dirfix, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    assert_eq!(
        (&result["changes"], &result["applied"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(
        (
            harness.release().await.package.unwrap().version,
            harness.names("")
        ),
        (1, names)
    );
}

#[tokio::test]
async fn paths_are_repaired_in_a_new_version() {
    let mut harness = broken().await;
    let before = harness.package_folder().await;
    let (job, result) = harness.run(Dirfix, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    let after = harness.package_folder().await;
    let name = "Jane.Doe-A.Book.2024-GRP";
    let files = harness.bucket.below(&after);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = ["zip", "nfo", "sfv"].map(|extension| format!("{name}.{extension}"));
    let [zip, nfo, sfv] = &expected;
    assert_eq!(
        names,
        ["FILE_ID.DIZ", nfo, sfv, zip, "images/couverture.ete.jpg"]
    );
    assert_eq!(
        reasons(&result),
        [
            (zip.as_str(), vec!["spaces", "group_suffix"]),
            (sfv.as_str(), vec!["release_name"]),
            (
                "images/couverture.ete.jpg",
                vec!["accents", "spaces", "extension_case"]
            ),
            (
                nfo.as_str(),
                vec!["spaces", "release_name", "folder", "extension_case"]
            ),
            (sfv.as_str(), vec!["sfv_wrong"]),
        ]
    );
    let checksums = sfv::parse(&files[sfv]).unwrap();
    assert_eq!(checksums.len(), 4);
    assert!(
        checksums
            .iter()
            .all(|(path, crc32)| crc32fast::hash(&files[path]) == *crc32)
    );
    assert_eq!(
        files[zip],
        harness.bucket.below(&before)["Jane Doe - A.Book 2024.zip"]
    );
}

#[tokio::test]
async fn repaired_package_needs_no_repair_and_can_be_repacked() {
    let mut harness = broken().await;
    harness.run(Dirfix, json!({})).await;
    let repaired = harness.package_folder().await;
    let (_, again) = harness.run(Dirfix, json!({})).await;
    assert_eq!(
        (&again["changes"], harness.package_folder().await),
        (&json!([]), repaired)
    );
    let (job, _) = harness.run(Repack, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
}

#[tokio::test]
async fn dirfix_dry_run_lists_changes_without_making_them() {
    let mut harness = broken().await;
    let (before, names) = (harness.package_folder().await, harness.names(""));
    let (_, plan) = harness.run(Dirfix, json!({"dry_run": true})).await;
    assert_eq!(
        (
            &plan["applied"],
            harness.package_folder().await,
            harness.names("")
        ),
        (&json!(false), before, names)
    );
    let (_, done) = harness.run(Dirfix, json!({})).await;
    assert_eq!(
        (&plan["changes"], &done["applied"]),
        (&done["changes"], &json!(true))
    );
}

#[tokio::test]
async fn missing_wrong_or_unreadable_sfv_is_rewritten() {
    for (content, why) in [
        (None, "sfv_missing"),
        (Some("A.zip 00000000\r\n"), "sfv_wrong"),
        (Some("?"), "sfv_wrong"),
    ] {
        let mut harness = packaged().await;
        let key = format!("{}{NAME}.sfv", harness.package_folder().await);
        let right = harness.bucket.state().objects.remove(&key).unwrap();
        if let Some(content) = content {
            harness.bucket.put(&key, content);
        }
        let (_, result) = harness.run(Dirfix, json!({})).await;
        assert_eq!(
            reasons(&result),
            [(format!("{NAME}.sfv").as_str(), vec![why])]
        );
        assert_eq!(
            harness.bucket.below(&harness.package_folder().await)[&format!("{NAME}.sfv")],
            right
        );
    }
}

#[tokio::test]
async fn sfv_that_some_tools_cannot_read_is_rewritten() {
    let rewrites: [fn(String) -> String; 5] = [
        |text| text.replace("\r\n", "\r"),
        |text| text.to_uppercase(),
        |text| format!("\u{feff}{text}"),
        |text| text + "\u{1a}",
        |text| format!("{text}{NAME}.sfv 00000000\r\n"),
    ];
    for rewrite in rewrites {
        let mut harness = packaged().await;
        let key = format!("{}{NAME}.sfv", harness.package_folder().await);
        let right = harness.text(&key);
        harness.bucket.put(&key, rewrite(right.clone()));
        let (_, result) = harness.run(Dirfix, json!({})).await;
        let name = format!("{NAME}.sfv");
        assert_eq!(reasons(&result), [(name.as_str(), vec!["sfv_wrong"])]);
        let folder = harness.package_folder().await;
        assert_eq!(harness.text(&format!("{folder}{name}")), right);
        let (_, again) = harness.run(Dirfix, json!({})).await;
        assert_eq!(again["changes"], json!([]));
    }
}

#[tokio::test]
async fn sfv_mismatch_is_logged() {
    let mut harness = packaged().await;
    let folder = harness.package_folder().await;
    harness
        .bucket
        .put(&format!("{folder}FILE_ID.DIZ"), "another");
    let (job, result) = harness.run(Dirfix, json!({})).await;
    assert_eq!(
        reasons(&result),
        [(format!("{NAME}.sfv").as_str(), vec!["sfv_wrong"])]
    );
    let head = harness.store.head(job.id).await.unwrap().unwrap();
    let details = harness.store.details(&head).await.unwrap().unwrap();
    let warned = details
        .log
        .iter()
        .any(|line| line.message.contains("FILE_ID.DIZ has the CRC-32"));
    assert!(warned, "{:?}", details.log);
}

#[tokio::test]
async fn source_files_are_checked_but_not_changed() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("un été.txt", b"a");
    harness.source("fine.txt", b"b");
    let names = harness.names("");
    let (_, result) = harness.run(Dirfix, json!({})).await;
    assert_eq!(
        reasons(&result),
        [("un.ete.txt", vec!["accents", "spaces"])]
    );
    assert_eq!(
        (&result["applied"], harness.names("")),
        (&json!(false), names)
    );
    assert!(harness.release().await.package.is_none());
}

#[tokio::test]
async fn dirfix_without_files_fails() {
    let mut harness = WorkerHarness::new(json!({})).await;
    assert_eq!(
        harness.failure_code(Dirfix, json!({})).await,
        FailureCode::SourceMissing
    );
}
