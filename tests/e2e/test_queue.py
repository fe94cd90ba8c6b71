"""The jobs queue: producers' messages, repeated deliveries, and messages that can never succeed."""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from api import User, assert_problem
from runtime import PROCESSED, StartFunction, delivery, sample_event
from samples import TEXT_FILE
from stack import Stack
from waiting import wait_until

Send = Callable[[object], str]
Attributes = dict[str, str]

# Readers of the dead-letter queue hide its messages from each other for its visibility timeout.
reads_dead_letters = pytest.mark.xdist_group("dead-letter queue")


@pytest.fixture
def send(stack: Stack) -> Send:
    """Sends a message as a producer does; returns its id. An object is sent as JSON."""

    def send(body: object) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        sent = stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=text)
        return sent["MessageId"]

    return send


def wait_for_jobs(user: User) -> list[Any]:
    """Waits until a user has a job; returns the user's jobs."""
    return wait_until(user.jobs, f"a job of user {user.id}")


def wait_for_dead_letters(stack: Stack, bodies: Iterable[str]) -> dict[str, Attributes]:
    """Waits until these messages are in the dead-letter queue, and leaves others there.

    Returns the attributes of each, by its body.
    """
    found: dict[str, Attributes] = {}
    missing, url = set(bodies), stack.dead_letter_queue_url

    def all_have_arrived() -> bool:
        answer = stack.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=1,
            MessageAttributeNames=["All"],
        )
        for message in answer.get("Messages", []):
            if (body := message["Body"]) in missing:
                missing.discard(body)
                attributes = message.get("MessageAttributes", {}).items()
                found[body] = {name: value["StringValue"] for name, value in attributes}
                stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return not missing

    wait_until(all_have_arrived, f"{missing} in the dead-letter queue")
    return found


def test_message_becomes_a_job_of_its_user(owner: User, stranger: User, send: Send) -> None:
    release = owner.create_release(TEXT_FILE)
    message = {
        "job_type": "analysis",
        "release_id": release,
        "config_json": {"path": "notes.txt"},
        "created_by": owner.id,
    }
    send(message)
    [job] = wait_for_jobs(owner)
    assert owner.wait_for_end(job["id"])["status"] == "completed"
    details = owner.job(job["id"])
    expected = message | {"attempt": 1}
    assert {name: details[name] for name in expected} == expected
    assert_problem(stranger.get(f"/api/jobs/{job['id']}"), 403, "forbidden")


def test_messages_with_one_key_create_one_job(owner: User, send: Send) -> None:
    message = {
        "job_type": "analysis",
        "release_id": owner.create_release(TEXT_FILE),
        "created_by": owner.id,
        "idempotency_key": "k" * 128,
    }
    for _ in range(5):
        send(message)
    [job] = wait_for_jobs(owner)
    wait_until(lambda: owner.job(job["id"])["duplicate_deliveries"] == 4, "four duplicates")
    assert owner.wait_for_end(job["id"])["status"] == "completed"
    assert [each["id"] for each in owner.jobs()] == [job["id"]]


def nfofix(user: User, **fields: Any) -> dict[str, Any]:
    """Returns a message that submits a job on a new release of the user."""
    release = user.create_release()
    return {"job_type": "nfofix", "release_id": release, "created_by": user.id} | fields


def test_messages_without_a_key_are_separate_jobs(owner: User, send: Send) -> None:
    message = nfofix(owner)
    for _ in range(2):
        send(message)
    wait_until(lambda: len(owner.jobs()) == 2, "both jobs")


def test_api_and_producers_share_their_keys(owner: User, start_function: StartFunction) -> None:
    message = nfofix(owner, idempotency_key="same")
    body = {name: message[name] for name in ("job_type", "release_id")}
    created = owner.post("/api/jobs", body, idempotency_key="same").body["id"]
    assert start_function("process-jobs").invoke(delivery(message, "same-key")) == PROCESSED
    assert [job["id"] for job in owner.jobs()] == [created]


