//! Sweeps of a table in which many pending jobs have been due for longer than any expired lease.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use jobs::{Clock, JobId, Status, Time, testing::START};
use store::{Store, testing::Meter};
use worker::{
    Sweeper,
    testing::{files, queue},
};

use crate::growth_jobs::backlog;

pub const PENDING: u32 = 100_000;
pub const EXPIRED: u32 = 1_000;
/// Requests to `DynamoDB` that one sweep has time for: those of 50 s at 10 ms each, one after
/// another. The sweeper makes most of them sixteen at a time.
pub const MAX_REQUESTS: u32 = 5_000;

/// The outcome of some sweeps.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Expired leases that are left.
    pub leases: u32,
    /// Pending jobs whose message was sent again.
    pub resent: u32,
    /// Requests of the longest sweep.
    pub requests: u32,
}

/// Sweeps the backlog once a minute, `sweeps` times.
pub async fn sweep(sweeps: u32) -> Outcome {
    let (api, meter, expired) = backlog(PENDING.into(), EXPIRED.into()).await;
    assert_eq!(running(&api.store, &expired).await, EXPIRED);
    let mut swept = Outcome::default();
    for number in 1..=sweeps {
        let _ = meter.take();
        let start = START.after(Duration::from_hours(1) + Duration::from_mins(number.into()));
        let clock = request_clock(meter.clone(), start);
        let sweeper = Sweeper::new(api.store.clone(), queue(), files(), clock.clone());
        let report = sweeper.sweep(start.after(millis(MAX_REQUESTS))).await;
        assert_eq!((report.errors, report.unlisted_shards), (0, 0));
        swept.resent += count(report.resent);
        swept.requests = swept.requests.max(requests(&clock, start));
    }
    swept.leases = running(&api.store, &expired).await;
    swept
}

/// Returns a clock that advances by a millisecond per request, so that a time limit is a limit on
/// requests.
fn request_clock(meter: Meter, start: Time) -> Clock {
    let requests = AtomicU32::new(0);
    Clock::new(move || {
        let new = count(meter.take().len());
        start.after(millis(requests.fetch_add(new, Ordering::SeqCst) + new))
    })
}

/// Returns the number of requests until now.
fn requests(clock: &Clock, start: Time) -> u32 {
    u32::try_from(clock.now().since(start).as_millis()).unwrap()
}

fn millis(count: u32) -> Duration {
    Duration::from_millis(count.into())
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

async fn running(store: &Store, ids: &[JobId]) -> u32 {
    let jobs = store.available_jobs(ids).await.unwrap();
    let running = jobs.values().filter(|job| job.status() == Status::Running);
    count(running.count())
}
