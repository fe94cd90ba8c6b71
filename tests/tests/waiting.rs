//! What a job waits for: another job of its release, its owner's limit, the delay of a retry.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws::AwsError;
use common::{ADMIN, Api, Does, OWNER, STRANGER, job_id};
use jobs::{Job, LEASE, Status, Time, UserId, testing::START};
use release_files::WorkError;
use serde_json::{Value, json};
use store::{Claim, Completion, Permit, PermitOutcome, RunHandle, WriteOutcome};
use tokio::{sync::Semaphore, task::JoinHandle};
use worker::{Assignment, JobService, Processed, Work};

const FOR_EVER: Time = Time::from_millis(i64::MAX);

/// Work that tells when it has begun and ends when it may; it counts how many do it at once.
struct GatedWork {
    begun: Semaphore,
    may_end: Semaphore,
    now: AtomicU32,
    most: AtomicU32,
}

impl GatedWork {
    fn new() -> Arc<Self> {
        let (begun, may_end) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self {
            begun,
            may_end,
            now: AtomicU32::new(0),
            most: AtomicU32::new(0),
        })
    }
}

impl Work for GatedWork {
    async fn run(&self, _: Assignment) -> Result<Completion, WorkError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Completion::new(json!({})))
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        Ok(())
    }
}

/// Processes a job in the background until it has begun its work.
async fn begin(service: JobService, id: u64, work: &Arc<GatedWork>) -> JoinHandle<Processed> {
    let task = Arc::clone(work);
    let run = tokio::spawn(async move {
        service
            .process_job(job_id(id), &task, FOR_EVER)
            .await
            .unwrap()
    });
    work.begun.acquire().await.unwrap().forget();
    run
}

async fn release(api: &Api) -> u64 {
    let (_, release) = api
        .send(
            OWNER,
            "POST",
            "/api/releases",
            Some(json!({"release_type": "ebook"})),
        )
        .await;
    release["id"].as_u64().unwrap()
}

/// A job at work on a release, and another that wants the same.
async fn one_behind_the_other(api: &Api, work: &Arc<GatedWork>) -> (JoinHandle<Processed>, u64) {
    let release = release(api).await;
    let first = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let second = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    (begin(api.service(), first, work).await, second)
}

async fn waiting_for(api: &Api, id: u64) -> Value {
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    assert_eq!(
        (&status["status"], &status["attempt"]),
        (&json!("pending"), &json!(0)),
        "{status}"
    );
    status["waiting_for"].clone()
}

/// The test's clock moves on by a millisecond whenever it is read.
fn assert_soon_after(time: Time, found: &Value) {
    let found = found.as_str().unwrap();
    let latest = time.after(Duration::from_millis(200)).to_string();
    assert!(
        time.to_string().as_str() <= found && found <= latest.as_str(),
        "{time} {found}"
    );
}

#[tokio::test]
async fn one_job_at_a_time_changes_a_release() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let release = release(&api).await;
    let first = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let second = api
        .create(json!({"job_type": "nfofix", "release_id": release}))
        .await;
    let reading = api
        .create(json!({"job_type": "analysis", "release_id": release}))
        .await;
    assert_eq!(waiting_for(&api, second).await, json!({"reason": "queue"}));

    let run = begin(api.service(), first, &work).await;
    assert!(matches!(
        api.process(second, Does::Complete(json!({}))).await,
        Processed::Waiting(..)
    ));
    assert_eq!(
        waiting_for(&api, second).await,
        json!({"reason": "release", "job_id": first})
    );
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{second}/status")).await;
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains(&format!("job {first}")),
        "{status}"
    );
    assert!(matches!(
        api.process(reading, Does::Complete(json!({}))).await,
        Processed::Finished(_)
    ));

    work.may_end.add_permits(1);
    assert!(matches!(run.await.unwrap(), Processed::Finished(_)));
    assert!(
        matches!(api.process(second, Does::Complete(json!({}))).await, Processed::Finished(job) if job.attempt == 1)
    );
}

#[tokio::test]
async fn whoever_waits_is_put_off_without_a_claim() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let (run, second) = one_behind_the_other(&api, &work).await;
    for _ in 0..20 {
        assert!(matches!(
            api.process(second, Does::Complete(json!({}))).await,
            Processed::Waiting(..)
        ));
    }
    let job = api.store.job(job_id(second), true).await.unwrap().unwrap();
    assert_eq!((job.fence, job.attempt, job.runs.len()), (0, 0, 0));
    work.may_end.add_permits(1);
    run.await.unwrap();
}

