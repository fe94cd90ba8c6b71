//! What each operation costs as the table grows: at a thousand, a hundred thousand and a million
//! jobs, of which one user has half.
//!
//! Requests and capacity units are what `DynamoDB` would bill; each has a limit, the same at every
//! size, and one that is exceeded fails the run. Times are those of the `DynamoDB` in this process,
//! which say nothing of AWS's: only how a call's time grows is shown, as a ratio to the smallest
//! table. The table is filled with copies of jobs that the store itself has written.
//!
//! `cargo bench -p tests --bench growth` prints a JSON object a figure. With `--profile dev`, the tests'
//! own build, it takes some minutes and 4.5 GB of memory; `-- 100000` leaves out larger tables.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "support/growth_jobs.rs"]
mod growth_jobs;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use common::{ADMIN, Api, OWNER, job_id};
use growth_jobs::{BUCKET_BITS, DUE, Loaded, bucket};
use jobs::{Job, JobId, Time, testing::START};
use serde_json::{Value, json};
use store::{Claim, testing::Meter};
use worker::{
    Sweeper,
    testing::{files, queue},
};

const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// How often each call is made.
const CALLS: usize = 40;
/// A call that takes long is made less often: for so long altogether.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much longer a call may take than in the smallest table, where a page may hold one job that holds
/// fifty in the largest. A call that reads a whole index takes hundreds of times as long.
const MOST_TIMES: f64 = 10.0;
/// Statuses in each of which a user's jobs are a partition of their own.
const FOUR: &str = "status=pending,completed,failed,cancelled";
/// Requests, read units and write units.
type Cost = [f64; 3];
const UNITS: [&str; 3] = ["requests", "read units", "write units"];

/// A table of one size, and what asks it.
struct Table {
    size: u64,
    api: Api,
    meter: Meter,
    sweeper: Sweeper,
    some: Vec<u64>,
    release: u64,
    /// Jobs of the owner's that have just been created, to cancel and to claim.
    pending: Vec<Job>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let largest = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(u64::MAX);
    let mut bench = Bench::default();
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        let begun = Instant::now();
        bench.tables.push(Table::load(size).await);
        eprintln!(
            "{size} jobs, loaded in {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    bench.reads().await;
    bench.lists().await;
    bench.writes().await;
    if bench.exceeded {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Default)]
struct Bench {
    tables: Vec<Table>,
    /// Whether a figure was over its limit.
    exceeded: bool,
}

impl Bench {
    async fn reads(&mut self) {
        let status = async |table: &Table, call: usize| {
            table
                .ok(
                    OWNER,
                    "GET",
                    &format!("/api/jobs/{}/status", table.some[call]),
                )
                .await;
        };
        self.measure("status", [1.0, 0.5, 0.0], status).await;
        let details = async |table: &Table, call: usize| {
            let job = table
                .ok(OWNER, "GET", &format!("/api/jobs/{}", table.some[call]))
                .await;
            assert_ne!(job["logs"], "");
        };
        self.measure("details", [1.0, 1.0, 0.0], details).await;
    }

    async fn lists(&mut self) {
        // A minute after a time bucket has begun, most of a page is in the one before.
        let begun = job_id(bucket(JobId::floor(START)) << BUCKET_BITS).created_at();
        let border = format!(
            "jobs?created_before={}",
            begun.after(Duration::from_mins(1))
        );
        // What no index can filter is looked for in a thousand entries: in five rounds of a query for each
        // status, at 2 units for 50 entries. An admin's list asks four partitions a round, in at most eight
        // rounds, of a thousand entries together; jobs that run are read by key for their progress.
        for (name, who, path, limit) in [
            ("list", OWNER, "jobs", [1.0, 2.0, 0.0]),
            (
                "list of a release",
                OWNER,
                "jobs?release_id=RELEASE",
                [1.0, 2.0, 0.0],
            ),
            (
                "a release's list",
                OWNER,
                "releases/RELEASE/jobs",
                [2.0, 2.5, 0.0],
            ),
            (
                "list of a rare status",
                OWNER,
                "jobs?status=failed",
                [1.0, 2.0, 0.0],
            ),
            (
                "list of two statuses",
                OWNER,
                "jobs?status=failed,completed",
                [2.0, 4.0, 0.0],
            ),
            (
                "list of a rare type",
                OWNER,
                "jobs?job_type=dirfix",
                [5.0, 42.0, 0.0],
            ),
            (
                "list of a rare type and a status",
                OWNER,
                "jobs?job_type=dirfix&status=completed",
                [5.0, 42.0, 0.0],
            ),
            (
                "list of a rare type and four statuses",
                OWNER,
                "jobs?job_type=dirfix&FOUR",
                [20.0, 168.0, 0.0],
            ),
            ("an admin's list", ADMIN, "jobs", [5.0, 8.0, 0.0]),
            (
                "an admin's list over two time buckets",
                ADMIN,
                &border,
                [9.0, 12.0, 0.0],
            ),
            (
                "an admin's list of a rare type",
                ADMIN,
                "jobs?job_type=dirfix",
                [32.0, 42.0, 0.0],
            ),
            (
                "an admin's list of a rare status",
                ADMIN,
                "jobs?status=failed",
                [32.0, 42.0, 0.0],
            ),
        ] {
            let list = async |table: &Table, _| {
                let path = path.replace("RELEASE", &table.release.to_string());
                table
                    .ok(who, "GET", &format!("/api/{}", path.replace("FOUR", FOUR)))
                    .await;
            };
            self.measure(name, limit, list).await;
        }
    }

