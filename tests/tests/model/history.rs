//! One job's history, in the store and in the model.

use std::time::Duration;

use jobs::{Clock, Job, Level, Status, Time};
use serde_json::json;
use store::{CancelOutcome, Claim, LogQuery, RunHandle, SubmitOutcome};
use worker::{
    Sweeper,
    testing::{files, queue},
};

use crate::{
    action::Action,
    common::{Api, OWNER, STRANGER, caller, job_id},
    model::Model,
};

/// Says how the store differs from the model.
pub type Comparison = Result<(), String>;

/// A run, and the number of its last log line.
pub struct Run {
    pub handle: RunHandle,
    pub log_seq: u64,
}

pub struct History<'a> {
    pub api: &'a Api,
    pub model: Model,
    clock: Clock,
    id: u64,
    runs: Vec<Run>,
    /// The job after the last action.
    last: Job,
}

/// Compares whether an action succeeded in the store and in the model.
pub fn compare(action: Action, stored: bool, expected: bool) -> Comparison {
    if stored == expected {
        return Ok(());
    }
    let outcome = if stored { "accepted" } else { "refused" };
    Err(format!("the store {outcome} {action:?}"))
}

impl<'a> History<'a> {
    pub async fn new(api: &'a Api, draft: bool) -> Self {
        let clock = api.clock.clock();
        let id = api
            .create(json!({"job_type": "packaging", "draft": draft}))
            .await;
        let last = api.store.job(job_id(id), true).await.unwrap().unwrap();
        let status = if draft {
            Status::Draft
        } else {
            Status::Pending
        };
        Self {
            api,
            model: Model::new(status, clock.now()),
            clock,
            id,
            runs: Vec::new(),
            last,
        }
    }

    /// Returns the run that began `back` claims before the last one.
    pub fn run(&mut self, back: usize) -> Option<&mut Run> {
        let at = self.runs.len().checked_sub(back + 1)?;
        self.runs.get_mut(at)
    }

    /// Applies `action` to the store and to the model, which must agree on its outcome.
    pub async fn apply(&mut self, action: Action) -> Comparison {
        let now = self.clock.now();
        match action {
            Action::Submit => self.submit(now).await,
            Action::Cancel => self.cancel(now).await,
            Action::CancelByStranger => self.cancel_by_stranger(now).await,
            Action::Claim => self.claim(now).await,
            Action::Log(back, count) => self.log(back, count, now).await,
            Action::Heartbeat(back, percent) => self.heartbeat(back, percent, now).await,
            Action::Complete(back)
            | Action::Fail(back)
            | Action::Retry(back)
            | Action::Defer(back) => self.end(action, back, now).await,
            Action::Wait(seconds) => {
                self.api.clock.advance(seconds);
                Ok(())
            }
            Action::Sweep => self.sweep(now).await,
            Action::DeadLetter => self.dead_letter(now).await,
        }
    }

    async fn submit(&mut self, now: Time) -> Comparison {
        let outcome = self.api.store.submit(&self.last, false, now).await.unwrap();
        let is_draft = self.model.status == Status::Draft;
        if is_draft {
            self.model.status = Status::Pending;
        }
        let submitted = matches!(outcome, SubmitOutcome::Submitted(_));
        compare(Action::Submit, submitted, is_draft)
    }

    async fn cancel_as(&self, user: (u64, bool), now: Time) -> CancelOutcome {
        let store = &self.api.store;
        let cancelled = store.cancel(job_id(self.id), caller(user), None, now).await;
        cancelled.unwrap()
    }

    async fn cancel(&mut self, now: Time) -> Comparison {
        let outcome = self.cancel_as(OWNER, now).await;
        // Cancelling a cancelled job again succeeds.
        let can_cancel = !matches!(self.model.status, Status::Completed | Status::Failed);
        if can_cancel {
            self.model.status = Status::Cancelled;
        }
        let cancelled = matches!(outcome, CancelOutcome::Cancelled(_));
        compare(Action::Cancel, cancelled, can_cancel)
    }

    async fn cancel_by_stranger(&self, now: Time) -> Comparison {
        let outcome = self.cancel_as(STRANGER, now).await;
        let cancelled = !matches!(outcome, CancelOutcome::Forbidden);
        compare(Action::CancelByStranger, cancelled, false)
    }

    async fn claim(&mut self, now: Time) -> Comparison {
        let claim = self.api.store.claim(&self.last, now).await.unwrap();
        let expected = self.model.claim(now);
        if let Claim::Won(job) = &claim {
            self.runs.push(Run {
                handle: RunHandle::from(job),
                log_seq: job.log_seq,
            });
        }
        compare(Action::Claim, matches!(claim, Claim::Won(_)), expected)
    }

    async fn sweep(&mut self, now: Time) -> Comparison {
        let store = self.api.store.clone();
        let sweeper = Sweeper::new(store, queue(), files(), self.clock.clone());
        sweeper.sweep(Time::from_millis(i64::MAX)).await;
        self.model.sweep(now);
        Ok(())
    }

    async fn dead_letter(&mut self, now: Time) -> Comparison {
        let job = self.api.store.job(job_id(self.id), true);
        let job = job.await.unwrap().unwrap();
        let is_awaited =
            job.due_at.is_some() && now.since(job.updated_at) <= Duration::from_hours(24);
        self.api.exhaust(self.id).await;
        self.model.dead_letter(is_awaited);
        Ok(())
    }

    /// Compares the stored job with the model, and with the job before the last action.
    pub async fn check(&mut self) -> Comparison {
        let job = self.api.store.job(job_id(self.id), true);
        let job = job.await.unwrap().unwrap();
        let error = job.error().map(|error| error.code);
        let stored = (job.status(), job.attempt, job.fence, job.progress, error);
        let model = &self.model;
        let expected = (
            model.status,
            model.attempt,
            model.fence,
            model.progress,
            model.error,
        );
        if stored != expected {
            return Err(format!("the store has {stored:?}"));
        }
        let without_due_at = |job: &Job| Job {
            due_at: None,
            ..job.clone()
        };
        if self.last.status().is_final() && without_due_at(&job) != without_due_at(&self.last) {
            return Err(format!("a final job has changed: {:?} {job:?}", self.last));
        }
        let is_open = matches!(job.status(), Status::Pending | Status::Running);
        if is_open != job.due_at.is_some() && !job.status().is_final() {
            let due_at = job.due_at;
            return Err(format!(
                "a job that is {} is due at {due_at:?}",
                job.status()
            ));
        }
        if job.log_seq != self.last.log_seq || job.status().is_final() {
            self.check_log(&job).await?;
        }
        self.last = job;
        Ok(())
    }

    async fn check_log(&self, job: &Job) -> Comparison {
        let query = LogQuery {
            after: 0,
            level: Level::Debug,
            since: None,
            limit: 1_000,
        };
        let page = self.api.store.log_page(job, &query).await.unwrap();
        let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        if seqs != (1..=job.log_seq.min(1_000)).collect::<Vec<u64>>() {
            let last = job.log_seq;
            return Err(format!(
                "the log has a gap or a duplicate: {seqs:?} of {last}"
            ));
        }
        Ok(())
    }
}
