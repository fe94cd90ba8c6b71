//! The sweeper: many stuck jobs, concurrent sweeps, refused messages, leftover files.

mod common;

use std::{fmt::Debug, time::Duration};

use common::{Api, NO_DEADLINE, OWNER, RETENTION, job_id, user_id};
use jobs::{Failure, FailureCode, JobType, LEASE, NewJob, Status, Time, testing::START};
use serde_json::{Map, json};
use store::{SHARDS, WriteOutcome};
use worker::{
    Queue, SweepReport, Sweeper,
    testing::{broken_files, broken_queue, files, queue},
};

/// Jobs of one shard, in more than two batches.
const STUCK: u64 = 230;

fn sweeper(api: &Api, queue: Queue) -> Sweeper {
    Sweeper::new(api.store.clone(), queue, files(), api.clock.clock())
}

async fn sweep(api: &Api, queue: Queue) -> SweepReport {
    sweeper(api, queue).sweep(NO_DEADLINE).await
}

/// Creates a pending job with this id.
async fn create_pending_job(api: &Api, id: u64) {
    let job = NewJob {
        created_by: user_id(OWNER),
        release_id: None,
        job_type: Some(JobType::Analysis),
        config: Map::new(),
        draft: false,
        by_admin: false,
        retry_of: None,
        earlier_retry: None,
    };
    let created = api
        .store
        .create_job(job_id(id), &job, None, START, RETENTION);
    created.await.unwrap();
}

/// Creates jobs of one shard whose runs have died.
async fn create_stuck_jobs(api: &Api, count: u64) {
    for number in 1..=count {
        create_pending_job(api, number * SHARDS).await;
        api.claim(number * SHARDS, START).await;
    }
    api.clock.advance(61);
}

/// Returns the distinct statuses of the stuck jobs, with their attempts and runs.
async fn statuses(api: &Api, count: u64) -> Vec<(Status, u32, usize)> {
    let mut found = Vec::new();
    for number in 1..=count {
        let job = api.job(number * SHARDS).await;
        found.push((job.status(), job.attempt, job.runs.len()));
    }
    found.dedup();
    found
}

#[tokio::test]
async fn stuck_jobs_beyond_the_first_page_are_rescued() {
    let api = Api::new().await;
    create_stuck_jobs(&api, STUCK).await;
    let swept = sweep(&api, queue()).await;
    assert_eq!((swept.rescued as u64, swept.errors), (STUCK, 0));
    assert_eq!(statuses(&api, STUCK).await, [(Status::Pending, 1, 1)]);
    assert_eq!(sweep(&api, queue()).await, SweepReport::default());
}

#[tokio::test]
async fn expired_leases_come_before_waiting_jobs() {
    let api = Api::new().await;
    for id in 1..STUCK {
        create_pending_job(&api, id).await;
    }
    create_pending_job(&api, STUCK).await;
    // Its lease expires after the other jobs are due.
    api.claim(STUCK, START.after(Duration::from_secs(10))).await;
    api.clock.advance(100);
    // Each look at the clock takes a millisecond, so the sweep has no time for all.
    let until = api.clock.clock().now().after(Duration::from_millis(50));
    let swept = sweeper(&api, queue()).sweep(until).await;
    assert_eq!(swept.rescued, 1);
    assert!(swept.resent < 50, "{swept:?}");
}

#[tokio::test]
async fn concurrent_sweeps_rescue_each_job_once() {
    let api = Api::new().await;
    create_stuck_jobs(&api, STUCK).await;
    let (one, other) = tokio::join!(sweep(&api, queue()), sweep(&api, queue()));
    assert_eq!(
        (
            (one.rescued + other.rescued) as u64,
            one.errors + other.errors
        ),
        (STUCK, 0)
    );
    assert_eq!(statuses(&api, STUCK).await, [(Status::Pending, 1, 1)]);
}

