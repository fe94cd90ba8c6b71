//! The whole API in this process: the functions of all routes on one table.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod costs;
mod fake_work;
pub mod functions;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{JobLimits, UserLimit};
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request},
};
use create_live_ticket::Tickets;
use fail_dead_jobs::{DeadJobs, fail_dead_jobs};
use get_console::{Policy, Site};
use http_body_util::BodyExt;
use jobs::{Caller, Job, JobId, Time, UserId, testing::ManualClock};
use lambda_http::request::RequestContext;
use lambda_runtime::{Context, LambdaEvent};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Claim, RunHandle, Store, UploadLimit, testing::store};
use tower::ServiceExt;
use worker::{
    Files, JobService, Metrics, Processed, Queue, Submissions,
    testing::{bucket::Bucket, files, queue, signing_files},
};

pub use self::fake_work::FakeWork;

pub const RETENTION: Duration = Duration::from_hours(90 * 24);
pub const NO_DEADLINE: Time = Time::from_millis(i64::MAX);

/// Callers: the id of the user, and whether the user is an admin.
pub const OWNER: (u64, bool) = (7, false);
pub const STRANGER: (u64, bool) = (8, false);
pub const ADMIN: (u64, bool) = (1, true);

/// The API with its table and its clock.
pub struct Api {
    pub store: Store,
    pub clock: ManualClock,
    pub router: Router,
}

/// The limits of the API.
#[derive(Clone, Copy)]
pub struct Limits {
    pub jobs: JobLimits,
    pub releases: UserLimit,
    pub uploads: UserLimit<UploadLimit>,
}

impl Default for Limits {
    /// The template's defaults.
    fn default() -> Self {
        Self::new(1_000, 1_000, 10_000, (1_000, 100 << 30))
    }
}

impl Limits {
    /// The limits on open jobs, drafts, releases, and a release's files and bytes, from which admins
    /// are exempt.
    pub fn new(open: u32, drafts: u32, releases: u32, (files, bytes): (u32, u64)) -> Self {
        fn limit<T>(max: T) -> UserLimit<T> {
            UserLimit {
                max: Some(max),
                admins_exempt: true,
            }
        }
        Self {
            jobs: JobLimits {
                open: limit(open),
                drafts: limit(drafts),
            },
            releases: limit(releases),
            uploads: limit(UploadLimit { files, bytes }),
        }
    }
}

