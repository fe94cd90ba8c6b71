//! A change of a job's item, as the table's stream reports it.

use aws::AwsError;
use jobs::{Job, JobEvent, JobEventType};

use crate::item::{Item, JobItem, from_item};

/// A change of a job.
#[derive(Clone, Debug)]
pub struct JobChange {
    /// The job after the change.
    pub job: Job,
    /// The `seq` of the last visible entry of its log before the change.
    pub old_log_seq: u64,
    /// The mark of the watches of the job, which [`crate::Store::unmark_watched`] takes.
    pub live: Option<u32>,
    /// The transition that the change made, if it made one.
    pub event: Option<JobEvent>,
    /// True if nothing has changed that a client sees.
    pub is_invisible: bool,
}

impl JobChange {
    /// Reads a change from the item before and after it.
    ///
    /// # Errors
    /// [`AwsError`] if an item is damaged.
    pub fn read(old: serde_dynamo::Item, new: serde_dynamo::Item) -> Result<Self, AwsError> {
        let old = (!old.is_empty()).then(|| read_item(old)).transpose()?;
        let new = read_item(new)?;
        let transition = |item: &JobItem| (item.event, item.fence);
        let is_new = old.as_ref().map(transition) != Some(transition(&new));
        let event_type = new.event.filter(|_| is_new);
        let is_invisible = old.as_ref().is_some_and(|old| {
            (old.updated_at, old.log_seq, old.status) == (new.updated_at, new.log_seq, new.status)
        });
        let live = new.live;
        let job = new.into_job()?;
        Ok(Self {
            old_log_seq: old.map_or(0, |old| old.log_seq),
            live,
            event: event_type.and_then(|event_type| last_event(&job, event_type)),
            is_invisible,
            job,
        })
    }
}

/// The last event of a job, if it is of this type.
fn last_event(job: &Job, event_type: JobEventType) -> Option<JobEvent> {
    let event = JobEvent::history(job).pop();
    event.filter(|event| event.event_type == event_type)
}

fn read_item(item: serde_dynamo::Item) -> Result<JobItem, AwsError> {
    let item = Item::from(item);
    from_item(item)
}