def test_job_of_a_message_is_found_by_its_key(
    stack: Stack, owner: User, stranger: User, admin: User
) -> None:
    message_id = stack.sqs.send_message(
        QueueUrl=stack.queue_url, MessageBody=json.dumps(nfofix(owner))
    )["MessageId"]
    [job] = wait_for_jobs(owner)
    path = f"/api/jobs?idempotency_key={message_id}"
    for user, query in ((owner, path), (admin, f"{path}&user_id={owner.id}")):
        assert [each["id"] for each in user.get(query).body["jobs"]] == [job["id"]]
    assert stranger.get(path).body == {"jobs": [], "next_cursor": None}


def test_job_runs_once_despite_duplicate_deliveries(owner: User, send: Send) -> None:
    release = owner.create_release(TEXT_FILE)
    job = owner.create_job(job_type="packaging", release_id=release)
    for _ in range(5):
        send({"job_id": job})
    details = wait_for_duplicates(owner, job, 5)
    assert owner.wait_for_end(job)["status"] == "completed"
    assert (details["attempt"], len(details["attempts"])) == (1, 1)
    package = owner.release(release)["package"]
    assert (package["job_id"], package["version"]) == (job, 1)


def test_final_job_never_changes(owner: User, send: Send) -> None:
    completed = owner.run_job(job_type="analysis", release_id=owner.create_release(TEXT_FILE))
    failed = owner.run_job(job_type="nfofix")
    for ended in (completed, failed):
        send({"job_id": ended["id"]})
        after = wait_for_duplicates(owner, ended["id"], ended["duplicate_deliveries"] + 1)
        assert after | {"duplicate_deliveries": 0} == ended | {"duplicate_deliveries": 0}


def wait_for_duplicates(user: User, job: int, count: int) -> Any:
    """Waits until a job counts this many duplicate deliveries; returns its details."""

    def details() -> Any:
        found = user.job(job)
        return found if found["duplicate_deliveries"] >= count else None

    return wait_until(details, f"{count} duplicate deliveries of job {job}")


@pytest.mark.parametrize("make_job", [User.create_draft, User.cancelled_draft])
def test_draft_or_cancelled_job_is_not_started(
    owner: User, start_function: StartFunction, make_job: Callable[..., int]
) -> None:
    job = make_job(owner, job_type="analysis", release_id=owner.create_release(TEXT_FILE))
    before = owner.job(job)
    processor = start_function("process-jobs")
    assert processor.invoke(delivery({"job_id": job}, f"start-{job}")) == PROCESSED
    assert owner.job(job) == before


@reads_dead_letters
def test_message_that_can_never_succeed_is_dead_lettered_with_its_reason(
    stack: Stack, admin: User, send: Send
) -> None:
    owner = stack.new_user()
    user_id, release = owner.id, owner.create_release()
    nfofix = {"job_type": "nfofix", "release_id": release, "created_by": user_id}
    other = stack.new_user().create_release()
    invalid = [
        nfofix | {"typo": 1},
        {"job_type": "juggling", "created_by": user_id},
        {"job_type": "nfofix", "release_id": release},
        {"job_type": "nfofix", "created_by": user_id},
        nfofix | {"config_json": {"dryrun": True}},
        nfofix | {"config_json": {"x": "y" * 70_000}},
        nfofix | {"job_type": "packaging", "config_json": {"template": "{{ x }}"}},
        {"job_type": "nfofix", "created_by": "me", "release_id": user_id},
        {"job_id": user_id, "extra": 1},
    ]
    reasons = {
        f"not json {user_id}": "not_json",
        f'["{user_id}"]': "not_json",
        **{json.dumps(message): "invalid_fields" for message in invalid},
        json.dumps({"job_id": user_id}): "unknown_job",
        json.dumps(nfofix | {"release_id": other}): "forbidden",
        json.dumps(nfofix | {"release_id": user_id}): "unknown_release",
    }
    ids = {body: send(body) for body in reasons}
    letters = wait_for_dead_letters(stack, reasons)
    assert {body: letter["reason"] for body, letter in letters.items()} == reasons
    assert {body: letter["message_id"] for body, letter in letters.items()} == ids
    assert all(letter["request_id"] for letter in letters.values())
    assert "typo is not a known field" in letters[json.dumps(invalid[0])]["detail"]
    assert admin.get(f"/api/jobs?user_id={user_id}").body["jobs"] == []


