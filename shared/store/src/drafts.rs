//! Edits and submits drafts.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Event, Job, JobType, ReleaseId, Status, Time};
use serde_json::{Map, Value};

use crate::{
    EditOutcome, RESEND_AFTER, Store, SubmitOutcome, Updated,
    documents::{MAX_INLINE_CONFIG_BYTES, config_expires_at, document_item, to_json},
    item::{Item, job_from_item},
    keys,
    update::{EDIT, Update, n, s, write_token},
};

impl Store {
    /// Edits the draft `seen`, unless it has changed since.
    pub async fn edit_draft(
        &self,
        seen: &Job,
        job_type: Option<JobType>,
        release_id: Option<ReleaseId>,
        config: &Map<String, Value>,
        now: Time,
    ) -> Result<EditOutcome, AwsError> {
        // `updated_at` is the version of the draft, so two edits in one millisecond must differ.
        let now = now.max(seen.updated_at.after(Duration::from_millis(1)));
        let config = to_json(&Value::Object(config.clone()))?;
        let token = write_token();
        let update = Update::new(keys::job(seen.id))
            .set("updated_at", n(now.millis()))
            .set(EDIT, token.clone())
            .set_or_remove("job_type", job_type.map(|job_type| s(job_type.as_str())))
            .set_or_remove("release_id", release_id.map(|id| n(id.get())))
            .only_if("#status = :draft AND #updated_at = :seen")
            .value(":draft", s(Status::Draft.as_str()))
            .value(":seen", n(seen.updated_at.millis()));
        if config.len() <= MAX_INLINE_CONFIG_BYTES {
            let update = update.set("config", s(config));
            return self.edit_in_place(update, &token).await;
        }
        let expires_at = config_expires_at(seen.expires_at, seen.lifetime());
        let document = document_item(seen.id, keys::CONFIG, config, expires_at);
        let edited = Job {
            job_type,
            release_id,
            updated_at: now,
            ..seen.clone()
        };
        self.edit_with_document(update.remove("config"), document, edited)
            .await
    }

    /// Edits a draft whose configuration fits into its item.
    async fn edit_in_place(
        &self,
        update: Update,
        token: &AttributeValue,
    ) -> Result<EditOutcome, AwsError> {
        Ok(match self.update(update).await? {
            Updated::Done(item) => EditOutcome::Edited(job_from_item(item)?),
            Updated::Refused(Some(item)) if item.get(EDIT) == Some(token) => {
                EditOutcome::Edited(job_from_item(item)?)
            }
            Updated::Refused(Some(item)) => EditOutcome::Conflict(job_from_item(item)?),
            Updated::Refused(None) => EditOutcome::Missing,
        })
    }

    /// Edits a draft with a large configuration. Returns `edited` if it succeeds.
    async fn edit_with_document(
        &self,
        update: Update,
        document: Item,
        edited: Job,
    ) -> Result<EditOutcome, AwsError> {
        let parts = vec![
            update.into_part(&self.table)?,
            self.put_part(document, None)?,
        ];
        match self.transact(parts).await? {
            Ok(()) => Ok(EditOutcome::Edited(edited)),
            Err(mut refusals) => match refusals.swap_remove(0).item {
                Some(item) => Ok(EditOutcome::Conflict(job_from_item(item)?)),
                None => Ok(EditOutcome::Missing),
            },
        }
    }

    /// Submits the draft `seen`, unless it has changed since. Its retention starts again.
    pub async fn submit(
        &self,
        seen: &Job,
        by_admin: bool,
        now: Time,
    ) -> Result<SubmitOutcome, AwsError> {
        let token = write_token();
        // The condition compares the old `updated_at`, which this write also sets.
        let update = Update::new(keys::job(seen.id))
            .event(Event::Submit, now)
            .only_if("#updated_at = :seen")
            .value(":seen", n(seen.updated_at.millis()))
            .set(EDIT, token.clone())
            .set_or_remove("by_admin", by_admin.then_some(AttributeValue::Bool(true)))
            .set("expires_at", n(now.after(seen.lifetime()).seconds()))
            .set("due_at", n(now.after(RESEND_AFTER).millis()));
        Ok(match self.update(update).await? {
            Updated::Done(item) => SubmitOutcome::Submitted(job_from_item(item)?),
            Updated::Refused(Some(item)) if item.get(EDIT) == Some(&token) => {
                SubmitOutcome::Submitted(job_from_item(item)?)
            }
            Updated::Refused(Some(item)) => SubmitOutcome::NotADraft(job_from_item(item)?),
            Updated::Refused(None) => SubmitOutcome::Missing,
        })
    }
}
