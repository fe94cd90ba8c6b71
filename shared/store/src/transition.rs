//! Changes of status from outside a run: claim, submit, cancel, fail.

use std::borrow::Cow;

use aws::AwsError;
use jobs::{Event, Failure, Job, JobId, LEASE, Level, Status, Time, UserId, WaitingFor};

use super::{
    Cancelled, Claimed, Finished, Store, Submitted, Written,
    item::{Closing, RESEND_AFTER, RunItem, attribute, phase},
    job_of, keys,
    update::{EDIT, Update, n, s, token},
};

/// How many bytes of an error's message lists show: fifty entries stay within two read units.
const SHOWN_BYTES: usize = 110;

fn shortened(message: &str) -> Cow<'_, str> {
    match message.floor_char_boundary(SHOWN_BYTES) {
        end if end < message.len() => Cow::Owned(format!("{}…", &message[..end])),
        _ => Cow::Borrowed(message),
    }
}

impl Update {
    /// The status change of `event`, accepted only where the status machine accepts it.
    pub(super) fn event(self, event: Event, now: Time) -> Self {
        let target = event.target();
        let (placeholders, sources): (Vec<String>, Vec<Status>) = event
            .sources()
            .map(|status| (format!(":from_{status}"), status))
            .unzip();
        let update = self
            .set("status", s(target.as_str()))
            .set("phase", s(phase(target)))
            .set("updated_at", n(now.millis()))
            .only_if(&format!("#status IN ({})", placeholders.join(", ")));
        placeholders
            .iter()
            .zip(sources)
            .fold(update, |update, (name, status)| {
                update.value(name, s(status.as_str()))
            })
    }

    /// What becoming final does besides the status. The sweeper's appointment stands: it removes
    /// what a run may have left.
    pub(super) fn ended(self, now: Time) -> Self {
        self.set("finished_at", n(now.millis()))
            .remove("lease_expires_at")
    }

    /// What failing does besides ending. The indexes have the beginning of a long message; the
    /// whole is the job's `message`, which the caller sets.
    pub(super) fn failure(self, failure: &Failure) -> Self {
        self.set("error_code", s(&failure.code))
            .set("error_message", s(shortened(&failure.message)))
    }

    /// Ends the log with a line that stands in the job's item: this write may know neither the
    /// log's length nor whether a run is about to add to it.
    pub(super) fn closing(self, closing: &Closing) -> Result<Self, AwsError> {
        Ok(self.set("closing", attribute(closing)?).set_to(
            "#log_seq = #log_seq + :one",
            ":one",
            n(1),
        ))
    }

    /// What a pending job waits for, and when its next message comes: it has no lease meanwhile.
    pub(super) fn waiting(self, why: &WaitingFor, until: Time) -> Result<Self, AwsError> {
        let update = self
            .set("due_at", n(until.after(RESEND_AFTER).millis()))
            .set("waits_until", n(until.millis()));
        Ok(update
            .set("waiting", attribute(why)?)
            .remove("lease_expires_at"))
    }

    /// Only while `seen` is the job's newest run.
    pub(super) fn only_fence(self, fence: u32) -> Self {
        self.only_if("#fence = :seen_fence")
            .value(":seen_fence", n(fence))
    }
}