#[tokio::test]
async fn message_refused_by_the_queue_is_sent_by_a_later_sweep() {
    let api = Api::new().await;
    create_stuck_jobs(&api, 3).await;
    let swept = sweep(&api, broken_queue()).await;
    assert_eq!((swept.rescued, swept.resent, swept.errors), (0, 0, 3));
    assert_eq!(
        statuses(&api, 3).await,
        [(Status::Pending, 1, 1)],
        "the jobs are pending without a message"
    );
    api.clock.advance(61);
    let swept = sweep(&api, queue()).await;
    assert_eq!((swept.rescued, swept.resent, swept.errors), (0, 3, 0));
}

#[tokio::test]
async fn job_with_files_that_cannot_be_removed_delays_no_other() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let id = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    api.claim(id, START).await;
    api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
        .await;
    create_stuck_jobs(&api, 3).await;
    let sweep = async |files| {
        let sweeper = Sweeper::new(api.store.clone(), queue(), files, api.clock.clock());
        sweeper.sweep(NO_DEADLINE).await
    };
    api.clock.advance(300);
    let swept = sweep(broken_files()).await;
    assert_eq!((swept.rescued, swept.errors), (3, 1));
    assert_eq!(
        sweep(broken_files()).await,
        SweepReport::default(),
        "the job is not due again yet"
    );
    api.clock.advance(601);
    assert_eq!(sweep(broken_files()).await.errors, 1);
    api.clock.advance(601);
    assert_eq!(sweep(files()).await.errors, 0);
    assert_eq!(api.job(id).await.due_at, None);
}

#[tokio::test]
async fn next_sweep_continues_one_that_ran_out_of_time() {
    let api = Api::new().await;
    create_stuck_jobs(&api, STUCK).await;
    // The clock advances by a millisecond with each reading.
    let deadline = api.clock.clock().now().after(Duration::from_millis(100));
    let in_time = sweeper(&api, queue()).sweep(deadline).await;
    assert!(
        (1..STUCK).contains(&(in_time.rescued as u64)),
        "{in_time:?}"
    );
    let rest = sweep(&api, queue()).await;
    assert_eq!((in_time.rescued + rest.rescued) as u64, STUCK);
}

/// Makes a write twice, as the SDK does if its answer is lost, and then another write.
///
/// DynamoDB refuses the second write because of the first; the store must recognize its own.
async fn assert_repeatable<T: Debug, E: Debug>(
    write: impl AsyncFn(Time) -> Result<WriteOutcome<T>, E>,
    time: Time,
    other_time: Time,
) {
    for _ in 0..2 {
        let outcome = write(time).await.unwrap();
        assert!(matches!(outcome, WriteOutcome::Written(_)), "{outcome:?}");
    }
    let outcome = write(other_time).await.unwrap();
    assert!(
        matches!(outcome, WriteOutcome::Fenced(Some(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn repeated_write_of_a_sweeper_is_recognized_and_another_one_refused() {
    let api = Api::new().await;
    create_stuck_jobs(&api, 1).await;
    let (later, now) = (START.after(Duration::from_mins(5)), START.after(LEASE * 2));
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(api.store.due(shard, later, None).await.unwrap().jobs);
    }
    let [(_, id)] = due[..] else {
        panic!("one job should be due: {due:?}")
    };
    let store = &api.store;
    let seen = api.job(id.get()).await;
    let reschedule = async |time| store.reschedule_sweep(&seen, Some(time)).await;
    assert_repeatable(reschedule, later, now).await;
    let seen = api.job(id.get()).await;
    let rescue = async |time| store.rescue(&seen, time).await;
    assert_repeatable(rescue, now, later).await;
    let seen = api.job(id.get()).await;
    let failure = Failure::new(FailureCode::AttemptsExhausted, "Enough");
    let fail = async |time| store.fail_from_outside(&seen, &failure, time).await;
    assert_repeatable(fail, now, later).await;
}

#[tokio::test]
async fn job_that_the_sweeper_has_not_reached_outlives_its_exhausted_message() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let status_after = async |seconds| {
        api.clock.advance(seconds);
        api.exhaust(id).await;
        api.job(id).await.status()
    };
    assert_eq!(status_after(0).await, Status::Pending);
    // The job has been due for hours: the sweeper, too, was down.
    assert_eq!(status_after(3 * 60 * 60).await, Status::Pending);
    assert_eq!(status_after(24 * 60 * 60).await, Status::Failed);
}
