//! Lists of jobs.

use serde_json::json;

use super::{CostMeter, Measured, Units, claimed_job};
use crate::common::{ADMIN, FakeWork, OWNER};

/// Jobs of another type in front of the only match: more than the entries that one page looks at.
const JOBS_BEFORE_MATCH: usize = 1_100;

/// Filters, each with the end of its operation's name.
const FILTERS: [(&str, &str); 8] = [
    ("", ""),
    (", status", "&status=failed"),
    (", job_type", "&job_type=packaging"),
    (", release_id", "&release_id=RELEASE"),
    (", user_id", "&user_id=7"),
    (", created_after", "&created_after=2026-01-01T00:00:00Z"),
    (", created_before", "&created_before=2027-01-01T00:00:00Z"),
    (
        ", three filters",
        "&status=failed&job_type=packaging&release_id=RELEASE",
    ),
];

impl CostMeter {
    pub(super) async fn lists(mut self) -> Vec<Measured> {
        let release = self.api.create_release().await;
        let job = json!({"job_type": "packaging", "release_id": release});
        for _ in 0..60 {
            let id = self.api.create(job.clone()).await;
            let failure = FakeWork::FailWith("It failed. ".repeat(40));
            self.api.process(id, failure).await;
        }
        for (name, filter) in FILTERS {
            // A user's filter by release reads the release first, to see whose it is.
            let budget = if filter.contains("release_id") {
                Units::new(2, 3.0, 0.0)
            } else {
                Units::new(1, 2.0, 0.0)
            };
            let name = format!("list of 50{name}");
            let filter = filter.replace("RELEASE", &release.to_string());
            let path = format!("/api/jobs?limit=50{filter}");
            self.list(OWNER, &name, budget, &path).await;
        }
        let path = format!("/api/releases/{release}/jobs");
        let (name, budget) = ("list of a release's 50", Units::new(2, 3.0, 0.0));
        self.list(OWNER, name, budget, &path).await;
        let (name, budget) = ("an admin's list of 50", Units::new(16, 10.0, 0.0));
        self.list(ADMIN, name, budget, "/api/jobs?limit=50").await;
        for _ in 0..10 {
            claimed_job(&self.api).await;
        }
        let (name, budget) = ("list of 50, 10 of them running", Units::new(2, 7.0, 0.0));
        self.list(OWNER, name, budget, "/api/jobs").await;
        self.measured
    }

    /// Measures a list that has 50 entries.
    async fn list(&mut self, caller: (u64, bool), name: &str, budget: Units, path: &str) {
        let page = self.get_as(caller, name, budget, path).await;
        let count = page["jobs"].as_array().map(Vec::len);
        assert_eq!(count, Some(50), "{path}: {page}");
    }

    /// Measures the search for one job behind many of another status and another type.
    pub(super) async fn rare_matches(mut self) -> Vec<Measured> {
        let draft = json!({"job_type": "dirfix", "draft": true});
        let id = self.api.create(draft).await;
        for _ in 0..JOBS_BEFORE_MATCH {
            // The owner as an admin, who is exempt from the limit of open jobs.
            let (owner, job) = ((OWNER.0, true), json!({"job_type": "packaging"}));
            let job = self.api.on_release(owner, job).await;
            let (status, _) = self.api.send(owner, "POST", "/api/jobs", Some(job)).await;
            assert_eq!(status, 202);
        }
        self.refused_creation().await;
        let (name, budget) = ("list of a rare status", Units::new(1, 2.0, 0.0));
        let page = self.get(name, budget, "/api/jobs?status=draft").await;
        assert_eq!(page["jobs"].as_array().map(Vec::len), Some(1), "{page}");
        let (path, budget) = ("/api/jobs?job_type=dirfix", Units::new(5, 15.0, 0.0));
        let name = "list of a rare value in another filter";
        let page = self.get(name, budget, path).await;
        let cursor = page["next_cursor"].as_str().unwrap_or_default();
        let path = format!("{path}&cursor={cursor}");
        let page = self.get("the next page", budget, &path).await;
        assert_eq!(page["jobs"][0]["id"], id, "{page}");
        self.measured
    }

    /// Measures a request for one more job than may be open.
    async fn refused_creation(&mut self) {
        let job = json!({"job_type": "packaging"});
        let job = self.api.on_release(OWNER, job).await;
        self.start();
        let (status, problem) = self.api.send(OWNER, "POST", "/api/jobs", Some(job)).await;
        assert_eq!(status, 429, "{problem}");
        self.record("refused create", Units::new(2, 21.0, 0.0));
    }
}
