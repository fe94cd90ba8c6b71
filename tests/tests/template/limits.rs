//! Limits that depend on each other: timeouts, retries, retention.

use std::collections::{BTreeMap, BTreeSet};

use jobs::release::{MAX_SOURCES, MAX_UPLOAD_BYTES};
use serde_json::Value;
use worker::PRESIGNED_URL_TTL;

use crate::{
    CONTRACT,
    cloudformation::{Template, list, references},
};

/// Maximum integration timeout of an HTTP API (Amazon API Gateway quotas, "HTTP API quotas").
const API_GATEWAY_SECONDS: u64 = 30;
/// Maximum authorizer timeout of an HTTP API (ibid.).
const AUTHORIZER_SECONDS: u64 = 10;

/// Returns a number, or the maximum of the parameter in its place.
fn max_value(template: &Template, value: &Value) -> u64 {
    let parameter = |name: &str| {
        template
            .at(&format!("/Parameters/{name}/MaxValue"))
            .as_u64()
    };
    value
        .as_u64()
        .or_else(|| parameter(references(value).first()?))
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// Returns the maximum timeout of a function, in seconds.
fn timeout(template: &Template, function: &Value) -> u64 {
    let own = function
        .get("Timeout")
        .unwrap_or_else(|| template.at("/Globals/Function/Timeout"));
    max_value(template, own)
}

/// Returns each event source mapping of a queue, with the queue and its function.
fn event_sources(template: &Template) -> Vec<(&Value, &Value, &Value)> {
    let (queues, functions) = (
        template.resources("AWS::SQS::Queue"),
        template.resources("AWS::Serverless::Function"),
    );
    let mappings = template
        .resources("AWS::Lambda::EventSourceMapping")
        .into_values()
        .filter(|mapping| !references(&mapping["EventSourceArn"]).contains("Table"));
    let mapped = mappings.map(|mapping| {
        let queue = referred(&queues, &mapping["EventSourceArn"]);
        (
            mapping,
            queue,
            referred(&functions, &mapping["FunctionName"]),
        )
    });
    mapped.collect()
}

/// Returns the resource that a value refers to.
fn referred<'a>(resources: &BTreeMap<&str, &'a Value>, value: &Value) -> &'a Value {
    resources[references(value).first().unwrap().as_str()]
}

#[test]
fn visibility_timeout_exceeds_the_function_timeout() {
    let template = Template::load();
    let sources = event_sources(&template);
    assert_eq!(sources.len(), 2);
    for (_, queue, function) in sources {
        // AWS recommends six times the function's timeout (AWS Lambda Developer Guide, "Using Lambda
        // with Amazon SQS").
        let visibility_timeout = queue["VisibilityTimeout"].as_u64().unwrap();
        assert!(
            visibility_timeout >= 6 * timeout(&template, function),
            "{queue}"
        );
        // The maximum of SQS is twelve hours.
        assert!(visibility_timeout <= 12 * 60 * 60, "{queue}");
    }
}

#[test]
fn messages_are_received_several_times_before_the_dead_letter_queue() {
    let template = Template::load();
    for (_, queue, _) in event_sources(&template) {
        // AWS recommends at least five, so that throttling loses no message (ibid.).
        assert!(
            queue["RedrivePolicy"]["maxReceiveCount"].as_u64() >= Some(5),
            "{queue}"
        );
    }
}

#[test]
fn dead_letters_are_kept_as_long_as_messages() {
    let template = Template::load();
    let queues = template.resources("AWS::SQS::Queue");
    let retention = |queue: &Value| queue["MessageRetentionPeriod"].as_u64().unwrap();
    for queue in queues
        .values()
        .filter(|queue| queue.get("RedrivePolicy").is_some())
    {
        let dead = referred(&queues, &queue["RedrivePolicy"]["deadLetterTargetArn"]);
        // A dead letter's age counts from its arrival in the first queue.
        assert!(retention(dead) >= retention(queue), "{queue}");
    }
}

#[test]
fn failed_message_does_not_return_the_rest_of_its_batch() {
    let template = Template::load();
    for (mapping, ..) in event_sources(&template) {
        assert_eq!(
            list(&mapping["FunctionResponseTypes"]),
            ["ReportBatchItemFailures"],
            "{mapping}"
        );
    }
    // One job may use the whole timeout of its function.
    assert_eq!(
        template.at("/Resources/ProcessJobsSource/Properties/BatchSize"),
        1
    );
}

