//! `repack` from the queue's message to the release, over a bucket in memory.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use jobs::JobType::{Nfofix, Packaging, Repack};
use jobs::{Failure, FailureCode};
use proptest::prelude::*;
use release_files::{formats::samples, package::sfv};
use serde_json::{Value, json};

use crate::job_types::{
    hostile_files::{replaced, with_headers},
    test_harness::WorkerHarness,
};

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// Creates a release with a package of two files: one compresses, the other does not.
async fn packaged() -> WorkerHarness {
    let mut harness = WorkerHarness::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    harness.source(
        "book.txt",
        &b"the same line again and again\n".repeat(5_000),
    );
    harness.source("art/cover é.jpg", &noise(200_000));
    let (job, _) = harness.run(Packaging, json!({"release_name": NAME})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    harness
}

fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(count).collect()
}

/// Returns the content of the package's joined volumes, as read by the zip library.
fn content(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let joined: Vec<u8> = files
        .iter()
        .filter(|(name, _)| name.contains(".zip"))
        .flat_map(|(_, part)| part.clone())
        .collect();
    let mut archive = zip::ZipArchive::new(Cursor::new(joined)).unwrap();
    let count = archive.len();
    let read = |at| {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().into_owned(), bytes)
    };
    (0..count).map(read).collect()
}

/// Checks the files that the SFV lists. Returns the number of them.
fn matching_checksums(package: &BTreeMap<String, Vec<u8>>) -> usize {
    let checksums = sfv::parse(&package[&format!("{NAME}.sfv")]).unwrap();
    for (name, crc32) in &checksums {
        assert_eq!(crc32fast::hash(&package[name]), *crc32, "{name}");
    }
    checksums.len()
}

#[tokio::test]
async fn repack_applies_new_options_to_the_same_content() {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    let options = json!({"compression": "store", "volume_size": 65_536, "template": "{{ title }}: {{ size }}"});
    let (job, result) = harness.run(Repack, options).await;
    assert!(job.error().is_none(), "{:?}", job.error());

    let (old, new) = (
        harness.bucket.below(&before),
        harness.bucket.below(&harness.package_folder().await),
    );
    assert_eq!(harness.release().await.package.unwrap().version, 2);
    assert_eq!(content(&new), content(&old));
    let volumes: Vec<_> = new
        .iter()
        .filter(|(name, _)| name.contains(".zip"))
        .collect();
    assert_eq!(
        (volumes.len(), volumes[0].0.as_str(), volumes[0].1.len()),
        (6, &*format!("{NAME}.zip.001"), 65_536)
    );
    let total: usize = volumes.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(
        new[&format!("{NAME}.nfo")],
        format!("A Book: {total}\r\n").into_bytes()
    );
    assert_eq!(matching_checksums(&new), 8);
    assert_eq!(
        (
            &result["release_name"],
            result["files"].as_array().unwrap().len()
        ),
        (&json!(NAME), 9)
    );
}

#[tokio::test]
async fn repack_with_the_original_options_restores_the_archive() {
    let mut harness = packaged().await;
    let first = harness.bucket.below(&harness.package_folder().await);
    harness
        .run(
            Repack,
            json!({"compression": "high", "volume_size": 65_536}),
        )
        .await;
    harness.run(Repack, json!({})).await;
    assert_eq!(harness.release().await.package.unwrap().version, 3);
    assert_eq!(
        harness.bucket.below(&harness.package_folder().await)[&format!("{NAME}.zip")],
        first[&format!("{NAME}.zip")]
    );
}

#[tokio::test]
async fn extra_files_are_copied() {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    harness
        .bucket
        .put(&format!("{before}sample/page.png"), noise(100));
    harness
        .run(
            Repack,
            json!({"release_name": "Another.Name-GRP", "generate_diz": false}),
        )
        .await;
    let after = harness.bucket.below(&harness.package_folder().await);
    let names: Vec<&str> = after.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "Another.Name-GRP.nfo",
            "Another.Name-GRP.sfv",
            "Another.Name-GRP.zip",
            "sample/page.png"
        ]
    );
    assert_eq!(
        sfv::parse(&after["Another.Name-GRP.sfv"]).unwrap()["sample/page.png"],
        crc32fast::hash(&noise(100))
    );
}

