//! Creates jobs, for the API and for producers' messages.

use std::{sync::Arc, time::Duration};

use aws::AwsError;
use jobs::{Clock, Job, JobId, NewJob, ReleaseId, Time, UserId, release::NewRelease};
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{CreateOutcome, CreateReleaseOutcome, IdempotencyKey, Store, SubmitOutcome};
use tokio::sync::Mutex;

use crate::{
    dead_letter::{DeadLetterReason, Refusal},
    queue::Queue,
};

/// Lifetime of an idempotency key.
const IDEMPOTENCY_KEY_TTL: Duration = Duration::from_hours(24);
/// Maximum ids tried for a record. About one id in thousands is taken.
const MAX_ID_ATTEMPTS: u32 = 8;
/// Delay of a draft's message, which must not arrive before the write that submits the draft.
const SUBMIT_DELAY: Duration = Duration::from_secs(1);

/// Creates jobs in the store and sends their messages.
#[derive(Clone)]
pub struct Submissions {
    store: Store,
    queue: Queue,
    clock: Clock,
    random: Arc<Mutex<StdRng>>,
    retention: Duration,
}

impl Submissions {
    /// Creates jobs in `store` and `queue`, and keeps them for `retention`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, clock: Clock, retention: Duration) -> Self {
        Self {
            store,
            queue,
            clock,
            random: Arc::new(Mutex::new(jobs::random())),
            retention,
        }
    }

    /// Returns the store of the jobs.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the time by the clock of new jobs.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Stores a job and sends its message. If the message cannot be sent, the job is withdrawn, so
    /// that a client that has to try again finds no trace of it. After a crash between the two
    /// steps, the sweeper sends the message.
    pub async fn create(&self, job: &NewJob, key: Option<&str>) -> Result<CreateOutcome, AwsError> {
        let key = key.map(|key| self.idempotency_key(job, key));
        let outcome = self.store_job(job, key.as_ref()).await?;
        if job.draft {
            return Ok(outcome);
        }
        let created = match &outcome {
            CreateOutcome::Created(created) => created,
            // The first request may still be waiting for SQS, and may yet withdraw the job.
            CreateOutcome::Existing(id) if !self.store.acknowledge_job(*id).await? => {
                return Err(AwsError::Contention("the job is being withdrawn"));
            }
            CreateOutcome::Existing(_)
            | CreateOutcome::KeyReused
            | CreateOutcome::RetriedMissing => return Ok(outcome),
        };
        let (id, owner) = (created.id, created.created_by);
        if let Err(error) = self.queue.send_job(id, owner, Duration::ZERO).await {
            // `false`: the job stays. The message did arrive and a run began, the owner cancelled
            // the job, or a repeated request returned it.
            if self.store.withdraw_job(id, job, key.as_ref()).await? {
                return Err(error);
            }
        }
        Ok(outcome)
    }

    /// Refuses a producer's job as the API would: its release does not exist, or is not its owner's.
    /// A producer acts for the owner, never for an admin.
    pub(crate) async fn refusal(&self, job: &NewJob) -> Result<Option<Refusal>, AwsError> {
        let Some(id) = job.release_id else {
            return Ok(None);
        };
        let reason = match self.store.release(id).await? {
            Some(release) if release.user_id == job.created_by => return Ok(None),
            Some(_) => DeadLetterReason::Forbidden,
            None => DeadLetterReason::UnknownRelease,
        };
        Ok(Some(Refusal::new(reason, reason.meaning())))
    }

    /// Stores a job whose message has already been delivered.
    pub async fn create_delivered(
        &self,
        job: &NewJob,
        key: &str,
    ) -> Result<CreateOutcome, AwsError> {
        let key = self.idempotency_key(job, key);
        let outcome = self.store_job(job, Some(&key)).await?;
        // A client's request with the same key may still withdraw the job.
        if let CreateOutcome::Existing(id) = outcome
            && !self.store.acknowledge_job(id).await?
        {
            return Err(AwsError::Contention("the job is being withdrawn"));
        }
        Ok(outcome)
    }

    /// Submits a draft whose fields have been checked. The message goes first: if SQS refuses it,
    /// nothing is written; if the write fails, the message finds a draft and does nothing.
    pub async fn submit(&self, draft: &Job, by_admin: bool) -> Result<SubmitOutcome, AwsError> {
        self.queue
            .send_job(draft.id, draft.created_by, SUBMIT_DELAY)
            .await?;
        self.store.submit(draft, by_admin, self.clock.now()).await
    }

    /// Sends the message for a job's next run. After an error, the sweeper sends it.
    pub async fn resend(&self, job: &Job, delay: Duration) -> Result<(), AwsError> {
        self.queue.send_job(job.id, job.created_by, delay).await
    }

    async fn store_job(
        &self,
        job: &NewJob,
        key: Option<&IdempotencyKey>,
    ) -> Result<CreateOutcome, AwsError> {
        for _ in 0..MAX_ID_ATTEMPTS {
            let now = self.clock.now();
            let id = JobId::draw(now, &mut *self.random.lock().await);
            let created = self.store.create_job(id, job, key, now, self.retention);
            if let Some(outcome) = created.await? {
                return Ok(outcome);
            }
        }
        Err(AwsError::Contention("every generated id was taken"))
    }

    fn idempotency_key(&self, job: &NewJob, key: &str) -> IdempotencyKey {
        let mut request = json!({
            "job_type": job.job_type,
            "release_id": job.release_id,
            "config_json": job.config,
            "draft": job.draft,
        });
        if let Some(id) = job.retry_of {
            request["retry_of"] = json!(id);
        }
        idempotency_key(key, &request, self.clock.now())
    }
}

fn idempotency_key(key: &str, request: &Value, now: Time) -> IdempotencyKey {
    IdempotencyKey {
        key: key.to_owned(),
        digest: hex::encode(Sha256::digest(request.to_string())),
        expires_at: now.after(IDEMPOTENCY_KEY_TTL),
    }
}

/// Stores a release under the `given` id, or under a new one, unless its owner has `limit` releases.
/// `key` is the idempotency key of `caller`.
pub async fn create_release(
    store: &Store,
    clock: &Clock,
    given: Option<ReleaseId>,
    release: &NewRelease,
    (caller, key): (UserId, Option<&str>),
    limit: Option<u64>,
) -> Result<CreateReleaseOutcome, AwsError> {
    let now = clock.now();
    let request = json!({
        "id": given,
        "user_id": release.user_id,
        "release_type": release.release_type,
        "name": release.name,
        "group": release.group,
        "metadata": release.metadata,
    });
    let key = key.map(|key| idempotency_key(key, &request, now));
    let key = key.as_ref().map(|key| (caller, key));
    if let Some(id) = given {
        return store.create_release(id, release, key, limit, now).await;
    }
    let mut random = jobs::random();
    for _ in 0..MAX_ID_ATTEMPTS {
        let id = ReleaseId::draw(now, &mut random);
        match store.create_release(id, release, key, limit, now).await? {
            CreateReleaseOutcome::IdTaken => {}
            outcome => return Ok(outcome),
        }
    }
    Err(AwsError::Contention("every generated id was taken"))
}