/// The answer to a request. A body that is not JSON is a string.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Api {
    pub async fn new() -> Self {
        Self::with_queue(queue()).await
    }

    pub async fn with_queue(queue: Queue) -> Self {
        Self::over(store().await, queue)
    }

    pub async fn with_files(files: Files) -> Self {
        let uploads = Bucket::default().listing_files();
        Self::build(store().await, queue(), (files, uploads), Limits::default())
    }

    pub fn over(store: Store, queue: Queue) -> Self {
        Self::limited(store, queue, Limits::default())
    }

    pub fn limited(store: Store, queue: Queue, limits: Limits) -> Self {
        Self::build(store, queue, (files(), signing_files()), limits)
    }

    /// Creates an API with `limits`, whose uploads find the files of `bucket`.
    pub async fn with_limits(limits: Limits, bucket: &Bucket) -> Self {
        let files = (files(), bucket.listing_files());
        Self::build(store().await, queue(), files, limits)
    }

    fn build(store: Store, queue: Queue, (files, uploads): (Files, Files), limits: Limits) -> Self {
        let clock = ManualClock::default();
        let submissions = Submissions::new(store.clone(), queue, clock.clock(), RETENTION);
        let router = Router::new()
            .merge(get_health::router())
            .merge(list_jobs::router(store.clone(), clock.clock(), RETENTION))
            .merge(create_job::router(submissions.clone(), limits.jobs))
            .merge(get_job::router(store.clone()))
            .merge(update_job::router(store.clone(), clock.clock()))
            .merge(get_job_status::router(store.clone(), clock.clock()))
            .merge(get_job_logs::router(store.clone(), clock.clock()))
            .merge(get_job_analysis::router(
                store.clone(),
                uploads.clone(),
                clock.clock(),
            ))
            .merge(cancel_job::router(JobService::new(
                store.clone(),
                clock.clock(),
            )))
            .merge(submit_job::router(submissions.clone(), limits.jobs.open))
            .merge(retry_job::router(submissions, limits.jobs))
            .merge(list_release_jobs::router(store.clone()))
            .merge(create_live_ticket::router(Tickets {
                store: store.clone(),
                clock: clock.clock(),
                url: "wss://live.example.com/live".to_owned(),
            }))
            .merge(get_me::router())
            .merge(get_openapi::router())
            .merge(get_console::router(
                Site::new(BTreeMap::new()),
                Policy::new(&[], &[], &[]),
                None,
            ))
            .merge(list_releases::router(store.clone()))
            .merge(update_release::router(store.clone()))
            .merge(delete_file::router(store.clone(), uploads.clone()))
            .merge(create_release::router(
                store.clone(),
                clock.clock(),
                limits.releases,
            ))
            .merge(get_release::router(store.clone()))
            .merge(restore_package::router(
                store.clone(),
                clock.clock(),
                RETENTION,
            ))
            .merge(list_release_files::router(store.clone(), files))
            .merge(add_release_file::router(
                store.clone(),
                uploads,
                clock.clock(),
                limits.uploads,
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

    /// Passes the exhausted message of a job to `fail-dead-jobs`.
    pub async fn exhaust(&self, id: u64) {
        let body = json!({ "job_id": id }).to_string();
        let event = json!({"Records": [{"messageId": "1", "body": body}]});
        let event = serde_json::from_value(event).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let dead_jobs = DeadJobs {
            store: self.store.clone(),
            clock: self.clock.clock(),
            metrics: Metrics::new("test", self.clock.clock()),
        };
        let answer = fail_dead_jobs(&dead_jobs, event).await.unwrap();
        assert!(answer.batch_item_failures.is_empty());
    }

    /// Sends a request as `caller` and returns the status and the body.
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
        let answer = self
            .answer(Self::request(caller, method, path, body, headers))
            .await;
        (answer.status, answer.body)
    }

    /// Sends a request and returns its answer with the headers.
    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(header).collect(),
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    /// Builds a request as API Gateway passes it to a function.
    pub fn request(
        (user_id, admin): (u64, bool),
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Request<Body> {
        let context: ApiGatewayV2httpRequestContext = serde_json::from_value(json!({
            "requestId": "r-1",
            "authorizer": {"lambda": {
                "user_id": user_id,
                "admin": admin,
                "expires_at": "2026-11-23T11:05:00.000Z",
            }},
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

    /// Creates a job of the owner's and returns its id. A job that names no release gets a new one.
    pub async fn create(&self, body: Value) -> u64 {
        let body = if body["draft"] == true {
            body
        } else {
            self.on_release(OWNER, body).await
        };
        let (status, job) = self.send(OWNER, "POST", "/api/jobs", Some(body)).await;
        assert!(matches!(status, 201 | 202), "{status} {job}");
        job["id"].as_u64().unwrap()
    }

    /// Adds a new release of the caller's to the body of a job that names none.
    pub async fn on_release(&self, caller: (u64, bool), mut body: Value) -> Value {
        if body["release_id"].is_null() {
            body["release_id"] = self.create_release_of(caller).await.into();
        }
        body
    }

    /// Creates a release of the owner's and returns its id.
    pub async fn create_release(&self) -> u64 {
        self.create_release_of(OWNER).await
    }

    async fn create_release_of(&self, caller: (u64, bool)) -> u64 {
        let body = json!({"release_type": "ebook"});
        let (status, release) = self.send(caller, "POST", "/api/releases", Some(body)).await;
        assert_eq!(status, 201, "{release}");
        release["id"].as_u64().unwrap()
    }

    /// Reads a job from the table.
    pub async fn job(&self, id: u64) -> Job {
        self.store.job(job_id(id), true).await.unwrap().unwrap()
    }

    /// Claims a pending job.
    pub async fn claim(&self, id: u64, now: Time) -> RunHandle {
        let claim = self.store.claim(&self.job(id).await, now).await.unwrap();
        let Claim::Won(job) = claim else {
            panic!("the claim was not won: {claim:?}")
        };
        RunHandle::from(&job)
    }

    /// Processes a job as the processor does.
    pub async fn process(&self, id: u64, work: FakeWork) -> Processed {
        let work = Arc::new(work.on(self.store.clone()));
        Box::pin(self.service().process_job(job_id(id), &work, NO_DEADLINE))
            .await
            .unwrap()
    }
}

pub fn job_id(id: u64) -> JobId {
    JobId::try_from(id).unwrap()
}

pub fn caller((id, admin): (u64, bool)) -> Caller {
    Caller {
        user_id: user_id((id, admin)),
        admin,
    }
}

pub fn user_id((id, _): (u64, bool)) -> UserId {
    UserId::try_from(id).unwrap()
}
