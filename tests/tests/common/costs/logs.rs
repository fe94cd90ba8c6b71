//! Writing and reading logs.

use jobs::{Level, LogEntry, testing::START};
use serde_json::json;
use store::{RunHandle, RunProgress};

use super::{CostMeter, Measured, Units, claimed_job};
use crate::common::{FakeWork, STRANGER};

impl CostMeter {
    pub(super) async fn logs(mut self) -> Vec<Measured> {
        self.details().await;
        self.log_pages().await;
        self.log_lines(200, 32.0).await;
        self.log_lines(10_000, 1.3 * 10_000.0 * 100.0 / 1024.0)
            .await;
        self.measured
    }

    async fn details(&mut self) {
        let id = self.api.create(json!({"job_type": "packaging"})).await;
        self.api.process(id, FakeWork::Log(30)).await;
        let (name, budget) = ("details with 4 KB of log", Units::new(2, 2.0, 0.0));
        let details = self.get(name, budget, &format!("/api/jobs/{id}")).await;
        let lines = details["logs"].as_str().map(|logs| logs.lines().count());
        assert_eq!(lines, Some(32));
        self.refused_details(id).await;
        let id = self.api.create(json!({"job_type": "packaging"})).await;
        let (name, budget) = ("details without a log", Units::new(1, 0.5, 0.0));
        self.get(name, budget, &format!("/api/jobs/{id}")).await;
    }

    /// Measures what a stranger causes by a request for details.
    async fn refused_details(&mut self, id: u64) {
        self.start();
        let path = format!("/api/jobs/{id}");
        assert_eq!(self.api.get(STRANGER, &path).await.0, 403);
        self.record("details of another user's job", Units::new(1, 0.5, 0.0));
    }

    async fn log_pages(&mut self) {
        let (id, run) = claimed_job(&self.api).await;
        self.write_chunks(&run, 100).await;
        for (name, after) in [
            ("log page of 100 lines of 3,000", 0),
            ("log page of 100 lines, the last", 2_900),
        ] {
            let path = format!("/api/jobs/{id}/logs?limit=100&after={after}");
            let page = self.get(name, Units::new(2, 16.5, 0.0), &path).await;
            assert_eq!(page["logs"].as_array().map(Vec::len), Some(100));
        }
    }

    /// Writes chunks of 30 lines, and makes them part of the log.
    async fn write_chunks(&self, run: &RunHandle, count: u64) {
        for chunk in 0..count {
            let seqs = chunk * 30 + 1..=(chunk + 1) * 30;
            let lines: Vec<LogEntry> = seqs.map(line).collect();
            self.api.store.put_log(run, &lines).await.unwrap();
        }
        let progress = RunProgress {
            log_seq: count * 30,
            ..RunProgress::default()
        };
        let heartbeat = self.api.store.heartbeat(run, &progress, START);
        heartbeat.await.unwrap();
    }

    /// Measures the writes of a log, without the other writes of its job.
    async fn log_lines(&mut self, count: u32, writes: f64) {
        let id = self.api.create(json!({"job_type": "packaging"})).await;
        self.start();
        self.api.process(id, FakeWork::Log(count)).await;
        let mut chunks = self.meter.take();
        chunks.retain(|cost| cost.operation == "PutItem");
        let name = format!("{count} log lines of 100 bytes");
        let budget = Units::new(chunks.len(), 0.0, writes);
        self.record_costs(&name, budget, &chunks);
    }
}

fn line(seq: u64) -> LogEntry {
    LogEntry {
        seq,
        timestamp: START,
        level: Level::Info,
        message: "x".repeat(100),
        step: None,
    }
}