    async fn writes(&mut self) {
        let sweep = async |table: &Table, _| {
            table.api.clock.advance(3_660);
            let swept = table.sweeper.sweep(Time::from_millis(i64::MAX)).await;
            assert_eq!(
                ((swept.resent + swept.rescued) as u64, swept.errors),
                (DUE, 0)
            );
        };
        self.measure("sweep", [68.0, 32.0, 330.0], sweep).await;
        for table in &mut self.tables {
            table.create(2 * CALLS).await;
        }
        let cancel = async |table: &Table, call: usize| {
            table
                .ok(
                    OWNER,
                    "PUT",
                    &format!("/api/jobs/{}/cancel", table.pending[call].id),
                )
                .await;
        };
        self.measure("cancel", [1.0, 0.0, 5.0], cancel).await;
        let claim = async |table: &Table, call: usize| {
            let seen = &table.pending[CALLS + call];
            let claimed = table.api.store.claim(seen, seen.updated_at).await.unwrap();
            assert!(matches!(claimed, Claim::Won(_)));
        };
        self.measure("claim", [1.0, 0.0, 4.0], claim).await;
        let list = async |table: &Table, _| drop(table.ok(OWNER, "GET", "/api/jobs").await);
        self.measure("list of running jobs", [2.0, 27.0, 0.0], list)
            .await;
    }

    /// Makes a call again and again, in turn in each table, so that what else the machine does slows
    /// them all alike. Reports what it costs at the most, and its median time.
    async fn measure(&mut self, name: &str, limit: Cost, call: impl AsyncFn(&Table, usize)) {
        let mut most = vec![[0.0_f64; 3]; self.tables.len()];
        let mut times = vec![Vec::new(); self.tables.len()];
        let all = Instant::now();
        for number in (0..CALLS).take_while(|number| *number == 0 || all.elapsed() < PATIENCE) {
            for (at, table) in self.tables.iter().enumerate() {
                let _ = table.meter.take();
                let begun = Instant::now();
                call(table, number).await;
                times[at].push(begun.elapsed());
                let costs = table.meter.take();
                let sums = costs.iter().fold([0.0; 3], |[n, r, w], cost| {
                    [n + 1.0, r + cost.reads, w + cost.writes]
                });
                most[at] = std::array::from_fn(|unit| sums[unit].max(most[at][unit]));
            }
        }
        let medians: Vec<Duration> = times.into_iter().map(median).collect();
        for at in 0..self.tables.len() {
            let name = format!("{name}, {} jobs", self.tables[at].size);
            for unit in (0..3).filter(|unit| most[at][*unit] + limit[*unit] > 0.0) {
                self.report(&name, most[at][unit], UNITS[unit], limit[unit]);
            }
            self.report(
                &name,
                medians[at].div_duration_f64(medians[0]),
                "times",
                MOST_TIMES,
            );
        }
    }

    fn report(&mut self, name: &str, value: f64, unit: &str, limit: f64) {
        self.exceeded |= value > limit;
        let verdict = if value > limit { " EXCEEDED" } else { "" };
        eprintln!("{name:<60} {value:>8.1} {unit:<11} at most {limit}{verdict}");
        println!(
            "{}",
            json!({"name": name, "value": value, "unit": unit, "limit": limit})
        );
    }
}

impl Table {
    async fn load(size: u64) -> Self {
        let Loaded {
            api,
            meter,
            some,
            release,
        } = Loaded::with(size, CALLS as u64).await;
        let sweeper = Sweeper::new(api.store.clone(), queue(), files(), api.clock.clock());
        Self {
            size,
            api,
            meter,
            sweeper,
            some,
            release,
            pending: Vec::new(),
        }
    }

    async fn create(&mut self, count: usize) {
        for _ in 0..count {
            let id = job_id(self.api.create(json!({"job_type": "packaging"})).await);
            self.pending
                .push(self.api.store.job(id, true).await.unwrap().unwrap());
        }
    }

    async fn ok(&self, who: (u64, bool), method: &str, path: &str) -> Value {
        let (status, body) = self.api.send(who, method, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
