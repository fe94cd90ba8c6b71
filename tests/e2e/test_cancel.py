"""Cancelling jobs: drafts, final jobs, and running jobs of each type at a chosen moment.

For a chosen moment, the job runs in the processor's own program on the deployed table and bucket,
behind a proxy that holds back its requests to S3 until the job has been cancelled.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from api import User, assert_problem
from faults import Call, Gate, StartProxy
from runtime import PROCESSED, SMALL_MEMORY, StartFunction, delivery
from samples import (
    RELEASE_NAME,
    completed_job,
    failed_job,
    package_with_a_broken_nfo,
)
from stack import Stack
from waiting import wait_until

TIMEOUT = 60  # seconds. The SDK gives up a held call after 90 s.
LARGE_FILE = {"0.bin": os.urandom(24 << 20)}  # its archive has several parts
STORE = {"compression": "store"}


def test_draft_can_be_cancelled_repeatedly(owner: User, admin: User) -> None:
    job = owner.create_draft()
    for user in (owner, admin, owner):
        answer = user.put(f"/api/jobs/{job}/cancel")
        assert (answer.status, answer.body["job_id"]) == (200, job)
        assert answer.body["status"] == "cancelled"
        assert answer.body["message"]


def test_cancel_says_who_and_why(owner: User, admin: User) -> None:
    for user, is_admin in ((owner, False), (admin, True)):
        job = owner.create_draft()
        path = f"/api/jobs/{job}/cancel"
        assert user.call("PUT", path, {"reason": "The wrong file"}).status == 200
        by = {"user_id": user.id, "admin": is_admin}
        for view in (owner.job(job), owner.status(job), owner.get(f"/api/jobs/{job}/logs").body):
            assert (view["cancelled_by"], view["cancel_reason"]) == (by, "The wrong file")
            assert view["cancelled_at"] == view["finished_at"]
        [line] = owner.log(job)
        role = "admin" if is_admin else "user"
        assert line["message"] == f"Cancelled by {role} {user.id}: The wrong file"
        # A second cancel changes nothing.
        assert owner.call("PUT", path, {"reason": "Another"}).status == 200
        assert owner.job(job)["cancel_reason"] == "The wrong file"


@pytest.mark.parametrize("reason", ["", "a\nb", "x" * 201, 5])
def test_invalid_reason_is_named(owner: User, reason: object) -> None:
    job = owner.create_draft()
    answer = owner.call("PUT", f"/api/jobs/{job}/cancel", {"reason": reason})
    assert_problem(answer, 400, "invalid-request", "reason")
    assert owner.status(job)["status"] == "draft"


@pytest.mark.parametrize("make_job", [completed_job, failed_job])
def test_final_job_is_not_cancelled(owner: User, make_job: Callable[[User], int]) -> None:
    job = make_job(owner)
    before = owner.job(job)
    assert_problem(owner.put(f"/api/jobs/{job}/cancel"), 409, "job-final")
    assert owner.job(job) == before


@dataclass
class HeldJob:
    """A running job that is held at a call to S3."""

    id: int
    gate: Gate
    end: "Future[Any]"

    def release(self) -> None:
        """Lets the job continue, and waits until its invocation has ended."""
        self.gate.is_open.set()
        assert self.end.result(TIMEOUT) == PROCESSED


HoldJob = Callable[[User, dict[str, Any], Callable[[Call], bool]], HeldJob]


@pytest.fixture
def hold_job(start_proxy: StartProxy, start_function: StartFunction) -> HoldJob:
    """Runs a user's job from a message, and holds it at a call to S3."""
    pool = ThreadPoolExecutor(1)

    def hold_job(user: User, message: dict[str, Any], holds: Callable[[Call], bool]) -> HeldJob:
        gate = Gate(holds)
        address = start_proxy(before=gate.before)
        processor = start_function(
            "process-jobs",
            AWS_ENDPOINT_URL_S3=address,
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=SMALL_MEMORY,
        )
        event = delivery(message | {"created_by": user.id}, f"held-{user.id}")
        end = pool.submit(processor.invoke, event)
        assert gate.is_held.wait(TIMEOUT), "the job never made the call"
        return HeldJob(user.jobs()[0]["id"], gate, end)

    return hold_job


def writes_a_part(call: Call) -> bool:
    return call.operation == "UploadPart"


