//! Metrics in CloudWatch's embedded metric format: lines on standard output instead of API calls.
//!
//! Written by hand: the crates for it bring an exporter and a registry for a dozen lines of JSON.

use jobs::{Clock, FailureCode, Job, WaitReason};
use serde_json::{Value, json};

use crate::sweeper::SweepReport;

/// A metric. A test of the template checks that alarms and the dashboard use these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Jobs that became final in a run, by type and status.
    JobsEnded,
    /// Jobs whose failure an operator must investigate.
    JobsFailedInternally,
    /// Jobs and messages that wait for another delivery, by reason.
    JobsDeferred,
    /// Jobs of dead runs that the sweeper requeued.
    JobsRescued,
    /// Messages that the sweeper resent.
    MessagesResent,
    /// Connections to the live channel that were opened.
    ConnectionsOpened,
    /// Messages that were pushed to connections.
    MessagesPushed,
    /// Messages that were lost, because a connection was too slow or API Gateway failed.
    MessagesDropped,
    /// Events that were published.
    EventsPublished,
    /// Records of the table's stream that could not be read.
    RecordsUnreadable,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 10] = [
        Self::JobsEnded,
        Self::JobsFailedInternally,
        Self::JobsDeferred,
        Self::JobsRescued,
        Self::MessagesResent,
        Self::ConnectionsOpened,
        Self::MessagesPushed,
        Self::MessagesDropped,
        Self::EventsPublished,
        Self::RecordsUnreadable,
    ];

    /// Returns the name in CloudWatch.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobsEnded => "JobsEnded",
            Self::JobsFailedInternally => "JobsFailedInternally",
            Self::JobsDeferred => "JobsDeferred",
            Self::JobsRescued => "JobsRescued",
            Self::MessagesResent => "MessagesResent",
            Self::ConnectionsOpened => "ConnectionsOpened",
            Self::MessagesPushed => "MessagesPushed",
            Self::MessagesDropped => "MessagesDropped",
            Self::EventsPublished => "EventsPublished",
            Self::RecordsUnreadable => "RecordsUnreadable",
        }
    }
}

/// A dimension and its value.
type Dimension<'a> = (&'static str, &'a str);

/// Writes the metrics of a stack's functions.
#[derive(Clone, Debug)]
pub struct Metrics {
    namespace: String,
    clock: Clock,
}

impl Metrics {
    /// Writes metrics to the CloudWatch namespace `namespace`.
    pub fn new(namespace: impl Into<String>, clock: Clock) -> Self {
        Self {
            namespace: namespace.into(),
            clock,
        }
    }

    /// Counts a job that became final in a run.
    pub fn job_ended(&self, job: &Job) {
        let job_type = job.job_type.map_or("none", |job_type| job_type.as_str());
        let dimensions = [("JobType", job_type), ("Status", job.status().as_str())];
        self.write(&dimensions, &[(Metric::JobsEnded, 1)]);
        if job.error().is_some_and(|error| error.code.is_internal()) {
            self.job_failed(FailureCode::Internal);
        }
    }

    /// Counts a job that was failed from outside its run, with `code`.
    pub fn job_failed(&self, code: FailureCode) {
        if code.is_internal() {
            self.write(&[], &[(Metric::JobsFailedInternally, 1)]);
        }
    }

    /// Counts a job or message that waits for another delivery.
    pub fn job_deferred(&self, reason: WaitReason) {
        let dimensions = [("Reason", reason.as_str())];
        self.write(&dimensions, &[(Metric::JobsDeferred, 1)]);
    }

    /// Counts the results of a sweep.
    pub fn sweep_finished(&self, report: &SweepReport) {
        let counts = [
            (Metric::JobsRescued, report.rescued),
            (Metric::MessagesResent, report.resent),
            (Metric::JobsFailedInternally, report.failed.len()),
        ];
        self.write(&[], &counts);
    }

    /// Counts a connection to the live channel that was opened.
    pub fn connection_opened(&self) {
        self.write(&[], &[(Metric::ConnectionsOpened, 1)]);
    }

    /// Counts messages that were sent to connections or lost, and records that cannot be read.
    pub fn pushed(&self, sent: usize, dropped: usize, unreadable: usize) {
        let counts = [
            (Metric::MessagesPushed, sent),
            (Metric::MessagesDropped, dropped),
            (Metric::RecordsUnreadable, unreadable),
        ];
        self.write(&[], &counts);
    }

    /// Counts events that were published.
    pub fn events_published(&self, count: usize) {
        self.write(&[], &[(Metric::EventsPublished, count)]);
    }

    #[expect(
        clippy::print_stdout,
        reason = "the embedded metric format is read from standard output"
    )]
    fn write(&self, dimensions: &[Dimension<'_>], counts: &[(Metric, usize)]) {
        println!("{}", self.line(dimensions, counts));
    }

    /// Builds one line of the embedded metric format (Amazon CloudWatch User Guide,
    /// "Specification: Embedded metric format").
    fn line(&self, dimensions: &[Dimension<'_>], counts: &[(Metric, usize)]) -> Value {
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
        let definitions: Vec<Value> = counts
            .iter()
            .map(|(metric, _)| json!({ "Name": metric.as_str(), "Unit": "Count" }))
            .collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": self.clock.now().millis(),
                "CloudWatchMetrics": [{
                    "Namespace": self.namespace,
                    "Dimensions": [names],
                    "Metrics": definitions,
                }],
            },
        });
        for (name, value) in dimensions {
            line[*name] = json!(value);
        }
        for (metric, count) in counts {
            line[metric.as_str()] = json!(count);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use jobs::testing::{ManualClock, START};

    use super::*;

    #[test]
    fn line_follows_the_embedded_metric_format() {
        let metrics = Metrics::new("jobs-test", ManualClock::default().clock());
        let counts = [(Metric::JobsEnded, 1), (Metric::JobsRescued, 0)];
        let line = metrics.line(&[("JobType", "packaging")], &counts);
        assert_eq!(line["JobType"], "packaging");
        assert_eq!(
            (&line["JobsEnded"], &line["JobsRescued"]),
            (&json!(1), &json!(0))
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "jobs-test");
        assert_eq!(directive["Dimensions"], json!([["JobType"]]));
        assert_eq!(
            directive["Metrics"][1],
            json!({"Name": "JobsRescued", "Unit": "Count"})
        );
        assert_eq!(line["_aws"]["Timestamp"], START.millis());
    }
}
