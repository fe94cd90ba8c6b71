//! Writes of a running attempt, each guarded by its fence, so that a cancel, a rescue or a
//! second delivery shuts it out.
//!
//! A log line is written in two moves: its chunk is put first, and the job's `log_seq`, which the
//! next heartbeat or the end of the run raises, makes it visible. A crash between the two leaves
//! a chunk that nobody sees, whose place the next attempt takes.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jobs::{
    Event, Failure, Job, JobId, LEASE, LogEntry, Status, Time, UNAVAILABLE, WaitingFor, outcome,
    release::Release,
};
use serde_json::{Map, Value};

use super::{
    DYNAMODB, Finished, Held, Store, Written,
    item::{attribute, parts_expire_at, write},
    job::{INLINE_BYTES, document, document_item},
    job_of, keys,
    logs::Chunk,
    refused,
    releases::{only_package, switched},
    update::{Update, n, s},
};

/// The claim that a run holds.
#[derive(Clone, Debug)]
pub struct RunHandle {
    /// The job.
    pub job_id: JobId,
    /// The fencing token of this claim.
    pub fence: u32,
    /// The number of the attempt.
    pub attempt: u32,
    /// When retention takes the job.
    pub expires_at: Time,
}

impl RunHandle {
    /// The run that has just claimed `job`.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            job_id: job.id,
            fence: job.fence,
            attempt: job.attempt,
            expires_at: job.expires_at,
        }
    }

    /// A write of this run: refused once another has begun, and while none is under way. A rescued
    /// job that waits still has the dead run's fence.
    fn update(&self) -> Update {
        let update = Update::of(keys::job(self.job_id)).only_fence(self.fence);
        update
            .only_if("#status = :running")
            .value(":running", s(Status::Running.as_str()))
    }

    /// Whether `job` is as this run's end at `now` left it: nobody else ends it at the same moment.
    fn ended(&self, job: &Job, now: Time) -> bool {
        job.fence == self.fence && job.runs.last().is_some_and(|run| run.ended_at == Some(now))
    }

    /// Where the run stands in the job's list of runs: each claim has added one.
    fn ended_run(
        &self,
        update: Update,
        now: Time,
        word: &str,
        failure: Option<&Failure>,
    ) -> Result<Update, AwsError> {
        let at = format!("#runs[{}]", self.fence.saturating_sub(1));
        let update = update
            .set_to(
                &format!("{at}.#ended_at = :ended_at"),
                ":ended_at",
                n(now.millis()),
            )
            .set_to(&format!("{at}.#outcome = :outcome"), ":outcome", s(word));
        Ok(match failure {
            Some(failure) => update.set_to(
                &format!("{at}.#error = :error"),
                ":error",
                attribute(failure)?,
            ),
            None => update,
        })
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// 0 to 99.
    pub percent: u8,
    /// The step.
    pub step: Option<String>,
    /// What a person should read about it.
    pub message: Option<String>,
    /// The last log entry that has been put.
    pub log_seq: u64,
}

/// How a run ends that does not complete its job.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// The job has failed for good.
    Failed(Failure),
    /// The attempt failed; the job waits until the given time for another.
    Retry(Failure, Time),
    /// Nothing is wrong with the job: its attempt goes on later, uncounted.
    GivenBack(WaitingFor, Time),
}

/// What is left of a job's runs in the bucket besides the package that it completed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Nothing, for sure: the sweeper need not look.
    None,
    /// Something, perhaps.
    Perhaps,
}

/// What a completed run leaves.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The result that the job type promises.
    pub result: Value,
    /// The release whose current package is to be the one that this run built.
    pub package: Option<PackageChange>,
    /// What the release's metadata are to be.
    pub metadata: Option<MetadataChange>,
}

impl Completion {
    /// A result that leaves the release's package as it is.
    #[must_use]
    pub fn of(result: Value) -> Self {
        Self {
            result,
            package: None,
            metadata: None,
        }
    }

    /// A result with a new current package of the release `seen`; the one before is kept for `keep`.
    #[must_use]
    pub fn with_package(result: Value, seen: Release, keep: Duration) -> Self {
        Self {
            result,
            package: Some(PackageChange {
                seen,
                keep,
                begun_by: None,
            }),
            metadata: None,
        }
    }