@reads_dead_letters
def test_message_that_reuses_a_key_is_dead_lettered(stack: Stack, owner: User, send: Send) -> None:
    message = nfofix(owner, idempotency_key="k")
    send(message)
    wait_for_jobs(owner)
    other = json.dumps(message | {"job_type": "readnfo"})
    send(other)
    assert wait_for_dead_letters(stack, [other])[other]["reason"] == "key_reused"
    assert [job["job_type"] for job in owner.jobs()] == ["nfofix"]


@reads_dead_letters
def test_poison_messages_delay_no_other_job(stack: Stack, owner: User, send: Send) -> None:
    bodies = [f"poison {number} of {owner.id}" for number in range(10)]
    for body in bodies:
        send(body)
    job = owner.run_job(job_type="analysis", release_id=owner.create_release(TEXT_FILE))
    assert job["status"] == "completed"
    wait_for_dead_letters(stack, bodies)


@reads_dead_letters
def test_log_line_of_a_dead_letter_names_its_ids(
    stack: Stack, start_function: StartFunction
) -> None:
    message = {
        "job_type": "nfofix",
        "release_id": 1,
        "created_by": random.randrange(10**9),
        "typo": 1,
    }
    # The local AWS may keep the last lines of an invocation until the next one.
    with tempfile.TemporaryFile("w+") as log:
        processor = start_function("process-jobs", log=log)
        assert processor.invoke(delivery(message, "original")) == PROCESSED
        log.seek(0)
        [line] = [json.loads(text) for text in log if "never succeed" in text]
    body = json.dumps(message)
    letter = wait_for_dead_letters(stack, [body])[body]
    assert "typo is not a known field" in letter["detail"]
    # The names of docs/logging.md and its queries.
    logged = {name: line[name] for name in ("reason", "detail", "message_id")}
    assert logged | {"request_id": line["span"]["requestId"]} == letter


@pytest.fixture
def unread_queue(stack: Stack) -> Iterator[str]:
    """The URL of a queue without a reader."""
    name = f"unread-{random.randrange(10**9)}"
    url = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url
    stack.sqs.delete_queue(QueueUrl=url)


def test_job_whose_deliveries_are_used_up_fails(
    stack: Stack, start_function: StartFunction, unread_queue: str
) -> None:
    # Its message is in a queue without a reader, so the job stays pending.
    event = sample_event("create-job")
    owner = stack.user(int(event["requestContext"]["authorizer"]["lambda"]["user_id"]))
    given = {"job_type": "nfofix", "release_id": owner.create_release()}
    event |= {"body": json.dumps(given)}
    created = start_function("create-job", QUEUE_URL=unread_queue).invoke(event)
    job = json.loads(created["body"])["id"]
    assert owner.status(job)["status"] == "pending"
    body = json.dumps({"job_id": job})
    # For a day, the sweeper would send the job another message.
    dead_letter = delivery(body, "exhausted")
    assert start_function("fail-dead-jobs").invoke(dead_letter) == PROCESSED
    assert owner.status(job)["status"] == "pending"
    two_days_ago = int((time.time() - 2 * 24 * 60 * 60) * 1000)
    stack.set_times(job, two_days_ago, "updated_at")
    stack.sqs.send_message(QueueUrl=stack.exhausted_queue_url, MessageBody=body)
    status = owner.wait_for_end(job)
    assert (status["status"], status["error"]["code"]) == ("failed", "dead_lettered")
    errors = owner.get(f"/api/jobs/{job}/logs?level=ERROR").body["logs"]
    assert status["error"]["message"].removesuffix(".") in errors[-1]["message"]
