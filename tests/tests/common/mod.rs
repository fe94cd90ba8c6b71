//! The whole API in this process: every route's function over one table.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod costs;

use std::{io, sync::Arc, time::Duration};

use aws::AwsError;
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use jobs::{Failure, FailureCode, Job, JobId, Level, Time, testing::ManualClock};
use lambda_http::request::RequestContext;
use release_files::WorkError;
use serde_json::{Value, json};
use store::{Completion, Store, testing::store};
use tower::ServiceExt;
use worker::{
    Assignment, JobService, Processed, Submissions, Work,
    testing::{files, queue, signing_files},
};

pub const RETENTION: Duration = Duration::from_hours(90 * 24);
pub const OWNER: (u64, bool) = (7, false);
pub const STRANGER: (u64, bool) = (8, false);
pub const ADMIN: (u64, bool) = (1, true);

pub struct Api {
    pub store: Store,
    pub clock: ManualClock,
    pub router: Router,
}

/// What a fake job type does.
#[derive(Clone)]
pub enum Does {
    Complete(Value),
    /// Completes with a package, and this result.
    Package(Value),
    /// Logs so many lines of 100 characters.
    Say(u32),
    Fail,
    FailSaying(String),
    Error,
    /// Meets an outage of a service.
    MeetOutage,
}

pub struct Fake(pub Does, pub Store);

impl Work for Fake {
    async fn run(&self, assignment: Assignment) -> Result<Completion, WorkError> {
        assignment.reporter.step("archive");
        assignment.reporter.progress(65);
        assignment
            .reporter
            .log(Level::Info, "Compressed 3 of 5 files");
        match &self.0 {
            Does::Say(count) => {
                (1..*count).for_each(|_| assignment.reporter.log(Level::Info, &"x".repeat(100)));
                Ok(Completion::new(json!({})))
            }
            Does::Complete(result) => Ok(Completion::new(result.clone())),
            Does::Package(result) => {
                let release = self
                    .1
                    .release(assignment.job.release_id.unwrap())
                    .await
                    .unwrap()
                    .unwrap();
                Ok(Completion::with_package(result.clone(), release, RETENTION))
            }
            Does::Fail => Err(WorkError::Failed(Failure::new(
                FailureCode::SourceMissing,
                "There is no source file",
            ))),
            Does::FailSaying(message) => Err(WorkError::Failed(Failure::new(
                FailureCode::SourceMissing,
                message,
            ))),
            Does::MeetOutage => {
                let outage = AwsError::unavailable("S3", "slow down");
                Err(WorkError::Io(io::Error::other(outage)))
            }
            Does::Error => Err(WorkError::Io(io::Error::other("a file could not be read"))),
        }
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        Ok(())
    }
}

impl Api {
    pub async fn new() -> Self {
        Self::with_queue(queue()).await
    }

    pub async fn with_queue(queue: worker::Queue) -> Self {
        Self::over(store().await, queue)
    }

    pub fn over(store: Store, queue: worker::Queue) -> Self {
        let clock = ManualClock::default();
        let submissions = Submissions::new(store.clone(), queue, clock.clock(), RETENTION);
        let router = Router::new()
            .merge(get_health::router())
            .merge(list_jobs::router(store.clone(), clock.clock(), RETENTION))
            .merge(create_job::router(submissions.clone()))
            .merge(get_job::router(store.clone()))
            .merge(update_job::router(store.clone(), clock.clock()))
            .merge(get_job_status::router(store.clone()))
            .merge(get_job_logs::router(store.clone()))
            .merge(get_job_analysis::router(store.clone()))
            .merge(cancel_job::router(JobService::new(
                store.clone(),
                clock.clock(),
            )))
            .merge(submit_job::router(submissions.clone()))
            .merge(retry_job::router(submissions))
            .merge(list_release_jobs::router(store.clone()))
            .merge(create_release::router(store.clone(), clock.clock()))
            .merge(get_release::router(store.clone()))
            .merge(restore_package::router(
                store.clone(),
                clock.clock(),
                RETENTION,
            ))
            .merge(list_release_files::router(store.clone(), files()))
            .merge(add_release_file::router(
                store.clone(),
                signing_files(),
                clock.clock(),
            ));
        Self {
            store,
            clock,
            router: api::finish(router),
        }
    }

    pub fn service(&self) -> JobService {
        JobService::new(self.store.clone(), self.clock.clock())
    }

    /// Sends a request as `caller`; gives status and body.
    pub async fn send(
        &self,
        caller: (u64, bool),
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        self.send_with(caller, method, path, body.map(|body| body.to_string()), &[])
            .await
    }

    pub async fn send_with(
        &self,
        caller: (u64, bool),
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = Self::request(caller, method, path, body, headers);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// A request as the functions are given it.
    pub fn request(
        (user_id, admin): (u64, bool),
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Request<Body> {
        let context: ApiGatewayV2httpRequestContext = serde_json::from_value(json!({
            "requestId": "r-1",
            "authorizer": {"lambda": {"user_id": user_id, "admin": admin}},
            "http": {"method": method, "path": path},
        }))
        .unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap();
        request
            .extensions_mut()
            .insert(RequestContext::ApiGatewayV2(context));
        request
    }

    pub async fn get(&self, caller: (u64, bool), path: &str) -> (u16, Value) {
        self.send(caller, "GET", path, None).await
    }

    /// Creates a job of the owner's; gives its id.
    pub async fn create(&self, body: Value) -> u64 {
        let (status, job) = self.send(OWNER, "POST", "/api/jobs", Some(body)).await;
        assert!(matches!(status, 201 | 202), "{status} {job}");
        job["id"].as_u64().unwrap()
    }

    /// Processes a job as the processor does.
    pub async fn process(&self, id: u64, does: Does) -> Processed {
        let deadline = Time::from_millis(i64::MAX);
        Box::pin(self.service().process_job(
            job_id(id),
            &Arc::new(Fake(does, self.store.clone())),
            deadline,
        ))
        .await
        .unwrap()
    }
}

pub fn job_id(id: u64) -> JobId {
    JobId::try_from(id).unwrap()
}
