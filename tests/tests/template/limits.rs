//! The limits that depend on each other: time limits, retries, what waits how long.

use std::collections::BTreeMap;

use serde_json::Value;
use worker::PRESIGNED_URL_TTL;

use crate::cloudformation::{Template, list, references};

/// API Gateway gives up on an HTTP API's integration after this many seconds (Amazon API Gateway
/// quotas, "HTTP API quotas").
const API_GATEWAY_SECONDS: u64 = 30;
/// And on its authorizer after these (ibid.).
const AUTHORIZER_SECONDS: u64 = 10;

/// A number, or the largest value of the parameter that stands for it.
fn most(template: &Template, value: &Value) -> u64 {
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

/// A function's time limit at its highest, in seconds.
fn timeout(template: &Template, function: &Value) -> u64 {
    let own = function
        .get("Timeout")
        .unwrap_or_else(|| template.at("/Globals/Function/Timeout"));
    most(template, own)
}

/// Each event source mapping with its queue and its function.
fn sources(template: &Template) -> Vec<(&Value, &Value, &Value)> {
    let (queues, functions) = (
        template.resources("AWS::SQS::Queue"),
        template.resources("AWS::Serverless::Function"),
    );
    let mappings = template
        .resources("AWS::Lambda::EventSourceMapping")
        .into_values();
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

fn referred<'a>(resources: &BTreeMap<&str, &'a Value>, value: &Value) -> &'a Value {
    resources[references(value).first().unwrap().as_str()]
}

#[test]
fn a_message_stays_hidden_while_its_function_may_still_work_on_it() {
    let template = Template::load();
    let sources = sources(&template);
    assert_eq!(sources.len(), 2);
    for (_, queue, function) in sources {
        // Six times the function's limit, as AWS asks for (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS").
        let hidden = queue["VisibilityTimeout"].as_u64().unwrap();
        assert!(hidden >= 6 * timeout(&template, function), "{queue}");
        // The most that SQS hides a message: twelve hours.
        assert!(hidden <= 12 * 60 * 60, "{queue}");
    }
}

#[test]
fn a_message_is_given_up_only_after_several_tries() {
    let template = Template::load();
    for (_, queue, _) in sources(&template) {
        // At least five, so that a throttled function loses no message (AWS, ibid.).
        assert!(
            queue["RedrivePolicy"]["maxReceiveCount"].as_u64() >= Some(5),
            "{queue}"
        );
    }
}

#[test]
fn what_is_given_up_is_kept_as_long_as_where_it_came_from() {
    let template = Template::load();
    let queues = template.resources("AWS::SQS::Queue");
    let kept = |queue: &Value| queue["MessageRetentionPeriod"].as_u64().unwrap();
    for queue in queues
        .values()
        .filter(|queue| queue.get("RedrivePolicy").is_some())
    {
        let dead = referred(&queues, &queue["RedrivePolicy"]["deadLetterTargetArn"]);
        // A message's age counts from its first queue on.
        assert!(kept(dead) >= kept(queue), "{queue}");
    }
}

#[test]
fn one_bad_message_gives_back_no_good_ones() {
    let template = Template::load();
    for (mapping, ..) in sources(&template) {
        assert_eq!(
            list(&mapping["FunctionResponseTypes"]),
            ["ReportBatchItemFailures"],
            "{mapping}"
        );
    }
    // A job may need all of its function's time.
    assert_eq!(
        template.at("/Resources/ProcessJobsSource/Properties/BatchSize"),
        1
    );
}

#[test]
fn the_number_of_jobs_at_once_is_one_that_lambda_takes() {
    let template = Template::load();
    let mapping = template.at("/Resources/ProcessJobsSource/Properties");
    assert_eq!(
        references(&mapping["ScalingConfig"]["MaximumConcurrency"]),
        ["MaximumConcurrency".to_owned()].into()
    );
    let parameter = template.at("/Parameters/MaximumConcurrency");
    // No less than that, or messages come back from a throttled function (AWS Lambda Developer Guide, "Configuring
    // maximum concurrency for Amazon SQS event sources").
    let reserved =
        template.at("/Resources/ProcessJobsFunction/Properties/ReservedConcurrentExecutions");
    assert!(
        references(reserved).contains("MaximumConcurrency"),
        "{reserved}"
    );
    // 2 to 1000 (AWS Lambda API Reference, "ScalingConfig").
    assert_eq!(
        (
            parameter["MinValue"].as_u64(),
            parameter["MaxValue"].as_u64()
        ),
        (Some(2), Some(1000))
    );
}

#[test]
fn a_route_answers_before_api_gateway_gives_up() {
    let template = Template::load();
    let workers = ["process-jobs", "fail-dead-jobs", "sweep-jobs"];
    for (name, (_, function)) in template
        .functions()
        .into_iter()
        .filter(|(name, _)| !workers.contains(name))
    {
        let most = if name == "authorize" {
            AUTHORIZER_SECONDS
        } else {
            API_GATEWAY_SECONDS - 1
        };
        assert!(timeout(&template, function) <= most, "{name}");
    }
}

#[test]
fn a_sweep_ends_before_the_next_one_starts() {
    let template = Template::load();
    let sweep = template.at("/Resources/SweepJobsFunction/Properties");
    assert_eq!(
        sweep["Events"]["EveryMinute"]["Properties"]["Schedule"],
        "rate(1 minute)"
    );
    assert!(timeout(&template, sweep) < 60);
}

#[test]
fn uploads_that_are_given_up_do_not_stay() {
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
    // No run and no presigned request is under way for as long as a day.
    assert!(days(abort) >= Some(1) && PRESIGNED_URL_TTL.as_secs() < 24 * 60 * 60);
}
