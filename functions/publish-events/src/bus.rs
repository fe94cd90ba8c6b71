//! The event bus.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use aws_smithy_types::DateTime;
use jobs::{Job, JobEvent};

use crate::event::{EventView, SOURCE};

const EVENT_BRIDGE: &str = "EventBridge";
/// The most entries of a request (Amazon EventBridge API Reference, "`PutEvents`").
const MAX_ENTRIES: usize = 10;
/// The tries of the entries that EventBridge refuses one by one, which the SDK does not repeat.
const MAX_TRIES: u32 = 4;
const DELAY: Duration = Duration::from_millis(100);

/// The event bus.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// Creates a handle to the bus `name`.
    #[must_use]
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Publishes events: all, or it fails. After a failure some may have been published.
    ///
    /// # Errors
    /// If EventBridge refuses an event, or is unavailable.
    pub(crate) async fn publish(&self, events: &[(Job, JobEvent)]) -> Result<(), AwsError> {
        for batch in events.chunks(MAX_ENTRIES) {
            let entries = batch.iter().map(|(job, event)| self.entry(job, event));
            self.put(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }

    fn entry(&self, job: &Job, event: &JobEvent) -> Result<PutEventsRequestEntry, AwsError> {
        let view = EventView::new(job, event.clone());
        let detail = serde_json::to_string(&view)
            .map_err(|error| AwsError::malformed(EVENT_BRIDGE, error))?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.event_type.as_str())
            .time(DateTime::from_millis(event.time.millis()))
            .detail(detail);
        Ok(entry.build())
    }

    /// Puts entries, and again those that were refused.
    async fn put(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), AwsError> {
        for attempt in 1..=MAX_TRIES {
            let call = self.client.put_events().set_entries(Some(entries.clone()));
            let output = call.send().await;
            let output = output.map_err(|error| AwsError::from_sdk(EVENT_BRIDGE, &error))?;
            if output.failed_entry_count() == 0 {
                return Ok(());
            }
            let results = output.entries();
            if let Some(code) = results.iter().find_map(PutEventsResultEntry::error_code) {
                tracing::warn!(attempt, code, "some events were refused");
            }
            let outcomes = entries.into_iter().zip(results);
            let refused = outcomes.filter(|(_, result)| result.error_code().is_some());
            entries = refused.map(|(entry, _)| entry).collect();
            tokio::time::sleep(DELAY * attempt).await;
        }
        Err(AwsError::unavailable(EVENT_BRIDGE, "refused some events"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_eventbridge::{
        error::ErrorMetadata,
        operation::put_events::{PutEventsError, PutEventsOutput},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::Value;

    use super::*;
    use crate::event::tests::one_of_each;

    /// The type of each event of each request.
    type Requests = Arc<Mutex<Vec<Vec<String>>>>;

    /// Returns `count` events, of all types in turn.
    fn events(count: usize) -> Vec<(Job, JobEvent)> {
        one_of_each().into_iter().cycle().take(count).collect()
    }

    fn types(events: &[(Job, JobEvent)]) -> Vec<&str> {
        let types = events.iter().map(|(_, event)| event.event_type.as_str());
        types.collect()
    }

    /// Answers a request: `refused` are the positions of its entries that are refused.
    fn answer(entries: usize, refused: &[usize]) -> PutEventsOutput {
        let results = (0..entries).map(|position| {
            let result = PutEventsResultEntry::builder();
            if refused.contains(&position) {
                result.error_code("ThrottlingException").build()
            } else {
                result.event_id("id").build()
            }
        });
        PutEventsOutput::builder()
            .failed_entry_count(i32::try_from(refused.len()).unwrap())
            .set_entries(Some(results.collect()))
            .build()
    }

    /// A rule that records each request, and refuses its entries at these positions `times` times.
    fn refuse(requests: &Requests, times: usize, refused: &'static [usize]) -> Rule {
        let requests = Arc::clone(requests);
        mock!(Client::put_events)
            .match_requests(|request| request.entries().len() <= MAX_ENTRIES)
            .then_compute_output(move |request| {
                let entries = request.entries();
                let types = entries.iter().map(|entry| {
                    assert_eq!(entry.event_bus_name(), Some("bus"));
                    assert_eq!(entry.source(), Some("jobs"));
                    let detail: Value = serde_json::from_str(entry.detail().unwrap()).unwrap();
                    assert_eq!(detail["type"], entry.detail_type().unwrap());
                    entry.detail_type().unwrap().to_owned()
                });
                let mut requests = requests.lock().unwrap();
                requests.push(types.collect());
                let refused = if requests.len() <= times {
                    refused
                } else {
                    &[]
                };
                answer(entries.len(), refused)
            })
    }

    fn bus(rule: &Rule) -> Bus {
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [rule]);
        Bus::new(client, "bus".to_owned())
    }

    #[tokio::test]
    async fn events_are_published_ten_at_a_time() {
        let requests = Requests::default();
        let events = events(23);
        bus(&refuse(&requests, 0, &[]))
            .publish(&events)
            .await
            .unwrap();
        let requests = requests.lock().unwrap();
        let sizes: Vec<usize> = requests.iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 3]);
        assert_eq!(requests.concat(), types(&events));
    }

    #[tokio::test]
    async fn only_refused_events_are_published_again() {
        let requests = Requests::default();
        let events = events(4);
        bus(&refuse(&requests, 1, &[1, 3]))
            .publish(&events)
            .await
            .unwrap();
        let all = types(&events);
        assert_eq!(
            *requests.lock().unwrap(),
            [all.clone(), vec![all[1], all[3]]]
        );
    }

    #[tokio::test]
    async fn event_that_is_always_refused_fails_the_batch() {
        let requests = Requests::default();
        let events = events(11);
        let error = bus(&refuse(&requests, usize::MAX, &[0]))
            .publish(&events)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("refused some events"), "{error}");
        // The second batch is not sent: the caller delivers all of them again.
        let requests = requests.lock().unwrap();
        let sizes: Vec<usize> = requests.iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 1, 1, 1]);
    }

    #[tokio::test]
    async fn refused_request_is_an_error() {
        let rule = mock!(Client::put_events).then_error(|| {
            let metadata = ErrorMetadata::builder().code("AccessDeniedException");
            PutEventsError::generic(metadata.build())
        });
        let error = bus(&rule).publish(&events(1)).await.unwrap_err();
        assert!(error.to_string().contains("EventBridge"), "{error}");
    }
}
