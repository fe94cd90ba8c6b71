//! The number of requests to S3, which cost money.

use jobs::JobType::{Analysis, Packaging};
use serde_json::json;

use crate::job_types::test_harness::WorkerHarness;

const NAME: &str = "Jane.Doe-A.Book-2024-GRP";
const MIB: usize = 1 << 20;

/// Returns bytes that no compressor shortens and no reader knows.
fn noise(size: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..MIB)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0])
        .collect();
    block.into_iter().cycle().take(size).collect()
}

/// Counts the requests so far: of the class of `GetObject`, and of the class of `PutObject`, which
/// costs twelve times as much (Amazon S3 pricing, "Requests and data retrievals"). Deletions are
/// free.
fn counts(harness: &WorkerHarness) -> (usize, usize) {
    let state = harness.bucket.state();
    let calls = state.calls.iter();
    let reads = calls.clone().filter(|call| **call == "get_object").count();
    let free = calls.filter(|call| call.starts_with("delete")).count();
    (reads, state.calls.len() - reads - free)
}

#[tokio::test(flavor = "multi_thread")]
async fn packaging_of_100_mib_takes_few_requests() {
    let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    harness.source("book.bin", &noise(100 * MIB));
    let config = json!({"release_name": NAME, "compression": "store"});
    let (job, result) = harness.run(Packaging, config).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    let (reads, writes) = counts(&harness);
    let calls = &harness.bucket.state().calls;
    assert!(reads <= 4 && writes <= 9, "{calls:?}");
    assert!(result["total_size"].as_u64().unwrap() > 100 * MIB as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn packaging_of_a_small_release_takes_one_write_per_file() {
    let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    harness.source("a.txt", b"Once");
    harness.source("b.bin", &noise(MIB));
    let config = json!({"release_name": NAME});
    let (_, result) = harness.run(Packaging, config).await;
    let files = result["files"].as_array().unwrap().len();
    let (reads, writes) = counts(&harness);
    let state = harness.bucket.state();
    // A listing, and each file.
    assert_eq!(writes, 1 + files, "{:?}", state.calls);
    assert!(reads <= 4, "{:?}", state.calls);
    assert!(!state.calls.contains(&"create_multipart_upload"));
}

#[tokio::test(flavor = "multi_thread")]
async fn analysis_of_100_mib_takes_few_requests() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("book.bin", &noise(100 * MIB));
    let (job, _) = harness.run(Analysis, json!({})).await;
    assert!(job.error().is_none(), "{:?}", job.error());
    // The head and the tail say the format, then come the checksums.
    let (reads, writes) = counts(&harness);
    assert!(
        reads <= 6 && writes == 1,
        "{:?}",
        harness.bucket.state().reads
    );
}
