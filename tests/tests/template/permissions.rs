//! The permissions of each function: its calls, and no more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cloudformation::{Template, arn, list, text};

/// The calls of each function. A transaction needs the permissions of its parts, a copy in S3 those
/// to read and to write (Service Authorization Reference).
const CALLS: [(&str, &[&str]); 33] = [
    (
        "list-jobs",
        &[
            "dynamodb:Query Table/index/by_owner",
            "dynamodb:Query Table/index/by_owner_phase",
            "dynamodb:Query Table/index/by_release",
            "dynamodb:Query Table/index/recent",
            "dynamodb:BatchGetItem Table",
            "dynamodb:GetItem Table",
        ],
    ),
    // A job whose message cannot be sent is deleted, unless a repeated request has returned its id.
    (
        "create-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:PutItem Table",
            "dynamodb:UpdateItem Table",
            "dynamodb:DeleteItem Table",
            "dynamodb:Query Table/index/by_owner_phase",
            "sqs:SendMessage JobsQueue",
        ],
    ),
    (
        "get-job",
        &[
            "dynamodb:GetItem Table of JOB#*",
            "dynamodb:Query Table of JOB#*",
        ],
    ),
    // A large configuration is an item of its own.
    (
        "update-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
            "dynamodb:PutItem Table",
        ],
    ),
    ("get-job-status", &["dynamodb:GetItem Table of JOB#*"]),
    (
        "get-job-logs",
        &[
            "dynamodb:GetItem Table of JOB#*",
            "dynamodb:Query Table of JOB#*",
        ],
    ),
    ("cancel-job", &["dynamodb:UpdateItem Table of JOB#*"]),
    (
        "submit-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
            "dynamodb:Query Table/index/by_owner_phase",
            "sqs:SendMessage JobsQueue",
        ],
    ),
    (
        "retry-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:PutItem Table",
            "dynamodb:UpdateItem Table",
            "dynamodb:DeleteItem Table",
            "dynamodb:Query Table/index/by_owner_phase",
            "sqs:SendMessage JobsQueue",
        ],
    ),
    (
        "get-job-analysis",
        &[
            "dynamodb:GetItem Table of JOB#*",
            "s3:GetObject Bucket/releases/*/jobs/*/cover.jpg",
        ],
    ),
    (
        "list-release-jobs",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:BatchGetItem Table",
            "dynamodb:Query Table/index/by_release",
        ],
    ),
    (
        "list-releases",
        &[
            "dynamodb:Query Table/index/releases_by_owner",
            "dynamodb:Query Table/index/releases",
        ],
    ),
    (
        "create-release",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:PutItem Table",
            "dynamodb:UpdateItem Table",
        ],
    ),
    ("get-release", &["dynamodb:GetItem Table of RELEASE#*"]),
    (
        "update-release",
        &[
            "dynamodb:GetItem Table of RELEASE#*",
            "dynamodb:UpdateItem Table of RELEASE#*",
        ],
    ),
    (
        "restore-package",
        &["dynamodb:GetItem Table", "dynamodb:UpdateItem Table"],
    ),
    // A presigned request has the permissions of its signer.
    (
        "add-release-file",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
            "s3:ListBucket Bucket of releases/*/source/*",
            "s3:PutObject Bucket/releases/*/source/*",
        ],
    ),
    (
        "list-release-files",
        &[
            "dynamodb:GetItem Table of RELEASE#*",
            "s3:ListBucket Bucket",
            "s3:GetObject Bucket/releases/*",
        ],
    ),
    (
        "delete-file",
        &[
            "dynamodb:GetItem Table of RELEASE#*",
            "s3:DeleteObject Bucket/releases/*/source/*",
        ],
    ),
    (
        "create-live-ticket",
        &["dynamodb:PutItem Table of TICKET#*"],
    ),
    ("get-me", &[]),
    ("get-console", &[]),
    ("get-openapi", &[]),
    ("get-health", &[]),
    ("route-not-found", &[]),
    (
        "authorize",
        &["secretsmanager:GetSecretValue \
           arn:AWS::Partition:secretsmanager:AWS::Region:AWS::AccountId:secret:TokenSecretName-??????"],
    ),
    (
        "process-jobs",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:BatchGetItem Table",
            "dynamodb:PutItem Table",
            "dynamodb:UpdateItem Table",
            "sqs:SendMessage JobsQueue",
            "sqs:SendMessage DeadLetterQueue",
            "sqs:ReceiveMessage JobsQueue",
            "sqs:DeleteMessage JobsQueue",
            "sqs:GetQueueAttributes JobsQueue",
            "sqs:ChangeMessageVisibility JobsQueue",
            "s3:GetObject Bucket/releases/*",
            "s3:PutObject Bucket/releases/*/jobs/*",
            "s3:PutObjectTagging Bucket/releases/*/jobs/*",
            "s3:DeleteObject Bucket/releases/*/jobs/*",
            "s3:AbortMultipartUpload Bucket/releases/*/jobs/*",
            "s3:ListBucket Bucket",
        ],
    ),
    (
        "fail-dead-jobs",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
            "sqs:ReceiveMessage ExhaustedQueue",
            "sqs:DeleteMessage ExhaustedQueue",
            "sqs:GetQueueAttributes ExhaustedQueue",
            "sqs:ChangeMessageVisibility ExhaustedQueue",
        ],
    ),
    (
        "sweep-jobs",
        &[
            "dynamodb:Query Table/index/due",
            "dynamodb:GetItem Table",
            "dynamodb:BatchGetItem Table",
            "dynamodb:UpdateItem Table",
            "sqs:SendMessage JobsQueue",
            "s3:ListBucket Bucket of releases/*/jobs/*",
            "s3:ListBucketMultipartUploads Bucket",
            "s3:DeleteObject Bucket/releases/*/jobs/*",
            "s3:AbortMultipartUpload Bucket/releases/*/jobs/*",
        ],
    ),
    ("authorize-live", &["dynamodb:DeleteItem Table of TICKET#*"]),
    (
        "live-socket",
        &[
            "dynamodb:GetItem Table of JOB#*",
            "dynamodb:UpdateItem Table of JOB#*",
            "dynamodb:Query Table of CONNECTION#* WATCH#*",
            "dynamodb:PutItem Table of CONNECTION#* WATCH#*",
            "dynamodb:DeleteItem Table of CONNECTION#* WATCH#*",
            POST,
            CLOSE,
        ],
    ),
    (
        "push-updates",
        &[
            "dynamodb:Query Table of JOB#* CONNECTION#* WATCH#*",
            "dynamodb:UpdateItem Table of JOB#* CONNECTION#* WATCH#*",
            "dynamodb:DeleteItem Table of JOB#* CONNECTION#* WATCH#*",
            "dynamodb:DescribeStream Table.Stream",
            "dynamodb:GetRecords Table.Stream",
            "dynamodb:GetShardIterator Table.Stream",
            "dynamodb:ListStreams *",
            POST,
            CLOSE,
        ],
    ),
    (
        "publish-events",
        &[
            "dynamodb:Query Table of CONNECTION#* WATCH#*",
            "dynamodb:DeleteItem Table of CONNECTION#* WATCH#*",
            "dynamodb:Scan Table",
            "dynamodb:DescribeStream Table.Stream",
            "dynamodb:GetRecords Table.Stream",
            "dynamodb:GetShardIterator Table.Stream",
            "dynamodb:ListStreams *",
            "events:PutEvents EventBus",
            "sqs:SendMessage EventsDeadLetterQueue",
            POST,
            CLOSE,
        ],
    ),
];

