//! What each operation costs, in requests to `DynamoDB`, messages to SQS and capacity units, beside
//! what it may cost.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jobs::{Level, LogEntry, testing::START};
use serde_json::{Value, json};
use store::{
    Claim, Completion, Leftovers, RunEnd, RunHandle, RunProgress,
    testing::{Cost, Meter, metered_store},
};
use worker::testing::counted_queue;

use super::{ADMIN, Api, Does, OWNER, job_id};

/// How many jobs of another type lie before the one that is looked for: more than one page looks through.
const BEFORE_THE_RARE: usize = 1_100;

/// Requests, messages and capacity units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Requests to `DynamoDB`.
    pub requests: usize,
    /// Read units.
    pub reads: f64,
    /// Write units, those of the indexes included.
    pub writes: f64,
    /// Messages to SQS.
    pub messages: usize,
}

/// What an operation has cost.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The operation.
    pub name: String,
    /// What it cost.
    pub cost: Units,
    /// What it may cost at the most.
    pub budget: Units,
    /// The write units of each index.
    pub indexes: BTreeMap<String, f64>,
}

impl Measured {
    /// Whether it keeps to its budget, and cost anything at all where it may.
    #[must_use]
    pub fn is_within(&self) -> bool {
        let (cost, most) = (&self.cost, &self.budget);
        let asked = cost.requests > 0 || most.requests == 0;
        let within = cost.requests <= most.requests && cost.messages <= most.messages;
        asked && within && cost.reads <= most.reads && cost.writes <= most.writes
    }
}

/// What an operation may cost: requests, read and write units.
const fn most(requests: usize, reads: f64, writes: f64) -> Units {
    Units {
        requests,
        reads,
        writes,
        messages: 0,
    }
}

/// The same, and a message to SQS.
const fn with_message(requests: usize, reads: f64, writes: f64) -> Units {
    Units {
        messages: 1,
        ..most(requests, reads, writes)
    }
}

/// A table whose requests are metered, and what was measured on it.
struct Bill {
    api: Api,
    meter: Meter,
    messages: Arc<AtomicUsize>,
    measured: Vec<Measured>,
}

/// Measures every operation.
pub async fn measure() -> Vec<Measured> {
    let mut all = Vec::new();
    all.append(&mut Bill::new().await.jobs().await);
    all.append(&mut Bill::new().await.releases().await);
    all.append(&mut Bill::new().await.lists().await);
    all.append(&mut Bill::new().await.rare_matches().await);
    all.append(&mut Bill::new().await.logs().await);
    all.append(&mut Bill::new().await.life().await);
    all
}

impl Bill {
    async fn new() -> Self {
        let (store, meter) = metered_store().await;
        let (queue, messages) = counted_queue();
        Self {
            api: Api::over(store, queue),
            meter,
            messages,
            measured: Vec::new(),
        }
    }

    /// Forgets what has come so far, which was preparation.
    fn begin(&self) {
        let _ = self.meter.take();
        self.messages.store(0, Ordering::Relaxed);
    }

    /// Takes what has come since `begin` for the cost of `name`.
    fn add(&mut self, name: &str, budget: Units) {
        let costs = self.meter.take();
        self.add_costs(name, budget, &costs);
    }

    fn add_costs(&mut self, name: &str, budget: Units, costs: &[Cost]) {
        let mut indexes = BTreeMap::new();
        for (index, units) in costs.iter().flat_map(|cost| &cost.indexes) {
            *indexes.entry(index.clone()).or_default() += units;
        }
        let cost = Units {
            requests: costs.len(),
            reads: costs.iter().map(|cost| cost.reads).sum(),
            writes: costs.iter().map(|cost| cost.writes).sum(),
            messages: self.messages.swap(0, Ordering::Relaxed),
        };
        self.measured.push(Measured {
            name: name.to_owned(),
            cost,
            budget,
            indexes,
        });
    }

    /// Sends a request as the owner and takes its cost for `name`.
    async fn ask(
        &mut self,
        name: &str,
        budget: Units,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        self.ask_as(OWNER, name, budget, (method, path, body)).await
    }

