//! A harness for tests: a release, its files and the worker, over a bucket and a table in memory.

use std::{sync::Arc, time::Duration};

use jobs::{
    FailureCode, Job, JobId, JobType, NewJob, ReleaseId, Time, UserId,
    release::{NewRelease, Release, output_prefix},
    testing::{ManualClock, START},
};
use serde_json::{Value, json};
use store::{Store, testing::store};

use super::Worker;
use crate::testing::bucket::Bucket;
use crate::{Files, Isolation, JobService, Processed, SweepReport, Sweeper, testing::queue};

/// Retention of jobs and replaced packages.
pub const RETENTION: Duration = Duration::from_hours(24);

fn worker(store: &Store, files: Files) -> Arc<Worker> {
    let isolation = Isolation::InProcess;
    Arc::new(Worker::new(store.clone(), files, RETENTION, isolation))
}

/// A release, its files, and the worker.
pub struct WorkerHarness {
    pub bucket: Bucket,
    pub store: Store,
    pub clock: ManualClock,
    release: ReleaseId,
    service: JobService,
    worker: Arc<Worker>,
    next_job: u64,
}

impl WorkerHarness {
    pub async fn new(metadata: Value) -> Self {
        Self::named(metadata, None).await
    }

    /// Creates a release with a name of its own.
    pub async fn named(metadata: Value, name: Option<&str>) -> Self {
        let (bucket, store, clock) = (Bucket::default(), store().await, ManualClock::default());
        let release = ReleaseId::try_from(42).unwrap();
        let new = NewRelease {
            user_id: UserId::try_from(7).unwrap(),
            release_type: "ebook".to_owned(),
            name: name.map(str::to_owned),
            group: Some("GRP".to_owned()),
            metadata: metadata.as_object().unwrap().clone(),
        };
        let created = store.create_release(release, &new, None, None, START);
        created.await.unwrap();
        let worker = worker(&store, bucket.files());
        let service = JobService::new(store.clone(), clock.clock());
        Self {
            bucket,
            store,
            clock,
            release,
            service,
            worker,
            next_job: 100,
        }
    }

    /// Gives the worker so little memory that the parts of its uploads have 8 MiB.
    pub fn with_small_parts(self) -> Self {
        let worker = worker(&self.store, self.bucket.files().with_memory(256));
        Self { worker, ..self }
    }

    pub fn source(&self, path: &str, bytes: &[u8]) {
        self.bucket
            .put(&format!("releases/42/source/{path}"), bytes);
    }

    /// Creates a job and processes it to its end. Returns the job and its result.
    pub async fn run(&mut self, job_type: JobType, config: Value) -> (Job, Value) {
        let id = self.create(job_type, config).await;
        self.process(id).await
    }

    /// Creates a pending job of the release's owner.
    pub async fn create(&mut self, job_type: JobType, config: Value) -> JobId {
        self.create_as((7, false), job_type, config).await
    }

    /// Creates a pending job of a user, who may be an admin.
    pub async fn create_as(
        &mut self,
        (user, by_admin): (u64, bool),
        job_type: JobType,
        config: Value,
    ) -> JobId {
        let id = JobId::try_from(self.next_job).unwrap();
        self.next_job += 1;
        let job = NewJob {
            created_by: UserId::try_from(user).unwrap(),
            release_id: Some(self.release),
            job_type: Some(job_type),
            config: config.as_object().unwrap().clone(),
            draft: false,
            by_admin,
            retry_of: None,
            earlier_retry: None,
        };
        self.store
            .create_job(id, &job, None, START, RETENTION)
            .await
            .unwrap();
        id
    }

    /// Cancels a job for its owner. Returns `true` if it is cancelled.
    pub async fn cancel(&self, id: JobId) -> bool {
        let owner = UserId::try_from(7).unwrap();
        self.service.cancel_job(id, owner).await.unwrap()
    }

    /// Processes a pending job to its end. Returns the job and its result.
    pub async fn process(&self, id: JobId) -> (Job, Value) {
        let processed = self.deliver(id).await;
        let Processed::Finished(job) = processed else {
            panic!("{processed:?}")
        };
        let (_, documents) = self.store.job_with_documents(id).await.unwrap().unwrap();
        (job, documents.result.unwrap_or(json!(null)))
    }

    /// Delivers a job's message once.
    pub async fn deliver(&self, id: JobId) -> Processed {
        self.deliver_until(id, Time::from_millis(i64::MAX)).await
    }

    /// Delivers a job's message once, to a function that must end by `deadline`.
    pub async fn deliver_until(&self, id: JobId, deadline: Time) -> Processed {
        let run = self.service.process_job(id, &self.worker, deadline);
        Box::pin(run).await.unwrap()
    }

    /// Sweeps, `seconds` from now.
    pub async fn sweep_after(&self, seconds: i64) -> SweepReport {
        self.clock.advance(seconds);
        let sweeper = Sweeper::new(
            self.store.clone(),
            queue(),
            self.bucket.files(),
            self.clock.clock(),
        );
        sweeper.sweep(Time::from_millis(i64::MAX)).await
    }

    /// Creates a job that fails. Returns the code of its failure.
    pub async fn failure_code(&mut self, job_type: JobType, config: Value) -> FailureCode {
        let (job, result) = self.run(job_type, config).await;
        job.error().unwrap_or_else(|| panic!("{result}")).code
    }

    /// Returns the messages in a job's log, one a line.
    pub async fn log(&self, job: &Job) -> String {
        let head = self.store.head(job.id).await.unwrap().unwrap();
        let details = self.store.details(&head).await.unwrap().unwrap();
        let messages = details.log.iter().map(|entry| entry.message.as_str());
        messages.collect::<Vec<_>>().join("\n")
    }

    pub async fn release(&self) -> Release {
        self.store.release(self.release).await.unwrap().unwrap()
    }

    /// Returns the folder of the current package.
    pub async fn package_folder(&self) -> String {
        let package = self.release().await.package.unwrap();
        output_prefix(self.release, package.job_id, package.fence)
    }

    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.bucket.below(prefix).into_keys().collect()
    }

    pub fn text(&self, key: &str) -> String {
        String::from_utf8(self.bucket.state().objects[key].clone()).unwrap()
    }
}
