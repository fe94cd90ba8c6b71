//! The writes of a run: log lines, heartbeats and its end.

use std::time::Duration;

use jobs::{Failure, FailureCode, LEASE, Level, LogEntry, Status, Time, WaitingFor};
use serde_json::json;
use store::{Completion, EndOutcome, Leftovers, RunEnd, RunProgress, WriteOutcome};

use crate::{
    action::Action,
    history::{Comparison, History, compare},
};

fn log_line(seq: u64, timestamp: Time) -> LogEntry {
    LogEntry {
        seq,
        timestamp,
        level: Level::Info,
        message: seq.to_string(),
        step: None,
    }
}

/// Bytes of the results, by the number of later runs. The job's item has those up to 2 KB.
const RESULT_BYTES: [usize; 3] = [3_000, 1_500, 0];

/// Builds the end that an action gives a run. The result's size depends on `back`.
fn run_end(action: Action, back: usize, now: Time) -> RunEnd {
    let failure = Failure::new(FailureCode::Storage, "It broke");
    match action {
        Action::Fail(_) => RunEnd::Failed(failure),
        Action::Retry(_) => RunEnd::Retry(failure, now.after(Duration::from_secs(5))),
        Action::Defer(_) => RunEnd::Deferred(WaitingFor::Queue, now),
        _ => {
            let result = json!({"x": "y".repeat(RESULT_BYTES[back])});
            RunEnd::Completed(Box::new(Completion::new(result)))
        }
    }
}

impl History<'_> {
    pub async fn log(&mut self, back: usize, count: u64, now: Time) -> Comparison {
        let (store, model) = (self.api.store.clone(), self.model.clone());
        let Some(run) = self.run(back) else {
            return Ok(());
        };
        let seqs = run.log_seq + 1..=run.log_seq + count;
        let lines: Vec<LogEntry> = seqs.map(|seq| log_line(seq, now)).collect();
        let outcome = store.put_log(&run.handle, &lines).await.unwrap();
        // A fenced run may store lines: they are never shown.
        if matches!(outcome, WriteOutcome::Written(())) {
            run.log_seq += count;
        } else if model.accepts(run.handle.fence) {
            return Err("the store refused log lines of the current run".to_owned());
        }
        Ok(())
    }

    pub async fn heartbeat(&mut self, back: usize, percent: u8, now: Time) -> Comparison {
        let (store, model) = (self.api.store.clone(), self.model.clone());
        let Some(run) = self.run(back) else {
            return Ok(());
        };
        let expected = model.accepts(run.handle.fence);
        let progress = RunProgress {
            percent: percent.max(model.progress),
            log_seq: run.log_seq,
            ..RunProgress::default()
        };
        let outcome = store.heartbeat(&run.handle, &progress, now).await.unwrap();
        if expected {
            self.model.progress = progress.percent;
            self.model.lease_expires_at = now.after(LEASE);
        }
        let written = matches!(outcome, WriteOutcome::Written(_));
        compare(Action::Heartbeat(back, percent), written, expected)
    }

    pub async fn end(&mut self, action: Action, back: usize, now: Time) -> Comparison {
        let (store, model) = (self.api.store.clone(), self.model.clone());
        let Some(run) = self.run(back) else {
            return Ok(());
        };
        let expected = model.accepts(run.handle.fence);
        let progress = RunProgress {
            percent: model.progress,
            log_seq: run.log_seq,
            ..RunProgress::default()
        };
        let end = run_end(action, back, now);
        let outcome = store.end_run(&run.handle, &progress, &end, Leftovers::Possible, now);
        let outcome = outcome.await.unwrap();
        if expected {
            self.model.is_deferred = matches!(end, RunEnd::Deferred(..));
            if self.model.is_deferred {
                self.model.crashes = 0;
            }
            match end {
                RunEnd::Completed(_) => {
                    self.model.end(Status::Completed, None);
                    self.model.progress = 100;
                }
                RunEnd::Failed(failure) => self.model.end(Status::Failed, Some(failure.code)),
                _ => self.model.status = Status::Pending,
            }
        }
        compare(action, matches!(outcome, EndOutcome::Written(_)), expected)
    }
}
