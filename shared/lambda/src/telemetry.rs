//! Logs for operators: one JSON object per line.

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, filter_fn},
    fmt::{MakeWriter, layer},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The crates of this system that log at `debug` or `trace`. Below `info`, libraries write whole
/// requests, with the tokens in their headers.
const OWN_CRATES: [&str; 8] = [
    "api",
    "aws",
    "jobs",
    "lambda",
    "release_files",
    "store",
    "text",
    "worker",
];

/// Starts logging as JSON to standard output. `RUST_LOG` filters the logs; the default is `info`.
/// Libraries never log below `info`.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // In tests, a second start has no effect.
    let _ = subscriber(filter, std::io::stdout).try_init();
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer);
    let safe = filter_fn(|line| *line.level() <= LevelFilter::INFO || is_own(line.target()));
    Registry::default()
        .with(filter)
        .with(lines.with_filter(safe))
}

fn is_own(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    OWN_CRATES.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// A writer to memory.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn libraries_write_no_requests_at_any_level() {
        for level in ["trace", "debug", "hyper=trace,info", "lambda_runtime=trace"] {
            let memory = Memory::default();
            let writer = memory.clone();
            let lines = subscriber(EnvFilter::new(level), move || writer.clone());
            let _logging = lines.set_default();
            for _ in 0..2 {
                tracing::trace!(target: "lambda_http::request", "authorization: Bearer token");
                tracing::debug!(target: "lambda_runtime", "authorization: Bearer token");
                tracing::trace!(target: "aws_smithy_runtime::client", "authorization: Bearer token");
                tracing::trace!(target: "hyper::proto", header = "Bearer token");
                tracing::warn!(target: "worker::queue", "a warning");
                tracing::debug!(target: "worker::processor", "a detail");
            }
            let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains("Bearer"), "{level}: {text}");
            let is_detailed = matches!(level, "trace" | "debug");
            assert_eq!(text.contains("a detail"), is_detailed, "{level}: {text}");
        }
    }
}