#[test]
fn maximum_concurrency_is_reserved_and_in_range() {
    let template = Template::load();
    let mapping = template.at("/Resources/ProcessJobsSource/Properties");
    assert_eq!(
        references(&mapping["ScalingConfig"]["MaximumConcurrency"]),
        ["MaximumConcurrency".to_owned()].into()
    );
    let parameter = template.at("/Parameters/MaximumConcurrency");
    // With less, the function is throttled and messages return to the queue (AWS Lambda Developer
    // Guide, "Configuring maximum concurrency for Amazon SQS event sources").
    let reserved =
        template.at("/Resources/ProcessJobsFunction/Properties/ReservedConcurrentExecutions");
    assert!(
        references(reserved).contains("MaximumConcurrency"),
        "{reserved}"
    );
    // The range is 2 to 1000 (AWS Lambda API Reference, "ScalingConfig").
    assert_eq!(
        (
            parameter["MinValue"].as_u64(),
            parameter["MaxValue"].as_u64()
        ),
        (Some(2), Some(1000))
    );
}

#[test]
fn routes_time_out_before_api_gateway() {
    let template = Template::load();
    let workers = ["process-jobs", "fail-dead-jobs", "sweep-jobs"];
    for (name, (_, function)) in template
        .functions()
        .into_iter()
        .filter(|(name, _)| !workers.contains(name))
    {
        let limit = if ["authorize", "authorize-live"].contains(&name) {
            AUTHORIZER_SECONDS
        } else {
            API_GATEWAY_SECONDS - 1
        };
        assert!(timeout(&template, function) <= limit, "{name}");
    }
}

#[test]
fn sweep_ends_before_the_next_one_starts() {
    let template = Template::load();
    let sweep = template.at("/Resources/SweepJobsFunction/Properties");
    assert_eq!(
        sweep["Events"]["EveryMinute"]["Properties"]["Schedule"],
        "rate(1 minute)"
    );
    assert!(timeout(&template, sweep) < 60);
}

#[test]
fn abandoned_uploads_are_aborted_after_a_day() {
    let rules = Template::load()
        .at("/Resources/Bucket/Properties/LifecycleConfiguration/Rules")
        .clone();
    let days = |rule: &Value| {
        rule.pointer("/AbortIncompleteMultipartUpload/DaysAfterInitiation")
            .and_then(Value::as_u64)
    };
    let abort = list(&rules)
        .into_iter()
        .find(|rule| rule["Status"] == "Enabled" && days(rule).is_some())
        .unwrap();
    // Neither a run nor a presigned request lasts a day.
    assert!(days(abort) >= Some(1) && PRESIGNED_URL_TTL.as_secs() < 24 * 60 * 60);
}

#[test]
fn routes_that_write_have_lower_throttles_than_those_that_read() {
    let template = Template::load();
    let api = template.at("/Resources/Api/Properties");
    let throttles = |settings: &Value| {
        let names = ["ThrottlingRateLimit", "ThrottlingBurstLimit"];
        names.map(|name| references(&settings[name]).pop_first().unwrap())
    };
    let reads = throttles(&api["DefaultRouteSettings"]);
    let writes: BTreeSet<&str> = CONTRACT
        .iter()
        .map(|(route, _)| *route)
        .filter(|route| !route.starts_with("GET "))
        .collect();
    let settings = api["RouteSettings"].as_object().unwrap();
    assert_eq!(
        settings.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        writes
    );
    let default = |name: &str| template.at(&format!("/Parameters/{name}/Default")).as_u64();
    for route in settings.values() {
        for (write, read) in throttles(route).iter().zip(&reads) {
            assert!(default(write) < default(read), "{write} {read}");
        }
    }
}

#[test]
fn files_that_a_release_may_have_are_accepted_by_jobs_and_by_one_upload_each() {
    let template = Template::load();
    let max = |name: &str| {
        template
            .at(&format!("/Parameters/{name}/MaxValue"))
            .as_u64()
    };
    assert_eq!(max("ReleaseFileLimit"), Some(MAX_SOURCES as u64));
    let least = template.at("/Parameters/ReleaseSizeLimitGiB/MinValue");
    assert!(least.as_u64() >= Some(MAX_UPLOAD_BYTES.div_ceil(1 << 30)));
}

#[test]
fn every_limit_on_a_user_is_on_by_default() {
    let template = Template::load();
    for name in [
        "UserRunningLimit",
        "UserOpenJobLimit",
        "UserDraftLimit",
        "UserReleaseLimit",
        "ReleaseFileLimit",
        "ReleaseSizeLimitGiB",
    ] {
        let default = template.at(&format!("/Parameters/{name}/Default"));
        assert!(default.as_u64() > Some(0), "{name}");
    }
}