#[tokio::test]
async fn metadata_found_only_in_the_nfo_is_kept() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("book.txt", b"text");
    let template = "Title: Le Phare\nAuthor: Ada Exemple\nYear: 2019";
    harness
        .run(
            Packaging,
            json!({"release_name": NAME, "template": template}),
        )
        .await;
    let (_, result) = harness.run(Repack, json!({"group": "NEW"})).await;
    assert_eq!(result["release_name"], "Ada.Exemple-Le.Phare-2019-NEW");
    assert!(
        harness
            .text(&format!("{}FILE_ID.DIZ", harness.package_folder().await))
            .starts_with("Le Phare\r\nby Ada Exemple")
    );
}

#[tokio::test]
async fn corrupt_package_is_reported_and_left_unchanged() {
    for (name, bytes, part) in [
        (
            format!("{NAME}.zip"),
            Some(b"no archive".to_vec()),
            "zip does not match its SFV checksum",
        ),
        (
            "FILE_ID.DIZ".to_owned(),
            None,
            "FILE_ID.DIZ is in its SFV but missing",
        ),
        (format!("{NAME}.zip"), None, "no archive"),
    ] {
        let mut harness = packaged().await;
        let before = harness.package_folder().await;
        let key = format!("{before}{name}");
        match bytes {
            Some(bytes) => harness.bucket.put(&key, bytes),
            None => drop(harness.bucket.state().objects.remove(&key)),
        }
        let names = harness.names("");
        let (job, _) = harness.run(Repack, json!({})).await;
        let error = job.error().unwrap();
        assert_eq!(error.code, FailureCode::PackageCorrupt);
        assert!(error.message.contains(part), "{}", error.message);
        assert_eq!(
            (harness.package_folder().await, harness.names("")),
            (before, names)
        );
    }
}

#[tokio::test]
async fn archive_checksums_are_verified_without_an_sfv() {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    harness
        .bucket
        .state()
        .objects
        .remove(&format!("{before}{NAME}.sfv"));
    let key = format!("{before}{NAME}.zip");
    let mut archive = harness.bucket.state().objects[&key].clone();
    archive[5_000] ^= 1;
    harness.bucket.put(&key, archive);
    let (job, _) = harness.run(Repack, json!({})).await;
    let error = job.error().unwrap();
    assert_eq!(error.code, FailureCode::PackageCorrupt);
    assert!(error.message.contains("cover é.jpg"), "{}", error.message);
}

/// Replaces the archive of a package that has no SFV, and returns the failure of a repack, if any.
async fn failure_with_archive(archive: Vec<u8>) -> Option<Failure> {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    let sfv = format!("{before}{NAME}.sfv");
    harness.bucket.state().objects.remove(&sfv);
    harness.bucket.put(&format!("{before}{NAME}.zip"), archive);
    let (job, _) = harness.run(Repack, json!({})).await;
    let after = harness.package_folder().await;
    assert_eq!(job.error().is_some(), after == before);
    job.error().cloned()
}

