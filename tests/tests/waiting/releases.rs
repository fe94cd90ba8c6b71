//! One job at a time changes a release.

use std::sync::Arc;

use jobs::{LEASE, testing::START};
use serde_json::json;
use store::{Permit, PermitCheck, PermitOutcome};
use tokio::task::JoinHandle;
use worker::Processed;

use crate::{
    assert_finishes, assert_skipped, assert_waits,
    common::{Api, NO_DEADLINE, OWNER, job_id},
    gated_work::{GatedWork, start},
    waiting_for,
};

async fn create(api: &Api, job_type: &str, release: u64) -> u64 {
    api.create(json!({"job_type": job_type, "release_id": release}))
        .await
}

/// Starts a job of a release, and creates a second one that needs the same release.
async fn start_and_block(api: &Api, work: &Arc<GatedWork>) -> (JoinHandle<Processed>, u64) {
    let release = api.create_release().await;
    let first = create(api, "packaging", release).await;
    let second = create(api, "packaging", release).await;
    (start(api.service(), first, work).await, second)
}

#[tokio::test]
async fn job_waits_for_the_job_that_changes_its_release() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let release = api.create_release().await;
    let first = create(&api, "packaging", release).await;
    let second = create(&api, "nfofix", release).await;
    let reader = create(&api, "analysis", release).await;
    assert_eq!(waiting_for(&api, second).await, json!({"reason": "queue"}));

    let run = start(api.service(), first, &work).await;
    assert_waits(&api, second).await;
    assert_eq!(
        waiting_for(&api, second).await,
        json!({"reason": "release", "job_id": first})
    );
    let (_, status) = api.get(OWNER, &format!("/api/jobs/{second}/status")).await;
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(&format!("job {first}")), "{status}");
    // A job that only reads the release does not wait.
    assert_finishes(&api, reader).await;

    work.release(1);
    assert!(matches!(run.await.unwrap(), Processed::Finished(_)));
    assert_finishes(&api, second).await;
    assert_eq!(api.job(second).await.attempt, 1);
}

#[tokio::test]
async fn waiting_job_is_not_claimed() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let (run, second) = start_and_block(&api, &work).await;
    for _ in 0..20 {
        assert_waits(&api, second).await;
    }
    let job = api.job(second).await;
    assert_eq!((job.fence, job.attempt, job.runs.len()), (0, 0, 0));
    work.release(1);
    run.await.unwrap();
}

#[tokio::test]
async fn extra_messages_of_a_waiting_job_are_skipped() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let (run, second) = start_and_block(&api, &work).await;
    // The lease of the first run is still valid then.
    api.clock.advance(40);
    let delay = assert_waits(&api, second).await;
    assert_eq!(delay.as_secs(), 10);
    for _ in 0..3 {
        assert_skipped(&api, second).await;
    }
    api.clock.advance(10);
    assert_waits(&api, second).await;
    work.release(1);
    run.await.unwrap();
    // The release is free, so an early message starts the job.
    assert_finishes(&api, second).await;
}

#[tokio::test]
async fn release_is_free_once_the_lease_of_a_dead_run_expires() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let dead = create(&api, "packaging", release).await;
    let next = create(&api, "packaging", release).await;
    let run = api.claim(dead, START).await;
    let permit = Permit::Release(api.job(dead).await.release_id.unwrap());
    let PermitCheck::Free(free) = api.store.check_permit(permit, START).await.unwrap() else {
        panic!("no job holds the release")
    };
    let outcome = api.store.acquire_permit(&free, &run, START).await.unwrap();
    assert_eq!(outcome, PermitOutcome::Granted);
    assert_waits(&api, next).await;
    let lease = i64::try_from(LEASE.as_secs()).unwrap();
    api.clock.advance(lease + 1);
    assert_finishes(&api, next).await;
}

#[tokio::test]
async fn jobs_of_one_release_never_work_at_once() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let release = api.create_release().await;
    work.release(100);
    let mut runs = Vec::new();
    for _ in 0..12 {
        let id = create(&api, "packaging", release).await;
        let (service, task) = (api.service(), Arc::clone(&work));
        runs.push(tokio::spawn(async move {
            loop {
                let processed = service.process_job(job_id(id), &task, NO_DEADLINE);
                match processed.await.unwrap() {
                    Processed::Waiting(..) => tokio::task::yield_now().await,
                    processed => break processed,
                }
            }
        }));
    }
    for run in runs {
        assert!(matches!(run.await.unwrap(), Processed::Finished(job) if job.attempt == 1));
    }
    assert_eq!(work.max_running(), 1);
}
