//! The cost of each operation as the table grows: with a thousand, a hundred thousand and a million
//! jobs, half of them one user's.
//!
//! Requests and capacity units are those that DynamoDB would bill. Each has a limit, the same at
//! every size; a run that exceeds one fails. Times come from the DynamoDB in this process and say
//! nothing about AWS, so only their growth is shown, as a ratio to the smallest table. The tables
//! are filled with copies of jobs that the store has written.
//!
//! At the end the sweeper rescues the jobs of a thousand dead runs behind a hundred thousand pending
//! jobs that have been due for longer.
//!
//! `cargo bench -p tests --bench growth` prints one JSON object per figure. With `--profile dev`,
//! the build of the tests, it takes some minutes and 4.5 GB of memory; `-- 100000` leaves out
//! larger tables.

#[path = "support/backlog.rs"]
mod backlog;
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
/// Number of calls per operation and table.
const CALLS: usize = 40;
/// Maximum time per operation, after which slow calls are not repeated.
const TIME_BUDGET: Duration = Duration::from_secs(2);
/// Maximum ratio of a call's time to that in the smallest table, where a page may have one job
/// instead of fifty, and is eight times as fast. A call that reads a whole index takes hundreds of
/// times as long.
const MAX_SLOWDOWN: f64 = 30.0;
/// Sweeps, once a minute, within which each job whose lease has expired is rescued.
const RESCUE_SWEEPS: u32 = 2;
/// Four statuses, each with an index partition of its own.
const FOUR: &str = "status=pending,completed,failed,cancelled";
/// Requests, read units, write units.
type Cost = [f64; 3];
const UNITS: [&str; 3] = ["requests", "read units", "write units"];

/// Lists, each with its caller, path and limit.
///
/// Without an index for a filter, a page scans up to a thousand entries: five rounds of one query
/// per status, at 2 units for 50 entries. An admin's page queries four partitions per round, in at
/// most eight rounds of a thousand entries together. The progress of running jobs is read by key.
const LISTS: [(&str, (u64, bool), &str, Cost); 12] = [
    ("list", OWNER, "jobs", [1.0, 2.0, 0.0]),
    (
        "list of a release",
        OWNER,
        "jobs?release_id=RELEASE",
        [2.0, 2.5, 0.0],
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
    ("an admin's list", ADMIN, "jobs", [17.0, 12.0, 0.0]),
    (
        "an admin's list over two time buckets",
        ADMIN,
        "jobs?created_before=BORDER",
        [33.0, 24.0, 0.0],
    ),
    (
        "an admin's list of a rare type",
        ADMIN,
        "jobs?job_type=dirfix",
        [128.0, 64.0, 0.0],
    ),
    (
        "an admin's list of a rare status",
        ADMIN,
        "jobs?status=failed",
        [128.0, 64.0, 0.0],
    ),
];

/// A table with `size` jobs.
struct Table {
    size: u64,
    api: Api,
    meter: Meter,
    sweeper: Sweeper,
    sample: Vec<u64>,
    release: u64,
    /// New jobs of the owner's, to cancel and to claim.
    pending: Vec<Job>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let largest = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(u64::MAX);
    let mut bench = Bench::default();
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        let start = Instant::now();
        bench.tables.push(Table::load(size).await);
        eprintln!(
            "{size} jobs, loaded in {:.1} s",
            start.elapsed().as_secs_f64()
        );
    }
    bench.reads().await;
    bench.lists().await;
    bench.writes().await;
    if largest >= backlog::PENDING.into() {
        bench.rescues().await;
    }
    if bench.exceeded {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Default)]
struct Bench {
    tables: Vec<Table>,
    /// `true` once a figure has exceeded its limit.
    exceeded: bool,
}

impl Bench {
    async fn reads(&mut self) {
        let status = async |table: &Table, call: usize| {
            table
                .ok(
                    OWNER,
                    "GET",
                    &format!("/api/jobs/{}/status", table.sample[call]),
                )
                .await;
        };
        self.measure("status", [1.0, 0.5, 0.0], status).await;
        let details = async |table: &Table, call: usize| {
            let job = table
                .ok(OWNER, "GET", &format!("/api/jobs/{}", table.sample[call]))
                .await;
            assert_ne!(job["logs"], "");
        };
        self.measure("details", [2.0, 1.0, 0.0], details).await;
    }

