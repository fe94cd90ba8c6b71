//! Logs for operators: one JSON object a line.

use tracing_subscriber::EnvFilter;

/// Starts to log what `RUST_LOG` asks for (`info` without it), as JSON to standard output.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter);
    // A second start, in a test, changes nothing.
    let _ = subscriber
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .try_init();
}
