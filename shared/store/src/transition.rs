//! Status changes made outside of a run: claim, defer, cancel, fail.

use std::borrow::Cow;

use aws::AwsError;
use jobs::{
    Caller, Event, Failure, Job, JobEventType, JobId, LEASE, Level, Status, Time, WaitingFor,
};

use crate::{
    CancelOutcome, Claim, RESEND_AFTER, Store, Updated, WriteOutcome,
    item::{Closing, RunItem, job_from_item, phase, to_attribute},
    keys,
    update::{Update, n, s, write_token},
};

/// The bytes of an error message that lists show, so that a page of 50 costs two read units.
const MAX_LISTED_MESSAGE_BYTES: usize = 110;

fn truncated(message: &str) -> Cow<'_, str> {
    match message.floor_char_boundary(MAX_LISTED_MESSAGE_BYTES) {
        end if end < message.len() => Cow::Owned(format!("{}…", &message[..end])),
        _ => Cow::Borrowed(message),
    }
}

impl Update {
    /// Changes the status, on the condition that the status machine allows `event`. The event is
    /// published from the table's stream.
    pub(super) fn event(self, event: Event, now: Time) -> Self {
        let target = event.target();
        let (placeholders, sources): (Vec<String>, Vec<Status>) = event
            .sources()
            .map(|status| (format!(":from_{status}"), status))
            .unzip();
        let update = self
            .set("status", s(target.as_str()))
            .set("phase", s(phase(target)))
            .set("event", s(JobEventType::from(event).as_str()))
            .set("updated_at", n(now.millis()))
            .only_if(&format!("#status IN ({})", placeholders.join(", ")));
        placeholders
            .iter()
            .zip(sources)
            .fold(update, |update, (name, status)| {
                update.value(name, s(status.as_str()))
            })
    }

    /// Sets the attributes of a final job, other than its status. `due_at` stays, so that the
    /// sweeper removes leftover files.
    pub(super) fn end(self, now: Time) -> Self {
        self.set("finished_at", n(now.millis()))
            .remove("lease_expires_at")
    }

    /// Sets the error of a failed job. `error_message` holds the beginning of a long message, for
    /// the indexes; the caller sets the complete text as `message`.
    pub(super) fn failure(self, failure: &Failure) -> Self {
        self.set("error_code", s(failure.code.as_str()))
            .set("error_message", s(truncated(&failure.message)))
    }

    /// Ends the log with a line in the job's item. A chunk is not possible, since this write
    /// neither knows the length of the log nor stops a run from appending to it.
    pub(super) fn closing(self, closing: &Closing) -> Result<Self, AwsError> {
        Ok(self.set("closing", to_attribute(closing)?).assign(
            "#log_seq = #log_seq + :one",
            ":one",
            n(1),
        ))
    }

    /// Sets the reason that a pending job is not running and the time of its next message. Removes
    /// the lease.
    pub(super) fn deferred(self, waiting_for: &WaitingFor, until: Time) -> Result<Self, AwsError> {
        Ok(self
            .set("due_at", n(until.after(RESEND_AFTER).millis()))
            .set("deferred_until", n(until.millis()))
            .set("waiting_for", to_attribute(waiting_for)?)
            .remove("lease_expires_at"))
    }

    /// Adds the condition that `fence` is the job's current one.
    pub(super) fn only_fence(self, fence: u32) -> Self {
        self.only_if("#fence = :seen_fence")
            .value(":seen_fence", n(fence))
    }
}

impl Store {
    /// Claims the pending job `seen` for a new run. Only one of many concurrent claims wins. A
    /// random token distinguishes a retry of this claim, after a lost response, from the claim of
    /// another run.
    pub async fn claim(&self, seen: &Job, now: Time) -> Result<Claim, AwsError> {
        let token = write_token();
        let update = claim_update(seen, now)?.set("claim", token.clone());
        Ok(match self.update(update).await? {
            Updated::Done(item) => Claim::Won(job_from_item(item)?),
            Updated::Refused(Some(item)) => {
                let is_own = item.get("claim") == Some(&token);
                let job = job_from_item(item)?;
                if is_own && job.status() == Status::Running {
                    Claim::Won(job)
                } else {
                    Claim::Lost(job)
                }
            }
            Updated::Refused(None) => Claim::Missing,
        })
    }

    /// Records the reason that the pending job `seen` is not claimed yet and the time of its next
    /// message.
    pub async fn defer(
        &self,
        seen: &Job,
        waiting_for: &WaitingFor,
        until: Time,
        now: Time,
    ) -> Result<WriteOutcome, AwsError> {
        let update = Update::new(keys::job(seen.id))
            .only_fence(seen.fence)
            .only_if("#status = :pending")
            .value(":pending", s(Status::Pending.as_str()))
            .set("updated_at", n(now.millis()))
            .set("message", s(waiting_for.to_string()))
            .deferred(waiting_for, until)?;
        self.update_job(update, |_| false).await
    }

