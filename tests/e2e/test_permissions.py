"""The permissions of the deployed functions' roles, as IAM evaluates them."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from invoke import function_name, functions
from roles import session_with
from stack import Stack

pytestmark = pytest.mark.local

LOGS = "arn:aws:logs:us-east-1:000000000000:log-group"


@pytest.fixture(scope="session")
def iam(stack: Stack) -> Any:
    """A client of IAM."""
    return stack.session.client("iam", endpoint_url=stack.endpoint_url)


def decision(iam: Any, role: str, action: str, resource: str) -> str:
    """Returns whether a role may call an action on a resource."""
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )
    [result] = answer["EvaluationResults"]
    return str(result["EvalDecision"])


def role_of(stack: Stack, function: str) -> str:
    """Returns the role of a function."""
    name = function_name(function)
    return stack.lambdas.get_function_configuration(FunctionName=name)["Role"]


@contextlib.contextmanager
def acting_as(stack: Stack, iam: Any, function: str) -> Iterator[boto3.Session]:
    """Yields a session with the policies of a function."""
    source = role_of(stack, function).rsplit("/", 1)[-1]
    policies = {
        name: iam.get_role_policy(RoleName=source, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=source)["PolicyNames"]
    }
    with session_with(stack, f"test-{function}", policies) as session:
        yield session


def is_allowed(call: Callable[[], object]) -> bool:
    """Returns whether IAM allows a call, which may fail for another reason."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
    return True


@pytest.mark.parametrize("function", functions())
def test_function_only_writes_to_its_own_log_group(stack: Stack, iam: Any, function: str) -> None:
    name = function_name(function)
    configuration = stack.lambdas.get_function_configuration(FunctionName=name)
    group = configuration["LoggingConfig"]["LogGroup"]
    assert group == f"/aws/lambda/{name}"
    own, other = f"{LOGS}:{group}:log-stream:one", f"{LOGS}:/aws/lambda/other:log-stream:one"
    allowed = {
        (action, stream)
        for action in ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        for stream in (own, other)
        if decision(iam, configuration["Role"], action, stream) == "allowed"
    }
    assert allowed == {("logs:CreateLogStream", own), ("logs:PutLogEvents", own)}


@pytest.mark.parametrize(
    ("function", "action", "kind"),
    [
        ("get-job", "Query", "JOB"),
        ("get-job-status", "GetItem", "JOB"),
        ("get-job-logs", "GetItem", "JOB"),
        ("get-job-logs", "Query", "JOB"),
        ("get-job-analysis", "GetItem", "JOB"),
        ("cancel-job", "UpdateItem", "JOB"),
        ("get-release", "GetItem", "RELEASE"),
        ("list-release-files", "GetItem", "RELEASE"),
        ("update-release", "UpdateItem", "RELEASE"),
        ("delete-file", "GetItem", "RELEASE"),
    ],
)
def test_function_reads_items_of_its_kind_only(
    stack: Stack, iam: Any, function: str, action: str, kind: str
) -> None:
    with acting_as(stack, iam, function) as session:
        table = session.resource("dynamodb", endpoint_url=stack.endpoint_url).Table(stack.table)
        for other in ("JOB", "RELEASE", "USER", "IDEMPOTENCY"):
            key = {"pk": f"{other}#1", "sk": "META"}
            calls: dict[str, Callable[[], object]] = {
                "GetItem": partial(table.get_item, Key=key),
                "Query": partial(
                    table.query,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": key["pk"]},
                ),
                "UpdateItem": partial(
                    table.update_item,
                    Key=key,
                    UpdateExpression="SET a = :a",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":a": 1},
                ),
            }
            assert is_allowed(calls[action]) == (other == kind), other


@pytest.mark.parametrize(
    ("function", "action", "folder"),
    [
        ("add-release-file", "PutObject", "source"),
        ("delete-file", "DeleteObject", "source"),
        ("process-jobs", "PutObject", "jobs"),
        ("process-jobs", "PutObjectTagging", "jobs"),
        ("process-jobs", "DeleteObject", "jobs"),
        ("process-jobs", "AbortMultipartUpload", "jobs"),
        ("sweep-jobs", "DeleteObject", "jobs"),
        ("sweep-jobs", "AbortMultipartUpload", "jobs"),
    ],
)
def test_function_writes_to_its_own_folder_only(
    stack: Stack, iam: Any, function: str, action: str, folder: str
) -> None:
    role = role_of(stack, function)
    for other in ("source", "jobs"):
        file = f"arn:aws:s3:::{stack.bucket}/releases/1/{other}/1/1/a"
        found = decision(iam, role, f"s3:{action}", file)
        assert (found == "allowed") == (other == folder), other


def test_route_of_an_analysis_reads_thumbnails_only(stack: Stack, iam: Any) -> None:
    role = role_of(stack, "get-job-analysis")
    for path, expected in (
        ("jobs/1/1/cover.jpg", True),
        ("jobs/1/1/a.zip", False),
        ("source/a.epub", False),
    ):
        file = f"arn:aws:s3:::{stack.bucket}/releases/1/{path}"
        assert (decision(iam, role, "s3:GetObject", file) == "allowed") == expected, path


def test_sweeper_lists_the_output_of_jobs_only(stack: Stack, iam: Any) -> None:
    with acting_as(stack, iam, "sweep-jobs") as session:
        s3 = session.client("s3", endpoint_url=stack.endpoint_url)
        for prefix, expected in (("releases/1/jobs/1/", True), ("releases/1/source/", False)):
            lists = partial(s3.list_objects_v2, Bucket=stack.bucket, Prefix=prefix)
            assert is_allowed(lists) == expected, prefix
        assert not is_allowed(partial(s3.list_objects_v2, Bucket=stack.bucket))
