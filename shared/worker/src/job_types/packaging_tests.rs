//! The names and the metadata of packages, from the queue's message to the release.

use jobs::{FailureCode, JobType::Dirfix, JobType::Packaging, JobType::Repack};
use release_files::formats::samples::{OPF3, epub, epub_with_cover, pdf, pdf_of};
use serde_json::{Value, json};

use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "A.Writer-The.Title-2021-GRP";

/// Packages these files. Returns the harness, the package's name and the job's log.
async fn packaged(
    metadata: Value,
    release: Option<&str>,
    files: &[(&str, &[u8])],
) -> (WorkerHarness, String, String) {
    let mut harness = WorkerHarness::named(metadata, release).await;
    for (path, bytes) in files {
        harness.source(path, bytes);
    }
    let (job, result) = harness.run(Packaging, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    let log = harness.log(&job).await;
    let name = result["release_name"].as_str().unwrap().to_owned();
    (harness, name, log)
}

#[tokio::test]
async fn metadata_comes_from_the_book_and_not_from_the_first_file() {
    let book = epub(OPF3, &[]);
    for files in [
        &[("book.epub", &book[..])][..],
        &[("00-readme.txt", b"Read me."), ("book.epub", &book)],
        &[("00-info.nfo", b"An NFO."), ("BOOK.EPUB", &book)],
        &[("a.jpg", b"\xff\xd8\xff\xe0 picture"), ("book", &book)],
        &[("a.epub", b"no book at all"), ("b.epub", &book)],
        &[("book.epub", &book), ("other.pdf", &pdf(3))],
    ] {
        let (_, name, log) = packaged(json!({}), None, files).await;
        assert_eq!(name, NAME, "{log}");
        assert!(log.contains("named after the title"), "{log}");
    }
}

/// A PDF without a title.
fn untitled() -> Vec<u8> {
    pdf_of(&[
        b"<</Pages 2 0 R>>",
        b"<</Kids[3 0 R]/Count 1>>",
        b"<</Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"<</Producer(Scanner)>>",
    ])
}

#[tokio::test]
async fn book_without_a_title_hides_none_that_has_one() {
    let (book, scan) = (epub(OPF3, &[]), untitled());
    let damaged = &book[..book.len() / 2];
    for (metadata, files, expected) in [
        (
            json!({}),
            &[
                ("Scan_0001.pdf", &scan[..]),
                ("The Grey Harbour.epub", &book),
            ][..],
            NAME,
        ),
        (json!({}), &[("a.pdf", &scan), ("b.epub", &book)], NAME),
        (
            json!({"title": " "}),
            &[("1.pdf", &scan), ("2.pdf", &scan), ("3.epub", &book)],
            NAME,
        ),
        // None has one: the first book says the name.
        (
            json!({}),
            &[("Scan_0001.pdf", &scan), ("Scan_0002.pdf", &scan)],
            "Scan.0001-GRP",
        ),
        (
            json!({}),
            &[("Scan_0001.pdf", &scan), ("z.epub", damaged)],
            "Scan.0001-GRP",
        ),
        // The release has one: the first book completes it.
        (
            json!({"title": "My Title"}),
            &[("a.pdf", &scan), ("b.epub", &book)],
            "My.Title-GRP",
        ),
    ] {
        let (_, name, log) = packaged(metadata, None, files).await;
        assert_eq!(name, expected, "{log}");
    }
}

#[tokio::test]
async fn damaged_book_does_not_fail_where_another_works() {
    let book = epub(OPF3, &[]);
    let damaged = &book[..book.len() / 2];
    let files: [(&str, &[u8]); 3] = [("a.epub", damaged), ("b.epub", b""), ("c.epub", &book)];
    let (_, name, log) = packaged(json!({}), None, &files).await;
    assert_eq!(name, NAME);
    for path in ["a.epub", "b.epub"] {
        let line = format!("The metadata of {path} is not used");
        assert!(log.contains(&line), "{log}");
    }
    // The first file describes a release without a book.
    let files: [(&str, &[u8]); 2] = [("00 Notes.txt", b"Notes."), ("b.epub", damaged)];
    let (_, name, log) = packaged(json!({}), Some("My Notes"), &files).await;
    assert_eq!(name, "My.Notes-GRP");
    assert!(log.contains("The metadata of b.epub is not used"), "{log}");

    // A release with a name needs no metadata.
    let files: [(&str, &[u8]); 1] = [("a.epub", damaged)];
    let (_, name, log) = packaged(json!({}), Some("My Book"), &files).await;
    assert_eq!(name, "My.Book-GRP");
    assert!(log.contains("The metadata of a.epub is not used"), "{log}");

    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("a.epub", damaged);
    let code = harness.failure_code(Packaging, json!({})).await;
    assert_eq!(code, FailureCode::ArchiveDamaged);
}

#[tokio::test]
async fn search_for_the_book_costs_no_request_where_it_is_first() {
    let reads = async |files: &[(&str, &[u8])]| {
        let (harness, _, _) = packaged(json!({}), None, files).await;
        let calls = &harness.bucket.state().calls;
        calls.iter().filter(|call| **call == "get_object").count()
    };
    let book = epub(OPF3, &[]);
    let one = reads(&[("book.epub", &book)]).await;
    // Each further file is read once, into the archive.
    assert_eq!(
        reads(&[("00.nfo", b"x"), ("book.epub", &book)]).await,
        one + 1
    );
    assert_eq!(
        reads(&[
            ("book.epub", &book),
            ("cover.jpg", b"x"),
            ("z.pdf", &pdf(1))
        ])
        .await,
        one + 2
    );
    // Of many candidates, some are read.
    let names: Vec<String> = (0..40).map(|at| format!("untitled {at}.bin")).collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"x"[..]))
        .collect();
    assert_eq!(reads(&many).await, 40 + 8);
}

