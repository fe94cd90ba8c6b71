"""Limits on what one user may have, with the deployed functions and their permissions."""

import json
import subprocess
import sys
from typing import Any

import pytest

import local
from api import User
from runtime import StartFunction
from stack import Stack
from test_outages import request_by

pytestmark = pytest.mark.local


# A recount repairs the numbers of all users, those of other tests included.
recounts = pytest.mark.xdist_group("recount")


def recount(*options: str) -> "subprocess.CompletedProcess[str]":
    """Runs scripts/recount.py against the local AWS."""
    state = local.running()
    assert state
    script = str(local.ROOT / "scripts/recount.py")
    return subprocess.run(
        [sys.executable, script, "--stack", local.STACK, *options],
        env=local.plain_environment(state["port"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def set_number(stack: Stack, pk: str, sk: str, name: str, number: int) -> None:
    """Sets a number in the table."""
    stack.dynamodb.update_item(
        TableName=stack.table,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #name = :number",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":number": {"N": str(number)}},
    )


def problem(answer: Any) -> tuple[int, str]:
    """Returns the status and the type of a problem."""
    return answer["statusCode"], json.loads(answer["body"])["type"]


def test_user_at_the_limit_of_open_jobs_is_refused(
    owner: User, start_function: StartFunction
) -> None:
    release = owner.create_release()
    job = {"job_type": "nfofix", "release_id": release}
    limits = {"USER_OPEN_JOB_LIMIT": "1", "USER_DRAFT_LIMIT": "1"}
    create_job = start_function("create-job", **limits)
    draft = create_job.invoke(request_by(owner, "create-job", body=job | {"draft": True}))
    assert draft["statusCode"] == 201
    again = create_job.invoke(request_by(owner, "create-job", body={"draft": True}))
    assert problem(again) == (429, "urn:jobs:too-many-drafts")
    assert "retry-after" not in {name.lower() for name in again["headers"]}


def test_user_at_the_limit_neither_submits_nor_retries(
    stack: Stack, owner: User, start_function: StartFunction
) -> None:
    job = {"job_type": "nfofix", "release_id": owner.create_release()}
    cancelled, draft = owner.cancelled_draft(**job), owner.create_draft(**job)
    # An open job may end at any time, so a draft counts as one.
    stack.dynamodb.update_item(
        TableName=stack.table,
        Key={"pk": {"S": f"JOB#{owner.create_draft()}"}, "sk": {"S": "META"}},
        UpdateExpression="SET phase = :open",
        ExpressionAttributeValues={":open": {"S": "open"}},
    )
    limits = {"USER_OPEN_JOB_LIMIT": "1", "USER_DRAFT_LIMIT": "1"}
    empty = owner.cancelled_draft()
    retry = start_function("retry-job", **limits)
    refused = retry.invoke(request_by(owner, "retry-job", empty))
    assert problem(refused) == (429, "urn:jobs:too-many-drafts")
    submit = start_function("submit-job", **limits)
    for function, target in ((submit, draft), (retry, cancelled)):
        answer = function.invoke(request_by(owner, function.name, target))
        assert problem(answer) == (429, "urn:jobs:too-many-open-jobs")


@recounts
def test_wrong_number_of_releases_is_found_and_repaired(stack: Stack, owner: User) -> None:
    for _ in range(3):
        owner.create_release()
    assert stack.release_count(owner.id) == 3
    set_number(stack, f"USER#{owner.id}", "RELEASES", "count", 10**6)
    refused = owner.post("/api/releases", {"release_type": "ebook"})
    assert (refused.status, refused.body["type"]) == (409, "urn:jobs:too-many-releases")
    line = f"user {owner.id}: 1000000 counted, 3 owned, "
    assert line + "found" in recount("--dry-run").stdout
    assert stack.release_count(owner.id) == 10**6
    done = recount()
    assert line + "repaired" in done.stdout, done
    assert stack.release_count(owner.id) == 3
    owner.create_release()


@recounts
def test_release_of_an_earlier_version_is_added_to_the_list(
    stack: Stack, owner: User, admin: User
) -> None:
    release = owner.release(owner.create_release())
    stack.dynamodb.update_item(
        TableName=stack.table,
        Key={"pk": {"S": f"RELEASE#{release['id']}"}, "sk": {"S": "META"}},
        UpdateExpression="REMOVE kind, title",
    )
    path = f"/api/releases?limit=100&created_after={release['created_at']}"

    def titles() -> list[str | None]:
        """Returns the title of the release in an admin's list, if it is there."""
        listed = admin.get(path).body["releases"]
        return [one["title"] for one in listed if one["id"] == release["id"]]

    assert titles() == []
    assert "missing from the list" in recount("--dry-run").stdout
    assert "added to the list" in recount().stdout
    assert titles() == ["A Tested Book"]


def test_release_that_seems_full_is_counted_in_the_bucket(stack: Stack, owner: User) -> None:
    release = owner.create_release({"book.txt": b"Once"})
    set_number(stack, f"RELEASE#{release}", "UPLOADS", "files", 1_000)
    path, file = f"/api/releases/{release}/files", {"path": "other.txt", "size": 1}
    assert owner.post(path, file).status == 201
    # It has just been counted, so it is not counted again.
    set_number(stack, f"RELEASE#{release}", "UPLOADS", "files", 1_000)
    refused = owner.post(path, file)
    assert (refused.status, refused.body["type"]) == (409, "urn:jobs:too-many-files")
    assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
