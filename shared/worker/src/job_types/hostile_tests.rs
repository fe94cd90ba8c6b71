//! Hostile and broken inputs through whole jobs: each ends clearly and leaves nothing behind.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use jobs::{
    FailureCode, Job,
    JobType::{Analysis, Packaging},
    Status,
};
use release_files::formats::samples;
use serde_json::{Value, json};
use text::MAX_MESSAGE_CHARS;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{hostile_inputs, test_harness::WorkerHarness};

/// The longest time of one job, on a slow machine without optimization.
const MAX_TIME: Duration = Duration::from_secs(30);

#[tokio::test]
async fn hostile_input_ends_with_a_clear_outcome() {
    let mut faults = Vec::new();
    for input in hostile_inputs::all() {
        for (job_type, expected) in input.outcomes {
            let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
            harness.source(input.path, &input.bytes);
            let started = Instant::now();
            let (job, result) = harness.run(*job_type, json!({})).await;
            // A cancel waits no longer than the whole job.
            let elapsed = started.elapsed();
            assert!(
                elapsed < MAX_TIME,
                "{}, {job_type}: {elapsed:?}",
                input.name
            );
            let found = job.error().map_or(Ok(()), |error| Err(error.code));
            // The fault is the user's, so no operator may be called.
            let is_internal = job.error().is_some_and(|error| error.code.is_internal());
            assert!(
                !is_internal,
                "{}, {job_type}: {:?}",
                input.name,
                job.error()
            );
            if found != *expected {
                faults.push(format!(
                    "{}, {job_type}: {found:?} instead of {expected:?}: {:?}",
                    input.name,
                    job.error()
                ));
            }
            check_failure(&harness, &job, &result, input.name);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Checks that a failed job has a readable message and has left nothing behind.
fn check_failure(harness: &WorkerHarness, job: &Job, result: &Value, name: &str) {
    let Some(error) = job.error() else {
        return;
    };
    assert_eq!(
        (job.status(), result),
        (Status::Failed, &Value::Null),
        "{name}"
    );
    assert!(is_a_sentence(&error.message), "{name}: {}", error.message);
    assert_eq!(
        harness.names("releases/42/jobs/"),
        Vec::<String>::new(),
        "{name}"
    );
    assert!(harness.bucket.state().uploads.is_empty(), "{name}");
}

/// Returns `true` if a person can read the text: it looks like a sentence and names no internals.
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
        && text.chars().count() <= MAX_MESSAGE_CHARS + 1
        && !internals.iter().any(|internal| text.contains(internal))
}

#[tokio::test]
async fn file_list_is_truncated_to_fit_the_result() {
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

#[tokio::test]
async fn source_replaced_during_the_job_fails_as_changed() {
    let bytes: Vec<u8> = (0..20_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
        .collect();
    for job_type in [Analysis, Packaging] {
        let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
        harness.source("a.bin", &bytes);
        harness.bucket.state().replace = Some((1, "releases/42/source/a.bin".to_owned()));
        assert_eq!(
            harness.failure_code(job_type, json!({})).await,
            FailureCode::SourceChanged,
            "{job_type}"
        );
        assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
        assert!(harness.bucket.state().uploads.is_empty());
    }
}

#[tokio::test]
async fn result_says_which_lists_are_cut() {
    let mut harness = WorkerHarness::new(json!({})).await;
    let subjects = format!("<dc:subject>{}</dc:subject>", "x".repeat(1_000)).repeat(990);
    let opf = samples::OPF3.replace("</metadata>", &format!("{subjects}</metadata>"));
    harness.source("a.epub", &samples::epub(&opf, &[]));
    let (job, result) = harness.run(Analysis, json!({})).await;
    assert_eq!(job.status(), Status::Completed, "{job:?}");
    assert_eq!(result["truncated"], json!(["metadata.subjects"]));
    let subjects = result["metadata"]["subjects"].as_array().unwrap();
    assert_eq!(subjects.len(), 247);
}

#[tokio::test]
async fn broken_template_fails_before_the_archive_is_written() {
    for template in [
        format!("{{{{ {}1 }}}}", "-".repeat(7_258)),
        "{{ tilte }}".to_owned(),
    ] {
        let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
        harness.source("a.txt", b"text");
        // The bucket must see no write at all.
        harness.bucket.state().before_write = Some((0, Box::new(|| panic!("a write"))));
        let code = harness.failure_code(Packaging, json!({ "template": template }));
        assert_eq!(code.await, FailureCode::TemplateInvalid);
    }
}