#[tokio::test]
async fn one_message_is_enough_for_a_job_that_waits() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let (run, second) = one_behind_the_other(&api, &work).await;
    // Within the lease of the run at work.
    api.clock.advance(40);
    let Processed::Waiting(_, delay) = api.process(second, Does::Complete(json!({}))).await else {
        panic!("waits")
    };
    assert_eq!(delay.as_secs(), 10);
    for _ in 0..3 {
        assert!(matches!(
            api.process(second, Does::Complete(json!({}))).await,
            Processed::Skipped(_)
        ));
    }
    api.clock.advance(10);
    assert!(matches!(
        api.process(second, Does::Complete(json!({}))).await,
        Processed::Waiting(..)
    ));
    work.may_end.add_permits(1);
    run.await.unwrap();
    // Where nothing stands in its way, it need not wait for the message.
    assert!(matches!(
        api.process(second, Does::Complete(json!({}))).await,
        Processed::Finished(_)
    ));
}

#[tokio::test]
async fn a_job_is_given_back_for_longer_and_longer_while_a_service_is_away() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    for least in [20, 40, 80, 160, 300, 300] {
        let Processed::Waiting(job, delay) = api.process(id, Does::MeetOutage).await else {
            panic!("waits")
        };
        let most = Duration::from_secs(least + least / 2);
        assert!(
            delay >= Duration::from_secs(least) && delay <= most,
            "{least}: {delay:?}"
        );
        assert_eq!(job.attempt, 1);
        api.clock.advance(i64::try_from(delay.as_secs()).unwrap());
    }
}

#[tokio::test]
async fn the_permit_of_a_run_that_died_is_free_when_its_lease_is_over() {
    let api = Api::new().await;
    let release = release(&api).await;
    let dead = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let next = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let seen = api.store.job(job_id(dead), true).await.unwrap().unwrap();
    let Claim::Won(job) = api.store.claim(&seen, START).await.unwrap() else {
        panic!("claimed")
    };
    let permits = Permit::Release(job.release_id.unwrap());
    let taken = api
        .store
        .acquire_permit(permits, &RunHandle::from(&job), START)
        .await
        .unwrap();
    assert_eq!(taken, PermitOutcome::Granted);
    assert!(matches!(
        api.process(next, Does::Complete(json!({}))).await,
        Processed::Waiting(..)
    ));
    api.clock
        .advance(i64::try_from(LEASE.as_secs()).unwrap() + 1);
    assert!(matches!(
        api.process(next, Does::Complete(json!({}))).await,
        Processed::Finished(_)
    ));
}

#[tokio::test]
async fn a_job_whose_run_died_takes_no_second_permit_from_its_user() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let permits = Permit::User(UserId::try_from(OWNER.0).unwrap(), 2);
    let mut now = START;
    // Two runs of one job: the first has died, its permit is still in the set.
    for _ in 0..2 {
        let seen = api.store.job(job_id(id), true).await.unwrap().unwrap();
        if seen.status() == Status::Running {
            now = now.after(LEASE * 2);
            assert!(matches!(
                api.store.rescue(&seen, now).await.unwrap(),
                WriteOutcome::Written(_)
            ));
        }
        let seen = api.store.job(job_id(id), true).await.unwrap().unwrap();
        let Claim::Won(job) = api.store.claim(&seen, now).await.unwrap() else {
            panic!("claimed")
        };
        assert_eq!(
            api.store
                .acquire_permit(permits, &RunHandle::from(&job), now)
                .await
                .unwrap(),
            PermitOutcome::Granted
        );
    }
    assert_eq!(
        api.store.check_permit(permits, now).await.unwrap(),
        PermitOutcome::Granted
    );
    let other = api.create(json!({"job_type": "analysis"})).await;
    let seen = api.store.job(job_id(other), true).await.unwrap().unwrap();
    let Claim::Won(other) = api.store.claim(&seen, now).await.unwrap() else {
        panic!("claimed")
    };
    assert_eq!(
        api.store
            .acquire_permit(permits, &RunHandle::from(&other), now)
            .await
            .unwrap(),
        PermitOutcome::Granted
    );
    assert!(matches!(
        api.store.check_permit(permits, now).await.unwrap(),
        PermitOutcome::Full(_)
    ));
}

