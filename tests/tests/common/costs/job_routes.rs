//! Creating, reading and ending jobs.

use serde_json::json;

use super::{CostMeter, Measured, Units};
use crate::common::{FakeWork, OWNER};

const JOBS: (&str, &str) = ("POST", "/api/jobs");

impl CostMeter {
    pub(super) async fn jobs(mut self) -> Vec<Measured> {
        self.creations().await;
        self.one_job().await;
        self.draft().await;
        self.analysis().await;
        self.measured
    }

    async fn creations(&mut self) {
        let job = json!({"job_type": "packaging", "release_id": self.api.create_release().await});
        let budget = Units::new(3, 1.5, 6.0).and_message();
        self.write("create", budget, JOBS, Some(job.clone())).await;

        self.start();
        let headers = [("Idempotency-Key", "k")];
        let (method, path) = JOBS;
        let (status, _) = self
            .api
            .send_with(OWNER, method, path, Some(job.to_string()), &headers)
            .await;
        assert_eq!(status, 202);
        let budget = Units::new(3, 1.5, 9.0).and_message();
        self.record("create with a key", budget);
        let (name, path) = ("job of a key", "/api/jobs?idempotency_key=k");
        let found = self.get(name, Units::new(2, 2.0, 0.0), path).await;
        assert_eq!(found["jobs"].as_array().map(Vec::len), Some(1));
    }

    async fn one_job(&mut self) {
        let id = self.api.create(json!({"job_type": "packaging"})).await;
        let path = |rest: &str| format!("/api/jobs/{id}{rest}");
        self.get("status", Units::new(1, 0.5, 0.0), &path("/status"))
            .await;
        self.start();
        assert_eq!(self.api.get(OWNER, "/api/jobs/5/status").await.0, 404);
        self.record("status of a missing job", Units::new(2, 1.5, 0.0));
        let (budget, body) = (Units::new(1, 0.0, 6.0), json!({"reason": "The wrong file"}));
        self.write("cancel", budget, ("PUT", &path("/cancel")), Some(body))
            .await;
        let budget = Units::new(4, 2.5, 9.0).and_message();
        self.write("retry", budget, ("POST", &path("/retry")), None)
            .await;
    }

    async fn draft(&mut self) {
        let (budget, body) = (Units::new(2, 0.5, 4.0), json!({"draft": true}));
        let draft = self.write("create a draft", budget, JOBS, Some(body)).await;
        let path = |rest: &str| format!("/api/jobs/{}{rest}", draft["id"]);
        let release = self.api.create_release().await;
        let change = json!({"job_type": "nfofix", "release_id": release});
        let budget = Units::new(3, 2.0, 5.0);
        let name = "change a draft";
        self.write(name, budget, ("PATCH", &path("")), Some(change))
            .await;
        let budget = Units::new(4, 2.5, 7.0).and_message();
        self.write("submit", budget, ("PUT", &path("/submit")), None)
            .await;
    }

    async fn analysis(&mut self) {
        let id = self.api.create(json!({"job_type": "analysis"})).await;
        let found = FakeWork::Complete(json!({"metadata": {}}));
        self.api.process(id, found).await;
        let path = format!("/api/wizard/jobs/{id}/analysis");
        self.get("analysis", Units::new(1, 1.0, 0.0), &path).await;
    }
}