    async fn ask_as(
        &mut self,
        caller: (u64, bool),
        name: &str,
        budget: Units,
        (method, path, body): (&str, &str, Option<Value>),
    ) -> Value {
        self.begin();
        let (status, answer) = self.api.send(caller, method, path, body).await;
        assert!(
            matches!(status, 200..=202),
            "{method} {path}: {status} {answer}"
        );
        self.add(name, budget);
        answer
    }

    async fn jobs(mut self) -> Vec<Measured> {
        let release = self.release().await;
        let job = json!({"job_type": "packaging"});
        let of_release = json!({"job_type": "packaging", "release_id": release});
        let id = self
            .ask(
                "create",
                with_message(1, 0.0, 5.0),
                "POST",
                "/api/jobs",
                Some(job),
            )
            .await["id"]
            .clone();
        let path = "/api/jobs";
        self.ask(
            "create, of a release",
            with_message(2, 1.0, 6.0),
            "POST",
            path,
            Some(of_release.clone()),
        )
        .await;
        self.begin();
        let headers = [("Idempotency-Key", "k")];
        let (status, _) = self
            .api
            .send_with(OWNER, "POST", path, Some(of_release.to_string()), &headers)
            .await;
        assert_eq!(status, 202);
        self.add(
            "create, of a release, with a key",
            with_message(2, 1.0, 9.0),
        );

        let job = |rest: &str| format!("/api/jobs/{id}{rest}");
        self.ask("status", most(1, 0.5, 0.0), "GET", &job("/status"), None)
            .await;
        self.begin();
        assert_eq!(self.api.get(OWNER, "/api/jobs/5/status").await.0, 404);
        self.add("status of what does not exist", most(2, 1.5, 0.0));
        self.ask("cancel", most(1, 0.0, 5.0), "PUT", &job("/cancel"), None)
            .await;
        self.ask(
            "retry",
            with_message(2, 1.0, 5.0),
            "POST",
            &job("/retry"),
            None,
        )
        .await;
        let draft = Some(json!({"draft": true}));
        let draft = self
            .ask("create a draft", most(1, 0.0, 4.0), "POST", path, draft)
            .await["id"]
            .clone();
        let draft = |rest: &str| format!("/api/jobs/{draft}{rest}");
        let change = Some(json!({"job_type": "nfofix"}));
        self.ask(
            "change a draft",
            most(2, 1.0, 4.0),
            "PATCH",
            &draft(""),
            change,
        )
        .await;
        self.ask(
            "submit",
            with_message(2, 1.0, 6.0),
            "PUT",
            &draft("/submit"),
            None,
        )
        .await;

        let analysis = self.api.create(json!({"job_type": "analysis"})).await;
        self.api
            .process(analysis, Does::Complete(json!({"metadata": {}})))
            .await;
        let path = format!("/api/wizard/jobs/{analysis}/analysis");
        self.ask("analysis", most(1, 1.0, 0.0), "GET", &path, None)
            .await;
        self.measured
    }

    async fn release(&self) -> Value {
        let body = json!({"release_type": "ebook"});
        self.api
            .send(OWNER, "POST", "/api/releases", Some(body))
            .await
            .1["id"]
            .clone()
    }

    async fn releases(mut self) -> Vec<Measured> {
        let body = Some(json!({"release_type": "ebook", "metadata": {"title": "A Book"}}));
        let release = self
            .ask(
                "create a release",
                most(1, 0.0, 1.0),
                "POST",
                "/api/releases",
                body,
            )
            .await["id"]
            .clone();
        let path = |rest: &str| format!("/api/releases/{release}{rest}");
        self.ask("release", most(1, 1.0, 0.0), "GET", &path(""), None)
            .await;
        let file = Some(json!({"path": "book.epub", "size": 1}));
        self.ask(
            "upload of a file",
            most(1, 1.0, 0.0),
            "POST",
            &path("/files"),
            file,
        )
        .await;
        self.ask(
            "files of a release",
            most(1, 1.0, 0.0),
            "GET",
            &path("/files"),
            None,
        )
        .await;

        let mut first = 0;
        for at in 0..2 {
            let id = self
                .api
                .create(json!({"job_type": "packaging", "release_id": release}))
                .await;
            if at == 0 {
                first = id;
            }
            self.begin();
            self.api
                .process(id, Does::Package(json!({"files": []})))
                .await;
            self.add(
                ["a package's job", "the job of the package after it"][at],
                most(14, 4.0, 24.0),
            );
        }
        let body = Some(json!({"job_id": first}));
        self.ask(
            "restore a package",
            most(2, 1.0, 3.0),
            "PUT",
            &path("/package"),
            body,
        )
        .await;
        self.measured
    }

