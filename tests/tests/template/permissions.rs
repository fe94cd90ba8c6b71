//! Each function is allowed what its code calls, on what it calls it, and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{
    cloudformation::{Template, arn, list, text},
    root,
};

/// What each function calls. A transaction asks for the permissions of its parts, a copy in S3
/// for those to read and to write (Service Authorization Reference).
const CALLS: [(&str, &[&str]); 21] = [
    (
        "list-jobs",
        &[
            "dynamodb:Query Table/index/by_owner",
            "dynamodb:Query Table/index/by_owner_phase",
            "dynamodb:Query Table/index/by_release",
            "dynamodb:Query Table/index/recent",
            "dynamodb:BatchGetItem Table",
        ],
    ),
    // A job whose message cannot be sent is taken back, unless a repeated request was told of it.
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
    // A configuration that is large is an item of its own.
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
    ("create-release", &["dynamodb:PutItem Table"]),
    ("get-release", &["dynamodb:GetItem Table"]),
    (
        "restore-package",
        &["dynamodb:GetItem Table", "dynamodb:UpdateItem Table"],
    ),
    // A presigned request is carried out with the permissions of who signed it.
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

/// What in the code needs a permission: a call of the SDK, a part of a transaction.
const NEEDS: [(&str, &str); 23] = [
    (".get_item()", "dynamodb:GetItem"),
    (".batch_get_item()", "dynamodb:BatchGetItem"),
    (".put_item()", "dynamodb:PutItem"),
    (".update_item()", "dynamodb:UpdateItem"),
    (".delete_item()", "dynamodb:DeleteItem"),
    (".query()", "dynamodb:Query"),
    ("Put::builder()", "dynamodb:PutItem"),
    ("TransactUpdate::builder()", "dynamodb:UpdateItem"),
    ("Delete::builder()", "dynamodb:DeleteItem"),
    ("ConditionCheck::builder()", "dynamodb:ConditionCheckItem"),
    (".send_message()", "sqs:SendMessage"),
    (
        ".change_message_visibility()",
        "sqs:ChangeMessageVisibility",
    ),
    (".get_object()", "s3:GetObject"),
    (".head_object()", "s3:GetObject"),
    (".put_object()", "s3:PutObject"),
    (".copy_object()", "s3:PutObject"),
    (".create_multipart_upload()", "s3:PutObject"),
    (".list_objects_v2()", "s3:ListBucket"),
    (".delete_objects()", "s3:DeleteObject"),
    (".list_multipart_uploads()", "s3:ListBucketMultipartUploads"),
    (".list_parts()", "s3:ListMultipartUploadParts"),
    (".abort_multipart_upload()", "s3:AbortMultipartUpload"),
    (".get_secret_value()", "secretsmanager:GetSecretValue"),
];

/// What an event source mapping calls with its function's role (AWS Lambda Developer Guide,
/// "Using Lambda with Amazon SQS").
const POLLER: [&str; 4] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
];

/// What the template allows each function: an action and what it may be done to.
fn grants(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let functions = template.functions().into_iter();
    let granted = functions.map(|(name, (_, function))| {
        let policies = function["Policies"].as_array().into_iter().flatten();
        (name.to_owned(), policies.flat_map(policy).collect())
    });
    granted.collect()
}

fn policy(policy: &serde_json::Value) -> Vec<String> {
    // A policy that a condition adds counts.
    let policy = policy.pointer("/Fn::If/1").unwrap_or(policy);
    let statements = policy["Statement"]
        .as_array()
        .unwrap_or_else(|| panic!("no policy of our own: {policy}"));
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
fn each_function_is_allowed_what_it_calls_and_no_more() {
    let mut grants = grants(&Template::load());
    for (name, calls) in CALLS {
        let expected: BTreeSet<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        assert_eq!(grants.remove(name), Some(expected), "{name}");
    }
    assert!(grants.is_empty(), "{grants:?}");
}

#[test]
fn every_action_has_its_caller_and_every_call_its_action() {
    let mut code = String::new();
    read_sources(&root().join("shared"), &mut code);
    read_sources(&root().join("functions"), &mut code);
    let called = NEEDS
        .iter()
        .filter(|(call, _)| code.contains(call))
        .map(|(_, action)| *action);
    let called: BTreeSet<&str> = called.chain(POLLER).collect();
    let granted = CALLS
        .iter()
        .flat_map(|(_, calls)| *calls)
        .map(|call| call.split(' ').next().unwrap());
    assert_eq!(granted.collect::<BTreeSet<_>>(), called);
}

/// Every source file below a folder, without what is for tests alone.
fn read_sources(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            read_sources(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !name.contains("test")
        {
            code.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
