//! Bringing jobs in: from the API, and from producers' messages.

use std::{sync::Arc, time::Duration};

use aws::AwsError;
use jobs::{Clock, Job, JobId, NewJob, ReleaseId, release::Release};
use rand::rngs::StdRng;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Created, IdempotencyKey, NewRelease, Store, Submitted};
use tokio::sync::Mutex;

use crate::queue::Queue;

/// How long an idempotency key stands.
const KEY_STANDS: Duration = Duration::from_hours(24);
/// How many ids are drawn before we give up: a collision happens once in thousands.
const DRAWS: u32 = 8;
/// A draft's message must not arrive before the write that makes it a job.
const SUBMIT_DELAY: Duration = Duration::from_secs(1);

/// Where new jobs come in.
#[derive(Clone)]
pub struct Submissions {
    store: Store,
    queue: Queue,
    clock: Clock,
    random: Arc<Mutex<StdRng>>,
    retention: Duration,
}

/// What came of bringing a job in.
#[derive(Debug)]
pub enum Intake {
    /// It is stored, and its message sent unless it is a draft.
    New(Job),
    /// The idempotency key has made this job before.
    Same(JobId),
    /// The idempotency key belongs to another request.
    KeyReused,
}

impl Submissions {
    /// Brings jobs into `store` and `queue`; they are kept for `retention`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, clock: Clock, retention: Duration) -> Self {
        let random = Arc::new(Mutex::new(jobs::random()));
        Self {
            store,
            queue,
            clock,
            random,
            retention,
        }
    }

    /// The store that jobs are brought into.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stores a job and sends its message. If the message cannot be sent, the job is taken back,
    /// so that a client who is told "try again" finds nothing half-written. Dying between the two
    /// leaves a pending job whose message the sweeper sends.
    ///
    /// # Errors
    /// When DynamoDB or SQS cannot be asked.
    pub async fn create(&self, job: &NewJob, key: Option<&str>) -> Result<Intake, AwsError> {
        let key = key.map(|key| self.idempotency_key(job, key));
        let created = self.store_job(job, key.as_ref()).await?;
        if job.draft {
            return Ok(created);
        }
        let stored = match &created {
            Intake::New(stored) => stored,
            // Its first request may still wait for SQS, and take the job back.
            Intake::Same(id) if !self.store.acknowledge_job(*id).await? => return Err(withdrawn()),
            Intake::Same(_) | Intake::KeyReused => return Ok(created),
        };
        if let Err(error) = self
            .queue
            .send_job(stored.id, stored.created_by, Duration::ZERO)
            .await
        {
            // `false`: the message did arrive and a run has begun, or the owner has cancelled it, or
            // was told of it by a repeated request.
            if self
                .store
                .withdraw_job(stored.id, stored.created_by, key.as_ref())
                .await?
            {
                return Err(error);
            }
        }
        Ok(created)
    }

    /// Stores a job whose message is at hand already.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn create_delivered(&self, job: &NewJob, key: &str) -> Result<Intake, AwsError> {
        let key = self.idempotency_key(job, &format!("queue:{key}"));
        self.store_job(job, Some(&key)).await
    }

    /// Makes a draft, whose fields have been checked, a job. The message goes first: if SQS
    /// refuses it, nothing has been written; if the write fails, the message finds a draft and
    /// does nothing.
    ///
    /// # Errors
    /// When DynamoDB or SQS cannot be asked.
    pub async fn submit(&self, draft: &Job) -> Result<Submitted, AwsError> {
        self.queue
            .send_job(draft.id, draft.created_by, SUBMIT_DELAY)
            .await?;
        self.store.submit(draft, self.clock.now()).await
    }

    /// Sends the message for a job's next run.
    ///
    /// # Errors
    /// When SQS cannot be asked: the sweeper will send it.
    pub async fn send_again(&self, job: &Job, delay: Duration) -> Result<(), AwsError> {
        self.queue.send_job(job.id, job.created_by, delay).await
    }

    async fn store_job(
        &self,
        job: &NewJob,
        key: Option<&IdempotencyKey>,
    ) -> Result<Intake, AwsError> {
        for _ in 0..DRAWS {
            let now = self.clock.now();
            let id = JobId::draw(now, &mut *self.random.lock().await);
            match self
                .store
                .create_job(id, job, key, now, self.retention)
                .await?
            {
                Some(Created::New(job)) => return Ok(Intake::New(job)),
                Some(Created::Same(id)) => return Ok(Intake::Same(id)),
                Some(Created::KeyReused) => return Ok(Intake::KeyReused),
                None => {}
            }
        }
        Err(no_free_id())
    }

    fn idempotency_key(&self, job: &NewJob, key: &str) -> IdempotencyKey {
        let mut request = json!({
            "job_type": job.job_type, "release_id": job.release_id, "config_json": job.config, "draft": job.draft,
        });
        if let Some(id) = job.retry_of {
            request["retry_of"] = json!(id);
        }
        let digest = Sha256::digest(request.to_string());
        let digest = hex::encode(digest);
        IdempotencyKey {
            key: key.to_owned(),
            digest,
            expires_at: self.clock.now().after(KEY_STANDS),
        }
    }
}

fn withdrawn() -> AwsError {
    AwsError::Unavailable {
        service: "jobs",
        detail: "the job was withdrawn meanwhile".to_owned(),
    }
}

fn no_free_id() -> AwsError {
    AwsError::Unavailable {
        service: "ids",
        detail: "no free id was drawn".to_owned(),
    }
}

/// Stores a release under the id that is given, or else under a new one. `None`: the id is taken.
///
/// # Errors
/// When DynamoDB cannot be asked.
pub async fn create_release(
    store: &Store,
    clock: &Clock,
    given: Option<ReleaseId>,
    release: &NewRelease,
) -> Result<Option<Release>, AwsError> {
    let now = clock.now();
    if let Some(id) = given {
        return store.create_release(id, release, now).await;
    }
    let mut random = jobs::random();
    for _ in 0..DRAWS {
        let id = ReleaseId::draw(now, &mut random);
        if let Some(release) = store.create_release(id, release, now).await? {
            return Ok(Some(release));
        }
    }
    Err(no_free_id())
}
