//! Many parties at the same job at once: one wins, and each is told what happened.

mod common;

use std::time::Duration;

use common::{Api, OWNER, RETENTION, job_id};
use futures::future::join_all;
use jobs::{
    Failure, FailureCode, Job, LEASE, Status, Time, UserId, release::Package, testing::START,
};
use serde_json::json;
use store::{
    CancelOutcome, Claim, Completion, EndOutcome, Leftovers, RunEnd, RunHandle, RunProgress,
    SubmitOutcome, WriteOutcome,
};

const PARTIES: usize = 50;

/// How often each race is run: `RACE_ROUNDS`, or a few.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever wants more rounds says so"
)]
fn rounds() -> usize {
    std::env::var("RACE_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// A job of the owner's, as it is stored.
async fn job(api: &Api, id: u64) -> Job {
    api.store.job(job_id(id), true).await.unwrap().unwrap()
}

async fn pending(api: &Api) -> Job {
    let id = api.create(json!({"job_type": "packaging"})).await;
    job(api, id).await
}

async fn claimed(api: &Api, seen: &Job, now: Time) -> RunHandle {
    let Claim::Won(job) = api.store.claim(seen, now).await.unwrap() else {
        panic!("{seen:?}")
    };
    RunHandle::from(&job)
}

fn owner() -> UserId {
    UserId::try_from(OWNER.0).unwrap()
}

async fn complete(api: &Api, run: &RunHandle, completion: &Completion) -> EndOutcome {
    api.store
        .end_run(
            run,
            &RunProgress::default(),
            &RunEnd::Completed(Box::new(completion.clone())),
            Leftovers::None,
            START,
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn of_many_claims_one_wins() {
    let api = Api::new().await;
    for _ in 0..rounds() {
        let seen = pending(&api).await;
        let claims = join_all((0..PARTIES).map(|_| api.store.claim(&seen, START))).await;
        let won = claims
            .iter()
            .filter(|claim| matches!(claim, Ok(Claim::Won(_))))
            .count();
        let lost = claims.iter().filter(
            |claim| matches!(claim, Ok(Claim::Lost(job)) if job.status() == Status::Running),
        );
        assert_eq!((won, lost.count()), (1, PARTIES - 1));
        let job = job(&api, seen.id.get()).await;
        assert_eq!((job.attempt, job.fence, job.runs.len()), (1, 1, 1));
    }
}

#[tokio::test]
async fn a_job_completes_or_is_cancelled() {
    let api = Api::new().await;
    for round in 0..rounds() {
        let seen = pending(&api).await;
        let run = claimed(&api, &seen, START).await;
        let completion = Completion::new(json!({}));
        let cancels =
            join_all((0..PARTIES).map(|_| api.store.cancel(seen.id, owner(), false, START)));
        // Whoever is polled first has the better chance: they take turns.
        let (cancels, completed) = if round % 2 == 0 {
            tokio::join!(cancels, complete(&api, &run, &completion))
        } else {
            let (completed, cancels) = tokio::join!(complete(&api, &run, &completion), cancels);
            (cancels, completed)
        };
        let job = job(&api, seen.id.get()).await;
        let told = |status| {
            cancels.iter().all(|cancel| match cancel {
                Ok(CancelOutcome::Cancelled(job) | CancelOutcome::Final(job)) => {
                    job.status() == status
                }
                _ => false,
            })
        };
        match completed {
            EndOutcome::Written(done) => assert_eq!(
                (done.status(), job.status(), told(Status::Completed)),
                (Status::Completed, Status::Completed, true)
            ),
            EndOutcome::Fenced(_) => assert_eq!(
                (job.status(), told(Status::Cancelled)),
                (Status::Cancelled, true)
            ),
            EndOutcome::ReleaseChanged => panic!("there is no release"),
        }
        // The log has one last line, however many cancelled.
        assert_eq!(job.log_seq, u64::from(job.status() == Status::Cancelled));
    }
}

#[tokio::test]
async fn a_draft_is_submitted_once_and_ends_cancelled() {
    let api = Api::new().await;
    for _ in 0..rounds() {
        let id = api
            .create(json!({"job_type": "packaging", "draft": true}))
            .await;
        let seen = job(&api, id).await;
        let submits = join_all((0..PARTIES).map(|_| {
            api.store
                .submit(&seen, START.after(Duration::from_millis(1)))
        }));
        let (submits, cancelled) =
            tokio::join!(submits, api.store.cancel(seen.id, owner(), false, START));
        let won = submits
            .iter()
            .filter(|submit| matches!(submit, Ok(SubmitOutcome::Submitted(_))))
            .count();
        let told = submits
            .iter()
            .filter(|submit| matches!(submit, Ok(SubmitOutcome::NotADraft(_))))
            .count();
        assert!(won <= 1 && won + told == PARTIES, "{won} {told}");
        assert!(
            matches!(cancelled, Ok(CancelOutcome::Cancelled(_))),
            "{cancelled:?}"
        );
        assert_eq!(job(&api, id).await.status(), Status::Cancelled);
    }
}

#[tokio::test]
async fn a_run_is_rescued_or_completes_late() {
    let api = Api::new().await;
    let late = START.after(LEASE * 2);
    for round in 0..rounds() {
        let seen = pending(&api).await;
        let run = claimed(&api, &seen, START).await;
        let dead = job(&api, seen.id.get()).await;
        let completion = Completion::new(json!({}));
        // No two at the same millisecond: these would be one write, repeated.
        let at = |party| late.after(Duration::from_millis(party));
        let rescues = join_all((0..PARTIES as u64).map(|party| api.store.rescue(&dead, at(party))));
        let (rescues, completed) = if round % 2 == 0 {
            tokio::join!(rescues, complete(&api, &run, &completion))
        } else {
            let (completed, rescues) = tokio::join!(complete(&api, &run, &completion), rescues);
            (rescues, completed)
        };
        let won = rescues
            .iter()
            .filter(|rescue| matches!(rescue, Ok(WriteOutcome::Written(_))))
            .count();
        let job = job(&api, seen.id.get()).await;
        if matches!(completed, EndOutcome::Written(_)) {
            assert_eq!((won, job.status(), job.fence), (0, Status::Completed, 1));
        } else {
            assert_eq!((won, job.status(), job.fence), (1, Status::Pending, 1));
            late_writes_change_nothing(&api, &run).await;
        }
    }
}

/// What a run writes that has been shut out.
async fn late_writes_change_nothing(api: &Api, run: &RunHandle) {
    let before = job(api, run.job_id.get()).await;
    let progress = RunProgress {
        percent: 99,
        log_seq: 7,
        ..RunProgress::default()
    };
    assert!(matches!(
        api.store.heartbeat(run, &progress, START).await,
        Ok(WriteOutcome::Fenced(_))
    ));
    for end in [
        RunEnd::Failed(Failure::new(FailureCode::Storage, "x")),
        RunEnd::Retry(Failure::new(FailureCode::Storage, "x"), START),
    ] {
        let ended = api
            .store
            .end_run(run, &progress, &end, Leftovers::None, START)
            .await;
        assert!(matches!(ended, Ok(EndOutcome::Fenced(_))), "{ended:?}");
    }
    assert_eq!(job(api, run.job_id.get()).await, before);
}

#[tokio::test]
async fn of_two_packages_of_a_release_one_becomes_current() {
    let api = Api::new().await;
    let (_, release) = api
        .send(
            OWNER,
            "POST",
            "/api/releases",
            Some(json!({"release_type": "ebook"})),
        )
        .await;
    for _ in 0..rounds() / 4 {
        let mut runs = Vec::new();
        for _ in 0..4 {
            let id = api
                .create(json!({"job_type": "packaging", "release_id": release["id"]}))
                .await;
            let seen = job(&api, id).await;
            runs.push(claimed(&api, &seen, START).await);
        }
        let seen = api
            .store
            .release(job(&api, runs[0].job_id.get()).await.release_id.unwrap())
            .await
            .unwrap()
            .unwrap();
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
        let package = api
            .store
            .release(seen.id)
            .await
            .unwrap()
            .unwrap()
            .package
            .unwrap();
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
async fn one_key_makes_one_job_however_many_ask_at_once() {
    let api = Api::new().await;
    for round in 0..rounds() / 4 {
        let (body, key) = (
            json!({"job_type": "packaging"}).to_string(),
            round.to_string(),
        );
        let header = [("Idempotency-Key", key.as_str())];
        let asks = (0..PARTIES)
            .map(|_| api.send_with(OWNER, "POST", "/api/jobs", Some(body.clone()), &header));
        let answers = join_all(asks).await;
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
