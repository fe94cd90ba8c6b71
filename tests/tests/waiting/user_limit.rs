//! The number of jobs that a user may run at once.

use jobs::{LEASE, Time, testing::START};
use serde_json::json;
use store::{FreePermit, Permit, PermitCheck, PermitOutcome, RunHandle, WriteOutcome};
use worker::Processed;

use crate::{
    common::{Api, NO_DEADLINE, OWNER, STRANGER, job_id, user_id},
    gated_work::{GatedWork, start},
    waiting_for,
};

/// Checks a permit, which must be free.
async fn check_free(api: &Api, permit: Permit, now: Time) -> FreePermit {
    match api.store.check_permit(permit, now).await.unwrap() {
        PermitCheck::Free(free) => free,
        full @ PermitCheck::Full(_) => panic!("{permit:?} is not free: {full:?}"),
    }
}

/// Claims a job and acquires a permit for its run.
async fn claim_with_permit(api: &Api, id: u64, permit: Permit, now: Time) -> RunHandle {
    let free = check_free(api, permit, now).await;
    let run = api.claim(id, now).await;
    let outcome = api.store.acquire_permit(&free, &run, now).await.unwrap();
    assert_eq!(outcome, PermitOutcome::Granted);
    run
}

/// Returns the job that holds a permit that is not free.
async fn holder(api: &Api, permit: Permit, now: Time) -> Option<u64> {
    match api.store.check_permit(permit, now).await.unwrap() {
        PermitCheck::Free(_) => None,
        PermitCheck::Full(job) => Some(job.get()),
    }
}

async fn analysis(api: &Api) -> u64 {
    api.create(json!({"job_type": "analysis"})).await
}

async fn cancel(api: &Api, id: u64) {
    let path = format!("/api/jobs/{id}/cancel");
    assert_eq!(api.send(OWNER, "PUT", &path, None).await.0, 200);
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
    let id = analysis(&api).await;
    let permit = Permit::User(user_id(OWNER), 2);
    claim_with_permit(&api, id, permit, START).await;
    // The first run dies; its permit stays in the set.
    let now = START.after(LEASE * 2);
    let rescued = api.store.rescue(&api.job(id).await, now).await.unwrap();
    assert!(matches!(rescued, WriteOutcome::Written(_)));
    claim_with_permit(&api, id, permit, now).await;

    let other = analysis(&api).await;
    claim_with_permit(&api, other, permit, now).await;
    assert!(holder(&api, permit, now).await.is_some());
}

#[tokio::test]
async fn ended_run_leaves_its_place_to_the_next_one() {
    let api = Api::new().await;
    let work = GatedWork::new();
    work.release(10);
    for _ in 0..5 {
        let service = api.service().with_user_limit(Some(2));
        let run = start(service, analysis(&api).await, &work).await;
        assert!(matches!(run.await.unwrap(), Processed::Finished(_)));
    }
}

#[tokio::test]
async fn cancelled_run_holds_its_permit_until_its_work_stops() {
    let (api, work) = (Api::new().await, GatedWork::new());
    let id = analysis(&api).await;
    let permit = Permit::User(user_id(OWNER), 1);
    let service = api.service().with_user_limit(Some(1));
    let run = start(service, id, &work).await;
    cancel(&api, id).await;
    assert_eq!(holder(&api, permit, START).await, Some(id));
    work.release(1);
    assert!(matches!(run.await.unwrap(), Processed::Fenced));
    assert_eq!(holder(&api, permit, START).await, None);
}

#[tokio::test]
async fn cancelled_run_that_died_holds_its_permit_until_it_must_have_stopped() {
    let api = Api::new().await;
    let id = analysis(&api).await;
    let permit = Permit::User(user_id(OWNER), 1);
    claim_with_permit(&api, id, permit, START).await;
    cancel(&api, id).await;
    let stops_by = api.job(id).await.stops_by().unwrap();
    assert_eq!(holder(&api, permit, START).await, Some(id));
    assert_eq!(holder(&api, permit, stops_by).await, None);
}

#[tokio::test]
async fn one_of_two_runs_that_saw_the_same_free_place_gets_it() {
    let api = Api::new().await;
    let permit = Permit::User(user_id(OWNER), 1);
    let dead = analysis(&api).await;
    claim_with_permit(&api, dead, permit, START).await;
    let now = START.after(LEASE * 2);
    // Both saw an empty set, or both saw the holder that is dead now.
    for _ in 0..2 {
        let free = check_free(&api, permit, now).await;
        let (first, second) = (analysis(&api).await, analysis(&api).await);
        let (won, lost) = (api.claim(first, now).await, api.claim(second, now).await);
        let acquire = async |run| api.store.acquire_permit(&free, run, now).await.unwrap();
        // Its answer may be lost, and the SDK then sends the write again.
        for _ in 0..2 {
            assert_eq!(acquire(&won).await, PermitOutcome::Granted);
        }
        assert_eq!(acquire(&lost).await, PermitOutcome::Full(job_id(first)));
        cancel(&api, first).await;
        api.store.release_permit(permit, &won).await.unwrap();
    }
}