/// To send messages to connections of the live channel.
const POST: &str = "execute-api:ManageConnections arn:AWS::Partition:execute-api:AWS::Region:\
                    AWS::AccountId:LiveApi/live/POST/@connections/*";
/// To close them.
const CLOSE: &str = "execute-api:ManageConnections arn:AWS::Partition:execute-api:AWS::Region:\
                     AWS::AccountId:LiveApi/live/DELETE/@connections/*";

/// Returns the statements of a function's policies.
fn statements(function: &Value) -> Vec<&Value> {
    let policies = function["Policies"].as_array().into_iter().flatten();
    // A conditional policy counts too.
    let chosen = policies.map(|policy| policy.pointer("/Fn::If/1").unwrap_or(policy));
    chosen.flat_map(policy_statements).collect()
}

fn policy_statements(policy: &Value) -> &[Value] {
    let statements = policy["Statement"].as_array();
    statements.unwrap_or_else(|| panic!("not an inline policy: {policy}"))
}

/// Returns the values of a statement's condition as ` of VALUE`, or an empty text without one.
/// Each condition here names a key with patterns for it.
fn condition(statement: &Value) -> String {
    let Some(condition) = statement.get("Condition") else {
        return String::new();
    };
    let known = [
        ("ForAllValues:StringLike", "dynamodb:LeadingKeys"),
        ("StringLike", "s3:prefix"),
    ];
    let found = known.iter().find_map(|(operator, key)| {
        let patterns = condition.get(operator)?.get(key)?;
        // Nothing else is in it.
        assert_eq!(*condition, json!({*operator: {*key: patterns}}));
        let patterns: Vec<&str> = list(patterns).into_iter().map(text).collect();
        Some(patterns.join(" "))
    });
    format!(" of {}", found.unwrap_or_else(|| panic!("{condition}")))
}

