//! Hostile and broken inputs, through the whole job: how each ends, and that nothing is left.

use std::io::{Cursor, Write as _};

use jobs::FailureCode;
use jobs::{
    JobType::{self, Analysis, Dirfix, Nfofix, Packaging, Readnfo, Repack},
    Status,
};
use release_files::formats::samples;
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::job_types::test_harness::WorkerHarness;

/// A source file, and how a job of some type on it ends: `Ok`, or `Err` with the code.
struct Row {
    name: &'static str,
    path: &'static str,
    bytes: Vec<u8>,
    ends: &'static [(JobType, Result<(), FailureCode>)],
}

/// Replaces every occurrence of bytes with others as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(!at.is_empty(), "nothing to replace");
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Sets bytes of each local header and of each directory entry, at their offsets in the two.
fn headers(bytes: &[u8], local: usize, central: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (signature, offset) in [(b"PK\x03\x04", local), (b"PK\x01\x02", central)] {
        let at: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(signature))
            .collect();
        for at in at {
            bytes[at + offset..at + offset + value.len()].copy_from_slice(value);
        }
    }
    bytes
}

fn zip_of(count: usize, content: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for at in 0..count {
        zip.start_file(format!("{at}.txt"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn of_very_long_paths_so_many_are_listed_as_a_result_holds() {
    let mut harness = WorkerHarness::new(json!({})).await;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..1_000 {
        zip.start_file(
            format!("{at} {}.txt", "x".repeat(900)),
            SimpleFileOptions::default(),
        )
        .unwrap();
    }
    harness.source("long.zip", &zip.finish().unwrap().into_inner());
    let (job, result) = harness.run(Analysis, json!({})).await;
    assert_eq!(job.status(), Status::Completed, "{job:?}");
    let structure = &result["structure"];
    assert_eq!(
        (&structure["files_total"], &structure["files_truncated"]),
        (&json!(1_000), &json!(true))
    );
    assert_eq!(structure["files"].as_array().unwrap().len(), 250);
}

fn symlink() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    zip.finish().unwrap().into_inner()
}

/// `&lol9;` is a thousand million times `lol`.
fn billion_laughs() -> Vec<u8> {
    let level = |at| {
        format!(
            "<!ENTITY lol{at} \"{}\">",
            format!("&lol{};", at - 1).repeat(10)
        )
    };
    let levels = (1..10).map(level).collect::<Vec<_>>().concat();
    let doctype = format!("<!DOCTYPE package [<!ENTITY lol0 \"lol\">{levels}]><package");
    let opf = samples::OPF3
        .replace("<package", &doctype)
        .replace("The Title", "&lol9;");
    samples::epub(&opf, &[])
}

const FINE: Result<(), FailureCode> = Ok(());

fn row(
    name: &'static str,
    path: &'static str,
    bytes: Vec<u8>,
    ends: &'static [(JobType, Result<(), FailureCode>)],
) -> Row {
    Row {
        name,
        path,
        bytes,
        ends,
    }
}

fn archives() -> Vec<Row> {
    let two = samples::zip(&[("aaaa.txt", b"one"), ("bbbb.txt", b"two")]);
    let nested = samples::zip(&[("inner.zip", &zip_of(1, &vec![0; 4_000_000]))]);
    vec![
        row(
            "an empty file",
            "a.epub",
            Vec::new(),
            &[(Analysis, Err(FailureCode::FileEmpty)), (Packaging, FINE)],
        ),
        row(
            "a bomb by ratio",
            "a.zip",
            zip_of(1, &vec![0; 30_000_000]),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "an epub that is a bomb",
            "a.epub",
            samples::epub(&(samples::OPF3.to_owned() + &" ".repeat(20_000_000)), &[]),
            &[(Analysis, Err(FailureCode::ArchiveBomb)), (Packaging, FINE)],
        ),
        row(
            "a bomb by number",
            "a.zip",
            zip_of(70_000, b""),
            &[
                (Analysis, Err(FailureCode::ArchiveTooLarge)),
                (Packaging, FINE),
            ],
        ),
        row(
            "a nested bomb",
            "a.zip",
            nested,
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "a path that climbs",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"../a.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "an absolute path",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"/aaa.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a drive's path",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"C:\\a.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a name with NUL",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"aa\0a.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a name in CP437",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"\x82t\x82.tx\xFE"),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "a symbolic link",
            "a.zip",
            symlink(),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "two entries of one name",
            "a.zip",
            replaced(&two, b"bbbb.txt", b"aaaa.txt"),
            &[(Analysis, FINE)],
        ),
    ]
}

fn damaged_archives() -> Vec<Row> {
    let epub = samples::epub(samples::OPF3, &[]);
    let two = samples::zip(&[("aaaa.txt", b"one"), ("bbbb.txt", b"two")]);
    vec![
        row(
            "an archive cut short",
            "a.zip",
            two[..two.len() / 2].to_vec(),
            &[
                (Analysis, Err(FailureCode::ArchiveDamaged)),
                (Packaging, FINE),
            ],
        ),
        row(
            "an epub cut short",
            "a.epub",
            epub[..epub.len() - 30].to_vec(),
            &[(Analysis, Err(FailureCode::ArchiveDamaged))],
        ),
        row(
            "encrypted entries",
            "a.epub",
            headers(&epub, 6, 8, &[1, 0]),
            &[(Analysis, Err(FailureCode::ArchiveEncrypted))],
        ),
        row(
            "a method that nobody has",
            "a.epub",
            headers(&epub, 8, 10, &[77, 0]),
            &[(Analysis, Err(FailureCode::ArchiveUnsupported))],
        ),
    ]
}

fn books() -> Vec<Row> {
    let epub = samples::epub(samples::OPF3, &[]);
    let encrypted_pdf = {
        let mut document = samples::pdf_document(1, samples::pdf_info());
        document.trailer.set(
            "Encrypt",
            lopdf::dictionary! { "Filter" => "Standard", "V" => 9 },
        );
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    };
    vec![
        row(
            "an epub without its container",
            "a.epub",
            samples::zip(&[("mimetype", b"application/epub+zip")]),
            &[(Analysis, Err(FailureCode::EpubContainerMissing))],
        ),
        row(
            "an epub without its package document",
            "a.epub",
            replaced(&epub, b"OEBPS/content.opf", b"OEBPS/another.opf"),
            &[(Analysis, Err(FailureCode::EpubOpfMissing))],
        ),
        row(
            "a package document that is no XML",
            "a.epub",
            samples::epub("<package", &[]),
            &[(Analysis, Err(FailureCode::EpubDamaged))],
        ),
        row(
            "entities without end",
            "a.epub",
            billion_laughs(),
            &[(Analysis, Err(FailureCode::XmlEntitiesRefused))],
        ),
        row(
            "a pdf of which nothing is left",
            "a.pdf",
            b"%PDF-1.7\nnothing".to_vec(),
            &[(Analysis, Err(FailureCode::PdfDamaged)), (Packaging, FINE)],
        ),
        row(
            "a damaged pdf",
            "a.pdf",
            samples::pdf(3)[..600].to_vec(),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "an encrypted pdf",
            "a.pdf",
            encrypted_pdf,
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "an nfo of noise",
            "a.nfo",
            (0..=255).cycle().take(5_000).collect(),
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
        row(
            "an nfo without end",
            "a.nfo",
            vec![b'x'; 300 * 1024],
            &[
                (Nfofix, Err(FailureCode::NfoTooLarge)),
                (Readnfo, Err(FailureCode::NfoTooLarge)),
            ],
        ),
        row(
            "an empty nfo",
            "a.nfo",
            Vec::new(),
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
        row(
            "no nfo",
            "a.txt",
            b"x".to_vec(),
            &[
                (Nfofix, Err(FailureCode::NfoMissing)),
                (Readnfo, Err(FailureCode::NfoMissing)),
            ],
        ),
        row(
            "no package",
            "a.txt",
            b"x".to_vec(),
            &[(Repack, Err(FailureCode::PackageMissing)), (Dirfix, FINE)],
        ),
    ]
}

#[tokio::test]
async fn every_input_ends_as_its_owner_can_understand() {
    let mut faults = Vec::new();
    for row in archives()
        .into_iter()
        .chain(damaged_archives())
        .chain(books())
    {
        for (job_type, expected) in row.ends {
            let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
            harness.source(row.path, &row.bytes);
            let (job, result) = harness.run(*job_type, json!({})).await;
            let found = job.error().map_or(Ok(()), |error| Err(error.code));
            if found != *expected {
                faults.push(format!(
                    "{}, {job_type}: {found:?} instead of {expected:?}: {:?}",
                    row.name,
                    job.error()
                ));
            }
            if let Some(error) = job.error() {
                assert_eq!(
                    (job.status(), &result),
                    (Status::Failed, &Value::Null),
                    "{}",
                    row.name
                );
                assert!(
                    is_a_sentence(&error.message),
                    "{}: {}",
                    row.name,
                    error.message
                );
                assert_eq!(
                    harness.names("releases/42/jobs/"),
                    Vec::<String>::new(),
                    "{}",
                    row.name
                );
                assert!(harness.bucket.state().uploads.is_empty(), "{}", row.name);
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// One that a person can read: it begins like one, and nothing in it is of our making only.
fn is_a_sentence(text: &str) -> bool {
    let internals = [
        "Error",
        "::",
        "{",
        "}",
        "Some(",
        "None",
        "unwrap",
        "os error",
        "panicked",
        "releases/42",
    ];
    text.starts_with(|c: char| c.is_uppercase() || c == '"')
        && text.split(' ').count() > 3
        && text.chars().count() < 300
        && !internals.iter().any(|internal| text.contains(internal))
}

#[tokio::test]
async fn a_source_that_is_replaced_or_deleted_meanwhile_has_changed() {
    let bytes: Vec<u8> = (0..20_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
        .collect();
    for job_type in [Analysis, Packaging] {
        let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
        harness.source("a.bin", &bytes);
        harness.bucket.state().replace = Some((1, "releases/42/source/a.bin".to_owned()));
        assert_eq!(
            harness.code(job_type, json!({})).await,
            FailureCode::SourceChanged,
            "{job_type}"
        );
        assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
        assert!(harness.bucket.state().uploads.is_empty());
    }
}
