//! A job works only on a release of its owner's, unless an admin created or submitted it.

use jobs::{FailureCode, JobType::Packaging, Status};
use serde_json::json;

use super::test_harness::WorkerHarness;

#[tokio::test]
async fn job_on_the_release_of_another_user_needs_an_admin() {
    let mut harness = WorkerHarness::new(json!({"title": "A Book"})).await;
    harness.source("book.txt", b"text");
    let config = json!({"release_name": "A.Book-GRP"});
    let id = harness
        .create_as((8, false), Packaging, config.clone())
        .await;
    let (job, _) = harness.process(id).await;
    assert_eq!(job.error().unwrap().code, FailureCode::ReleaseForbidden);
    assert_eq!(harness.release().await.package, None);

    let id = harness.create_as((8, true), Packaging, config).await;
    let (job, _) = harness.process(id).await;
    assert_eq!(job.status(), Status::Completed);
    assert!(harness.release().await.package.is_some());
}
