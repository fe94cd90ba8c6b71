//! A job from its creation to its end.

use jobs::testing::START;
use serde_json::json;
use store::{Completion, Leftovers, RunEnd, RunProgress};
use worker::{Reporter, testing::beat_every_second};

use super::{CostMeter, Measured, Units, claim_new};
use crate::common::{FakeWork, OWNER};

impl CostMeter {
    pub(super) async fn processing(mut self) -> Vec<Measured> {
        let job = json!({"job_type": "packaging"});
        let job = self.api.on_release(OWNER, job).await;
        self.start();
        let (id, run) = claim_new(&self.api, job).await;
        // A beat each second, with a new percentage: ten of them write, and ten read.
        let reporter = Reporter::new(self.api.clock.clock(), 1);
        let rise = |second| reporter.progress(second * 2);
        beat_every_second(&self.api.store, &run, &reporter, START, 40, rise).await;
        let completion = Completion::new(json!({"files": []}));
        let end = RunEnd::Completed(Box::new(completion));
        let (progress, leftovers) = (RunProgress::default(), Leftovers::None);
        let ended = self
            .api
            .store
            .end_run(&run, &progress, &end, leftovers, START);
        ended.await.unwrap();
        let name = "create, claim, run for 40 s, complete";
        self.record(name, Units::new(26, 12.5, 28.0).and_message());
        let (_, job) = self.api.get(OWNER, &format!("/api/jobs/{id}")).await;
        assert_eq!(job["status"], "completed");

        let id = self.api.create(json!({"job_type": "analysis"})).await;
        self.start();
        let result = FakeWork::Complete(json!({"metadata": {}}));
        self.api.process(id, result).await;
        // The budget has room for one heartbeat, on a machine that takes a second.
        let budget = Units::new(6, 1.0, 13.0);
        self.record("a short job in the processor", budget);
        self.measured
    }
}
