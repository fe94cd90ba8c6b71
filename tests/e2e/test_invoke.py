"""Every function alone, through `cargo lambda invoke`, with its sample event."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import User
from local import ROOT
from routes import UNKNOWN_ID
from runtime import EVENTS, PROCESSED
from samples import TEXT_FILE
from stack import Stack
from waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.slow]

NOT_FOUND = {
    "get-job": "job",
    "update-job": "job",
    "get-job-status": "job",
    "get-job-logs": "job",
    "cancel-job": "job",
    "submit-job": "job",
    "retry-job": "job",
    "get-job-analysis": "job",
    "list-release-jobs": "release",
    "get-release": "release",
    "update-release": "release",
    "restore-package": "release",
    "add-release-file": "release",
    "list-release-files": "release",
    "delete-file": "release",
}
UNKNOWN_RELEASE = UNKNOWN_ID + 1
Replaced = dict[object, object] | None
Invoke = Callable[..., Any]


@pytest.fixture
def invoke(tmp_path: Path) -> Invoke:
    """Invokes a function with its sample event, in which texts are replaced; returns its answer."""

    def invoke(function: str, replaced: Replaced = None) -> Any:
        event = (EVENTS / f"{function}.json").read_text()
        for old, new in (replaced or {}).items():
            assert str(old) in event, f"{function}.json does not contain {old}"
            event = event.replace(str(old), str(new))
        path = tmp_path / f"{function}.json"
        path.write_text(event)
        command = [sys.executable, f"{ROOT}/scripts/invoke.py", function, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return invoke


@pytest.fixture
def request_route(invoke: Invoke) -> Callable[..., tuple[int, Any]]:
    """Invokes the function of a route; returns the status and the JSON of its answer."""

    def request_route(function: str, replaced: Replaced = None) -> tuple[int, Any]:
        answer = invoke(function, replaced)
        assert not answer["isBase64Encoded"], answer
        return answer["statusCode"], json.loads(answer["body"])

    return request_route


@pytest.fixture
def owner(stack: Stack) -> User:
    """The user that the sample events name."""
    return stack.user(7)


def test_every_function_has_a_sample_event() -> None:
    functions = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
    assert functions == {path.stem for path in EVENTS.glob("*.json")}


@pytest.mark.parametrize(("function", "kind"), NOT_FOUND.items())
def test_sample_event_names_nothing_that_exists(
    request_route: Invoke, function: str, kind: str
) -> None:
    status, problem = request_route(function)
    assert status == 404
    assert problem["type"] == f"urn:jobs:{kind}-not-found"


def test_sample_event_without_an_id_succeeds(request_route: Invoke) -> None:
    status, page = request_route("list-jobs")
    assert (status, set(page)) == (200, {"jobs", "next_cursor"})
    status, job = request_route("create-job")
    assert (status, job["status"], job["created_by"]) == (201, "draft", 7)
    status, release = request_route("create-release")
    assert (status, release["group"], release["user_id"]) == (201, "DEMO", 7)
    status, health = request_route("get-health")
    assert (status, health["status"]) == (200, "ok")


def test_completed_job_is_read(owner: User, request_route: Invoke) -> None:
    release = owner.create_release(TEXT_FILE)
    job = owner.run_job(job_type="analysis", release_id=release)
    assert job["status"] == "completed", job
    for function, field in (
        ("get-job", "id"),
        ("get-job-status", "job_id"),
        ("get-job-logs", "job_id"),
        ("get-job-analysis", "job_id"),
    ):
        status, body = request_route(function, {UNKNOWN_ID: job["id"]})
        assert (status, body[field]) == (200, job["id"]), function


def test_release_is_read(owner: User, request_route: Invoke) -> None:
    release = owner.create_release(TEXT_FILE)
    job = owner.create_draft(release_id=release)
    replaced = {UNKNOWN_RELEASE: release}
    assert request_route("get-release", replaced)[1]["id"] == release
    jobs = request_route("list-release-jobs", replaced)[1]["jobs"]
    assert [each["id"] for each in jobs] == [job]
    files = request_route("list-release-files", replaced)[1]["files"]
    assert [file["path"] for file in files] == ["source/notes.txt"]
    assert request_route("add-release-file", replaced)[0] == 201


def test_draft_is_changed_and_submitted(owner: User, request_route: Invoke) -> None:
    replaced = {UNKNOWN_ID: owner.create_draft(release_id=owner.create_release())}
    status, changed = request_route("update-job", replaced)
    assert (status, changed["job_type"]) == (200, "packaging")
    assert request_route("submit-job", replaced)[0] == 202


def test_draft_is_cancelled_and_retried(owner: User, request_route: Invoke) -> None:
    job = owner.create_draft(job_type="packaging", release_id=owner.create_release())
    assert request_route("cancel-job", {UNKNOWN_ID: job})[0] == 200
    status, retried = request_route("retry-job", {UNKNOWN_ID: job})
    assert (status, retried["retry_of"]) == (202, job)


def test_token_is_checked(owner: User, invoke: Invoke) -> None:
    rejected = {"isAuthorized": False, "context": {"user_id": "", "admin": False}}
    assert invoke("authorize") == rejected
    sample = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOjd9."
    accepted = invoke("authorize", {sample: owner.headers["authorization"]})
    assert accepted["context"].pop("expires_at").endswith("Z")
    assert accepted == {"isAuthorized": True, "context": {"user_id": "7", "admin": False}}


def test_message_delivered_twice_becomes_one_job(stack: Stack, invoke: Invoke) -> None:
    producer = stack.new_user()
    replaced = {
        r"\"created_by\": 7": rf"\"created_by\": {producer.id}",
        UNKNOWN_RELEASE: producer.create_release(),
    }
    for _ in range(2):
        assert invoke("process-jobs", replaced) == PROCESSED
    jobs = wait_until(producer.jobs, "the job")
    assert [(job["job_type"], job["status"]) for job in jobs] == [("analysis", "failed")]


def test_unreadable_dead_letter_is_returned_to_its_queue(invoke: Invoke) -> None:
    assert invoke("fail-dead-jobs") == PROCESSED
    answer = invoke("fail-dead-jobs", {rf"{{\"job_id\": {UNKNOWN_ID}}}": "not json"})
    assert len(answer["batchItemFailures"]) == 1


def test_sweep_ends(invoke: Invoke) -> None:
    assert invoke("sweep-jobs") is None