#[tokio::test]
async fn nfo_shows_how_much_there_is_of_a_small_book_even_if_its_metadata_are_known() {
    let known = json!({
        "title": "A", "authors": ["B C"], "publisher": "D", "year": 2020, "language": "en",
        "isbn": "9780306406157", "format": "EPUB",
    });
    let book = epub_with_cover();
    for (file, config, shown) in [
        ("book.epub", json!({}), true),
        ("book.bin", json!({}), false),
        (
            "book.epub",
            json!({"template": "{{ title }} {{ cover }}"}),
            true,
        ),
    ] {
        let mut harness = WorkerHarness::new(known.clone()).await;
        harness.source(file, &book);
        let (job, result) = harness.run(Packaging, config).await;
        assert!(job.error().is_none(), "{:?}", job.error());
        let name = result["release_name"].as_str().unwrap();
        let folder = harness.package_folder().await;
        let nfo = harness.text(&format!("{folder}{name}.nfo"));
        assert_eq!(nfo.contains("2 x 3"), shown, "{nfo}");
    }
}

#[tokio::test]
async fn name_comes_from_the_title_or_the_release_or_the_file() {
    let file: [(&str, &[u8]); 1] = [("sub/Mara Quill - The Harbour.txt", b"text")];
    for (metadata, release, expected, origin) in [
        (
            json!({"title": "Серая гавань"}),
            Some("Mine"),
            "Seraia.gavan-GRP",
            "the title",
        ),
        (
            json!({"year": 2024}),
            Some("My Release"),
            "My.Release-2024-GRP",
            "the release's name",
        ),
        (
            json!({"year": 2024}),
            None,
            "Mara.Quill-The.Harbour-2024-GRP",
            "the file's name",
        ),
        (
            json!({"title": "\u{13000}", "year": 2024}),
            None,
            "Mara.Quill-The.Harbour-2024-GRP",
            "the file's name",
        ),
    ] {
        let (_, name, log) = packaged(metadata, release, &file).await;
        assert_eq!(name, expected);
        let line = format!("Packaging 1 file as {expected}, named after {origin}");
        assert!(log.contains(&line), "{log}");
    }
}

#[tokio::test]
async fn year_alone_names_no_release() {
    for (metadata, path) in [
        (json!({"year": 2024}), "2024.txt"),
        (json!({"title": "\u{13000}", "year": 2024}), "★.txt"),
        (json!({"title": "2", "year": 2024}), "001.txt"),
    ] {
        let mut harness = WorkerHarness::new(metadata).await;
        harness.source(path, b"text");
        let code = harness.failure_code(Packaging, json!({})).await;
        assert_eq!(code, FailureCode::ReleaseNameInvalid, "{path}");
    }
}

#[tokio::test]
async fn repack_with_a_new_group_keeps_the_words_of_the_name() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("a.txt", b"text");
    let name = "Jane.Doe-A.Book-2024";
    let named = json!({"release_name": format!("{name}-GRP"), "generate_nfo": false});
    harness.run(Packaging, named).await;
    let (job, result) = harness.run(Repack, json!({"group": "NEW"})).await;
    assert_eq!(
        result["release_name"],
        format!("{name}-NEW"),
        "{:?}",
        job.error()
    );
    let log = harness.log(&job).await;
    assert!(log.contains("named after the file's name"), "{log}");
}

#[tokio::test]
async fn dirfix_spells_names_or_leaves_them() {
    let mut harness = WorkerHarness::new(json!({})).await;
    for path in [
        "第一巻.epub",
        "第二巻.epub",
        "★.epub",
        "Keeper’s\u{3000}e\u{301}te\u{301}.epub",
    ] {
        harness.source(path, b"text");
    }
    let (_, result) = harness.run(Dirfix, json!({})).await;
    let changes = result["changes"].as_array().unwrap();
    let to: Vec<&str> = changes
        .iter()
        .filter_map(|change| change["to"].as_str())
        .collect();
    assert_eq!(
        to,
        ["Keepers.ete.epub", "Di.Yi.Juan.epub", "Di.Er.Juan.epub"]
    );
}
