//! Writes by a run. Each is conditional on the run's fence, so that a cancel, a rescue or a second
//! delivery shuts the run out.
//!
//! A log line is written in two steps. First its chunk is put; then the next heartbeat, or the end
//! of the run, raises the job's `log_seq` and makes the line visible. A crash between the two
//! leaves an invisible chunk, which the next run overwrites.

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jobs::{
    Event, Failure, FailureCode, Job, LEASE, LogEntry, RunOutcome, Status, Time, WaitingFor,
};

use crate::{
    Completion, EndOutcome, Leftovers, MetadataChange, PackageChange, RunEnd, RunHandle,
    RunProgress, Store, Updated, WriteOutcome,
    documents::{MAX_INLINE_RESULT_BYTES, document_item, to_json},
    item::{job_from_item, parts_expire_at, to_attribute, to_item},
    keys,
    logs::Chunk,
    releases::{only_package, switch_package},
    sdk_error,
    update::{Update, n, s},
};

impl RunHandle {
    /// Starts an update by this run. It requires the run's fence and the status `running`, because
    /// a rescued job keeps the dead run's fence while it waits.
    fn update(&self) -> Update {
        Update::new(keys::job(self.job_id))
            .only_fence(self.fence)
            .only_if("#status = :running")
            .value(":running", s(Status::Running.as_str()))
    }

    /// Starts the update that ends this run's job.
    fn final_update(&self, event: Event, leftovers: Leftovers, now: Time) -> Update {
        let update = self.update().event(event, now).end(now);
        match leftovers {
            Leftovers::None => update.remove("due_at"),
            Leftovers::Possible => update,
        }
    }

    /// Returns whether this run's end, written at `now`, took effect. No other writer ends the run
    /// at the same time.
    fn has_ended(&self, job: &Job, now: Time) -> bool {
        let ended_at = job.runs.last().and_then(|run| run.end.as_ref());
        job.fence == self.fence && ended_at.is_some_and(|end| end.ended_at == now)
    }

    /// Records the end of the run in the job's list of runs. Each claim adds one run.
    fn end_in(
        &self,
        update: Update,
        now: Time,
        outcome: RunOutcome,
        failure: Option<&Failure>,
    ) -> Result<Update, AwsError> {
        let run = format!("#runs[{}]", self.fence.saturating_sub(1));
        let set = |update: Update, name: &str, value| {
            update.assign(
                &format!("{run}.#{name} = :{name}"),
                &format!(":{name}"),
                value,
            )
        };
        let update = set(update, "ended_at", n(now.millis()));
        let update = set(update, "outcome", s(outcome.as_str()));
        Ok(match failure {
            Some(failure) => set(update, "error", to_attribute(failure)?),
            None => update,
        })
    }
}

impl Update {
    /// Sets the progress that clients see.
    fn progress(self, progress: &RunProgress) -> Self {
        self.set("progress", n(progress.percent))
            .set("log_seq", n(progress.log_seq))
            .set_or_remove("step", progress.step.clone().map(AttributeValue::S))
            .set_or_remove("message", progress.message.clone().map(AttributeValue::S))
    }
}

