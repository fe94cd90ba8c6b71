//! Random lives of jobs, in a small model and in the real store side by side: they never differ.

mod common;

use std::time::Duration;

use common::{Api, OWNER, STRANGER, job_id};
use fail_dead_jobs::{DeadJobs, fail_dead_jobs};
use jobs::{
    Clock, Failure, FailureCode, Job, LEASE, Level, LogEntry, Status, Time, UserId, WaitingFor,
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use store::{
    CancelOutcome, Claim, Completion, EndOutcome, Leftovers, LogQuery, RunEnd, RunHandle,
    RunProgress, SubmitOutcome, WriteOutcome,
};
use worker::{
    Metrics, Sweeper,
    testing::{files, queue},
};

/// How many lives each test leads: `MODEL_SEQUENCES`, or some.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever wants more lives, or one again, says so"
)]
fn given(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// What may happen to a job.
#[derive(Clone, Copy, Debug)]
enum Act {
    Submit,
    Cancel,
    CancelByAStranger,
    Claim,
    /// By the run that began so many claims before the last.
    Log(usize, u64),
    Heartbeat(usize, u8),
    Complete(usize),
    Fail(usize),
    Retry(usize),
    GiveBack(usize),
    Wait(i64),
    Sweep,
    DeadLetter,
}

/// Numbers that look like chance, and are the same for the same seed (Marsaglia's xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn act(&mut self) -> Act {
        // Mostly the newest run acts; a late one now and then.
        let run = usize::try_from(self.below(4).saturating_sub(1)).unwrap();
        match self.below(20) {
            0 => Act::Submit,
            1 => Act::Cancel,
            2 => Act::CancelByAStranger,
            3..=6 => Act::Claim,
            7 | 8 => Act::Log(run, 1 + self.below(40)),
            9 | 10 => Act::Heartbeat(run, u8::try_from(self.below(100)).unwrap()),
            11 => Act::Complete(run),
            12 => Act::Fail(run),
            13 => Act::Retry(run),
            14 => Act::GiveBack(run),
            15 | 16 => Act::Wait(i64::try_from(1 + self.below(200)).unwrap()),
            17 | 18 => Act::Sweep,
            _ => Act::DeadLetter,
        }
    }
}

/// What there is to say of a job.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    status: Status,
    attempt: u32,
    fence: u32,
    progress: u8,
    error: Option<FailureCode>,
    /// Until when its run is taken to be alive.
    lease: Time,
    /// Whether its last run gave it back.
    given_back: bool,
}

impl Model {
    fn new(status: Status, now: Time) -> Self {
        Self {
            status,
            attempt: 0,
            fence: 0,
            progress: 0,
            error: None,
            lease: now,
            given_back: false,
        }
    }

    fn end(&mut self, status: Status, error: Option<FailureCode>) {
        self.status = status;
        self.error = error;
    }

    fn claim(&mut self, now: Time) -> bool {
        let waits = self.status == Status::Pending;
        if waits {
            if !self.given_back {
                self.attempt += 1;
                self.progress = 0;
            }
            self.fence += 1;
            self.status = Status::Running;
            self.lease = now.after(LEASE);
        }
        waits
    }

    /// Whether a run of this fence may write.
    fn holds(&self, fence: u32) -> bool {
        self.status == Status::Running && self.fence == fence
    }

    fn sweep(&mut self, now: Time) {
        if self.status != Status::Running || self.lease > now {
            return;
        }
        if self.attempt < 3 {
            self.status = Status::Pending;
            self.given_back = false;
        } else {
            self.end(Status::Failed, Some(FailureCode::AttemptsExhausted));
        }
    }

    fn dead_letter(&mut self, now: Time) {
        let alive = self.status == Status::Running && self.lease > now;
        if matches!(self.status, Status::Pending | Status::Running) && !alive {
            self.end(Status::Failed, Some(FailureCode::DeadLettered));
        }
    }
}

/// One job's life.
struct Life<'a> {
    api: &'a Api,
    clock: Clock,
    id: u64,
    model: Model,
    /// Each run, and how many log lines it has put.
    runs: Vec<(RunHandle, u64)>,
    last: Job,
}