#[tokio::test]
async fn a_user_at_the_limit_waits_and_holds_up_nobody_else() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let limited = || api.service().with_user_limit(Some(1));
    let first = api.create(json!({"job_type": "analysis"})).await;
    let second = api.create(json!({"job_type": "analysis"})).await;
    let (_, other) = api
        .send(
            STRANGER,
            "POST",
            "/api/jobs",
            Some(json!({"job_type": "analysis"})),
        )
        .await;
    let run = begin(limited(), first, &work).await;
    let waits = limited()
        .process_job(job_id(second), &work, FOR_EVER)
        .await
        .unwrap();
    assert!(matches!(waits, Processed::Waiting(..)));
    assert_eq!(
        waiting_for(&api, second).await,
        json!({"reason": "user_limit", "limit": 1})
    );
    let others = begin(limited(), other["id"].as_u64().unwrap(), &work).await;
    work.may_end.add_permits(3);
    for run in [run, others] {
        assert!(matches!(run.await.unwrap(), Processed::Finished(_)));
    }
    let done = limited()
        .process_job(job_id(second), &work, FOR_EVER)
        .await
        .unwrap();
    assert!(matches!(done, Processed::Finished(_)));
}

#[tokio::test]
async fn of_many_jobs_on_one_release_never_two_work_at_once() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let release = release(&api).await;
    work.may_end.add_permits(100);
    let mut runs = Vec::new();
    for _ in 0..12 {
        let id = api
            .create(json!({"job_type": "packaging", "release_id": release}))
            .await;
        let (service, task) = (api.service(), Arc::clone(&work));
        runs.push(tokio::spawn(async move {
            loop {
                match service
                    .process_job(job_id(id), &task, FOR_EVER)
                    .await
                    .unwrap()
                {
                    Processed::Waiting(..) => tokio::task::yield_now().await,
                    processed => break processed,
                }
            }
        }));
    }
    for run in runs {
        assert!(matches!(run.await.unwrap(), Processed::Finished(job) if job.attempt == 1));
    }
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn after_a_failed_attempt_the_status_tells_until_when_it_waits() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let Processed::Waiting(_, delay) = api.process(id, Does::Error).await else {
        panic!("waits")
    };
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    assert_eq!(status["waiting_for"]["reason"], "backoff", "{status}");
    assert!(
        delay.as_millis() >= 5_000 && delay.as_millis() <= 7_500,
        "{delay:?}"
    );
    assert_soon_after(START.after(delay), &status["waiting_for"]["until"]);
    // Another message that was under way for it does not end the wait.
    assert!(matches!(
        api.process(id, Does::Complete(json!({}))).await,
        Processed::Skipped(_)
    ));
    api.clock.advance(8);
    api.process(id, Does::Complete(json!({}))).await;
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    assert!(
        status.get("waiting_for").is_none_or(Value::is_null),
        "{status}"
    );
}

#[tokio::test]
async fn a_cancelled_job_that_waited_for_a_retry_never_runs() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    api.process(id, Does::Error).await;
    assert_eq!(
        api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
            .await
            .0,
        200
    );
    assert!(matches!(
        api.process(id, Does::Complete(json!({}))).await,
        Processed::Skipped(_)
    ));
    assert_eq!(
        api.get(OWNER, &format!("/api/jobs/{id}")).await.1["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn cancelling_a_running_job_tells_by_when_it_stops() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let [pending, running] = [
        api.create(json!({"job_type": "analysis"})).await,
        api.create(json!({"job_type": "analysis"})).await,
    ];
    let run = begin(api.service(), running, &work).await;
    let (_, receipt) = api
        .send(OWNER, "PUT", &format!("/api/jobs/{running}/cancel"), None)
        .await;
    assert_soon_after(START.after(Duration::from_secs(5)), &receipt["stops_by"]);
    let (_, receipt) = api
        .send(OWNER, "PUT", &format!("/api/jobs/{pending}/cancel"), None)
        .await;
    assert!(
        receipt.get("stops_by").is_none_or(Value::is_null),
        "{receipt}"
    );
    work.may_end.add_permits(1);
    assert!(matches!(run.await.unwrap(), Processed::Fenced));
    let (_, job) = api.get(ADMIN, &format!("/api/jobs/{running}")).await;
    assert_eq!(job["status"], "cancelled");
}

#[tokio::test]
async fn deliveries_that_came_to_nothing_are_counted() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    api.process(id, Does::Complete(json!({"x": 1}))).await;
    for _ in 0..2 {
        assert!(matches!(
            api.process(id, Does::Complete(json!({"x": 2}))).await,
            Processed::Skipped(_)
        ));
    }
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(
        (&job["duplicate_deliveries"], &job["result"]),
        (&json!(2), &json!({"x": 1}))
    );
}
