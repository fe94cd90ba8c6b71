//! Sweeps every minute: rescues stuck jobs and cleans up.

use jobs::Time;
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use worker::{Metrics, Sweeper};

/// Time before the function's deadline at which a sweep ends, in milliseconds.
const DEADLINE_MARGIN_MILLIS: i64 = 10_000;

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> (Sweeper, Metrics) {
    (settings.sweeper(), settings.metrics())
}

/// Sweeps once, until shortly before the function's deadline.
///
/// # Errors
/// If not all due jobs could be listed. The next minute's sweep tries again.
pub async fn sweep_jobs(
    sweeper: &Sweeper,
    metrics: &Metrics,
    event: LambdaEvent<Value>,
) -> Result<(), Error> {
    let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let until = Time::from_millis(deadline.saturating_sub(DEADLINE_MARGIN_MILLIS));
    let report = sweeper.sweep(until).await;
    tracing::info!(
        examined = report.examined,
        resent = report.resent,
        rescued = report.rescued,
        failed = report.failed.len(),
        crashed = report.crashed.len(),
        files_deleted = report.files_deleted,
        uploads_aborted = report.uploads_aborted,
        errors = report.errors,
        unlisted_shards = report.unlisted_shards,
        "sweep finished"
    );
    metrics.sweep_finished(&report);
    if report.unlisted_shards > 0 {
        let shards = report.unlisted_shards;
        return Err(format!("failed to list the due jobs of {shards} shards").into());
    }
    Ok(())
}
