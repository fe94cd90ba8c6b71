//! Publishes the transitions of jobs, from the table's stream: to the event bus for other systems,
//! and then to those who watch a list of jobs.

mod bus;
mod event;

use std::time::Duration;

use aws::AwsError;
use aws_lambda_events::dynamodb::{Event, EventRecord};
use jobs::{Job, JobEvent, Time};
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use live::Pusher;
use serde::{Deserialize, Serialize};
use store::{ChangedPosition, JobChange, Store};
use tokio::time::timeout;
use worker::{Metrics, Queue};

pub use self::bus::Bus;

/// The longest time of the pushes to watched lists, which hold up the events that follow.
const PUSH_TIME: Duration = Duration::from_secs(2);

/// What the function uses.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// The table.
    pub store: Store,
    /// The event bus.
    pub bus: Bus,
    /// The queue of records that cannot be read.
    pub dead_letters: Queue,
    /// Pushes transitions to those who watch a list.
    pub pusher: Pusher,
    /// The metrics.
    pub metrics: Metrics,
}

/// An invocation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// Records of the table's stream.
    Stream(Event),
    /// A page of `make republish`.
    Republish(Republish),
}

/// Publish again the events since a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Republish {
    since: Time,
    cursor: Option<ChangedPosition>,
}

/// What an invocation has published.
#[derive(Debug, Default, Serialize)]
pub struct Published {
    published: usize,
    /// Where the next page begins; `None` if there is none.
    cursor: Option<ChangedPosition>,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Publisher {
    let (client, name) = settings.event_bus();
    Publisher {
        store: settings.store(),
        bus: Bus::new(client, name),
        dead_letters: settings.dead_letter_queue(),
        pusher: settings.pusher(),
        metrics: settings.metrics(),
    }
}

/// Publishes the transitions in records of the stream, or again those since a time.
///
/// # Errors
/// If an event was not published. Lambda delivers the records again, so that an event can be
/// published twice, with the same id.
pub async fn handle(
    publisher: &Publisher,
    event: LambdaEvent<Request>,
) -> Result<Published, Error> {
    match event.payload {
        Request::Stream(event) => publisher.publish_records(event.records).await,
        Request::Republish(request) => publisher.republish(request).await,
    }
}

impl Publisher {
    async fn publish_records(&self, records: Vec<EventRecord>) -> Result<Published, Error> {
        let mut transitions = Vec::new();
        for record in records {
            match JobChange::read(
                record.change.old_image.clone(),
                record.change.new_image.clone(),
            ) {
                Ok(change) => transitions.extend(change.event.map(|event| (change.job, event))),
                Err(error) => self.send_to_dead_letter_queue(&record, &error).await?,
            }
        }
        self.bus.publish(&transitions).await?;
        self.push(&transitions).await;
        let published = transitions.len();
        self.metrics.events_published(published);
        tracing::info!(published, "events published");
        Ok(Published {
            published,
            cursor: None,
        })
    }

    /// Tells those who watch a list. They lose a push that fails, and read the list again later.
    async fn push(&self, transitions: &[(Job, JobEvent)]) {
        if transitions.is_empty() {
            return;
        }
        match timeout(PUSH_TIME, self.pusher.push_transitions(transitions)).await {
            Ok(Ok(report)) => self.metrics.pushed(report.sent, report.dropped, 0),
            Ok(Err(error)) => tracing::warn!(%error, "transitions not pushed"),
            Err(_) => tracing::warn!("transitions not pushed in time"),
        }
    }

    /// Moves a record that cannot be read to the dead-letter queue, so that it holds up no other.
    async fn send_to_dead_letter_queue(
        &self,
        record: &EventRecord,
        error: &AwsError,
    ) -> Result<(), Error> {
        tracing::error!(%error, event_id = record.event_id, "a record cannot be read");
        self.metrics.pushed(0, 0, 1);
        let body = serde_json::to_string(record)?;
        Ok(self
            .dead_letters
            .send(&body, std::collections::HashMap::new())
            .await?)
    }

    async fn republish(&self, request: Republish) -> Result<Published, Error> {
        let Republish { since, cursor } = request;
        let page = self.store.changed_jobs(since, cursor).await?;
        let mut events = Vec::new();
        for job in page.jobs {
            let since = JobEvent::history(&job).into_iter();
            let since = since.filter(|event| event.time >= request.since);
            events.extend(since.map(|event| (job.clone(), event)));
        }
        self.bus.publish(&events).await?;
        let published = events.len();
        tracing::info!(published, "events published again");
        Ok(Published {
            published,
            cursor: page.next,
        })
    }
}