impl<'a> Life<'a> {
    async fn new(api: &'a Api, draft: bool) -> Self {
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

    fn run(&mut self, back: usize) -> Option<&mut (RunHandle, u64)> {
        let at = self.runs.len().checked_sub(back + 1)?;
        self.runs.get_mut(at)
    }

    /// Does `act` to both; what the store answers is what the model expects.
    async fn act(&mut self, act: Act) -> Result<(), String> {
        let (store, now, id) = (self.api.store.clone(), self.clock.now(), job_id(self.id));
        let user = |(id, _): (u64, bool)| UserId::try_from(id).unwrap();
        let agree = |found: bool, expected: bool| {
            if found == expected {
                Ok(())
            } else {
                Err(format!("{act:?} was {found}"))
            }
        };
        match act {
            Act::Submit => {
                let done = matches!(
                    store.submit(&self.last, now).await.unwrap(),
                    SubmitOutcome::Submitted(_)
                );
                let is_draft = self.model.status == Status::Draft;
                if is_draft {
                    self.model.status = Status::Pending;
                }
                agree(done, is_draft)
            }
            Act::Cancel => {
                let done = matches!(
                    store.cancel(id, user(OWNER), false, now).await.unwrap(),
                    CancelOutcome::Cancelled(_)
                );
                let may = !matches!(self.model.status, Status::Completed | Status::Failed);
                if may {
                    self.model.status = Status::Cancelled;
                }
                agree(done, may)
            }
            Act::CancelByAStranger => {
                let refused = store.cancel(id, user(STRANGER), false, now).await.unwrap();
                agree(matches!(refused, CancelOutcome::Forbidden), true)
            }
            Act::Claim => {
                let claimed = store.claim(&self.last, now).await.unwrap();
                let expected = self.model.claim(now);
                if let Claim::Won(job) = &claimed {
                    self.runs.push((RunHandle::from(job), job.log_seq));
                }
                agree(matches!(claimed, Claim::Won(_)), expected)
            }
            Act::Wait(seconds) => {
                self.api.clock.advance(seconds);
                Ok(())
            }
            Act::Sweep => {
                let sweeper = Sweeper::new(store, queue(), files(), self.clock.clone());
                sweeper.sweep(Time::from_millis(i64::MAX)).await;
                self.model.sweep(now);
                Ok(())
            }
            Act::DeadLetter => {
                let body = json!({"job_id": self.id}).to_string();
                let event =
                    serde_json::from_value(json!({"Records": [{"messageId": "1", "body": body}]}))
                        .unwrap();
                let event = LambdaEvent::new(event, Context::default());
                let dead_jobs = DeadJobs {
                    store,
                    clock: self.clock.clone(),
                    metrics: Metrics::new("model", self.clock.clone()),
                };
                let answer = fail_dead_jobs(&dead_jobs, event).await.unwrap();
                assert!(answer.batch_item_failures.is_empty());
                self.model.dead_letter(now);
                Ok(())
            }
            Act::Log(back, _) | Act::Heartbeat(back, _) => self.write(act, back, now).await,
            Act::Complete(back) | Act::Fail(back) | Act::Retry(back) | Act::GiveBack(back) => {
                self.end(act, back, now).await
            }
        }
    }

    async fn write(&mut self, act: Act, back: usize, now: Time) -> Result<(), String> {
        let (store, model) = (self.api.store.clone(), self.model.clone());
        let Some((run, put)) = self.run(back) else {
            return Ok(());
        };
        let holds = model.holds(run.fence);
        if let Act::Log(_, count) = act {
            let line = |seq| LogEntry {
                seq,
                timestamp: now,
                level: Level::Info,
                message: seq.to_string(),
                step: None,
            };
            let lines: Vec<LogEntry> = (*put + 1..=*put + count).map(line).collect();
            // A line of a run that was shut out may be put; nobody will ever see it.
            if matches!(
                store.put_log(run, &lines).await.unwrap(),
                WriteOutcome::Written(())
            ) {
                *put += count;
            } else if holds {
                return Err("the log of the run at work was refused".to_owned());
            }
            return Ok(());
        }
        let Act::Heartbeat(_, percent) = act else {
            return Ok(());
        };
        let progress = RunProgress {
            percent: percent.max(model.progress),
            log_seq: *put,
            ..RunProgress::default()
        };
        let held = matches!(
            store.heartbeat(run, &progress, now).await.unwrap(),
            WriteOutcome::Written(())
        );
        if holds {
            self.model.progress = progress.percent;
            self.model.lease = now.after(LEASE);
        }
        if held == holds {
            Ok(())
        } else {
            Err(format!("{act:?} was {held}"))
        }
    }

    async fn end(&mut self, act: Act, back: usize, now: Time) -> Result<(), String> {
        let (store, model) = (self.api.store.clone(), self.model.clone());
        let Some((run, put)) = self.run(back) else {
            return Ok(());
        };
        let holds = model.holds(run.fence);
        let progress = RunProgress {
            percent: model.progress,
            log_seq: *put,
            ..RunProgress::default()
        };
        let failure = Failure::new(FailureCode::Storage, "It broke");
        let end = match act {
            Act::Fail(_) => RunEnd::Failed(failure),
            Act::Retry(_) => RunEnd::Retry(failure, now.after(Duration::from_secs(5))),
            Act::GiveBack(_) => RunEnd::Deferred(WaitingFor::Queue, now),
            _ => RunEnd::Completed(Box::new(Completion::new(
                json!({"x": "y".repeat(back * 400)}),
            ))),
        };
        let ended = store.end_run(run, &progress, &end, Leftovers::Possible, now);
        let ended = ended.await.unwrap();
        if holds {
            self.model.given_back = matches!(end, RunEnd::Deferred(..));
            match end {
                RunEnd::Completed(_) => {
                    self.model.end(Status::Completed, None);
                    self.model.progress = 100;
                }
                RunEnd::Failed(failure) => self.model.end(Status::Failed, Some(failure.code)),
                _ => self.model.status = Status::Pending,
            }
        }
        let done = matches!(ended, EndOutcome::Written(_));
        if done == holds {
            Ok(())
        } else {
            Err(format!("{act:?} was {done}"))
        }
    }

    /// What must hold after each act.
    async fn check(&mut self) -> Result<(), String> {
        let job = self
            .api
            .store
            .job(job_id(self.id), true)
            .await
            .unwrap()
            .unwrap();
        let error = job.error().map(|error| error.code);
        let found = (job.status(), job.attempt, job.fence, job.progress, error);
        let Model {
            status,
            attempt,
            fence,
            progress,
            error,
            ..
        } = self.model.clone();
        if found != (status, attempt, fence, progress, error) {
            return Err(format!("the store has {found:?}"));
        }
        let changed = Job {
            due_at: None,
            ..job.clone()
        } != Job {
            due_at: None,
            ..self.last.clone()
        };
        if self.last.status().is_final() && changed {
            return Err(format!("a final job has changed: {:?} {job:?}", self.last));
        }
        if matches!(job.status(), Status::Pending | Status::Running) != job.due_at.is_some()
            && !job.status().is_final()
        {
            return Err("the sweeper would not see it, or a draft".to_owned());
        }
        if job.log_seq != self.last.log_seq || job.status().is_final() {
            self.check_log(&job).await?;
        }
        self.last = job;
        Ok(())
    }

    async fn check_log(&self, job: &Job) -> Result<(), String> {
        let query = LogQuery {
            after: 0,
            level: Level::Debug,
            since: None,
            limit: 1_000,
        };
        let page = self.api.store.log_page(job, &query).await.unwrap();
        let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        if seqs != (1..=job.log_seq.min(1_000)).collect::<Vec<u64>>() {
            return Err(format!(
                "the log has a gap, or a line twice: {seqs:?} of {}",
                job.log_seq
            ));
        }
        Ok(())
    }
}

/// Leads `lives` lives of up to 16 acts each on one table.
async fn lead(lives: u64, seed: u64) {
    println!("MODEL_SEED={seed}");
    let api = Api::new().await;
    let mut chance = Chance(seed);
    for _ in 0..lives {
        let mut life = Life::new(&api, chance.below(4) == 0).await;
        let mut acts = Vec::new();
        for _ in 0..4 + chance.below(13) {
            let act = chance.act();
            acts.push(act);
            let result = match life.act(act).await {
                Ok(()) => life.check().await,
                fault => fault,
            };
            if let Err(fault) = result {
                panic!(
                    "seed {seed}: {fault}\nafter {acts:#?}\nthe model has {:?}",
                    life.model
                );
            }
        }
        let _ = life.act(Act::Cancel).await;
    }
}

#[tokio::test]
async fn store_and_model_never_differ() {
    lead(
        given("MODEL_SEQUENCES", 600) / 2,
        given("MODEL_SEED", 0x9E37_79B9),
    )
    .await;
}

#[tokio::test]
async fn store_and_model_never_differ_by_another_seed() {
    lead(
        given("MODEL_SEQUENCES", 600) / 2,
        given("MODEL_SEED", u64::from(std::process::id())),
    )
    .await;
}
