//! Rescues what is stuck: expired leases and lost messages.

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use shared::{
    service::Sweeper,
    telemetry::{Unit, emit},
    time::Time,
};

/// One sweep, until shortly before the function's time is up.
///
/// # Errors
/// When the due jobs cannot be listed; the next minute's sweep tries again.
pub async fn sweep_jobs(sweeper: &Sweeper, event: LambdaEvent<Value>) -> Result<(), Error> {
    let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let swept = sweeper.sweep(Time::from_millis(deadline.saturating_sub(10_000))).await?;
    tracing::info!(?swept, "swept");
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let metrics = [
        ("JobsRescued", count(swept.rescued), Unit::Count),
        ("MessagesResent", count(swept.resent), Unit::Count),
        ("AttemptsExhausted", count(swept.failed.len()), Unit::Count),
    ];
    emit(sweeper.now(), &[], &metrics);
    Ok(())
}
