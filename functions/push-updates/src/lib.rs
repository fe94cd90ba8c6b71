//! Pushes the changes of watched jobs, from the table's stream, to those who watch them.

use aws_lambda_events::dynamodb::Event;
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use live::Pusher;
use store::JobChange;
use worker::Metrics;

/// What the function uses.
#[derive(Clone, Debug)]
pub struct Function {
    /// Pushes the changes.
    pub pusher: Pusher,
    /// The metrics.
    pub metrics: Metrics,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Function {
    Function {
        pusher: settings.pusher(),
        metrics: settings.metrics(),
    }
}

/// Pushes a batch of changes. A record that cannot be read is logged and left out, so that it holds
/// up no other.
///
/// # Errors
/// If DynamoDB is unavailable. Lambda then delivers the batch again.
pub async fn handle(function: &Function, event: LambdaEvent<Event>) -> Result<(), Error> {
    let (mut changes, mut unreadable) = (Vec::new(), 0);
    for record in event.payload.records {
        match JobChange::read(record.change.old_image, record.change.new_image) {
            Ok(change) => changes.push(change),
            Err(error) => {
                unreadable += 1;
                tracing::error!(%error, event_id = record.event_id, "a record cannot be read");
            }
        }
    }
    let records = changes.len();
    let report = function.pusher.push_updates(changes).await?;
    function
        .metrics
        .pushed(report.sent, report.dropped, unreadable);
    let live::PushReport {
        sent,
        dropped,
        gone,
    } = report;
    tracing::info!(records, unreadable, sent, dropped, gone, "changes pushed");
    Ok(())
}
