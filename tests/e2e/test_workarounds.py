"""The parts of the template that `scripts/emulator.py` adds to the local AWS for no other test.

Without its other workarounds, no route answers and no job starts.
"""

import ast
import re
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError

import local
from api import Client, fetch
from stack import Stack

pytestmark = pytest.mark.local


def preflight(client: Client, origin: str) -> tuple[int, dict[str, str]]:
    """Asks the API on behalf of a browser; returns the status and the CORS headers."""
    answer = client.call(
        "OPTIONS", "/api/jobs", origin=origin, access_control_request_method="PATCH"
    )
    headers = {name.lower(): text for name, text in answer.headers.items()}
    prefix = "access-control-"
    return answer.status, {
        name.removeprefix(prefix): text for name, text in headers.items() if name.startswith(prefix)
    }


def test_page_of_each_allowed_origin_may_call_the_api(anonymous: Client) -> None:
    for origin in local.ORIGINS.split(","):
        status, headers = preflight(anonymous, origin)
        assert status == 204
        assert headers == {
            "allow-origin": origin,
            "allow-methods": "GET,POST,PUT,PATCH,DELETE,OPTIONS",
            "allow-headers": "authorization,content-type,accept,idempotency-key",
            "expose-headers": "location,retry-after,x-next-cursor,x-finished",
            "max-age": "3600",
        }


def test_page_of_another_origin_may_not_call_the_api(anonymous: Client) -> None:
    status, headers = preflight(anonymous, "https://other.example")
    assert (status, headers.get("allow-origin")) == (403, None)


def test_table_deletes_expired_items(stack: Stack) -> None:
    answer = stack.dynamodb.describe_time_to_live(TableName=stack.table)
    description = answer["TimeToLiveDescription"]
    assert (description["TimeToLiveStatus"], description["AttributeName"]) == (
        "ENABLED",
        "expires_at",
    )


@pytest.mark.parametrize(
    "key",
    [
        ("test", "test"),
        ("000000000000", "test"),
        ("none", "none"),
        (local.access_key()["id"], "another secret"),
    ],
    ids=["test", "account", "unknown", "signature"],
)
def test_local_aws_refuses_other_keys_and_signatures(stack: Stack, key: tuple[str, str]) -> None:
    session = boto3.Session(*key, region_name=local.REGION)
    url = stack.endpoint_url
    calls: tuple[Callable[[], object], ...] = (
        lambda: session.client("dynamodb", endpoint_url=url).scan(TableName=stack.table),
        lambda: session.client("s3", endpoint_url=url).list_objects_v2(Bucket=stack.bucket),
        lambda: session.client("sqs", endpoint_url=url).receive_message(QueueUrl=stack.queue_url),
        lambda: session.client("secretsmanager", endpoint_url=url).get_secret_value(
            SecretId=local.SECRET_NAME
        ),
        lambda: session.client("lambda", endpoint_url=url).list_functions(),
        lambda: session.client("cloudformation", endpoint_url=url).describe_stacks(),
    )
    for call in calls:
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_local_aws_refuses_requests_without_a_key(stack: Stack) -> None:
    target = {"x-amz-target": "DynamoDB_20120810.ListTables"}
    assert fetch(stack.endpoint_url, "POST", b"{}", target).status in (400, 403)
    assert fetch(f"{stack.endpoint_url}/{stack.bucket}/?list-type=2").status == 403


def test_web_page_reads_nothing_of_the_local_aws(stack: Stack) -> None:
    page = {"origin": "https://other.example"}
    target = {"x-amz-target": "DynamoDB_20120810.ListTables"}
    answers = (
        fetch(stack.endpoint_url, "POST", b"{}", page | target),
        fetch(stack.endpoint_url, "OPTIONS", headers=page),
        fetch(f"{stack.endpoint_url}/_ministack/health", headers=page),
        fetch(f"{stack.endpoint_url}/{stack.bucket}/a", headers=page),
    )
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] is None
    for path in ("reset", "config"):
        assert fetch(f"{stack.endpoint_url}/_ministack/{path}", "POST", b"{}").status == 404


def test_files_with_keys_are_private() -> None:
    for path in (local.ENV, local.STATE, local.SECRET):
        assert path.stat().st_mode & 0o077 == 0, path


def test_page_of_differences_lists_every_workaround() -> None:
    launcher = ast.parse((local.ROOT / "scripts/emulator.py").read_text())
    [applied] = [
        node.value
        for node in launcher.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WORKAROUNDS"
    ]
    page = (local.ROOT / "docs/aws-differences.md").read_text()
    listed = re.findall(r"^\| .+ \| `(\w+)` \| .+ \|$", page, re.MULTILINE)
    assert listed == [name.id for name in ast.walk(applied) if isinstance(name, ast.Name)]
