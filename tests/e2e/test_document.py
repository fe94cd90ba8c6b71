"""What the API's document says of routes that no other test asks."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import Client, User, assert_problem
from document import ROOT
from stack import Stack
from waiting import wait_until

LARGE = b'{"a": "' + b"x" * (256 * 1024) + b'"}'


def test_document_is_served_without_a_token(anonymous: Client) -> None:
    served = anonymous.get("/openapi.json")
    assert served.body == json.loads((ROOT / "openapi.json").read_text())
    assert served.headers["cache-control"] == "public, max-age=300"


def test_api_leads_to_its_document(anonymous: Client) -> None:
    answer = anonymous.get("/health")
    assert answer.headers["link"] == '</openapi.json>; rel="service-desc"'
    assert answer.body["version"] == anonymous.get("/openapi.json").body["info"]["version"]


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json"])
def test_route_without_a_token_refuses_parameters(anonymous: Client, path: str) -> None:
    assert_problem(anonymous.get(path + "?a=1"), 400, "invalid-request", "a")


def test_refused_token_names_nobody(stack: Stack) -> None:
    assert stack.client("no token").get("/api/me").status == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/jobs/{draft}/cancel"),
        ("PUT", "/api/jobs/{draft}/submit"),
        ("PUT", "/api/releases/{release}/package"),
        ("POST", "/api/live/ticket"),
    ],
)
def test_large_body_is_refused(owner: User, method: str, path: str) -> None:
    path = path.format(draft=owner.create_draft(), release=owner.create_release())
    assert_problem(owner.call(method, path, LARGE), 413, "too-large")


def test_restoring_a_package_needs_a_token(anonymous: Client, owner: User) -> None:
    path = f"/api/releases/{owner.create_release()}/package"
    assert anonymous.put(path, {"job_id": 1}).status == 401


def test_retry_of_an_incomplete_draft_is_a_draft(owner: User) -> None:
    retried = owner.post(f"/api/jobs/{owner.cancelled_draft()}/retry")
    assert (retried.status, retried.body["status"]) == (201, "draft")


def test_one_of_two_changes_at_once_is_refused(owner: User) -> None:
    path = f"/api/releases/{owner.create_release()}"

    def statuses() -> set[int]:
        """Changes the metadata several times at once; returns the statuses."""
        changes = [{"metadata": {"year": year}} for year in range(8)]
        with ThreadPoolExecutor(8) as pool:
            return {one.status for one in pool.map(lambda body: owner.patch(path, body), changes)}

    seen = wait_until(lambda: found if 409 in (found := statuses()) else None, "a conflict")
    assert seen == {200, 409}
