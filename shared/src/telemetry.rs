//! Logs for operators: one JSON object a line, and metrics in CloudWatch's embedded format.

use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

use crate::time::Time;

/// The namespace of our metrics in CloudWatch.
const NAMESPACE: &str = "Jobs";

/// Starts to log what `RUST_LOG` asks for (`info` without it), as JSON to standard output.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter);
    // A second start, in a test, changes nothing.
    let _ = subscriber.with_current_span(true).with_span_list(false).with_target(false).try_init();
}

/// A metric's unit (CloudWatch, "`MetricDatum`").
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// How often something happened.
    Count,
    /// How long something took.
    Milliseconds,
}

/// One line of the embedded metric format: CloudWatch makes metrics of it without an API call.
#[must_use]
pub fn metric_line(now: Time, dimensions: &[(&str, &str)], metrics: &[(&str, f64, Unit)]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, _, unit)| json!({ "Name": name, "Unit": format!("{unit:?}") })).collect();
    let mut line = Map::new();
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    for (name, value, _) in metrics {
        line.insert((*name).to_owned(), json!(value));
    }
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now.millis(), "CloudWatchMetrics": [directive] }));
    Value::Object(line).to_string()
}

/// Writes metrics where Lambda hands them to CloudWatch.
#[expect(clippy::print_stdout, reason = "the embedded metric format is read from standard output")]
pub fn emit(now: Time, dimensions: &[(&str, &str)], metrics: &[(&str, f64, Unit)]) {
    println!("{}", metric_line(now, dimensions, metrics));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_names_its_metrics_dimensions_and_time() {
        let line = metric_line(
            Time::from_millis(1_000),
            &[("JobType", "packaging")],
            &[("JobsCompleted", 1.0, Unit::Count), ("JobDuration", 250.0, Unit::Milliseconds)],
        );
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["JobType"], "packaging");
        assert_eq!(line["JobsCompleted"], 1.0);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Jobs");
        assert_eq!(directive["Dimensions"][0][0], "JobType");
        assert_eq!(directive["Metrics"][1], json!({"Name": "JobDuration", "Unit": "Milliseconds"}));
        assert_eq!(line["_aws"]["Timestamp"], 1_000);
    }
}