/// Returns what the template allows a function: actions, their resources, and the condition.
fn grants(function: &Value) -> BTreeSet<String> {
    let mut grants = BTreeSet::new();
    for statement in statements(function) {
        if statement["Effect"] == "Deny" {
            continue;
        }
        for resource in list(&statement["Resource"]) {
            grants.extend(list(&statement["Action"]).iter().map(|action| {
                let condition = condition(statement);
                format!("{} {}{condition}", text(action), arn(resource))
            }));
        }
    }
    grants
}

#[test]
fn functions_have_exactly_the_permissions_for_their_calls() {
    let template = Template::load();
    let mut functions = template.functions();
    for (name, calls) in CALLS {
        let (_, function) = functions.remove(name).unwrap();
        let expected: BTreeSet<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        assert_eq!(grants(function), expected, "{name}");
    }
    assert!(functions.is_empty(), "{functions:?}");
}

#[test]
fn uploads_are_signed_by_a_function_that_lists_source_files_only() {
    let template = Template::load();
    let (_, function) = template.functions()["add-release-file"];
    let lists = statements(function);
    let lists = lists.iter().find(|each| each["Action"] == "s3:ListBucket");
    assert_eq!(
        lists.unwrap()["Condition"],
        json!({"StringLike": {"s3:prefix": "releases/*/source/*"}})
    );
}

/// SAM attaches `AWSLambdaBasicExecutionRole` to every role. Its actions are `CreateLogGroup`,
/// `CreateLogStream` and `PutLogEvents`, on all log groups.
#[test]
fn function_only_writes_to_its_own_log_group() {
    let template = Template::load();
    let groups = template.resources("AWS::Logs::LogGroup");
    for (name, (_, function)) in template.functions() {
        let group = text(&function["LoggingConfig"]["LogGroup"]["Ref"]);
        let group_name = json!({"Fn::Sub": format!("/aws/lambda/${{AWS::StackName}}-{name}")});
        assert_eq!(groups[group]["LogGroupName"], group_name);
        let expected = [
            json!({"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": "*"}),
            json!({"Effect": "Deny", "Action": "logs:*",
                "NotResource": {"Fn::GetAtt": format!("{group}.Arn")}}),
        ];
        // The last policy, which has no condition.
        let last = function["Policies"].as_array().unwrap().last().unwrap();
        assert!(policy_statements(last).ends_with(&expected), "{name}");
    }
}
