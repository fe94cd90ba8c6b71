//! Releases, their files and their packages.

use std::sync::Arc;

use serde_json::json;

use super::{CostMeter, Measured, Units};
use crate::common::{ADMIN, FakeWork, NO_DEADLINE, OWNER, job_id};

impl CostMeter {
    pub(super) async fn releases(mut self) -> Vec<Measured> {
        let body = json!({"release_type": "ebook", "metadata": {"title": "A Book"}});
        let (name, budget) = ("create a release", Units::new(1, 0.0, 6.0));
        let created = self
            .write(name, budget, ("POST", "/api/releases"), Some(body))
            .await;
        let release = created["id"].as_u64().unwrap();
        let path = |rest: &str| format!("/api/releases/{release}{rest}");
        let budget = Units::new(1, 1.0, 0.0);
        self.get("release", budget, &path("")).await;
        let (name, budget) = ("change a release", Units::new(2, 1.0, 3.0));
        let change = json!({"metadata": {"title": "Another Book"}});
        self.write(name, budget, ("PATCH", &path("")), Some(change))
            .await;
        let file = json!({"path": "book.epub", "size": 1});
        let (name, route) = ("upload of a file", path("/files"));
        let upload = Units::new(2, 1.0, 1.0);
        self.write(name, upload, ("POST", &route), Some(file)).await;
        self.get("files of a release", budget, &route).await;

        let first = self.package("a package's job", release).await;
        self.package("the next package's job", release).await;
        let (budget, body) = (Units::new(2, 1.0, 5.0), json!({"job_id": first}));
        let (name, route) = ("restore a package", path("/package"));
        self.write(name, budget, ("PUT", &route), Some(body)).await;
        self.release_lists().await;
        self.measured
    }

    async fn release_lists(&mut self) {
        for number in 0..60 {
            let body = json!({
                "release_type": "ebook",
                "name": format!("Jane.Doe-The.Lighthouse.at.the.End.of.the.Bay.{number}-2026-GRP"),
                "group": "GRP",
                "metadata": {"title": format!("The Lighthouse at the End of the Bay, volume {number}")},
            });
            self.api
                .send(OWNER, "POST", "/api/releases", Some(body))
                .await;
        }
        for (caller, name, query) in [
            (OWNER, "list of 50 releases", ""),
            (
                OWNER,
                "list of 50 releases by type and time",
                "&release_type=ebook&created_after=2020-01-01T00:00:00Z",
            ),
            (ADMIN, "an admin's list of 50 releases", ""),
        ] {
            let path = format!("/api/releases?limit=50{query}");
            let page = self
                .get_as(caller, name, Units::new(1, 2.0, 0.0), &path)
                .await;
            assert_eq!(page["releases"].as_array().unwrap().len(), 50);
        }
    }

    /// Builds a package of the release and returns its job's id.
    async fn package(&mut self, name: &str, release: u64) -> u64 {
        let job = json!({"job_type": "packaging", "release_id": release});
        let id = self.api.create(job).await;
        let package = FakeWork::Package(json!({"files": []}));
        let work = Arc::new(package.on(self.api.store.clone()));
        // As deployed by default, each job also takes a permit of its user.
        let service = self.api.service().with_user_limit(Some(4));
        self.start();
        let processed = service.process_job(job_id(id), &work, NO_DEADLINE);
        Box::pin(processed).await.unwrap();
        self.record(name, Units::new(14, 5.0, 24.0));
        id
    }
}
