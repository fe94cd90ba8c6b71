//! Properties that only AWS enforces, and that no local test would miss.

use serde_json::{Value, json};

use crate::cloudformation::{Template, list, references, text};

/// The longest stack name that scripts/deploy.sh accepts.
const MAX_STACK_NAME: usize = 45;
/// The longest function name (AWS Lambda API Reference, "`CreateFunction`").
const MAX_FUNCTION_NAME: usize = 64;

/// Every text of a template with the pointer of where it is, except the patterns of `Fn::Sub`.
fn literals(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((at.to_owned(), text.clone())),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                literals(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "Fn::Sub") {
                literals(value, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn no_literal_text_has_a_placeholder() {
    for template in [Template::load(), Template::monitoring()] {
        let mut found = Vec::new();
        literals(template.at(""), "", &mut found);
        assert!(found.len() > 100);
        found.retain(|(_, text)| text.contains("${"));
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn throttle_alarms_watch_the_table_and_every_index() {
    let indexes = Template::load();
    let indexes = list(indexes.at("/Resources/Table/Properties/GlobalSecondaryIndexes"))
        .into_iter()
        .map(|index| text(&index["IndexName"]).to_owned())
        .collect::<Vec<_>>();
    for (alarm, metric) in [
        ("TableReadThrottlesAlarm", "ReadThrottleEvents"),
        ("TableWriteThrottlesAlarm", "WriteThrottleEvents"),
    ] {
        let monitoring = Template::monitoring();
        let metrics = monitoring.at(&format!("/Resources/{alarm}/Properties/Metrics"));
        let (sums, watched): (Vec<_>, Vec<_>) = list(metrics)
            .into_iter()
            .partition(|metric| metric.get("Expression").is_some());
        // An idle index has no data, which FILL counts as zero.
        assert_eq!(sums.len(), 1);
        assert_eq!(sums[0]["Expression"], "SUM(FILL(METRICS(), 0))");
        let table = json!({"Name": "TableName", "Value": {"Ref": "TableName"}});
        let mut expected = vec![json!([table])];
        expected.extend(
            indexes
                .iter()
                .map(|index| json!([table, {"Name": "GlobalSecondaryIndexName", "Value": index}])),
        );
        let dimensions: Vec<&Value> = watched
            .iter()
            .inspect(|watched| assert_eq!(watched["MetricStat"]["Metric"]["MetricName"], metric))
            .map(|watched| &watched["MetricStat"]["Metric"]["Dimensions"])
            .collect();
        assert_eq!(dimensions, expected.iter().collect::<Vec<_>>());
    }
}

/// Lambda stops a function that is invoked some 16 times by its own messages, unless it may loop
/// (AWS Lambda Developer Guide, "Recursive loop detection").
#[test]
fn only_functions_that_send_to_their_own_queue_may_loop() {
    let template = Template::load();
    let sources = template.resources("AWS::Lambda::EventSourceMapping");
    for (name, (id, function)) in template.functions() {
        let queues = sources
            .values()
            .filter(|source| references(&source["FunctionName"]).contains(id))
            .flat_map(|source| references(&source["EventSourceArn"]));
        let sends = list(&function["Policies"])
            .into_iter()
            .flat_map(|policy| list(&policy["Statement"]))
            .filter(|statement| list(&statement["Action"]).contains(&&json!("sqs:SendMessage")))
            .flat_map(|statement| references(&statement["Resource"]))
            .collect::<Vec<_>>();
        let loops = queues.into_iter().any(|queue| sends.contains(&queue));
        let expected = loops.then_some("Allow");
        assert_eq!(function["RecursiveLoop"].as_str(), expected, "{name}");
    }
}

#[test]
fn failed_or_late_sweep_is_left_to_the_next_one() {
    let template = Template::load();
    let sweep = template.at("/Resources/SweepJobsFunction/Properties");
    assert_eq!(
        sweep["EventInvokeConfig"],
        json!({"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})
    );
    assert_eq!(sweep["ReservedConcurrentExecutions"]["Fn::If"][1], 2);
}

/// A message keeps its send time when it moves to a dead-letter queue (Amazon SQS Developer Guide,
/// "Using dead-letter queues").
#[test]
fn message_in_a_dead_letter_queue_is_kept_for_days_after_its_last_move() {
    let template = Template::load();
    let days = |queue: &str| {
        let pointer = format!("/Resources/{queue}/Properties/MessageRetentionPeriod");
        template.at(&pointer).as_u64().unwrap() / (24 * 60 * 60)
    };
    let kept = ["JobsQueue", "ExhaustedQueue", "DeadLetterQueue"].map(days);
    assert_eq!(kept, [4, 7, 14]);
}

#[test]
fn function_names_fit_with_the_longest_stack_name() {
    for name in Template::load().functions().keys() {
        let length = MAX_STACK_NAME + 1 + name.len();
        assert!(length <= MAX_FUNCTION_NAME, "{name}: {length}");
    }
}

/// Any other prefix has API Gateway add the group to the account's resource policy, whose size is
/// limited (Amazon CloudWatch Logs User Guide, "Enabling logging from AWS services").
#[test]
fn access_log_is_in_a_vended_log_group() {
    let template = Template::load();
    let name = template.at("/Resources/ApiLogGroup/Properties/LogGroupName/Fn::Sub");
    assert!(text(name).starts_with("/aws/vendedlogs/"), "{name}");
}

#[test]
fn bucket_refuses_plain_http() {
    let template = Template::load();
    let statement = template.at("/Resources/BucketPolicy/Properties/PolicyDocument/Statement/0");
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(
        (&statement["Principal"], &statement["Action"]),
        (&json!("*"), &json!("s3:*"))
    );
    assert_eq!(
        statement["Condition"],
        json!({"Bool": {"aws:SecureTransport": "false"}})
    );
    assert_eq!(list(&statement["Resource"]).len(), 2);
}

#[test]
fn table_can_be_protected_from_deletion() {
    let template = Template::load();
    let protected = template.at("/Resources/Table/Properties/DeletionProtectionEnabled");
    assert_eq!(protected, &json!({"Ref": "DeletionProtection"}));
}

#[test]
fn keys_of_a_provider_need_https_and_an_audience() {
    let template = Template::load();
    let url = template.at("/Parameters/TokenJwksUrl");
    assert_eq!(url["AllowedPattern"], "(https://.+)?");
    let rule = template.at("/Rules/AudienceOfProvider");
    let is_set = |name: &str| json!({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]});
    assert_eq!(rule["RuleCondition"], is_set("TokenJwksUrl"));
    assert_eq!(rule["Assertions"][0]["Assert"], is_set("TokenAudience"));
}

#[test]
fn sign_in_of_the_console_needs_an_issuer() {
    let template = Template::load();
    let rule = template.at("/Rules/SignInHasIssuer");
    let is_set = |name: &str| json!({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]});
    assert_eq!(rule["RuleCondition"], is_set("ConsoleClientId"));
    assert_eq!(rule["Assertions"][0]["Assert"], is_set("TokenIssuer"));
}

/// AWS does not say that a variable is escaped (Amazon API Gateway Developer Guide, "Customize HTTP
/// API access logs"), so the log has none that a client writes.
#[test]
fn access_log_has_no_text_of_a_client() {
    let template = Template::load();
    let format = text(template.at("/Resources/Api/Properties/AccessLogSettings/Format"));
    let variables: Vec<&str> = format.split("$context.").skip(1).collect();
    let variables: Vec<&str> = variables
        .iter()
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(
        variables,
        [
            "requestId",
            "requestTime",
            "routeKey",
            "status",
            "authorizer.user_id",
            "responseLatency",
            "integrationErrorMessage",
            "authorizer.error",
            "identity.sourceIp",
        ]
    );
}

/// A rule with a tag counts the days from the writing of a file, which is after the creation of its
/// job (Amazon S3 User Guide, "Lifecycle configuration elements").
#[test]
fn file_that_expires_with_its_job_is_deleted_by_the_bucket() {
    let template = Template::load();
    let rules = template.at("/Resources/Bucket/Properties/LifecycleConfiguration/Rules");
    let rule = list(rules)
        .into_iter()
        .find(|rule| rule["Id"] == "expire-with-jobs");
    let rule = rule.unwrap();
    let (key, value) = worker::EXPIRES_WITH_JOB.split_once('=').unwrap();
    assert_eq!(rule["TagFilters"], json!([{"Key": key, "Value": value}]));
    assert_eq!(rule["ExpirationInDays"], json!({"Ref": "JobRetentionDays"}));
    assert_eq!(rule["Status"], "Enabled");
}
