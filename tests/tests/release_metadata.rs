//! A completed job that changes its release's metadata.

mod common;

use common::{Api, OWNER, job_id};
use jobs::{Status, release::Release, testing::START};
use serde_json::{Map, Value, json};
use store::{Claim, Completion, EndOutcome, Leftovers, RunEnd, RunHandle, RunProgress};

struct Run {
    api: Api,
    handle: RunHandle,
    release: Release,
}

impl Run {
    /// A running job of a release with a title.
    async fn new() -> Self {
        let api = Api::new().await;
        let body = json!({"release_type": "ebook", "metadata": {"title": "A Book", "pages": 12}});
        let release = api.send(OWNER, "POST", "/api/releases", Some(body)).await.1["id"]
            .as_u64()
            .unwrap();
        let id = api
            .create(json!({"job_type": "readnfo", "release_id": release}))
            .await;
        let Claim::Won(job) = api
            .store
            .claim(
                &api.store.job(job_id(id), true).await.unwrap().unwrap(),
                START,
            )
            .await
            .unwrap()
        else {
            panic!("claimed")
        };
        let release = api
            .store
            .release(job.release_id.unwrap())
            .await
            .unwrap()
            .unwrap();
        Self {
            api,
            handle: RunHandle::from(&job),
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
async fn the_metadata_change_as_the_job_completes() {
    let run = Run::new().await;
    let metadata = json!({"title": "Another Book", "pages": 12, "year": 2024});
    let finished = run.complete(run.release.clone(), &metadata).await;
    assert!(matches!(finished, EndOutcome::Written(job) if job.status() == Status::Completed));
    assert_eq!(Value::Object(run.metadata().await), metadata);
}

#[tokio::test]
async fn a_release_that_has_changed_meanwhile_is_left() {
    let run = Run::new().await;
    let other_metadata = Release {
        metadata: Map::new(),
        ..run.release.clone()
    };
    let package = jobs::release::Package {
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
    let job = run
        .api
        .store
        .job(run.handle.job_id, true)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.status(), Status::Running);
}
