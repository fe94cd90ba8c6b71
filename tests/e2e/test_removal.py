"""The removal at the end of `make verify`: of all that its users have made, and of nothing else."""

import json
import time

import pytest

from api import User
from removal import Removal
from samples import TEXT_FILE
from stack import Stack
from waiting import wait_until


def everything(stack: Stack, user: User) -> tuple[int, int]:
    """Makes one of each thing that a user can leave behind; returns a release and a job."""
    release = user.create_release(TEXT_FILE)
    job = user.run_job(job_type="packaging", release_id=release)["id"]
    user.post("/api/jobs", {"draft": True}, idempotency_key="a-key")
    assert user.post("/api/live/ticket").status == 201
    # A connection that does not exist. The topic is of no job, so that no push finds it lost.
    watch = {"pk": {"S": f"WATCH#JOB#{user.id}"}, "sk": {"S": f"lost-{user.id}"}}
    expiry = int(time.time()) + 3600
    watch |= {"user_id": {"N": str(user.id)}, "expires_at": {"N": str(expiry)}}
    stack.dynamodb.put_item(TableName=stack.table, Item=watch)
    message = {"job_type": "analysis", "release_id": release, "created_by": user.id}
    stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=json.dumps(message))
    wait_until(lambda: len(user.jobs()) == 3, "the job of the message")
    wrong = json.dumps({"job_type": "unknown", "created_by": user.id})
    stack.sqs.send_message(QueueUrl=stack.dead_letter_queue_url, MessageBody=wrong)
    return release, job


def keys_of(stack: Stack, user: User, release: int, job: int) -> set[tuple[str, str]]:
    """Returns the keys of a user's items in the table, and of those of the release and the job."""
    owned = (f"IDEMPOTENCY#{user.id}#", f"USER#{user.id}")
    parts = (f"RELEASE#{release}", f"JOB#{job}")
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table)
    found = set()
    for item in (item for page in pages for item in page["Items"]):
        pk = item["pk"]["S"]
        owner = (item.get("created_by") or item.get("user_id") or {"N": "0"})["N"]
        if pk.startswith(owned) or pk in parts or int(owner) == user.id:
            found.add((pk, item["sk"]["S"]))
    return found


def objects_of(stack: Stack, release: int) -> set[str]:
    """Returns the keys of a release's files."""
    listed = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=f"releases/{release}/")
    return {file["Key"] for file in listed.get("Contents", [])}


def dead_letters_of(stack: Stack, user: User) -> int:
    """Returns the number of dead letters that name a user."""
    found: set[str] = set()
    for _ in range(20):
        answer = stack.sqs.receive_message(
            QueueUrl=stack.dead_letter_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        letters = answer.get("Messages", [])
        found |= {each["MessageId"] for each in letters if str(user.id) in each["Body"]}
    return len(found)


@pytest.mark.xdist_group("dead-letter queue")
def test_all_that_the_users_made_is_removed_and_nothing_else(stack: Stack, owner: User) -> None:
    user = stack.new_user()
    made, kept = everything(stack, user), everything(stack, owner)
    before = keys_of(stack, owner, *kept)
    assert len(before) > 5
    removal = Removal(stack, range(user.id, user.id + 1))
    removal.run()
    assert removal.left == 0
    expected = {"jobs": 3, "releases": 1, "idempotency keys": 2, "tickets": 1, "watches": 1}
    assert {kind: removal.removed[kind] for kind in expected} == expected
    assert keys_of(stack, user, *made) == set()
    assert objects_of(stack, made[0]) == set()
    assert dead_letters_of(stack, user) == 0
    assert keys_of(stack, owner, *kept) == before
    assert objects_of(stack, kept[0]) != set()
    wait_until(lambda: dead_letters_of(stack, owner) == 1, "the other user's dead letter")
