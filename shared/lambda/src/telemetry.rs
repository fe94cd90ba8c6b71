//! Logs for operators: one JSON object per line.

use tracing_subscriber::EnvFilter;

/// Starts logging as JSON to standard output. `RUST_LOG` filters the logs; the default is `info`.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter);
    // In tests, a second start has no effect.
    let _ = subscriber
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .try_init();
}
