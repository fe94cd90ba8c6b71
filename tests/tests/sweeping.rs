//! The sweeper over many stuck jobs, twice at once, and without a queue.

mod common;

use std::time::Duration;

use common::{Api, OWNER, RETENTION, job_id};
use jobs::{Failure, FailureCode, JobType, LEASE, NewJob, Status, Time, UserId, testing::START};
use serde_json::{Map, json};
use store::{Claim, WriteOutcome};
use worker::{
    Queue, SweepReport, Sweeper,
    testing::{broken_files, broken_queue, files, queue},
};

/// More than two pages of one shard.
const STUCK: u64 = 230;

fn sweeper(api: &Api, queue: Queue) -> Sweeper {
    Sweeper::new(api.store.clone(), queue, files(), api.clock.clock())
}

async fn sweep(api: &Api, queue: Queue) -> SweepReport {
    sweeper(api, queue).sweep(Time::from_millis(i64::MAX)).await
}

/// Jobs of one shard whose runs have died.
async fn stuck(api: &Api, count: u64) {
    let job = NewJob {
        created_by: UserId::try_from(7).unwrap(),
        release_id: None,
        job_type: Some(JobType::Analysis),
        config: Map::new(),
        draft: false,
        retry_of: None,
    };
    for number in 1..=count {
        let id = job_id(number * 4);
        api.store
            .create_job(id, &job, None, START, RETENTION)
            .await
            .unwrap();
        let seen = api.store.job(id, true).await.unwrap().unwrap();
        assert!(matches!(
            api.store.claim(&seen, START).await.unwrap(),
            Claim::Won(_)
        ));
    }
    api.clock.advance(61);
}

async fn statuses(api: &Api, count: u64) -> Vec<(Status, u32, usize)> {
    let mut found = Vec::new();
    for number in 1..=count {
        let job = api
            .store
            .job(job_id(number * 4), true)
            .await
            .unwrap()
            .unwrap();
        found.push((job.status(), job.attempt, job.runs.len()));
    }
    found.dedup();
    found
}

#[tokio::test]
async fn with_more_stuck_jobs_than_one_page_the_last_is_rescued_too() {
    let api = Api::new().await;
    stuck(&api, STUCK).await;
    let swept = sweep(&api, queue()).await;
    assert_eq!((swept.rescued as u64, swept.errors), (STUCK, 0));
    assert_eq!(statuses(&api, STUCK).await, [(Status::Pending, 1, 1)]);
    assert_eq!(sweep(&api, queue()).await, SweepReport::default());
}

