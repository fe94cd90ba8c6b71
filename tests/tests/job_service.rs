//! The job service: processing, statuses, logs, cancels.

mod common;

use std::{sync::Arc, time::Duration};

use aws::AwsError;
use common::{Api, Does, OWNER, job_id};
use jobs::{Failure, FailureCode, Job, Level, Status, Time, UserId, WaitingFor, testing::START};
use release_files::WorkError;
use serde_json::json;
use store::{
    Claim, Completion, EndOutcome, Leftovers, RunEnd, RunHandle, RunProgress, WriteOutcome,
};
use worker::{Assignment, Processed, UpdateStatusOutcome, Work};

#[tokio::test]
async fn test_process_job_success() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let processed = api.process(id, Does::Complete(json!({"files": []}))).await;
    assert!(matches!(processed, Processed::Finished(job) if job.status() == Status::Completed));
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(
        (job["status"].as_str(), job["progress"].as_u64()),
        (Some("completed"), Some(100))
    );
    assert_eq!(job["result"], json!({"files": []}));
    assert_eq!(job["error"], json!(null));
    assert_eq!(job["attempt"], 1);
    let logs = job["logs"].as_str().unwrap();
    assert!(
        logs.contains("[INFO] Compressed 3 of 5 files\n")
            && logs.ends_with("[INFO] Job completed\n"),
        "{logs}"
    );
}

#[tokio::test]
async fn test_process_job_failure() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    api.process(id, Does::Fail).await;
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["status"], "failed");
    assert_eq!(job["error"]["code"], "source_missing");
    assert!(
        job["logs"]
            .as_str()
            .unwrap()
            .contains("[ERROR] There is no source file")
    );
}

#[tokio::test]
async fn a_long_reason_is_whole_in_the_details_and_cut_short_in_lists() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let reason = "Ça ne va pas. ".repeat(30);
    api.process(id, Does::FailSaying(reason.clone())).await;
    assert_eq!(
        api.get(OWNER, &format!("/api/jobs/{id}/status")).await.1["error"]["message"],
        reason
    );
    let (_, list) = api.get(OWNER, "/api/jobs?status=failed").await;
    let shown = list["jobs"][0]["error"]["message"]
        .as_str()
        .unwrap()
        .strip_suffix('…')
        .unwrap()
        .to_owned();
    assert!(
        reason.starts_with(&shown) && (107..=110).contains(&shown.len()),
        "{shown}"
    );
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_fails_the_job_at_once() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    // An item of DynamoDB's has 400 KB.
    api.process(id, Does::Complete(json!({"text": "x".repeat(500_000)})))
        .await;
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("internal"))
    );
    assert!(
        job["logs"]
            .as_str()
            .unwrap()
            .ends_with("The result could not be stored\n"),
        "{}",
        job["logs"]
    );
}

#[tokio::test]
async fn a_job_whose_attempts_all_fail_says_so() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    for _ in 0..2 {
        assert!(matches!(
            api.process(id, Does::Error).await,
            Processed::Waiting(..)
        ));
        api.clock.advance(15);
    }
    api.process(id, Does::Error).await;
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["error"]["code"], "attempts_exhausted");
    assert_eq!(job["attempts"].as_array().unwrap().len(), 3);
    let (_, page) = api.get(OWNER, &format!("/api/jobs/{id}/logs")).await;
    let seqs: Vec<u64> = page["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(page["finished"], true);
}

#[tokio::test]
async fn test_update_status() {
    let api = Api::new().await;
    let id = job_id(
        api.create(json!({"job_type": "packaging", "draft": true}))
            .await,
    );
    let service = api.service();
    let updated = service
        .update_status(id, Status::Pending, Some("Submitted by the wizard"))
        .await
        .unwrap();
    assert!(
        matches!(updated, UpdateStatusOutcome::Updated(job) if job.status() == Status::Pending)
    );
    let refused = service
        .update_status(id, Status::Completed, None)
        .await
        .unwrap();
    assert!(
        matches!(refused, UpdateStatusOutcome::Refused(job) if job.status() == Status::Pending)
    );
    let failed = service
        .update_status(id, Status::Failed, Some("No disk"))
        .await
        .unwrap();
    assert!(
        matches!(failed, UpdateStatusOutcome::Updated(job) if job.error().as_ref().is_some_and(|error| error.message == "No disk"))
    );
    assert!(matches!(
        service
            .update_status(id, Status::Pending, None)
            .await
            .unwrap(),
        UpdateStatusOutcome::Refused(_)
    ));
    assert!(matches!(
        service
            .update_status(job_id(5), Status::Failed, None)
            .await
            .unwrap(),
        UpdateStatusOutcome::Missing
    ));
}

