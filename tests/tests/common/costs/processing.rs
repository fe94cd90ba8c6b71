//! A job from its creation to its end.

use jobs::testing::START;
use serde_json::json;
use store::{Completion, Leftovers, RunEnd, RunProgress};

use super::{CostMeter, Measured, Units, claim_new};
use crate::common::{FakeWork, OWNER};

impl CostMeter {
    pub(super) async fn processing(mut self) -> Vec<Measured> {
        let job = json!({"job_type": "packaging"});
        let job = self.api.on_release(OWNER, job).await;
        self.start();
        let (id, run) = claim_new(&self.api, job).await;
        for number in 1..=20 {
            let progress = RunProgress {
                percent: number * 5,
                ..RunProgress::default()
            };
            let heartbeat = self.api.store.heartbeat(&run, &progress, START);
            heartbeat.await.unwrap();
        }
        let completion = Completion::new(json!({"files": []}));
        let end = RunEnd::Completed(Box::new(completion));
        let (progress, leftovers) = (RunProgress::default(), Leftovers::None);
        let ended = self
            .api
            .store
            .end_run(&run, &progress, &end, leftovers, START);
        ended.await.unwrap();
        let name = "create, claim, 20 heartbeats, complete";
        self.record(name, Units::new(26, 2.5, 38.0).and_message());
        let (_, job) = self.api.get(OWNER, &format!("/api/jobs/{id}")).await;
        assert_eq!(job["status"], "completed");

        let id = self.api.create(json!({"job_type": "analysis"})).await;
        self.start();
        let result = FakeWork::Complete(json!({"metadata": {}}));
        self.api.process(id, result).await;
        // The budget has room for the heartbeats of a slow machine.
        let budget = Units::new(6, 1.0, 13.0);
        self.record("a short job in the processor", budget);
        self.measured
    }
}
