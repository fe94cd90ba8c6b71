//! The number of jobs that a user may run at once.

use jobs::{LEASE, Time, testing::START};
use serde_json::json;
use store::{Permit, PermitOutcome, WriteOutcome};
use worker::Processed;

use crate::{
    common::{Api, NO_DEADLINE, OWNER, STRANGER, job_id, user_id},
    gated_work::{GatedWork, start},
    waiting_for,
};

/// Claims a job and acquires a permit for its run.
async fn claim_with_permit(api: &Api, id: u64, permit: Permit, now: Time) {
    let run = api.claim(id, now).await;
    let outcome = api.store.acquire_permit(permit, &run, now).await.unwrap();
    assert_eq!(outcome, PermitOutcome::Granted);
}

#[tokio::test]
async fn user_at_the_limit_waits_without_blocking_others() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let limited = || api.service().with_user_limit(Some(1));
    let job = json!({"job_type": "analysis"});
    let first = api.create(job.clone()).await;
    let second = api.create(job.clone()).await;
    let job = api.on_release(STRANGER, job).await;
    let (_, other) = api.send(STRANGER, "POST", "/api/jobs", Some(job)).await;
    let run = start(limited(), first, &work).await;
    let process_second = async || {
        let service = limited();
        let processed = service.process_job(job_id(second), &work, NO_DEADLINE);
        processed.await.unwrap()
    };
    assert!(matches!(process_second().await, Processed::Waiting(..)));
    assert_eq!(
        waiting_for(&api, second).await,
        json!({"reason": "user_limit", "limit": 1})
    );
    let other_run = start(limited(), other["id"].as_u64().unwrap(), &work).await;
    work.release(3);
    for run in [run, other_run] {
        assert!(matches!(run.await.unwrap(), Processed::Finished(_)));
    }
    assert!(matches!(process_second().await, Processed::Finished(_)));
}

#[tokio::test]
async fn rescued_job_does_not_hold_two_permits() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let permit = Permit::User(user_id(OWNER), 2);
    claim_with_permit(&api, id, permit, START).await;
    // The first run dies; its permit stays in the set.
    let now = START.after(LEASE * 2);
    let rescued = api.store.rescue(&api.job(id).await, now).await.unwrap();
    assert!(matches!(rescued, WriteOutcome::Written(_)));
    claim_with_permit(&api, id, permit, now).await;

    let check = async || api.store.check_permit(permit, now).await.unwrap();
    assert_eq!(check().await, PermitOutcome::Granted);
    let other = api.create(json!({"job_type": "analysis"})).await;
    claim_with_permit(&api, other, permit, now).await;
    assert!(matches!(check().await, PermitOutcome::Full(_)));
}