#[tokio::test]
async fn test_append_log() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let service = api.service();
    assert!(
        service
            .append_log(job_id(id), "one", Level::default())
            .await
            .unwrap()
    );
    assert!(
        service
            .append_log(job_id(id), "two", Level::Warning)
            .await
            .unwrap()
    );
    let (_, page) = api.get(OWNER, &format!("/api/jobs/{id}/logs")).await;
    assert_eq!(page["logs"][0]["message"], "one");
    assert_eq!(page["logs"][1]["level"], "WARNING");
    api.process(id, Does::Fail).await;
    assert!(
        !service
            .append_log(job_id(id), "late", Level::Info)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn test_cancel_job() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let owner = UserId::try_from(7).unwrap();
    assert!(
        !api.service()
            .cancel_job(job_id(id), UserId::try_from(8).unwrap())
            .await
            .unwrap()
    );
    assert!(api.service().cancel_job(job_id(id), owner).await.unwrap());
    assert!(api.service().cancel_job(job_id(id), owner).await.unwrap());
    assert!(matches!(
        api.process(id, Does::Complete(json!({}))).await,
        Processed::Skipped(_)
    ));
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(job["status"], "cancelled");
    assert!(
        job["logs"]
            .as_str()
            .unwrap()
            .ends_with("[WARNING] Cancelled by user 7\n")
    );
}

#[tokio::test]
async fn a_cancelled_run_is_fenced_off() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let Claim::Won(job) = api
        .store
        .claim(
            &api.store.job(job_id(id), true).await.unwrap().unwrap(),
            START,
        )
        .await
        .unwrap()
    else {
        panic!("claimed")
    };
    let run = RunHandle::from(&job);
    assert_eq!(
        api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
            .await
            .0,
        200
    );
    let held = api
        .store
        .heartbeat(&run, &RunProgress::default(), START)
        .await
        .unwrap();
    assert!(matches!(held, WriteOutcome::Fenced(Some(job)) if job.status() == Status::Cancelled));
}

#[tokio::test]
async fn a_run_knows_its_own_end_and_no_others() {
    let api = Api::new().await;
    let completion = Completion::new(json!({}));
    let (progress, nothing, now) = (RunProgress::default(), Leftovers::None, START);
    let later = now.after(Duration::from_secs(1));
    for gives_back in [false, true] {
        let id = job_id(api.create(json!({"job_type": "analysis"})).await);
        let seen = api.store.job(id, true).await.unwrap().unwrap();
        let Claim::Won(job) = api.store.claim(&seen, now).await.unwrap() else {
            panic!("claimed")
        };
        let run = RunHandle::from(&job);
        let end = async |now| {
            let end = if gives_back {
                RunEnd::Deferred(WaitingFor::Queue, now)
            } else {
                RunEnd::Completed(Box::new(completion.clone()))
            };
            let ended = api.store.end_run(&run, &progress, &end, nothing, now);
            ended.await.unwrap()
        };
        // As the SDK repeats it, whose answer was lost.
        for _ in 0..2 {
            assert!(matches!(end(now).await, EndOutcome::Written(_)));
        }
        assert!(matches!(end(later).await, EndOutcome::Fenced(Some(_))));
    }
}

/// Work that fails, and leaves something that it cannot remove.
struct Untidy {
    leaves_upload: bool,
    takes_for_ever: bool,
}

impl Work for Untidy {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        if self.leaves_upload {
            assignment.reporter.leave_upload();
        }
        Err(WorkError::Failed(Failure::new(
            FailureCode::SourceMissing,
            "There is no source file",
        )))
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        if self.takes_for_ever {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_a_run_cannot_remove_in_time_is_left_to_the_sweeper() {
    for (leaves_upload, takes_for_ever) in [(false, false), (true, false), (false, true)] {
        let api = Api::new().await;
        let id = job_id(api.create(json!({"job_type": "packaging"})).await);
        let work = Arc::new(Untidy {
            leaves_upload,
            takes_for_ever,
        });
        let processed = api
            .service()
            .process_job(id, &work, Time::from_millis(i64::MAX))
            .await
            .unwrap();
        let Processed::Finished(job) = processed else {
            panic!("{processed:?}")
        };
        assert_eq!(
            (job.status(), job.due_at.is_some()),
            (Status::Failed, leaves_upload || takes_for_ever)
        );
    }
}
