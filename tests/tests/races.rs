//! Races for a job, a release or a key: one party wins, and each learns the outcome.

mod common;

use std::time::Duration;

use common::{Api, OWNER, RETENTION, caller};
use futures::future::join_all;
use jobs::{Failure, FailureCode, Job, LEASE, ReleaseId, Status, release::Package, testing::START};
use serde_json::json;
use store::{
    CancelOutcome, Claim, Completion, EndOutcome, Leftovers, RunEnd, RunHandle, RunProgress,
    SubmitOutcome, WriteOutcome,
};

const PARTIES: usize = 50;

/// Returns how often to run each race: `RACE_ROUNDS`, or 20.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
fn rounds() -> usize {
    std::env::var("RACE_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

async fn pending_job(api: &Api) -> Job {
    let id = api.create(json!({"job_type": "packaging"})).await;
    api.job(id).await
}

async fn complete(api: &Api, run: &RunHandle, completion: &Completion) -> EndOutcome {
    let end = RunEnd::Completed(Box::new(completion.clone()));
    let (progress, leftovers) = (RunProgress::default(), Leftovers::None);
    let ended = api.store.end_run(run, &progress, &end, leftovers, START);
    ended.await.unwrap()
}

/// Runs two futures side by side. The first one polled has an advantage, so the order alternates
/// with the round.
async fn race<A, B>(
    round: usize,
    one: impl Future<Output = A>,
    other: impl Future<Output = B>,
) -> (A, B) {
    if round.is_multiple_of(2) {
        tokio::join!(one, other)
    } else {
        let (other, one) = tokio::join!(other, one);
        (one, other)
    }
}

#[tokio::test]
async fn one_of_many_claims_wins() {
    let api = Api::new().await;
    for _ in 0..rounds() {
        let seen = pending_job(&api).await;
        let claims = join_all((0..PARTIES).map(|_| api.store.claim(&seen, START))).await;
        let won = claims
            .iter()
            .filter(|claim| matches!(claim, Ok(Claim::Won(_))))
            .count();
        let lost = claims.iter().filter(
            |claim| matches!(claim, Ok(Claim::Lost(job)) if job.status() == Status::Running),
        );
        assert_eq!((won, lost.count()), (1, PARTIES - 1));
        let job = api.job(seen.id.get()).await;
        assert_eq!((job.attempt, job.fence, job.runs.len()), (1, 1, 1));
    }
}

#[tokio::test]
async fn job_is_either_completed_or_cancelled() {
    let api = Api::new().await;
    for round in 0..rounds() {
        let seen = pending_job(&api).await;
        let run = api.claim(seen.id.get(), START).await;
        let completion = Completion::new(json!({}));
        let cancel = |_| api.store.cancel(seen.id, caller(OWNER), None, START);
        let cancels = join_all((0..PARTIES).map(cancel));
        let completed = complete(&api, &run, &completion);
        let (cancels, completed) = race(round, cancels, completed).await;
        let job = api.job(seen.id.get()).await;
        let all_report = |status| {
            cancels.iter().all(|cancel| match cancel {
                Ok(CancelOutcome::Cancelled(job) | CancelOutcome::Final(job)) => {
                    job.status() == status
                }
                _ => false,
            })
        };
        match completed {
            EndOutcome::Written(done) => assert_eq!(
                (done.status(), job.status(), all_report(Status::Completed)),
                (Status::Completed, Status::Completed, true)
            ),
            EndOutcome::Fenced(_) => assert_eq!(
                (job.status(), all_report(Status::Cancelled)),
                (Status::Cancelled, true)
            ),
            EndOutcome::ReleaseChanged => panic!("there is no release"),
        }
        // However many cancel, the log gets one line.
        assert_eq!(job.log_seq, u64::from(job.status() == Status::Cancelled));
    }
}

#[tokio::test]
async fn draft_is_submitted_at_most_once_before_its_cancel() {
    let api = Api::new().await;
    for _ in 0..rounds() {
        let id = api
            .create(json!({"job_type": "packaging", "draft": true}))
            .await;
        let seen = api.job(id).await;
        let now = START.after(Duration::from_millis(1));
        let submits = join_all((0..PARTIES).map(|_| api.store.submit(&seen, false, now)));
        let cancel = api.store.cancel(seen.id, caller(OWNER), None, START);
        let (submits, cancelled) = tokio::join!(submits, cancel);
        let won = submits
            .iter()
            .filter(|submit| matches!(submit, Ok(SubmitOutcome::Submitted(_))))
            .count();
        let refused = submits
            .iter()
            .filter(|submit| matches!(submit, Ok(SubmitOutcome::NotADraft(_))))
            .count();
        assert!(won <= 1 && won + refused == PARTIES, "{won} {refused}");
        assert!(
            matches!(cancelled, Ok(CancelOutcome::Cancelled(_))),
            "{cancelled:?}"
        );
        assert_eq!(api.job(id).await.status(), Status::Cancelled);
    }
}

#[tokio::test]
async fn late_run_is_either_rescued_or_completed() {
    let api = Api::new().await;
    let late = START.after(LEASE * 2);
    for round in 0..rounds() {
        let seen = pending_job(&api).await;
        let run = api.claim(seen.id.get(), START).await;
        let dead = api.job(seen.id.get()).await;
        let completion = Completion::new(json!({}));
        // Two rescues within a millisecond would count as one write that was repeated.
        let at = |party| late.after(Duration::from_millis(party));
        let rescues = join_all((0..PARTIES as u64).map(|party| api.store.rescue(&dead, at(party))));
        let completed = complete(&api, &run, &completion);
        let (rescues, completed) = race(round, rescues, completed).await;
        let won = rescues
            .iter()
            .filter(|rescue| matches!(rescue, Ok(WriteOutcome::Written(_))))
            .count();
        let job = api.job(seen.id.get()).await;
        if matches!(completed, EndOutcome::Written(_)) {
            assert_eq!((won, job.status(), job.fence), (0, Status::Completed, 1));
        } else {
            assert_eq!((won, job.status(), job.fence), (1, Status::Pending, 1));
            assert_fenced_off(&api, &run).await;
        }
    }
}

/// Checks that the store refuses every write of a run.
async fn assert_fenced_off(api: &Api, run: &RunHandle) {
    let before = api.job(run.job_id.get()).await;
    let progress = RunProgress {
        percent: 99,
        log_seq: 7,
        ..RunProgress::default()
    };
    assert!(matches!(
        api.store.heartbeat(run, &progress, START).await,
        Ok(WriteOutcome::Fenced(_))
    ));
    let failure = Failure::new(FailureCode::Storage, "x");
    for end in [
        RunEnd::Failed(failure.clone()),
        RunEnd::Retry(failure, START),
    ] {
        let ended = api
            .store
            .end_run(run, &progress, &end, Leftovers::None, START);
        let ended = ended.await;
        assert!(matches!(ended, Ok(EndOutcome::Fenced(_))), "{ended:?}");
    }
    assert_eq!(api.job(run.job_id.get()).await, before);
}

#[tokio::test]
async fn one_of_several_packages_becomes_current() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let release = ReleaseId::try_from(release).unwrap();
    for _ in 0..rounds() / 4 {
        let mut runs = Vec::new();
        for _ in 0..4 {
            let id = api
                .create(json!({"job_type": "packaging", "release_id": release}))
                .await;
            runs.push(api.claim(id, START).await);
        }
        let seen = api.store.release(release).await.unwrap().unwrap();
        let completion = Completion::with_package(json!({}), seen.clone(), RETENTION);
        let ends = join_all(runs.iter().map(|run| complete(&api, run, &completion))).await;
        let won: Vec<usize> = (0..ends.len())
            .filter(|at| matches!(ends[*at], EndOutcome::Written(_)))
            .collect();
        let changed = ends
            .iter()
            .filter(|end| matches!(end, EndOutcome::ReleaseChanged))
            .count();
        assert_eq!((won.len(), changed), (1, runs.len() - 1));
        let changed_release = api.store.release(release).await.unwrap().unwrap();
        let package = changed_release.package.unwrap();
        let version = seen
            .package
            .map_or(1, |package: Package| package.version + 1);
        assert_eq!(
            (package.job_id, package.version),
            (runs[won[0]].job_id, version)
        );
    }
}

#[tokio::test]
async fn concurrent_requests_with_one_key_create_one_job() {
    let api = Api::new().await;
    for round in 0..rounds() / 4 {
        let job = api
            .on_release(OWNER, json!({"job_type": "packaging"}))
            .await;
        let (body, key) = (job.to_string(), round.to_string());
        let header = [("Idempotency-Key", key.as_str())];
        let requests = (0..PARTIES)
            .map(|_| api.send_with(OWNER, "POST", "/api/jobs", Some(body.clone()), &header));
        let answers = join_all(requests).await;
        let created = answers.iter().filter(|(status, _)| *status == 202).count();
        let same = answers.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!((created, same), (1, PARTIES - 1), "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(_, job)| job["id"] == answers[0].1["id"])
        );
    }
}