    async fn lists(mut self) -> Vec<Measured> {
        let release = self.release().await;
        let job = json!({"job_type": "packaging", "release_id": release});
        for _ in 0..60 {
            let id = self.api.create(job.clone()).await;
            self.api
                .process(id, Does::FailSaying("It failed. ".repeat(40)))
                .await;
        }
        let page = most(1, 2.0, 0.0);
        for filter in [
            String::new(),
            "&status=failed".to_owned(),
            "&job_type=packaging".to_owned(),
            format!("&release_id={release}"),
            "&user_id=7".to_owned(),
            "&created_after=2026-01-01T00:00:00Z".to_owned(),
            "&created_before=2027-01-01T00:00:00Z".to_owned(),
            format!("&status=failed&job_type=packaging&release_id={release}"),
        ] {
            let shown = filter
                .split('=')
                .next()
                .unwrap_or_default()
                .trim_start_matches('&');
            let name = match filter.matches('&').count() {
                0 => "list of 50".to_owned(),
                1 => format!("list of 50, {shown}"),
                _ => "list of 50, three filters".to_owned(),
            };
            self.list(
                OWNER,
                &name,
                page,
                &format!("/api/jobs?limit=50{filter}"),
                50,
            )
            .await;
        }
        self.list(
            OWNER,
            "list of a release's 50",
            most(2, 3.0, 0.0),
            &format!("/api/releases/{release}/jobs"),
            50,
        )
        .await;
        self.list(
            ADMIN,
            "an admin's list of 50",
            most(4, 4.0, 0.0),
            "/api/jobs?limit=50",
            50,
        )
        .await;
        for _ in 0..10 {
            running(&self.api).await;
        }
        self.list(
            OWNER,
            "list of 50, of which 10 run",
            most(2, 7.0, 0.0),
            "/api/jobs",
            50,
        )
        .await;
        self.measured
    }

    async fn list(
        &mut self,
        caller: (u64, bool),
        name: &str,
        budget: Units,
        path: &str,
        count: usize,
    ) {
        let page = self.ask_as(caller, name, budget, ("GET", path, None)).await;
        assert_eq!(
            page["jobs"].as_array().map(Vec::len),
            Some(count),
            "{path}: {page}"
        );
    }

    /// One job among so many that have another status and another type.
    async fn rare_matches(mut self) -> Vec<Measured> {
        let rare = self
            .api
            .create(json!({"job_type": "dirfix", "draft": true}))
            .await;
        for _ in 0..BEFORE_THE_RARE {
            self.api.create(json!({"job_type": "packaging"})).await;
        }
        self.list(
            OWNER,
            "list of a rare status",
            most(1, 2.0, 0.0),
            "/api/jobs?status=draft",
            1,
        )
        .await;
        let (name, bound) = ("list of a rare value in another filter", most(5, 12.0, 0.0));
        let page = self
            .ask_as(
                OWNER,
                name,
                bound,
                ("GET", "/api/jobs?job_type=dirfix", None),
            )
            .await;
        let next = page["next_cursor"].as_str().unwrap_or_default();
        let path = format!("/api/jobs?job_type=dirfix&cursor={next}");
        let page = self
            .ask_as(OWNER, "the page after it", bound, ("GET", &path, None))
            .await;
        assert_eq!(page["jobs"][0]["id"], rare, "{page}");
        self.measured
    }