#[tokio::test]
async fn two_sweeps_at_once_rescue_each_job_once() {
    let api = Api::new().await;
    stuck(&api, STUCK).await;
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
async fn what_the_queue_refused_is_sent_by_a_later_sweep() {
    let api = Api::new().await;
    stuck(&api, 3).await;
    let swept = sweep(&api, broken_queue()).await;
    assert_eq!((swept.rescued, swept.resent, swept.errors), (0, 0, 3));
    assert_eq!(
        statuses(&api, 3).await,
        [(Status::Pending, 1, 1)],
        "rescued, and nobody has been told"
    );
    api.clock.advance(61);
    let swept = sweep(&api, queue()).await;
    assert_eq!((swept.rescued, swept.resent, swept.errors), (0, 3, 0));
}

#[tokio::test]
async fn a_job_whose_files_cannot_be_removed_holds_up_no_other() {
    let api = Api::new().await;
    let (_, release) = api
        .send(
            OWNER,
            "POST",
            "/api/releases",
            Some(json!({"release_type": "ebook"})),
        )
        .await;
    let id = job_id(
        api.create(json!({"job_type": "packaging", "release_id": release["id"]}))
            .await,
    );
    let seen = api.store.job(id, true).await.unwrap().unwrap();
    assert!(matches!(
        api.store.claim(&seen, START).await.unwrap(),
        Claim::Won(_)
    ));
    api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
        .await;
    stuck(&api, 3).await;
    let sweep = async |files| {
        let swept = Sweeper::new(api.store.clone(), queue(), files, api.clock.clock());
        swept.sweep(Time::from_millis(i64::MAX)).await
    };
    api.clock.advance(300);
    let swept = sweep(broken_files()).await;
    assert_eq!((swept.rescued, swept.errors), (3, 1));
    assert_eq!(
        sweep(broken_files()).await,
        SweepReport::default(),
        "it comes again later"
    );
    api.clock.advance(601);
    assert_eq!(sweep(broken_files()).await.errors, 1);
    api.clock.advance(601);
    assert_eq!(sweep(files()).await.errors, 0);
    assert_eq!(api.store.job(id, true).await.unwrap().unwrap().due_at, None);
}

#[tokio::test]
async fn a_sweep_that_ran_out_of_time_is_gone_on_with_by_the_next() {
    let api = Api::new().await;
    stuck(&api, STUCK).await;
    // Each look at the clock is a millisecond later than the last.
    let until = api.clock.clock().now().after(Duration::from_millis(100));
    let in_time = sweeper(&api, queue()).sweep(until).await;
    assert!(
        (1..STUCK).contains(&(in_time.rescued as u64)),
        "{in_time:?}"
    );
    let rest = sweep(&api, queue()).await;
    assert_eq!((in_time.rescued + rest.rescued) as u64, STUCK);
}

#[tokio::test]
async fn what_the_details_of_a_job_allow_its_entry_in_the_list_allows_too() {
    let api = Api::new().await;
    let new = json!({"job_type": "analysis"});
    let owner = OWNER;
    for (way, draft, then) in [
        ("cancel", false, "cancelled"),
        ("cancel", true, "cancelled"),
        ("submit", true, "pending"),
    ] {
        let mut body = new.clone();
        body["draft"] = json!(draft);
        let id = api.create(body).await;
        let (_, list) = api.get(owner, "/api/jobs?limit=1").await;
        let (_, details) = api.get(owner, &format!("/api/jobs/{id}")).await;
        let entry = &list["jobs"][0];
        for name in [
            "id",
            "status",
            "job_type",
            "release_id",
            "created_by",
            "error",
        ] {
            assert_eq!(entry[name], details[name], "{name}");
        }
        let (status, answer) = api
            .send(
                owner,
                "PUT",
                &format!("/api/jobs/{}/{way}", entry["id"]),
                None,
            )
            .await;
        assert!(status < 300, "{way}: {answer}");
        assert_eq!(answer["status"], then);
    }
    for job in api.get(owner, "/api/jobs?status=cancelled").await.1["jobs"]
        .as_array()
        .unwrap()
    {
        let (status, answer) = api
            .send(
                owner,
                "POST",
                &format!("/api/jobs/{}/retry", job["id"]),
                None,
            )
            .await;
        assert_eq!((status, &answer["retry_of"]), (202, &job["id"]), "{answer}");
    }
}

#[tokio::test]
async fn a_sweeper_knows_its_own_writes_and_no_others() {
    let api = Api::new().await;
    stuck(&api, 1).await;
    let (later, now) = (START.after(Duration::from_mins(5)), START.after(LEASE * 2));
    let [id] = api.store.due(0, later, None).await.unwrap().jobs[..] else {
        panic!("one is due")
    };
    let seen = api.store.job(id, true).await.unwrap().unwrap();
    // As the SDK repeats it, whose answer was lost: the second is refused by the first.
    for _ in 0..2 {
        assert!(matches!(
            api.store
                .reschedule_sweep(&seen, Some(later))
                .await
                .unwrap(),
            WriteOutcome::Written(_)
        ));
    }
    for _ in 0..2 {
        assert!(matches!(
            api.store.rescue(&seen, now).await.unwrap(),
            WriteOutcome::Written(_)
        ));
    }
    assert!(matches!(
        api.store.reschedule_sweep(&seen, Some(now)).await.unwrap(),
        WriteOutcome::Fenced(Some(_))
    ));
    assert!(matches!(
        api.store.rescue(&seen, later).await.unwrap(),
        WriteOutcome::Fenced(Some(_))
    ));
    let seen = api.store.job(id, true).await.unwrap().unwrap();
    let failure = Failure::new(FailureCode::AttemptsExhausted, "Enough");
    for _ in 0..2 {
        assert!(matches!(
            api.store
                .fail_from_outside(&seen, &failure, now)
                .await
                .unwrap(),
            WriteOutcome::Written(_)
        ));
    }
    assert!(matches!(
        api.store
            .fail_from_outside(&seen, &failure, later)
            .await
            .unwrap(),
        WriteOutcome::Fenced(Some(_))
    ));
}
