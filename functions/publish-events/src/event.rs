//! Events as they are published: CloudEvents 1.0. `asyncapi.yaml` and docs/events.md describe them.

use jobs::{
    Caller, Failure, Job, JobEvent, JobEventType, JobId, JobType, ReleaseId, Status, Time, UserId,
};
use serde::Serialize;

/// The source of every event, in CloudEvents and in EventBridge.
pub(crate) const SOURCE: &str = "jobs";

/// An event with the attributes of CloudEvents (CloudEvents 1.0.2, "Context Attributes").
#[derive(Debug, Serialize)]
pub(crate) struct EventView {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    event_type: JobEventType,
    subject: String,
    time: Time,
    datacontenttype: &'static str,
    data: DataView,
}

/// What the event says of its job. It depends only on the event, so that an event that is published
/// again is the same.
#[derive(Debug, Serialize)]
struct DataView {
    job_id: JobId,
    release_id: Option<ReleaseId>,
    job_type: Option<JobType>,
    created_by: UserId,
    retry_of: Option<JobId>,
    status: Status,
    attempt: u32,
    error: Option<Failure>,
    cancelled_by: Option<Caller>,
    cancel_reason: Option<String>,
}

impl EventView {
    pub(crate) fn new(job: &Job, event: JobEvent) -> Self {
        let is_cancel = event.event_type == JobEventType::Cancelled;
        let cancellation = job.cancellation().filter(|_| is_cancel);
        Self {
            specversion: "1.0",
            id: event.id(job.id),
            source: SOURCE,
            event_type: event.event_type,
            subject: format!("jobs/{}", job.id),
            time: event.time,
            datacontenttype: "application/json",
            data: DataView {
                job_id: job.id,
                release_id: job.release_id,
                job_type: job.job_type,
                created_by: job.created_by,
                retry_of: job.retry_of,
                status: event.event_type.status(),
                attempt: event.attempt,
                error: event.error,
                cancelled_by: cancellation.map(|cancellation| cancellation.by),
                cancel_reason: cancellation.and_then(|cancellation| cancellation.reason.clone()),
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use jobs::{
        Cancellation, EndedRun, FailureCode, JobOutcome, JobState, NewJob, Run, RunOutcome,
    };
    use serde_json::{Value, json};

    use super::*;

    const CREATED: Time = Time::from_millis(1_800_000_000_000);

    fn job(runs: Vec<Run>, state: JobState) -> Job {
        let new = NewJob {
            created_by: 7.try_into().unwrap(),
            release_id: Some(42.try_into().unwrap()),
            job_type: Some(JobType::Analysis),
            config: serde_json::Map::new(),
            draft: false,
            by_admin: false,
            retry_of: None,
            earlier_retry: None,
        };
        let id = JobId::draw(CREATED, &mut jobs::random());
        Job {
            attempt: runs.last().map_or(0, |run| run.attempt),
            fence: u32::try_from(runs.len()).unwrap(),
            runs,
            state,
            ..Job::new(id, &new, CREATED, Duration::from_hours(24))
        }
    }

    fn run(outcome: Option<RunOutcome>) -> Run {
        let started_at = CREATED.after(Duration::from_secs(1));
        Run {
            attempt: 1,
            started_at,
            first_log_seq: 1,
            end: outcome.map(|outcome| EndedRun {
                ended_at: started_at.after(Duration::from_secs(1)),
                outcome,
                error: Some(Failure::new(FailureCode::Crashed, "The run ended early.")),
            }),
        }
    }

    fn ended(outcome: JobOutcome) -> JobState {
        JobState::Ended {
            outcome,
            finished_at: CREATED.after(Duration::from_secs(3)),
            closing: None,
        }
    }

    /// Returns a job right after an event of each type, with that event.
    pub(crate) fn one_of_each() -> Vec<(Job, JobEvent)> {
        let running = JobState::Running {
            lease_expires_at: CREATED.after(Duration::from_mins(1)),
        };
        let failure = Failure::new(FailureCode::Internal, "It failed.");
        let cancellation = Cancellation {
            by: Caller {
                user_id: 1.try_into().unwrap(),
                admin: true,
            },
            reason: Some("It is superseded.".to_owned()),
        };
        let completed = run(Some(RunOutcome::Completed));
        let jobs = [
            job(Vec::new(), JobState::queued()),
            job(vec![run(None)], running),
            job(vec![completed], ended(JobOutcome::Completed)),
            job(
                vec![run(Some(RunOutcome::Failed))],
                ended(JobOutcome::Failed(failure)),
            ),
            job(Vec::new(), ended(JobOutcome::Cancelled(Some(cancellation)))),
            job(vec![run(Some(RunOutcome::Crashed))], JobState::queued()),
        ];
        let last = |job: Job| {
            let event = JobEvent::history(&job).pop().unwrap();
            (job, event)
        };
        jobs.map(last).into()
    }

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../../docs/events.schema.json")).unwrap()
    }

    /// Checks that an object has exactly the fields of a closed schema, which requires each.
    fn assert_fields(object: &Value, schema: &Value) {
        let names = |value: &Value| {
            let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(object), names(&schema["properties"]));
        let mut required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
        required.sort();
        assert_eq!(required, names(object));
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn event_of_each_type_has_the_fields_of_the_schema() {
        let schema = schema();
        let definitions = &schema["$defs"];
        let (mut errors, mut callers) = (0, 0);
        for (job, event) in one_of_each() {
            let view = serde_json::to_value(EventView::new(&job, event)).unwrap();
            assert_fields(&view, &schema);
            let data = &view["data"];
            assert_fields(data, &definitions["data"]);
            if !data["error"].is_null() {
                assert_fields(&data["error"], &definitions["error"]);
                errors += 1;
            }
            if !data["cancelled_by"].is_null() {
                assert_fields(&data["cancelled_by"], &definitions["caller"]);
                callers += 1;
            }
        }
        assert_eq!((errors, callers), (2, 1));
    }

    #[test]
    fn event_has_the_constants_of_its_type_in_the_schema() {
        let schema = schema();
        let types = schema["oneOf"].as_array().unwrap();
        let events = one_of_each();
        assert_eq!(types.len(), events.len());
        for ((job, event), expected) in events.into_iter().zip(types) {
            let view = serde_json::to_value(EventView::new(&job, event)).unwrap();
            let expected = &expected["properties"];
            assert_eq!(view["type"], expected["type"]["const"]);
            for (name, rule) in expected["data"]["properties"].as_object().unwrap() {
                let value = &view["data"][name];
                let kind = match value {
                    Value::Null => "null",
                    Value::Object(_) => "object",
                    _ => "",
                };
                let constant = rule.get("const").unwrap_or(value);
                let least = rule["minimum"].as_u64().unwrap_or_default();
                assert_eq!(value, constant, "{name}");
                assert!(value.as_u64().is_none_or(|value| value >= least), "{name}");
                assert_eq!(rule["type"].as_str().unwrap_or(kind), kind, "{name}");
            }
        }
        let fixed = &schema["properties"];
        let constant = |name: &str| fixed[name]["const"].clone();
        let (job, event) = one_of_each().swap_remove(0);
        let view = serde_json::to_value(EventView::new(&job, event)).unwrap();
        for name in ["specversion", "source", "datacontenttype"] {
            assert_eq!(view[name], constant(name));
        }
        assert_eq!(view["id"], format!("evt_{}_0_created", job.id));
        assert_eq!(view["subject"], format!("jobs/{}", job.id));
    }

    #[test]
    fn schema_lists_the_values_in_the_code() {
        let schema = schema();
        let data = &schema["$defs"]["data"]["properties"];
        assert_eq!(
            schema["properties"]["type"]["enum"],
            json!(JobEventType::ALL)
        );
        let mut statuses = Status::ALL.to_vec();
        statuses.retain(|status| *status != Status::Draft);
        assert_eq!(data["status"]["enum"], json!(statuses));
        let mut types: Vec<Value> = JobType::ALL.iter().map(|each| json!(each)).collect();
        types.push(Value::Null);
        assert_eq!(data["job_type"]["enum"], json!(types));
        assert_eq!(schema["$defs"]["id"]["maximum"], jobs::MAX_ID);
    }
}