def test_running_job_stops_and_leaves_nothing_behind(
    stack: Stack, owner: User, hold_job: HoldJob
) -> None:
    release = owner.create_release(LARGE_FILE)
    message = {"job_type": "packaging", "release_id": release, "config_json": STORE}
    job = hold_job(owner, message, writes_a_part)
    assert stack.output_keys(release), "the archive is not begun"
    assert owner.put(f"/api/jobs/{job.id}/cancel").body["status"] == "cancelled"
    job.release()
    assert not stack.output_keys(release)
    status = owner.status(job.id)
    assert (status["status"], status["error"]) == ("cancelled", None)
    assert status["progress"] < 100
    assert owner.release(release)["package"] is None
    assert owner.files(release, "package/") == {}


def test_running_repack_stops_and_leaves_the_package_unchanged(
    stack: Stack, owner: User, hold_job: HoldJob
) -> None:
    release = owner.create_release(LARGE_FILE)
    message = {"job_type": "packaging", "release_id": release, "config_json": STORE}
    packaged = owner.run_job(**message)
    before = stack.output_keys(release)
    job = hold_job(owner, message | {"job_type": "repack"}, writes_a_part)
    wait_until(lambda: is_at_work(owner, job.id, "archive"), "the progress to be seen", TIMEOUT)
    answer = owner.put(f"/api/jobs/{job.id}/cancel").body
    assert (answer["status"], "stops_by" in answer) == ("cancelled", True)
    job.release()
    assert stack.output_keys(release) == before
    package = owner.release(release)["package"]
    assert (package["job_id"], package["version"]) == (packaged["id"], 1)
    last_line = owner.job(job.id)["logs"].splitlines()[-1]
    assert f"Cancelled by user {owner.id}; it stopped at the step 'archive'" in last_line


def reads_a_file(call: Call) -> bool:
    return call.method == "GET" and call.path.endswith((".txt", ".nfo", ".zip"))


def writes_output(call: Call) -> bool:
    return call.method == "PUT" and "/jobs/" in call.path


def book(_: Stack, user: User) -> int:
    return user.create_release({"book.txt": b"Once"})


@dataclass
class Moment:
    """The moment at which a job is cancelled."""

    job_type: str
    prepare: Callable[[Stack, User], int]  # makes the release
    holds: Callable[[Call], bool]
    config: dict[str, Any] = field(default_factory=dict)
    step: str | None = None  # the step that a client must have seen before, if it matters


MOMENTS = [
    Moment("analysis", book, reads_a_file),
    Moment("packaging", book, writes_output, {"release_name": RELEASE_NAME}, step="archive"),
    Moment("repack", package_with_a_broken_nfo, writes_output, step="archive"),
    Moment("nfofix", package_with_a_broken_nfo, writes_output),
    Moment("readnfo", package_with_a_broken_nfo, reads_a_file, {"apply": True}),
    Moment("dirfix", package_with_a_broken_nfo, writes_output),
]


def is_at_work(user: User, job: int, step: str | None) -> bool:
    # A step is written within a second: a client may see a later one first.
    status = user.status(job)
    seen = status["step"] == step if step else status["step"] or status["message"]
    return bool(status["status"] == "running" and seen)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.job_type)
def test_cancelled_job_stops_and_changes_nothing(
    stack: Stack, owner: User, hold_job: HoldJob, moment: Moment
) -> None:
    release = moment.prepare(stack, owner)
    keys, shown = stack.output_keys(release), owner.release(release)
    message = {
        "job_type": moment.job_type,
        "release_id": release,
        "config_json": moment.config,
    }
    job = hold_job(owner, message, moment.holds)
    wait_until(lambda: is_at_work(owner, job.id, moment.step), "the progress to be seen", TIMEOUT)
    cancelled = owner.put(f"/api/jobs/{job.id}/cancel").body
    assert (cancelled["status"], "stops_by" in cancelled) == ("cancelled", True)
    job.release()
    assert stack.output_keys(release) == keys
    assert owner.release(release) == shown
    assert_cancelled(owner, job.id, moment.job_type)


def assert_cancelled(owner: User, job: int, job_type: str) -> None:
    """Checks the details of a job that its owner has cancelled while it ran."""
    details = owner.job(job)
    ended = (details["status"], details["result"], details["error"])
    assert ended == ("cancelled", None, None)
    assert details["progress"] < 100
    lines = details["logs"].splitlines()
    assert f"({job_type}) started" in lines[0]
    assert f"Cancelled by user {owner.id}" in lines[-1]
