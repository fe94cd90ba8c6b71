use jobs::{
    JobType::{Analysis, Packaging},
    Status,
    release::cover_key,
};
use release_files::formats::samples;
use serde_json::json;

use crate::job_types::test_harness::WorkerHarness;
use crate::{EXPIRES_WITH_JOB, Processed};

async fn harness() -> WorkerHarness {
    let harness = WorkerHarness::new(json!({})).await;
    harness.source("book.epub", &samples::epub_with_cover());
    harness
}

#[tokio::test]
async fn thumbnail_is_stored_in_the_folder_of_the_run_without_a_sweep() {
    let mut harness = harness().await;
    let (job, result) = harness.run(Analysis, json!({})).await;
    assert_eq!((job.status(), job.due_at), (Status::Completed, None));
    let key = cover_key(job.release_id.unwrap(), job.id, job.fence);
    let jpeg = harness.bucket.state().objects[&key].clone();
    assert!(jpeg.starts_with(b"\xFF\xD8\xFF"));
    let labels = harness.bucket.state().labels[&key].clone();
    assert_eq!(
        labels,
        ("image/jpeg".to_owned(), EXPIRES_WITH_JOB.to_owned())
    );
    let cover = json!({
        "path": "OEBPS/cover.png",
        "media_type": "image/png",
        "width": 2,
        "height": 3,
        "thumbnail": { "width": 2, "height": 3, "size": jpeg.len() },
    });
    assert_eq!(result["cover"], cover);
}

#[tokio::test]
async fn second_delivery_of_an_analysis_writes_nothing() {
    let mut harness = harness().await;
    let (job, _) = harness.run(Analysis, json!({})).await;
    let before = harness.names("releases/42/jobs/");
    harness.bucket.state().calls.clear();
    let again = harness.deliver(job.id).await;
    assert!(matches!(again, Processed::Skipped(_)), "{again:?}");
    assert_eq!(harness.names("releases/42/jobs/"), before);
    assert!(harness.bucket.state().calls.is_empty());
}

#[tokio::test]
async fn thumbnail_is_no_file_of_the_package() {
    let mut harness = harness().await;
    harness
        .run(Packaging, json!({"release_name": "A.Book-GRP"}))
        .await;
    let package = harness.names(&harness.package_folder().await);
    harness.run(Analysis, json!({})).await;
    assert_eq!(harness.names(&harness.package_folder().await), package);
    assert_eq!(harness.names("releases/42/jobs/").len(), package.len() + 1);
}

#[tokio::test]
async fn file_without_a_cover_writes_nothing() {
    let mut harness = WorkerHarness::new(json!({})).await;
    harness.source("book.txt", b"Once");
    let (_, result) = harness.run(Analysis, json!({})).await;
    assert_eq!(result["cover"], json!(null));
    assert_eq!(harness.names("releases/42/jobs/"), Vec::<String>::new());
}
