//! Rescues what is stuck: expired leases and lost messages.

use jobs::Time;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use worker::{metrics::Metrics, service::Sweeper};

/// One sweep, until shortly before the function's time is up.
///
/// # Errors
/// When not all that is due could be listed; the next minute's sweep tries again.
pub async fn sweep_jobs(
    sweeper: &Sweeper,
    metrics: &Metrics,
    event: LambdaEvent<Value>,
) -> Result<(), Error> {
    let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let swept = sweeper
        .sweep(Time::from_millis(deadline.saturating_sub(10_000)))
        .await;
    tracing::info!(?swept, "swept");
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let counts = [
        ("JobsRescued", count(swept.rescued)),
        ("MessagesResent", count(swept.resent)),
        ("JobsBroken", count(swept.failed.len())),
    ];
    metrics.count(&[], &counts);
    if swept.unlisted > 0 {
        return Err(format!(
            "what is due in {} shards could not be listed",
            swept.unlisted
        )
        .into());
    }
    Ok(())
}
