//! `nfofix` and `readnfo`, from the queue's message to the release, over a bucket in memory.

use jobs::FailureCode;
use jobs::JobType::{Nfofix, Packaging, Readnfo};
use serde_json::{Value, json};

use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// A packaged release whose NFO has a tab, and a placeholder of another system's.
async fn packaged() -> WorkerHarness {
    let mut harness = WorkerHarness::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    harness.source("a book é.epub", b"content");
    let template = "Title\t: {{ title }}\nAuthor : %AUTHOR%\nYear : 2024\n\nFiles\n{% for file in files %}{{ file.path }} {{ file.crc32 }}\n{% endfor %}";
    let (job, _) = harness
        .run(
            Packaging,
            json!({"release_name": NAME, "template": template}),
        )
        .await;
    assert!(job.error().is_none(), "{:?}", job.error());
    harness
}

#[tokio::test]
async fn nfofix_makes_a_new_version_of_the_package() {
    let mut harness = packaged().await;
    let before = harness.package().await;
    let (job, result) = harness.run(Nfofix, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    assert_eq!(
        (&result["changed"], &result["file"]),
        (&json!(true), &json!(format!("{NAME}.nfo")))
    );
    let whats: Vec<_> = result["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (&change["line"], &change["what"]))
        .collect();
    assert_eq!(
        whats,
        [
            (&json!(1), &json!("tabs")),
            (&json!(2), &json!("placeholder"))
        ]
    );

    let after = harness.package().await;
    assert_ne!(after, before);
    assert_eq!(harness.release().await.package.unwrap().version, 2);
    assert_eq!(harness.names(&after), harness.names(&before));
    let nfo = harness.text(&format!("{after}{NAME}.nfo"));
    assert!(
        nfo.starts_with("Title   : A Book\r\nAuthor : Jane Doe\r\n"),
        "{nfo}"
    );
    assert_eq!(result["text"], json!(nfo));
    for name in [format!("{NAME}.zip"), "FILE_ID.DIZ".to_owned()] {
        assert_eq!(
            harness.bucket.below(&after)[&name],
            harness.bucket.below(&before)[&name]
        );
    }
    let crc32 = format!("{:08X}", crc32fast::hash(nfo.as_bytes()));
    let sfv = harness.text(&format!("{after}{NAME}.sfv"));
    assert!(
        sfv.contains(&format!("{NAME}.nfo {crc32}\r\n")) && sfv.lines().count() == 3,
        "{sfv}"
    );

    let (_, again) = harness.run(Nfofix, json!({})).await;
    assert_eq!(
        (&again["changed"], &again["changes"], &again["text"]),
        (&json!(false), &json!([]), &json!(nfo))
    );
    assert_eq!(harness.package().await, after);
}

#[tokio::test]
async fn a_dry_run_only_tells() {
    let mut harness = packaged().await;
    let (before, names) = (harness.package().await, harness.names(""));
    let (_, result) = harness.run(Nfofix, json!({"dry_run": true})).await;
    assert_eq!(
        (
            &result["changed"],
            result["changes"].as_array().unwrap().len()
        ),
        (&json!(true), 2)
    );
    assert_eq!(
        (harness.package().await, harness.names("")),
        (before, names)
    );
}

#[tokio::test]
async fn an_nfo_among_the_source_files_is_repaired_in_the_result_only() {
    let mut harness = WorkerHarness::new(json!({"title": "L'été"})).await;
    harness.source(
        "docs/Book.NFO",
        b"\xC9\xCD\xCD\xCD\xBB\r\nTitre : %TITRE% \x82\r\n",
    );
    let names = harness.names("");
    let (_, result) = harness.run(Nfofix, json!({})).await;
    assert_eq!(
        (&result["encoding"], &result["file"]),
        (&json!("cp437"), &json!("docs/Book.NFO"))
    );
    assert_eq!(result["text"], "╔═══╗\r\nTitre : L'été é\r\n");
    assert_eq!(harness.names(""), names);
    assert!(harness.release().await.package.is_none());
}

#[tokio::test]
async fn an_nfo_that_is_missing_or_not_the_only_one_fails_with_its_code() {
    let mut harness = WorkerHarness::new(json!({})).await;
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(
            harness.code(job_type, json!({})).await,
            FailureCode::NfoMissing
        );
    }
    harness.source("a.nfo", b"a\r\n");
    harness.source("b.nfo", b"b\r\n");
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(
            harness.code(job_type, json!({})).await,
            FailureCode::NfoAmbiguous
        );
    }
}

#[tokio::test]
async fn an_nfo_that_is_too_large_fails_with_its_code() {
    let mut harness = WorkerHarness::new(json!({})).await;
    for bytes in [vec![b'x'; 256 * 1024 + 1], b"\"\\\"".repeat(70_000)] {
        harness.source("a.nfo", &bytes);
        assert_eq!(
            harness.code(Nfofix, json!({})).await,
            FailureCode::NfoTooLarge
        );
    }
}

#[tokio::test]
async fn an_sfv_that_cannot_be_read_leaves_no_half_package() {
    let mut harness = packaged().await;
    let before = harness.package().await;
    harness
        .bucket
        .put(&format!("{before}{NAME}.sfv"), "no checksum");
    let names = harness.names("");
    assert_eq!(
        harness.code(Nfofix, json!({})).await,
        FailureCode::SfvInvalid
    );
    assert_eq!(
        (harness.package().await, harness.names("")),
        (before, names)
    );
}

#[tokio::test]
async fn readnfo_compares_the_package_with_what_its_nfo_lists() {
    let mut harness = packaged().await;
    let (_, result) = harness.run(Readnfo, json!({})).await;
    assert_eq!(result["metadata"]["title"], "A Book");
    assert_eq!(
        (&result["missing_files"], &result["unexpected_files"]),
        (&json!([]), &json!([]))
    );
    let package = harness.package().await;
    harness.bucket.put(&format!("{package}extra.jpg"), [1]);
    let text = harness.text(&format!("{package}{NAME}.nfo")) + "gone.zip 00000000\r\n";
    harness.bucket.put(&format!("{package}{NAME}.nfo"), text);
    let (_, result) = harness.run(Readnfo, json!({})).await;
    assert_eq!(
        (&result["missing_files"], &result["unexpected_files"]),
        (&json!(["gone.zip"]), &json!(["extra.jpg"]))
    );
    assert_eq!(harness.release().await.metadata["title"], "A Book");
}

#[tokio::test]
async fn readnfo_writes_to_the_release_what_it_read_when_asked_to() {
    let mut harness = WorkerHarness::new(json!({"title": "Old", "pages": 12})).await;
    harness.source(
        "a.nfo",
        "Titre : Le Phare\r\nAuteur : Ada Exemple\r\nAnnée : 2019\r\n".as_bytes(),
    );
    let (_, result) = harness.run(Readnfo, json!({})).await;
    assert_eq!(
        (
            &result["applied"],
            harness.release().await.metadata["title"].as_str()
        ),
        (&json!(false), Some("Old"))
    );
    let (_, result) = harness.run(Readnfo, json!({"apply": true})).await;
    assert_eq!(result["applied"], true);
    let metadata =
        json!({"title": "Le Phare", "authors": ["Ada Exemple"], "year": 2019, "pages": 12});
    assert_eq!(Value::Object(harness.release().await.metadata), metadata);
}