    /// Counts a duplicate delivery of a job's message.
    pub async fn count_duplicate(&self, id: JobId) -> Result<(), AwsError> {
        let counted = "#duplicate_deliveries = if_not_exists(#duplicate_deliveries, :none) + :one";
        let update = Update::new(keys::job(id))
            .assign(counted, ":one", n(1))
            .value(":none", n(0))
            .only_if("attribute_exists(#pk)");
        self.update(update).await.map(|_| ())
    }

    /// Cancels a job on behalf of its owner or an admin. It takes one write, whose refusal shows
    /// whether the job is forbidden, final or missing.
    pub async fn cancel(
        &self,
        id: JobId,
        by: Caller,
        reason: Option<&str>,
        now: Time,
    ) -> Result<CancelOutcome, AwsError> {
        let role = if by.admin { "admin" } else { "user" };
        let text = format!("Cancelled by {role} {}", by.user_id);
        let mut update = Update::new(keys::job(id))
            .event(Event::Cancel, now)
            .end(now)
            .closing(&Closing::new(now, Level::Warning, &text))?
            .set("message", s(text))
            .set("cancelled_by", to_attribute(by)?);
        if let Some(reason) = reason {
            update = update.set("cancel_reason", s(reason));
        }
        if !by.admin {
            update = update
                .only_if("#created_by = :by")
                .value(":by", n(by.user_id.get()));
        }
        let job = match self.update(update).await? {
            Updated::Done(item) => return Ok(CancelOutcome::Cancelled(job_from_item(item)?)),
            Updated::Refused(None) => return Ok(CancelOutcome::Missing),
            Updated::Refused(Some(item)) => job_from_item(item)?,
        };
        Ok(match job.status() {
            _ if !by.may_access(job.created_by) => CancelOutcome::Forbidden,
            Status::Cancelled => CancelOutcome::Cancelled(job),
            _ => CancelOutcome::Final(job),
        })
    }

    /// Fails the job `seen`, which no run will finish. The failure becomes the last line of its
    /// log.
    pub async fn fail_from_outside(
        &self,
        seen: &Job,
        failure: &Failure,
        now: Time,
    ) -> Result<WriteOutcome, AwsError> {
        let update = Update::new(keys::job(seen.id))
            .event(Event::Fail, now)
            .only_fence(seen.fence)
            .end(now)
            .failure(failure)
            .set("message", s(&failure.message))
            .closing(&Closing::new(now, Level::Error, failure.log_line()))?;
        // A run that has renewed its lease since then is alive.
        let update = match seen.lease_expires_at() {
            Some(lease) => update
                .only_if("#lease_expires_at = :lease")
                .value(":lease", n(lease.millis())),
            None => update.only_if("attribute_not_exists(#lease_expires_at)"),
        };
        self.update_job(update, |job| {
            job.error().is_some() && job.finished_at() == Some(now)
        })
        .await
    }
}

/// Builds the update that claims a job.
fn claim_update(seen: &Job, now: Time) -> Result<Update, AwsError> {
    let (attempt, lease) = (seen.next_attempt(), now.after(LEASE));
    let run = RunItem {
        attempt,
        started_at: now.millis(),
        first_log_seq: seen.log_seq + 1,
        ended_at: None,
        outcome: None,
        error: None,
    };
    let mut update = Update::new(keys::job(seen.id))
        .event(Event::Claim, now)
        .only_fence(seen.fence)
        .only_if("#log_seq = :log_seq")
        .value(":log_seq", n(seen.log_seq))
        .set("attempt", n(attempt))
        .set("fence", n(seen.fence + 1))
        .set("lease_expires_at", n(lease.millis()))
        .set("started_at", n(seen.started_at.unwrap_or(now).millis()))
        .assign(
            "#runs = list_append(#runs, :run)",
            ":run",
            to_attribute([run])?,
        )
        .remove("step")
        .remove("message")
        .remove("deferred_until")
        .remove("waiting_for");
    if attempt != seen.attempt {
        update = update.set("progress", n(0));
    }
    // A sweep must be due by the time the lease expires. It usually is, and an unchanged `due_at`
    // saves two write units.
    Ok(if seen.due_at.is_none_or(|due| due > lease) {
        update.set("due_at", n(lease.millis()))
    } else {
        update.only_if("#due_at <= :lease_expires_at")
    })
}
