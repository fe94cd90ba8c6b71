//! The job service: processing, statuses, logs, cancels, the end of a run.

mod common;

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
    time::Duration,
};

use aws::AwsError;
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut},
    },
    error::BoxError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, error::TransactionCanceledException},
};
use aws_smithy_runtime_api::client::{
    interceptors::context::Error, orchestrator::OrchestratorError,
};
use common::{Api, FakeWork, NO_DEADLINE, OWNER, RETENTION, STRANGER, job_id, user_id};
use jobs::{
    Failure, FailureCode, Job, Level, Status, WaitingFor,
    testing::{ManualClock, START},
};
use release_files::WorkError;
use serde_json::json;
use store::{
    Completion, EndOutcome, Leftovers, RunEnd, RunProgress, Store, WriteOutcome,
    testing::{client, intercepted_store, serve},
};
use worker::{Assignment, JobService, Processed, UpdateStatusOutcome, Work, testing::queue};

#[tokio::test]
async fn test_process_job_success() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let processed = api
        .process(id, FakeWork::Complete(json!({"files": []})))
        .await;
    assert!(matches!(processed, Processed::Finished(job) if job.status() == Status::Completed));
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(
        (job["status"].as_str(), job["progress"].as_u64()),
        (Some("completed"), Some(100))
    );
    assert_eq!(job["result"], json!({"files": []}));
    assert_eq!(job["error"], json!(null));
    assert_eq!(job["attempt"], 1);
    let (_, page) = api.get(OWNER, &format!("/api/jobs/{id}/logs")).await;
    let lines = page["logs"].as_array().unwrap();
    assert_eq!(lines[1]["message"], "Compressed 3 of 5 files");
    assert_eq!((lines.len(), &lines[2]["level"]), (3, &json!("INFO")));
    assert_eq!(page["finished"], true);
}

#[tokio::test]
async fn test_process_job_failure() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    api.process(id, FakeWork::Fail).await;
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
async fn long_error_message_is_truncated_in_lists_only() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let message = "Ça ne va pas. ".repeat(30);
    api.process(id, FakeWork::FailWith(message.clone())).await;
    assert_eq!(
        api.get(OWNER, &format!("/api/jobs/{id}/status")).await.1["error"]["message"],
        message
    );
    let (_, list) = api.get(OWNER, "/api/jobs?status=failed").await;
    let shown = list["jobs"][0]["error"]["message"]
        .as_str()
        .unwrap()
        .strip_suffix('…')
        .unwrap()
        .to_owned();
    assert!(
        message.starts_with(&shown) && (107..=110).contains(&shown.len()),
        "{shown}"
    );
}

#[tokio::test]
async fn result_too_large_to_store_fails_the_job_at_once() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    // A DynamoDB item has at most 400 KB.
    api.process(id, FakeWork::Complete(json!({"text": "x".repeat(500_000)})))
        .await;
    let (_, job) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("internal"))
    );
    // Not the line of a completed job: the log ends with the error.
    let message = job["error"]["message"].as_str().unwrap();
    let last_line = job["logs"].as_str().unwrap().lines().last().unwrap();
    let error = format!("[ERROR] {}", message.trim_end_matches('.'));
    assert!(last_line.contains(&error), "{last_line}");
}

#[tokio::test]
async fn job_fails_when_its_attempts_are_exhausted() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    for _ in 0..2 {
        assert!(matches!(
            api.process(id, FakeWork::IoError).await,
            Processed::Waiting(..)
        ));
        api.clock.advance(15);
    }
    api.process(id, FakeWork::IoError).await;
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
    let draft = json!({"job_type": "packaging", "draft": true});
    let id = job_id(api.create(draft).await);
    let service = api.service();
    let update = async |status, message| {
        let outcome = service.update_status(id, status, message).await;
        outcome.unwrap()
    };
    let submitted = update(Status::Pending, Some("Submitted by the wizard")).await;
    assert!(
        matches!(submitted, UpdateStatusOutcome::Updated(job) if job.status() == Status::Pending)
    );
    let refused = update(Status::Completed, None).await;
    assert!(
        matches!(refused, UpdateStatusOutcome::Refused(job) if job.status() == Status::Pending)
    );
    let UpdateStatusOutcome::Updated(failed) = update(Status::Failed, Some("No disk")).await else {
        panic!("a pending job can fail")
    };
    assert_eq!(failed.error().unwrap().message, "No disk");
    let refused = update(Status::Pending, None).await;
    assert!(matches!(refused, UpdateStatusOutcome::Refused(_)));
    let missing = service.update_status(job_id(5), Status::Failed, None).await;
    assert!(matches!(missing, Ok(UpdateStatusOutcome::Missing)));
}

#[tokio::test]
async fn test_append_log() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let service = api.service();
    let append = async |message, level| {
        let appended = service.append_log(job_id(id), message, level).await;
        appended.unwrap()
    };
    assert!(append("one", Level::default()).await);
    assert!(append("two", Level::Warning).await);
    let (_, page) = api.get(OWNER, &format!("/api/jobs/{id}/logs")).await;
    assert_eq!(page["logs"][0]["message"], "one");
    assert_eq!(page["logs"][1]["level"], "WARNING");
    api.process(id, FakeWork::Fail).await;
    assert!(!append("late", Level::Info).await);
}