impl Store {
    /// Takes a pending job, as it was `seen`, for a new run: one write that only one of many wins.
    /// The run's token tells its own claim, repeated after a lost answer, from another's.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn claim(&self, seen: &Job, now: Time) -> Result<Claimed, AwsError> {
        let (attempt, lease) = (seen.next_attempt(), now.after(LEASE));
        let token = token();
        let run = RunItem {
            attempt,
            started_at: now.millis(),
            log_from: seen.log_seq + 1,
            ended_at: None,
            outcome: None,
            error: None,
        };
        let mut update = Update::of(keys::job(seen.id))
            .event(Event::Claim, now)
            .only_fence(seen.fence)
            .only_if("#log_seq = :log_seq")
            .value(":log_seq", n(seen.log_seq))
            .set("attempt", n(attempt))
            .set("fence", n(seen.fence + 1))
            .set("lease_expires_at", n(lease.millis()))
            .set("claim", token.clone())
            .set("started_at", n(seen.started_at.unwrap_or(now).millis()))
            .set_to(
                "#runs = list_append(#runs, :run)",
                ":run",
                attribute([run])?,
            )
            .remove("step")
            .remove("message")
            .remove("waits_until")
            .remove("waiting");
        if seen.next_attempt() != seen.attempt {
            update = update.set("progress", n(0));
        }
        // The sweeper must come by when the lease may have expired. It mostly does already:
        // leaving its appointment alone saves two write units.
        update = if seen.due_at.is_none_or(|due| due > lease) {
            update.set("due_at", n(lease.millis()))
        } else {
            update.only_if("#due_at <= :lease_expires_at")
        };
        Ok(match self.update(update).await? {
            Written::Done(item) => Claimed::Yes(job_of(item)?),
            Written::Refused(Some(item)) => {
                let own = item.get("claim") == Some(&token);
                let job = job_of(item)?;
                if own && job.status == Status::Running {
                    Claimed::Yes(job)
                } else {
                    Claimed::Lost(job)
                }
            }
            Written::Refused(None) => Claimed::Missing,
        })
    }

    /// Notes why a pending job, as it was `seen`, is not claimed yet, and when it is to be tried again.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn put_off(
        &self,
        seen: &Job,
        why: &WaitingFor,
        until: Time,
        now: Time,
    ) -> Result<Finished, AwsError> {
        let update = Update::of(keys::job(seen.id))
            .only_fence(seen.fence)
            .only_if("#status = :pending")
            .value(":pending", s(Status::Pending.as_str()))
            .set("updated_at", n(now.millis()))
            .set("message", s(why.to_string()))
            .waiting(why, until)?;
        self.change(update, |_| false).await
    }

    /// Counts a delivery of a job's message that came to nothing.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn count_duplicate(&self, id: JobId) -> Result<(), AwsError> {
        let counted = "#duplicate_deliveries = if_not_exists(#duplicate_deliveries, :none) + :one";
        let update = Update::of(keys::job(id))
            .set_to(counted, ":one", n(1))
            .value(":none", n(0));
        self.update(update.only_if("attribute_exists(#pk)"))
            .await
            .map(|_| ())
    }

    /// Makes a draft, checked before, wait for the processor. Its retention begins anew.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn submit(&self, seen: &Job, now: Time) -> Result<Submitted, AwsError> {
        let token = token();
        let update = Update::of(keys::job(seen.id))
            .event(Event::Submit, now)
            .only_if("#updated_at = :seen")
            .value(":seen", n(seen.updated_at.millis()))
            .set(EDIT, token.clone())
            .set("expires_at", n(now.after(seen.lifetime()).seconds()))
            .set("due_at", n(now.after(RESEND_AFTER).millis()));
        // `updated_at` is set and compared in one write: DynamoDB compares the old value.
        Ok(match self.update(update).await? {
            Written::Done(item) => Submitted::Yes(job_of(item)?),
            Written::Refused(Some(item)) if item.get(EDIT) == Some(&token) => {
                Submitted::Yes(job_of(item)?)
            }
            Written::Refused(Some(item)) => Submitted::NotADraft(job_of(item)?),
            Written::Refused(None) => Submitted::Missing,
        })
    }

    /// Cancels a job, for its owner `by` or, with `any_owner`, for an admin: one write, whose
    /// refusal tells a stranger, a final job and a missing one apart.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn cancel(
        &self,
        id: JobId,
        by: UserId,
        any_owner: bool,
        now: Time,
    ) -> Result<Cancelled, AwsError> {
        let text = if any_owner {
            format!("Cancelled by admin {by}")
        } else {
            format!("Cancelled by user {by}")
        };
        let mut update = Update::of(keys::job(id))
            .event(Event::Cancel, now)
            .ended(now)
            .closing(&Closing::new(now, Level::Warning, &text))?
            .set("message", s(text));
        if !any_owner {
            update = update
                .only_if("#created_by = :by")
                .value(":by", n(by.get()));
        }
        let job = match self.update(update).await? {
            Written::Done(item) => return Ok(Cancelled::Yes(job_of(item)?)),
            Written::Refused(None) => return Ok(Cancelled::Missing),
            Written::Refused(Some(item)) => job_of(item)?,
        };
        Ok(match job.status {
            _ if !any_owner && job.created_by != by => Cancelled::Forbidden,
            Status::Cancelled => Cancelled::Yes(job),
            _ => Cancelled::Final(job),
        })
    }

    /// Fails a job that no run will finish, as it was `seen`: with its reason in its log.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn fail_from_outside(
        &self,
        seen: &Job,
        failure: &Failure,
        now: Time,
    ) -> Result<Finished, AwsError> {
        let mut update = Update::of(keys::job(seen.id))
            .event(Event::Fail, now)
            .only_fence(seen.fence)
            .ended(now)
            .failure(failure)
            .set("message", s(&failure.message))
            .closing(&Closing::new(now, Level::Error, &failure.message))?;
        // A run that has renewed its lease since is alive.
        update = match seen.lease_expires_at {
            Some(lease) => update
                .only_if("#lease_expires_at = :lease")
                .value(":lease", n(lease.millis())),
            None => update.only_if("attribute_not_exists(#lease_expires_at)"),
        };
        self.change(update, |job| {
            job.status == Event::Fail.target() && job.finished_at == Some(now)
        })
        .await
    }
}
