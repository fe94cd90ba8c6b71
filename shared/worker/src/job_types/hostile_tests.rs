//! Hostile and broken inputs through whole jobs: each ends clearly and leaves nothing behind.

use std::io::Cursor;

use jobs::{
    FailureCode, Job,
    JobType::{Analysis, Packaging},
    Status,
};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{hostile_inputs, test_harness::WorkerHarness};

#[tokio::test]
async fn hostile_input_ends_with_a_clear_outcome() {
    let mut faults = Vec::new();
    for input in hostile_inputs::all() {
        for (job_type, expected) in input.outcomes {
            let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
            harness.source(input.path, &input.bytes);
            let (job, result) = harness.run(*job_type, json!({})).await;
            let found = job.error().map_or(Ok(()), |error| Err(error.code));
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
        && text.chars().count() < 300
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
