"""The parts of the template that `scripts/emulator.py` adds to the local AWS for no other test.

Without its other workarounds, no route answers and no job starts.
"""

import ast
import re

import pytest

import local
from api import Client
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
            "allow-methods": "GET,POST,PUT,PATCH,OPTIONS",
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
