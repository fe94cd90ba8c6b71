//! Jobs that change the metadata of their release.

mod common;

use common::{Api, OWNER, job_id};
use jobs::{
    ReleaseId, Status,
    release::{Package, Release},
    testing::START,
};
use serde_json::{Map, Value, json};
use store::{Completion, EndOutcome, Leftovers, RunEnd, RunHandle, RunProgress};

struct Run {
    api: Api,
    handle: RunHandle,
    release: Release,
}

impl Run {
    /// Claims a job of a release that has metadata.
    async fn new() -> Self {
        let api = Api::new().await;
        let body = json!({"release_type": "ebook", "metadata": {"title": "A Book", "pages": 12}});
        let release = api.send(OWNER, "POST", "/api/releases", Some(body)).await.1["id"]
            .as_u64()
            .unwrap();
        let id = api
            .create(json!({"job_type": "readnfo", "release_id": release}))
            .await;
        let handle = api.claim(id, START).await;
        let release = ReleaseId::try_from(release).unwrap();
        let release = api.store.release(release).await.unwrap().unwrap();
        Self {
            api,
            handle,
            release,
        }
    }

    async fn complete(&self, seen: Release, metadata: &Value) -> EndOutcome {
        let metadata = metadata.as_object().unwrap().clone();
        let completion = Completion::with_metadata(json!({}), seen, metadata);
        self.api
            .store
            .end_run(
                &self.handle,
                &RunProgress::default(),
                &RunEnd::Completed(Box::new(completion)),
                Leftovers::None,
                START,
            )
            .await
            .unwrap()
    }

    async fn metadata(&self) -> Map<String, Value> {
        self.api
            .store
            .release(self.release.id)
            .await
            .unwrap()
            .unwrap()
            .metadata
    }
}

#[tokio::test]
async fn metadata_change_with_the_completion() {
    let run = Run::new().await;
    let metadata = json!({"title": "Another Book", "pages": 12, "year": 2024});
    let finished = run.complete(run.release.clone(), &metadata).await;
    assert!(matches!(finished, EndOutcome::Written(job) if job.status() == Status::Completed));
    assert_eq!(Value::Object(run.metadata().await), metadata);
}

#[tokio::test]
async fn release_that_changed_meanwhile_is_not_overwritten() {
    let run = Run::new().await;
    let other_metadata = Release {
        metadata: Map::new(),
        ..run.release.clone()
    };
    let package = Package {
        job_id: job_id(5),
        fence: 1,
        version: 1,
        since: START,
    };
    let other_package = Release {
        package: Some(package),
        ..run.release.clone()
    };
    for seen in [other_metadata, other_package] {
        assert!(matches!(
            run.complete(seen, &json!({"title": "x"})).await,
            EndOutcome::ReleaseChanged
        ));
    }
    assert_eq!(run.metadata().await, run.release.metadata);
    let job = run.api.job(run.handle.job_id.get()).await;
    assert_eq!(job.status(), Status::Running);
}