#[tokio::test]
async fn test_cancel_job() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let service = api.service();
    for (user, expected) in [(STRANGER, false), (OWNER, true), (OWNER, true)] {
        let cancelled = service.cancel_job(job_id(id), user_id(user)).await;
        assert_eq!(cancelled.unwrap(), expected, "{user:?}");
    }
    assert!(matches!(
        api.process(id, FakeWork::Complete(json!({}))).await,
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
async fn cancel_fences_off_the_run() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let run = api.claim(id, START).await;
    assert_eq!(
        api.send(OWNER, "PUT", &format!("/api/jobs/{id}/cancel"), None)
            .await
            .0,
        200
    );
    let progress = RunProgress::default();
    let outcome = api.store.heartbeat(&run, &progress, START).await.unwrap();
    assert!(
        matches!(outcome, WriteOutcome::Fenced(Some(job)) if job.status() == Status::Cancelled)
    );
}

#[tokio::test]
async fn repeated_end_of_a_run_is_recognized_and_a_second_one_refused() {
    let api = Api::new().await;
    let completion = Completion::new(json!({}));
    let (progress, nothing, now) = (RunProgress::default(), Leftovers::None, START);
    let later = now.after(Duration::from_secs(1));
    for is_deferred in [false, true] {
        let id = api.create(json!({"job_type": "analysis"})).await;
        let run = api.claim(id, now).await;
        let end = async |now| {
            let end = if is_deferred {
                RunEnd::Deferred(WaitingFor::Queue, now)
            } else {
                RunEnd::Completed(Box::new(completion.clone()))
            };
            let ended = api.store.end_run(&run, &progress, &end, nothing, now);
            ended.await.unwrap()
        };
        // The SDK repeats a request whose answer was lost.
        for _ in 0..2 {
            assert!(matches!(end(now).await, EndOutcome::Written(_)));
        }
        assert!(matches!(end(later).await, EndOutcome::Fenced(Some(_))));
    }
}

/// Reports only one of several failed conditions of a transaction, and not the first.
#[derive(Debug)]
struct OneReason;

impl Intercept for OneReason {
    fn name(&self) -> &'static str {
        "OneReason"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(failed)) = context.output_or_error_mut() else {
            return Ok(());
        };
        let error = failed.as_operation_error().and_then(Error::downcast_ref);
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error {
            let mut reasons = cancelled.cancellation_reasons().to_vec();
            reasons[0] = CancellationReason::builder().code("None").build();
            let cancelled = TransactionCanceledException::builder();
            let cancelled = cancelled.set_cancellation_reasons(Some(reasons)).build();
            let error = TransactWriteItemsError::TransactionCanceledException(cancelled);
            *failed = OrchestratorError::operation(Error::erase(error));
        }
        Ok(())
    }
}

#[tokio::test]
async fn repeated_end_is_recognized_if_only_the_refusal_of_the_release_is_reported() {
    let url = serve(dynoxide::Database::memory().unwrap()).await;
    let api = Api::over(intercepted_store(&url, OneReason), queue());
    let id = api.create(json!({"job_type": "packaging"})).await;
    let run = api.claim(id, START).await;
    let release = api.job(id).await.release_id.unwrap();
    let seen = api.store.release(release).await.unwrap().unwrap();
    let completion = Completion::with_package(json!({}), seen, RETENTION);
    let end = RunEnd::Completed(Box::new(completion));
    let progress = RunProgress::default();
    let end_at = async |now| {
        let ended = api
            .store
            .end_run(&run, &progress, &end, Leftovers::None, now);
        ended.await.unwrap()
    };
    for _ in 0..2 {
        assert!(matches!(end_at(START).await, EndOutcome::Written(_)));
    }
    let later = START.after(Duration::from_secs(1));
    assert!(matches!(end_at(later).await, EndOutcome::ReleaseChanged));
}

/// Takes longer for each request, by the clock, than work may take to stop.
struct SlowRequests(ManualClock);

impl Debug for SlowRequests {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SlowRequests")
    }
}

impl Intercept for SlowRequests {
    fn name(&self) -> &'static str {
        "SlowRequests"
    }

    fn read_before_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.advance(11);
        Ok(())
    }
}

/// Work that completes as soon as it is stopped.
struct StoppableWork;

impl Work for StoppableWork {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        assignment.reporter.until_stopped().await;
        Ok(Completion::new(json!({})))
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        Ok(())
    }
}

#[tokio::test]
async fn work_that_stops_during_a_slow_heartbeat_is_not_taken_for_hung() {
    let url = serve(dynoxide::Database::memory().unwrap()).await;
    let api = Api::over(Store::new(&client(&url), "jobs"), queue());
    let id = job_id(api.create(json!({"job_type": "analysis"})).await);
    let store = intercepted_store(&url, SlowRequests(api.clock.clone()));
    let service = JobService::new(store, api.clock.clock());
    // The run is out of time at its first heartbeat.
    let deadline = START.after(Duration::from_mins(1));
    let work = Arc::new(StoppableWork);
    let processed = service.process_job(id, &work, deadline).await.unwrap();
    assert!(matches!(&processed, Processed::Finished(job) if job.status() == Status::Completed));
    assert!(!service.has_hung_work());
}

/// Work that fails and may leave something in the bucket.
struct UntidyWork {
    leaves_upload: bool,
    cleanup_hangs: bool,
}

impl Work for UntidyWork {
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
        if self.cleanup_hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn unfinished_cleanup_is_left_to_the_sweeper() {
    for (leaves_upload, cleanup_hangs) in [(false, false), (true, false), (false, true)] {
        let api = Api::new().await;
        let id = job_id(api.create(json!({"job_type": "packaging"})).await);
        let work = Arc::new(UntidyWork {
            leaves_upload,
            cleanup_hangs,
        });
        let service = api.service();
        let processed = service.process_job(id, &work, NO_DEADLINE).await.unwrap();
        let Processed::Finished(job) = processed else {
            panic!("{processed:?}")
        };
        assert_eq!(
            (job.status(), job.due_at.is_some()),
            (Status::Failed, leaves_upload || cleanup_hangs)
        );
    }
}