#[tokio::test]
async fn archive_that_cannot_be_unpacked_is_a_corrupt_package() {
    let zip = samples::zip(&[("aaaa.txt", b"first"), ("bbbb.txt", b"second")]);
    let same_name = replaced(&zip, b"bbbb.txt", b"aaaa.txt");
    let same_path = samples::zip(&[("a/b", b"first"), ("a\\b", b"second")]);
    for (archive, part) in [
        (with_headers(&zip, 6, 8, &[1, 0]), "encrypted"),
        (
            with_headers(&zip, 8, 10, &[77, 0]),
            "unsupported compression",
        ),
        (with_headers(&zip, 14, 16, &[1, 2, 3, 4]), "damaged"),
        (with_headers(&zip, 30, 42, &[0; 4]), "overlapping"),
        (zip[..zip.len() - 5].to_vec(), "damaged or truncated"),
        (same_name, "several entries with the same name"),
        (same_path, "several entries with the same name"),
    ] {
        let error = failure_with_archive(archive).await.expect(part);
        assert_eq!(error.code, FailureCode::PackageCorrupt, "{part}");
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
}

#[tokio::test]
async fn names_of_a_foreign_archive_are_refused_or_normalized() {
    let zip = samples::zip(&[("aaaa.txt", b"first"), ("bbbb.txt", b"second")]);
    for (name, code) in [
        (b"../a.txt", Some(FailureCode::ArchiveUnsafeName)),
        (b"..\\a.txt", Some(FailureCode::ArchiveUnsafeName)),
        (b"BBBB.txt", Some(FailureCode::DuplicateName)),
        (b"dir\\.txt", None),
        (b"/dir.txt", None),
    ] {
        let error = failure_with_archive(replaced(&zip, b"aaaa.txt", name)).await;
        assert_eq!(error.map(|error| error.code), code, "{name:?}");
    }
}

#[tokio::test]
async fn folder_that_is_listed_twice_is_no_corruption() {
    let zip = samples::zip(&[("bb/", b""), ("aa/", b""), ("aa/a.txt", b"first")]);
    let twice = replaced(&zip, b"bb/", b"aa/");
    assert_eq!(failure_with_archive(twice).await, None);
}

/// Rewrites the SFV of the current package with `line`, given the path and the digits of each file.
async fn rewrite_sfv(harness: &WorkerHarness, line: impl Fn(&str, &str) -> String) -> Vec<u8> {
    let key = format!("{}{NAME}.sfv", harness.package_folder().await);
    let text = harness.text(&key);
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    let rewritten: String = lines.map(|(path, digits)| line(path, digits)).collect();
    harness.bucket.put(&key, rewritten.clone());
    rewritten.into_bytes()
}

#[tokio::test]
async fn sfv_of_another_tool_is_compared_by_its_names() {
    let lines: [fn(&str, &str) -> String; 6] = [
        |path, digits| format!("{path} {digits}\r"),
        |path, digits| format!("{path} {digits}\r\n\u{1a}"),
        |path, digits| format!(".\\{path} {digits}\r\n"),
        |path, digits| format!("{} {digits}\n", path.to_uppercase()),
        |path, digits| format!("{} *{path}\n", digits.to_lowercase()),
        |path, digits| format!("\"{path}\" {digits}\n{NAME}.sfv 00000000\n"),
    ];
    for line in lines {
        let mut harness = packaged().await;
        let sfv = rewrite_sfv(&harness, line).await;
        let (job, _) = harness.run(Repack, json!({})).await;
        assert!(job.error().is_none(), "{:?} {sfv:?}", job.error());

        let damaged = |path: &str, digits: &str| line(path, &digits.replace(|_| true, "0"));
        rewrite_sfv(&harness, damaged).await;
        let (job, _) = harness.run(Repack, json!({})).await;
        let error = job.error().unwrap();
        assert_eq!(error.code, FailureCode::PackageCorrupt, "{error:?}");
        assert!(error.message.contains("checksum"), "{}", error.message);
    }
}

#[tokio::test]
async fn repack_without_a_package_fails() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("a.txt", b"a");
    assert_eq!(
        harness.failure_code(Repack, json!({})).await,
        FailureCode::PackageMissing
    );
}

#[tokio::test]
async fn repack_works_after_nfofix() {
    let mut harness = packaged().await;
    let nfo = format!("{}{NAME}.nfo", harness.package_folder().await);
    let text = harness.text(&nfo);
    harness.bucket.put(&nfo, text.replace("\r\n", "\n"));
    let (_, result) = harness.run(Nfofix, json!({})).await;
    assert_eq!(result["changed"], true);
    let (job, _) = harness.run(Repack, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
}

/// Generates files of any names and sizes, with unique numbers in their paths.
fn any_files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3_000),
        (any::<u8>(), 0..200_000_usize).prop_map(|(byte, count)| vec![byte; count]),
        (1..150_000_usize).prop_map(noise),
    ];
    prop::collection::vec(("[a-zé日 ()]{1,12}", content), 1..5).prop_map(|files| {
        files
            .into_iter()
            .enumerate()
            .map(|(at, (name, bytes))| (format!("{at}/{name}.bin"), bytes))
            .collect()
    })
}

fn any_options() -> impl Strategy<Value = Value> {
    let volume_size = prop::option::of(65_536..300_000_u64);
    (prop::sample::select(vec!["store", "normal", "high"]), volume_size)
        .prop_map(|(compression, volume_size)| json!({"release_name": NAME, "compression": compression, "volume_size": volume_size}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_content_survives_packaging_and_repack(
        files in any_files(),
        first in any_options(),
        second in any_options(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let found = runtime.block_on(async {
            let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
            for (path, bytes) in &files {
                harness.source(path, bytes);
            }
            let mut found = Vec::new();
            for (job_type, options) in [(Packaging, &first), (Repack, &second)] {
                let (job, _) = harness.run(job_type, options.clone()).await;
                assert!(job.error().is_none(), "{job_type}: {:?}", job.error());
                let package = harness.bucket.below(&harness.package_folder().await);
                matching_checksums(&package);
                found.push(content(&package));
            }
            found
        });
        let expected: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        prop_assert!(found.iter().all(|content| *content == expected));
    }
}