    async fn lists(&mut self) {
        // A minute into a time bucket, most of a page comes from the previous bucket.
        let begun = job_id(bucket(JobId::floor(START)) << BUCKET_BITS).created_at();
        let border = begun.after(Duration::from_mins(1)).to_string();
        for (name, caller, path, limit) in LISTS {
            let list = async |table: &Table, _| {
                let path = path.replace("RELEASE", &table.release.to_string());
                let path = path.replace("FOUR", FOUR).replace("BORDER", &border);
                table.ok(caller, "GET", &format!("/api/{path}")).await;
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
        self.measure("sweep", [78.0, 40.0, 330.0], sweep).await;
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
        self.measure("cancel", [1.0, 0.0, 6.0], cancel).await;
        let claim = async |table: &Table, call: usize| {
            let seen = &table.pending[CALLS + call];
            let claimed = table.api.store.claim(seen, seen.updated_at).await.unwrap();
            assert!(matches!(claimed, Claim::Won(_)));
        };
        self.measure("claim", [1.0, 0.0, 5.0], claim).await;
        let list = async |table: &Table, _| drop(table.ok(OWNER, "GET", "/api/jobs").await);
        self.measure("list of running jobs", [2.0, 27.0, 0.0], list)
            .await;
    }

    /// Counts the expired leases that a backlog keeps the sweeper from.
    async fn rescues(&mut self) {
        let swept = backlog::sweep(RESCUE_SWEEPS).await;
        let (expired, pending) = (backlog::EXPIRED, backlog::PENDING);
        assert!(swept.resent < pending, "no backlog is left: {swept:?}");
        let name = format!("leases of {expired} dead runs after {RESCUE_SWEEPS} sweeps");
        self.report(
            &format!("{name}, {pending} pending jobs"),
            swept.leases.into(),
            "leases",
            0.0,
        );
        // A few may be under way when the time is up.
        self.report(
            "requests of each of these sweeps",
            swept.requests.into(),
            "requests",
            (backlog::MAX_REQUESTS + 100).into(),
        );
    }

    /// Repeats a call in each table by turns, so that other load on the machine slows all tables
    /// alike. Reports the maximum cost and the median time.
    async fn measure(&mut self, name: &str, limit: Cost, call: impl AsyncFn(&Table, usize)) {
        let mut max_costs = vec![[0.0_f64; 3]; self.tables.len()];
        let mut times = vec![Vec::new(); self.tables.len()];
        let started = Instant::now();
        for number in
            (0..CALLS).take_while(|number| *number == 0 || started.elapsed() < TIME_BUDGET)
        {
            for (at, table) in self.tables.iter().enumerate() {
                let _ = table.meter.take();
                let start = Instant::now();
                call(table, number).await;
                times[at].push(start.elapsed());
                let costs = table.meter.take();
                let sums = costs.iter().fold([0.0; 3], |[n, r, w], cost| {
                    [n + 1.0, r + cost.reads, w + cost.writes]
                });
                max_costs[at] = std::array::from_fn(|unit| sums[unit].max(max_costs[at][unit]));
            }
        }
        let medians: Vec<Duration> = times.into_iter().map(median).collect();
        for at in 0..self.tables.len() {
            let name = format!("{name}, {} jobs", self.tables[at].size);
            for unit in (0..3).filter(|unit| max_costs[at][*unit] + limit[*unit] > 0.0) {
                self.report(&name, max_costs[at][unit], UNITS[unit], limit[unit]);
            }
            self.report(
                &name,
                medians[at].div_duration_f64(medians[0]),
                "times",
                MAX_SLOWDOWN,
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
            sample,
            release,
        } = Loaded::with(size, CALLS as u64).await;
        let sweeper = Sweeper::new(api.store.clone(), queue(), files(), api.clock.clock());
        Self {
            size,
            api,
            meter,
            sweeper,
            sample,
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

    async fn ok(&self, caller: (u64, bool), method: &str, path: &str) -> Value {
        let (status, body) = self.api.send(caller, method, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