    /// The same, whose package stands in the folder of the run that began it.
    #[must_use]
    pub fn begun_by(mut self, fence: u32) -> Self {
        self.package = self.package.map(|change| PackageChange {
            begun_by: Some(fence),
            ..change
        });
        self
    }

    /// A result with new metadata of the release `seen`, which must not have changed since.
    #[must_use]
    pub fn with_metadata(result: Value, seen: Release, metadata: Map<String, Value>) -> Self {
        Self {
            result,
            package: None,
            metadata: Some(MetadataChange { seen, metadata }),
        }
    }
}

/// A change of a release's current package. It is refused where another has become current since.
#[derive(Clone, Debug)]
pub struct PackageChange {
    /// The release, as the run saw it.
    pub seen: Release,
    /// How long the package that is replaced stays.
    pub keep: Duration,
    /// The fence of the run in whose folder the package is, where that is an earlier one.
    pub begun_by: Option<u32>,
}

/// A change of a release's metadata. It is refused where the release has changed since it was seen.
#[derive(Clone, Debug)]
pub struct MetadataChange {
    /// The release, as the run saw it.
    pub seen: Release,
    /// Its metadata from now on.
    pub metadata: Map<String, Value>,
}

impl Store {
    /// Puts log entries; nobody sees them before `log_seq` has been raised to the last of them.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn put_log(&self, run: &RunHandle, entries: &[LogEntry]) -> Result<Held, AwsError> {
        let Some(chunk) = Chunk::new(run.job_id, run.fence, entries, run.expires_at) else {
            return Ok(Held::Yes);
        };
        // Free, or left by a run that has been fenced off, or this very chunk, put by a call
        // whose answer was lost. Never one of a later run.
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .condition_expression(
                "attribute_not_exists(pk) OR fence < :fence OR (fence = :fence AND #first = :first AND #at = :at)",
            )
            .expression_attribute_names("#first", "first")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":fence", n(run.fence))
            .expression_attribute_values(":first", n(chunk.first))
            .expression_attribute_values(":at", n(chunk.at))
            .set_item(Some(write(&chunk)?));
        match call.send().await {
            Ok(_) => Ok(Held::Yes),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_conditional_check_failed_exception() => {
                    Ok(Held::Fenced(None))
                }
                _ => Err(super::failed(&error)),
            },
        }
    }

    /// Renews the lease and shows how far the run is; learns whether it has been fenced off.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn heartbeat(
        &self,
        run: &RunHandle,
        progress: &Progress,
        now: Time,
    ) -> Result<Held, AwsError> {
        let update = run
            .update()
            .set("lease_expires_at", n(now.after(LEASE).millis()))
            .set("updated_at", n(now.millis()));
        Ok(match self.update(shown(update, progress)).await? {
            Written::Done(_) => Held::Yes,
            Written::Refused(item) => Held::Fenced(item.map(job_of).transpose()?),
        })
    }

    /// Completes the job: its result, the release's current package and the status at once.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn complete(
        &self,
        run: &RunHandle,
        progress: &Progress,
        completion: &Completion,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<Finished, AwsError> {
        let result = document(&completion.result)?;
        let inline = result.len() <= INLINE_BYTES;
        let progress = Progress {
            percent: 100,
            message: Some("Completed".to_owned()),
            ..progress.clone()
        };
        let update = final_update(run, Event::Complete, leftovers, now);
        let update =
            shown(update, &progress).set_or_remove("result", inline.then(|| s(result.clone())));
        let update = run.ended_run(update, now, "completed", None)?;
        if inline && completion.package.is_none() && completion.metadata.is_none() {
            return self.change(update, |job| run.ended(job, now)).await;
        }
        let mut parts = vec![self.part(update)?];
        if let Some(PackageChange {
            seen,
            keep,
            begun_by,
        }) = &completion.package
        {
            let package = seen.next_package(run.job_id, begun_by.unwrap_or(run.fence), now);
            parts.push(self.part(switched(seen, &package, now, *keep)?)?);
        }
        if let Some(change) = &completion.metadata {
            parts.push(self.change_metadata(change)?);
        }
        if !inline {
            let item = document_item(
                run.job_id,
                keys::RESULT,
                result,
                parts_expire_at(run.expires_at),
            );
            parts.push(
                TransactWriteItem::builder()
                    .put(put(&self.table, item)?)
                    .build(),
            );
        }
        match self.transact(parts).await? {
            Ok(()) => match self.job(run.job_id, true).await? {
                Some(job) => Ok(Finished::Yes(job)),
                None => Ok(Finished::Fenced(None)),
            },
            Err(mut refusals) if refusals.first().is_some_and(|refusal| refusal.at_fault) => {
                refused(refusals.swap_remove(0).item, |job| run.ended(job, now))
            }
            Err(_) => Ok(Finished::ReleaseChanged),
        }
    }

    /// Ends the run without completing the job.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn end_run(
        &self,
        run: &RunHandle,
        progress: &Progress,
        end: &RunEnd,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<Finished, AwsError> {
        let update = match end {
            RunEnd::Failed(failure) => {
                let progress = Progress {
                    message: Some(failure.message.clone()),
                    ..progress.clone()
                };
                let update = shown(final_update(run, Event::Fail, leftovers, now), &progress);
                run.ended_run(update.failure(failure), now, "failed", Some(failure))?
            }
            RunEnd::Retry(failure, at) => {
                let update = shown(run.update().event(Event::GiveBack, now), progress);
                let update = update.waiting(&WaitingFor::Backoff { until: *at }, *at)?;
                run.ended_run(update, now, outcome::ERROR, Some(failure))?
            }
            RunEnd::GivenBack(why, at) => {
                let progress = Progress {
                    message: Some(why.to_string()),
                    ..progress.clone()
                };
                let update = shown(run.update().event(Event::GiveBack, now), &progress);
                let update = update.waiting(why, *at)?;
                let away = Failure::new(
                    UNAVAILABLE,
                    "A service that the job needs was not available",
                );
                let failure = Some(&away).filter(|_| matches!(why, WaitingFor::Backoff { .. }));
                run.ended_run(update, now, outcome::GIVEN_BACK, failure)?
            }
        };
        self.change(update, |job| run.ended(job, now)).await
    }

    /// Gives the job of a run that died back to the queue, as it was `seen`.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn rescue(&self, seen: &Job, now: Time) -> Result<Finished, AwsError> {
        let run = RunHandle::of(seen);
        let failure = Failure::new(outcome::CRASHED, "The attempt stopped without a word");
        let lease = seen.lease_expires_at.unwrap_or(now);
        let update = run
            .update()
            .event(Event::GiveBack, now)
            .waiting(&WaitingFor::Queue, now)?
            .set(
                "message",
                s("The last attempt stopped without a word; waiting for another"),
            )
            .only_if("#lease_expires_at = :lease")
            .value(":lease", n(lease.millis()));
        let update = run.ended_run(update, now, outcome::CRASHED, Some(&failure))?;
        self.change(update, |job| run.ended(job, now)).await
    }

    fn change_metadata(&self, change: &MetadataChange) -> Result<TransactWriteItem, AwsError> {
        let json = |metadata: &Map<String, Value>| {
            Ok::<_, AwsError>(s(document(&Value::Object(metadata.clone()))?))
        };
        let update = Update::of(keys::release(change.seen.id))
            .set("metadata", json(&change.metadata)?)
            .only_if("#metadata = :seen")
            .value(":seen", json(&change.seen.metadata)?);
        self.part(only_package(update, change.seen.package.as_ref()))
    }

    fn part(&self, update: Update) -> Result<TransactWriteItem, AwsError> {
        update
            .in_transaction(&self.table)
            .map_err(|error| AwsError::data(DYNAMODB, error))
    }
}

fn final_update(run: &RunHandle, event: Event, leftovers: Leftovers, now: Time) -> Update {
    let update = run.update().event(event, now).ended(now);
    match leftovers {
        Leftovers::None => update.remove("due_at"),
        Leftovers::Perhaps => update,
    }
}

fn shown(update: Update, progress: &Progress) -> Update {
    update
        .set("progress", n(progress.percent))
        .set("log_seq", n(progress.log_seq))
        .set_or_remove("step", progress.step.clone().map(AttributeValue::S))
        .set_or_remove("message", progress.message.clone().map(AttributeValue::S))
}

fn put(table: &str, item: super::Item) -> Result<Put, AwsError> {
    Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .build()
        .map_err(|error| AwsError::data(DYNAMODB, error))
}