impl Store {
    /// Puts log entries. They stay invisible until `log_seq` reaches the last of them.
    pub async fn put_log(
        &self,
        run: &RunHandle,
        entries: &[LogEntry],
    ) -> Result<WriteOutcome<()>, AwsError> {
        let Some(chunk) = Chunk::new(run.job_id, run.fence, entries, run.expires_at) else {
            return Ok(WriteOutcome::Written(()));
        };
        // The key may be taken by a run that was fenced off, or by this same chunk if the response
        // to an earlier call was lost, but not by a later run.
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .condition_expression(
                "attribute_not_exists(pk) OR fence < :fence \
                 OR (fence = :fence AND #first = :first AND #at = :at)",
            )
            .expression_attribute_names("#first", "first")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":fence", n(run.fence))
            .expression_attribute_values(":first", n(chunk.first))
            .expression_attribute_values(":at", n(chunk.at))
            .set_item(Some(to_item(&chunk)?));
        match call.send().await {
            Ok(_) => Ok(WriteOutcome::Written(())),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_conditional_check_failed_exception() => {
                    Ok(WriteOutcome::Fenced(None))
                }
                _ => Err(sdk_error(&error)),
            },
        }
    }

    /// Renews the lease and writes the progress. Returns whether a client follows the job live.
    pub async fn heartbeat(
        &self,
        run: &RunHandle,
        progress: &RunProgress,
        now: Time,
    ) -> Result<WriteOutcome<bool>, AwsError> {
        let update = run
            .update()
            .remove("event")
            .set("lease_expires_at", n(now.after(LEASE).millis()))
            .set("updated_at", n(now.millis()))
            .progress(progress);
        Ok(match self.update(update).await? {
            Updated::Done(item) => WriteOutcome::Written(item.contains_key("live")),
            Updated::Refused(item) => WriteOutcome::Fenced(item.map(job_from_item).transpose()?),
        })
    }

    /// Ends the run, in one write or in one transaction with the change of the release.
    pub async fn end_run(
        &self,
        run: &RunHandle,
        progress: &RunProgress,
        end: &RunEnd,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<EndOutcome, AwsError> {
        let update = match end {
            RunEnd::Completed(completion) => {
                return self
                    .complete(run, progress, completion, leftovers, now)
                    .await;
            }
            RunEnd::Failed(failure) => {
                let progress = progress.with_message(failure.message.clone());
                let update = run
                    .final_update(Event::Fail, leftovers, now)
                    .failure(failure);
                let update = update.progress(&progress);
                run.end_in(update, now, RunOutcome::Failed, Some(failure))?
            }
            RunEnd::Retry(failure, at) => {
                let update = run.update().event(Event::Requeue, now).progress(progress);
                let update = update.deferred(&WaitingFor::Backoff { until: *at }, *at)?;
                run.end_in(update, now, RunOutcome::Error, Some(failure))?
            }
            RunEnd::Deferred(waiting_for, at) => given_back(run, progress, waiting_for, *at, now)?,
            RunEnd::Suspended => given_back(run, progress, &WaitingFor::Queue, now, now)?,
        };
        let ended = self.update_job(update, |job| run.has_ended(job, now));
        Ok(ended.await?.into())
    }

    async fn complete(
        &self,
        run: &RunHandle,
        progress: &RunProgress,
        completion: &Completion,
        leftovers: Leftovers,
        now: Time,
    ) -> Result<EndOutcome, AwsError> {
        let result = to_json(&completion.result)?;
        let is_inline = result.len() <= MAX_INLINE_RESULT_BYTES;
        let progress = RunProgress {
            percent: 100,
            ..progress.with_message("Completed".to_owned())
        };
        let update = run
            .final_update(Event::Complete, leftovers, now)
            .progress(&progress)
            .set_or_remove("result", is_inline.then(|| s(result.clone())));
        let update = run.end_in(update, now, RunOutcome::Completed, None)?;
        if is_inline && completion.package.is_none() && completion.metadata.is_none() {
            let completed = self.update_job(update, |job| run.has_ended(job, now));
            return Ok(completed.await?.into());
        }
        let mut parts = vec![update.into_part(&self.table)?];
        parts.extend(self.release_part(run, completion, now)?);
        if !is_inline {
            let expires_at = parts_expire_at(run.expires_at);
            let document = document_item(run.job_id, keys::RESULT, result, expires_at);
            parts.push(self.put_part(document, None)?);
        }
        self.transact_end(run, parts, now).await
    }

    /// Builds the part of a completion that changes the release, if any.
    fn release_part(
        &self,
        run: &RunHandle,
        completion: &Completion,
        now: Time,
    ) -> Result<Option<TransactWriteItem>, AwsError> {
        if let Some(PackageChange {
            seen,
            keep,
            begun_by,
        }) = &completion.package
        {
            let package = seen.next_package(run.job_id, begun_by.unwrap_or(run.fence), now);
            let update = switch_package(seen, &package, now, *keep)?;
            return update.into_part(&self.table).map(Some);
        }
        let change = completion.metadata.as_ref();
        change.map(|change| self.metadata_part(change)).transpose()
    }

    fn metadata_part(&self, change: &MetadataChange) -> Result<TransactWriteItem, AwsError> {
        let update = Update::new(keys::release(change.seen.id));
        let update = update.metadata(&change.seen, &change.metadata)?;
        only_package(update, change.seen.package.as_ref()).into_part(&self.table)
    }

    async fn transact_end(
        &self,
        run: &RunHandle,
        parts: Vec<TransactWriteItem>,
        now: Time,
    ) -> Result<EndOutcome, AwsError> {
        match self.transact(parts).await? {
            Ok(()) => match self.job(run.job_id, true).await? {
                Some(job) => Ok(EndOutcome::Written(job)),
                None => Ok(EndOutcome::Fenced(None)),
            },
            Err(mut refusals) if refusals.first().is_some_and(|part| part.condition_failed) => {
                let item = refusals.swap_remove(0).item;
                Ok(match item.map(job_from_item).transpose()? {
                    Some(job) if run.has_ended(&job, now) => EndOutcome::Written(job),
                    other => EndOutcome::Fenced(other),
                })
            }
            // Both parts of a repeated request are refused, but only one may be reported.
            Err(_) => Ok(match self.job(run.job_id, true).await? {
                Some(job) if run.has_ended(&job, now) => EndOutcome::Written(job),
                _ => EndOutcome::ReleaseChanged,
            }),
        }
    }

    /// Requeues the job `seen`, whose lease has expired, unless it has changed since.
    pub async fn rescue(&self, seen: &Job, now: Time) -> Result<WriteOutcome, AwsError> {
        let run = RunHandle::from(seen);
        let failure = Failure::new(
            FailureCode::Crashed,
            "The worker stopped responding and its lease expired.",
        );
        let lease = seen.lease_expires_at().unwrap_or(now);
        let update = run
            .update()
            .event(Event::Requeue, now)
            .deferred(&WaitingFor::Queue, now)?
            .set(
                "message",
                s("The worker stopped responding; waiting for another attempt"),
            )
            .only_if("#lease_expires_at = :lease")
            .value(":lease", n(lease.millis()));
        let update = run.end_in(update, now, RunOutcome::Crashed, Some(&failure))?;
        self.update_job(update, |job| run.has_ended(job, now)).await
    }
}

/// Builds the update that ends a run without using up its attempt.
fn given_back(
    run: &RunHandle,
    progress: &RunProgress,
    waiting_for: &WaitingFor,
    at: Time,
    now: Time,
) -> Result<Update, AwsError> {
    let progress = progress.with_message(waiting_for.to_string());
    let update = run.update().event(Event::Requeue, now).progress(&progress);
    let update = update.deferred(waiting_for, at)?;
    let outage = Failure::new(
        FailureCode::Unavailable,
        "A service that the job needs was unavailable.",
    );
    let failure = matches!(waiting_for, WaitingFor::Backoff { .. }).then_some(&outage);
    run.end_in(update, now, RunOutcome::GivenBack, failure)
}

impl RunProgress {
    fn with_message(&self, message: String) -> Self {
        Self {
            message: Some(message),
            ..self.clone()
        }
    }
}
