//! The permissions of each function: its calls, and no more.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloudformation::{Template, arn, list, text};

/// The calls of each function. A transaction needs the permissions of its parts, a copy in S3 those
/// to read and to write (Service Authorization Reference).
const CALLS: [(&str, &[&str]); 22] = [
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
            "sqs:SendMessage JobsQueue",
        ],
    ),
    ("get-job", &["dynamodb:Query Table"]),
    // A large configuration is an item of its own.
    (
        "update-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
            "dynamodb:PutItem Table",
        ],
    ),
    ("get-job-status", &["dynamodb:GetItem Table"]),
    (
        "get-job-logs",
        &["dynamodb:GetItem Table", "dynamodb:Query Table"],
    ),
    ("cancel-job", &["dynamodb:UpdateItem Table"]),
    (
        "submit-job",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:UpdateItem Table",
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
            "sqs:SendMessage JobsQueue",
        ],
    ),
    ("get-job-analysis", &["dynamodb:GetItem Table"]),
    (
        "list-release-jobs",
        &[
            "dynamodb:GetItem Table",
            "dynamodb:BatchGetItem Table",
            "dynamodb:Query Table/index/by_release",
        ],
    ),
    (
        "create-release",
        &["dynamodb:GetItem Table", "dynamodb:PutItem Table"],
    ),
    ("get-release", &["dynamodb:GetItem Table"]),
    (
        "restore-package",
        &["dynamodb:GetItem Table", "dynamodb:UpdateItem Table"],
    ),
    // A presigned request has the permissions of its signer.
    (
        "add-release-file",
        &["dynamodb:GetItem Table", "s3:PutObject Bucket/releases/*"],
    ),
    (
        "list-release-files",
        &[
            "dynamodb:GetItem Table",
            "s3:ListBucket Bucket",
            "s3:GetObject Bucket/releases/*",
        ],
    ),
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
            "s3:PutObject Bucket/releases/*",
            "s3:DeleteObject Bucket/releases/*",
            "s3:AbortMultipartUpload Bucket/releases/*",
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
            "s3:ListBucket Bucket",
            "s3:ListBucketMultipartUploads Bucket",
            "s3:DeleteObject Bucket/releases/*",
            "s3:AbortMultipartUpload Bucket/releases/*",
        ],
    ),
];

/// Returns what the template allows each function: an action and its resource.
fn grants(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let functions = template.functions().into_iter();
    let granted = functions.map(|(name, (_, function))| {
        let policies = function["Policies"].as_array().into_iter().flatten();
        (name.to_owned(), policies.flat_map(policy).collect())
    });
    granted.collect()
}

fn policy(policy: &serde_json::Value) -> Vec<String> {
    // A conditional policy counts too.
    let policy = policy.pointer("/Fn::If/1").unwrap_or(policy);
    let statements = policy["Statement"]
        .as_array()
        .unwrap_or_else(|| panic!("not an inline policy: {policy}"));
    let mut grants = Vec::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for resource in list(&statement["Resource"]) {
            grants.extend(
                list(&statement["Action"])
                    .iter()
                    .map(|action| format!("{} {}", text(action), arn(resource))),
            );
        }
    }
    grants
}

#[test]
fn functions_have_exactly_the_permissions_for_their_calls() {
    let mut grants = grants(&Template::load());
    for (name, calls) in CALLS {
        let expected: BTreeSet<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        assert_eq!(grants.remove(name), Some(expected), "{name}");
    }
    assert!(grants.is_empty(), "{grants:?}");
}
