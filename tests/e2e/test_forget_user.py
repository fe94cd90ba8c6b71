"""Deleting all data of a user, as the operator's page describes."""

import json
import subprocess
import sys

import pytest

import local
from api import User
from packages import SOURCES
from stack import Stack

pytestmark = pytest.mark.local


def forget_user(user: User, *options: str) -> "subprocess.CompletedProcess[str]":
    """Runs scripts/forget_user.py against the local AWS."""
    state = local.running()
    assert state
    script = str(local.ROOT / "scripts/forget_user.py")
    return subprocess.run(
        [sys.executable, script, str(user.id), "--stack", local.STACK, *options],
        env=local.plain_environment(state["port"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def traces(stack: Stack, user: User, *numbers: int) -> list[str]:
    """Lists the keys of items and files that contain the user's id or one of these numbers.

    The permits of others may have the ids of removed jobs, until their next job replaces them.
    """
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table)
    found = (item for page in pages for item in page["Items"])
    own, releases = f"USER#{user.id}", {f"RELEASE#{number}" for number in numbers}
    items = (
        json.dumps(item)
        for item in found
        if item["sk"]["S"] != "PERMITS" or item["pk"]["S"] in {own, *releases}
    )
    listing = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket)
    files = (file["Key"] for page in listing for file in page.get("Contents", []))
    wanted = [str(number) for number in (user.id, *numbers)]
    return [
        text for texts in (items, files) for text in texts if any(word in text for word in wanted)
    ]


def make_data(owner: User, admin: User) -> tuple[int, ...]:
    """Makes one of each kind of data; returns the ids of the releases and jobs."""
    used, unused = owner.create_release(SOURCES), owner.create_release()
    large = {"release_name": "Some.Name-GRP", "template": "x" * 2_000}
    packaged = owner.run_job(job_type="packaging", release_id=used, config_json=large)
    assert packaged["status"] == "completed"
    release = {"release_type": "ebook"}
    keyed_release = owner.post("/api/releases", release, idempotency_key="k").body["id"]
    body = {"job_type": "nfofix", "release_id": unused}
    keyed = owner.post("/api/jobs", body, idempotency_key="k").body["id"]
    owner.wait_for_end(keyed)
    draft = owner.create_draft(job_type="nfofix")
    assert owner.post("/api/live/ticket", {}).status == 201
    by_admin = admin.run_job(job_type="analysis", release_id=used)["id"]
    return used, unused, keyed_release, packaged["id"], keyed, draft, by_admin


def test_all_data_of_a_user_is_removed(
    stack: Stack, owner: User, stranger: User, admin: User
) -> None:
    ids = make_data(owner, admin)
    kept = stranger.create_release(SOURCES)
    kept_job = stranger.run_job(job_type="packaging", release_id=kept)["id"]
    counted = forget_user(owner, "--dry-run")
    assert counted.stdout.startswith("Found 4 jobs, 3 releases, "), counted
    assert len(traces(stack, owner, *ids)) > 15

    removed = forget_user(owner)
    assert removed.stdout == counted.stdout.replace("Found", "Removed"), removed
    assert traces(stack, owner, *ids) == []
    again = forget_user(owner)
    assert again.stdout == "Removed 0 jobs, 0 releases, 0 items, 0 files, 0 uploads.\n", again
    assert stranger.job(kept_job)["status"] == "completed"
    assert stranger.files(kept, "source/") == SOURCES
    assert stranger.files(kept, "package/")


@pytest.mark.parametrize("status", ["pending", "running"])
def test_data_of_a_user_with_open_jobs_is_kept(stack: Stack, owner: User, status: str) -> None:
    # Changed in the table: the real job would end before the command reads it.
    job = owner.create_draft(job_type="nfofix")
    item = stack.job_item(job)
    stack.dynamodb.update_item(
        TableName=stack.table,
        Key={"pk": item["pk"], "sk": item["sk"]},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
    )
    done = forget_user(owner)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: cancel these jobs first: {job}\n"
    assert stack.job_item(job)


def test_unknown_stack_is_reported(owner: User) -> None:
    done = forget_user(owner, "--stack", "jobs-unknown")
    assert done.returncode == 1
    assert done.stderr.startswith("error: "), done