    async fn logs(mut self) -> Vec<Measured> {
        let id = self.api.create(json!({"job_type": "packaging"})).await;
        self.api.process(id, Does::Say(30)).await;
        let path = format!("/api/jobs/{id}");
        let details = self
            .ask(
                "details with 4 KB of log",
                most(1, 1.5, 0.0),
                "GET",
                &path,
                None,
            )
            .await;
        assert_eq!(
            details["logs"].as_str().map(|logs| logs.lines().count()),
            Some(32)
        );

        let (id, run) = running(&self.api).await;
        let mut seq = 0;
        for _ in 0..100 {
            let chunk = lines(&mut seq, 30);
            self.api.store.put_log(&run, &chunk).await.unwrap();
        }
        self.api
            .store
            .heartbeat(
                &run,
                &RunProgress {
                    log_seq: seq,
                    ..RunProgress::default()
                },
                START,
            )
            .await
            .unwrap();
        for (name, after) in [
            ("log page of 100 lines of 3,000", 0),
            ("log page of 100 lines, the last", seq - 100),
        ] {
            let path = format!("/api/jobs/{id}/logs?limit=100&after={after}");
            let page = self.ask(name, most(2, 16.5, 0.0), "GET", &path, None).await;
            assert_eq!(page["logs"].as_array().map(Vec::len), Some(100));
        }

        for (count, budget) in [(200, 32.0), (10_000, 1.3 * 10_000.0 * 100.0 / 1024.0)] {
            let id = self.api.create(json!({"job_type": "packaging"})).await;
            self.begin();
            self.api.process(id, Does::Say(count)).await;
            let chunks = self
                .meter
                .take()
                .into_iter()
                .filter(|cost| cost.operation == "PutItem")
                .collect::<Vec<_>>();
            self.add_costs(
                &format!("{count} log lines of 100 bytes"),
                most(chunks.len(), 0.0, budget),
                &chunks,
            );
        }
        self.measured
    }

    async fn life(mut self) -> Vec<Measured> {
        self.begin();
        let (id, run) = running(&self.api).await;
        for progress in 1..=20 {
            let progress = RunProgress {
                percent: progress * 5,
                ..RunProgress::default()
            };
            self.api
                .store
                .heartbeat(&run, &progress, START)
                .await
                .unwrap();
        }
        let completion = Completion::new(json!({"files": []}));
        let (progress, leftovers) = (RunProgress::default(), Leftovers::None);
        self.api
            .store
            .end_run(
                &run,
                &progress,
                &RunEnd::Completed(Box::new(completion)),
                leftovers,
                START,
            )
            .await
            .unwrap();
        self.add(
            "create, claim, 20 progress writes, done",
            with_message(24, 1.0, 36.0),
        );
        let (_, job) = self.api.get(OWNER, &format!("/api/jobs/{id}")).await;
        assert_eq!(job["status"], "completed");

        let id = self.api.create(json!({"job_type": "analysis"})).await;
        self.begin();
        self.api
            .process(id, Does::Complete(json!({"metadata": {}})))
            .await;
        // A heartbeat more, or two, on a slow machine.
        self.add("a short job in the processor", most(6, 1.0, 13.0));
        self.measured
    }
}

/// A job of the owner's that has been claimed.
async fn running(api: &Api) -> (u64, RunHandle) {
    let id = api.create(json!({"job_type": "packaging"})).await;
    let seen = api.store.job(job_id(id), true).await.unwrap().unwrap();
    let Claim::Won(job) = api.store.claim(&seen, START).await.unwrap() else {
        panic!("claimed")
    };
    (id, RunHandle::from(&job))
}

fn lines(seq: &mut u64, count: u64) -> Vec<LogEntry> {
    let line = |seq| LogEntry {
        seq,
        timestamp: START,
        level: Level::Info,
        message: "x".repeat(100),
        step: None,
    };
    let lines = (*seq + 1..=*seq + count).map(line).collect();
    *seq += count;
    lines
}
