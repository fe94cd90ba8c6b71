//! Metrics in CloudWatch's embedded format.

use jobs::Clock;
use serde_json::{Map, Value, json};

/// Where the counts of a stack's functions go: its namespace in CloudWatch.
#[derive(Clone, Debug)]
pub struct Metrics {
    namespace: String,
    clock: Clock,
}

impl Metrics {
    /// The metrics in `namespace`.
    pub fn new(namespace: impl Into<String>, clock: Clock) -> Self {
        Self {
            namespace: namespace.into(),
            clock,
        }
    }

    /// Counts something where Lambda hands it to CloudWatch, without an API call.
    #[expect(
        clippy::print_stdout,
        reason = "the embedded metric format is read from standard output"
    )]
    pub fn count(&self, dimensions: &[(&str, &str)], counts: &[(&str, u32)]) {
        println!("{}", self.line(dimensions, counts));
    }

    /// One line of CloudWatch's embedded metric format.
    fn line(&self, dimensions: &[(&str, &str)], counts: &[(&str, u32)]) -> String {
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
        let definitions: Vec<Value> = counts
            .iter()
            .map(|(name, _)| json!({ "Name": name, "Unit": "Count" }))
            .collect();
        let mut line = Map::new();
        line.extend(
            dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value))),
        );
        line.extend(
            counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), json!(count))),
        );
        let directive =
            json!({ "Namespace": self.namespace, "Dimensions": [names], "Metrics": definitions });
        line.insert(
            "_aws".to_owned(),
            json!({ "Timestamp": self.clock.now().millis(), "CloudWatchMetrics": [directive] }),
        );
        Value::Object(line).to_string()
    }
}

#[cfg(test)]
mod tests {
    use jobs::testing::{ManualClock, START};

    use super::*;

    #[test]
    fn a_metric_line_names_its_namespace_counts_dimensions_and_time() {
        let line = Metrics::new("jobs-test", ManualClock::default().clock()).line(
            &[("JobType", "packaging")],
            &[("JobsEnded", 1), ("JobsBroken", 0)],
        );
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["JobType"], &line["JobsEnded"], &line["JobsBroken"]),
            (&json!("packaging"), &json!(1), &json!(0))
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "jobs-test");
        assert_eq!(directive["Dimensions"], json!([["JobType"]]));
        assert_eq!(
            directive["Metrics"][1],
            json!({"Name": "JobsBroken", "Unit": "Count"})
        );
        assert_eq!(line["_aws"]["Timestamp"], START.millis());
    }
}
