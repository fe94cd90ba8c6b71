//! `nfofix` and `readnfo` from the queue's message to the release, over a bucket in memory.

use jobs::FailureCode;
use jobs::JobType::{Nfofix, Packaging, Readnfo};
use serde_json::{Value, json};

use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// Creates a packaged release whose NFO has a tab and an unresolved placeholder.
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
    let before = harness.package_folder().await;
    let (job, result) = harness.run(Nfofix, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    assert_eq!(
        (&result["changed"], &result["file"]),
        (&json!(true), &json!(format!("{NAME}.nfo")))
    );
    let changes = result["changes"].as_array().unwrap().iter();
    let changes: Vec<_> = changes
        .map(|change| (&change["line"], &change["what"]))
        .collect();
    assert_eq!(
        changes,
        [
            (&json!(1), &json!("tabs")),
            (&json!(2), &json!("placeholder"))
        ]
    );

    let after = harness.package_folder().await;
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
}

#[tokio::test]
async fn second_nfofix_changes_nothing() {
    let mut harness = packaged().await;
    let (_, first) = harness.run(Nfofix, json!({})).await;
    let folder = harness.package_folder().await;
    let (_, second) = harness.run(Nfofix, json!({})).await;
    assert_eq!(
        (&second["changed"], &second["changes"], &second["text"]),
        (&json!(false), &json!([]), &first["text"])
    );
    assert_eq!(harness.package_folder().await, folder);
}

#[tokio::test]
async fn nfofix_dry_run_changes_nothing() {
    let mut harness = packaged().await;
    let (before, names) = (harness.package_folder().await, harness.names(""));
    let (_, result) = harness.run(Nfofix, json!({"dry_run": true})).await;
    assert_eq!(
        (
            &result["changed"],
            result["changes"].as_array().unwrap().len()
        ),
        (&json!(true), 2)
    );
    assert_eq!(
        (harness.package_folder().await, harness.names("")),
        (before, names)
    );
}

#[tokio::test]
async fn source_nfo_is_repaired_only_in_the_result() {
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
async fn missing_or_ambiguous_nfo_fails_with_its_code() {
    let mut harness = WorkerHarness::new(json!({})).await;
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(
            harness.failure_code(job_type, json!({})).await,
            FailureCode::NfoMissing
        );
    }
    harness.source("a.nfo", b"a\r\n");
    harness.source("b.nfo", b"b\r\n");
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(
            harness.failure_code(job_type, json!({})).await,
            FailureCode::NfoAmbiguous
        );
    }
}

#[tokio::test]
async fn oversized_nfo_fails_with_its_code() {
    let mut harness = WorkerHarness::new(json!({})).await;
    for bytes in [vec![b'x'; 256 * 1024 + 1], b"\"\\\"".repeat(70_000)] {
        harness.source("a.nfo", &bytes);
        assert_eq!(
            harness.failure_code(Nfofix, json!({})).await,
            FailureCode::NfoTooLarge
        );
    }
}

#[tokio::test]
async fn sfv_in_other_case_lists_the_repaired_nfo_once() {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    let key = format!("{before}{NAME}.sfv");
    let text = harness.text(&key).to_uppercase() + "GONE.TXT 00000000\r\n";
    harness.bucket.put(&key, text);
    let (_, result) = harness.run(Nfofix, json!({})).await;
    assert_eq!(result["changed"], true);
    let folder = harness.package_folder().await;
    let crc32 = crc32fast::hash(harness.text(&format!("{folder}{NAME}.nfo")).as_bytes());
    let sfv = harness.text(&format!("{folder}{NAME}.sfv"));
    assert!(
        sfv.contains(&format!("{NAME}.nfo {crc32:08X}\r\n")),
        "{sfv}"
    );
    assert!(sfv.contains("GONE.TXT 00000000\r\n"), "{sfv}");
    assert_eq!(sfv.lines().count(), 4, "{sfv}");
}

#[tokio::test]
async fn unreadable_sfv_leaves_no_partial_package() {
    let mut harness = packaged().await;
    let before = harness.package_folder().await;
    harness
        .bucket
        .put(&format!("{before}{NAME}.sfv"), "no checksum");
    let names = harness.names("");
    assert_eq!(
        harness.failure_code(Nfofix, json!({})).await,
        FailureCode::SfvInvalid
    );
    assert_eq!(
        (harness.package_folder().await, harness.names("")),
        (before, names)
    );
}

#[tokio::test]
async fn readnfo_compares_the_package_with_its_file_list() {
    let mut harness = packaged().await;
    let (_, result) = harness.run(Readnfo, json!({})).await;
    assert_eq!(result["metadata"]["title"], "A Book");
    assert_eq!(
        (&result["missing_files"], &result["unexpected_files"]),
        (&json!([]), &json!([]))
    );
    let package = harness.package_folder().await;
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
async fn readnfo_applies_metadata_on_request() {
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
