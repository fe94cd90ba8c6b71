"""The events of jobs: each transition once or more, with the same id each time, and no other."""

import copy
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from api import User
from event_queue import EventQueue, dead_letter_queue, event_queue, events_of_user, stream_event
from faults import Call, Refusal, StartProxy, throttle
from live_client import Message, open_socket
from runtime import StartFunction
from samples import completed_job, failed_job
from scribe import Scribe
from stack import Stack
from table_stream import TableStream, wakes
from waiting import wait_until

pytestmark = pytest.mark.local

ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def events(stack: Stack, owner: User) -> Iterator[EventQueue]:
    """The events of the owner's jobs."""
    with event_queue(stack, events_of_user(owner.id)) as queue:
        yield queue


def ids(job: int, *names: str) -> list[str]:
    """Returns ids of events: `1_started` is the start of the first run."""
    return [f"evt_{job}_{name}" for name in names]


def details(events: list[Any], job: int) -> list[Any]:
    """Returns the details of a job's events, one for each id, in the order of their times."""
    found = {event["detail"]["id"]: event["detail"] for event in events}
    own = [each for each in found.values() if each["data"]["job_id"] == job]
    return sorted(own, key=lambda each: (each["time"], each["id"]))


def republish(stack: Stack, since: str) -> int:
    """Publishes the events since a time again, page by page; returns their number."""
    published, cursor = 0, None
    while True:
        request = {"since": since} | ({"cursor": cursor} if cursor else {})
        answer = stack.lambdas.invoke(
            FunctionName=f"{stack.name}-publish-events", Payload=json.dumps(request).encode()
        )
        page = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, page
        published, cursor = published + page["published"], page["cursor"]
        if cursor is None:
            return published


def rfc3339(seconds: float) -> str:
    """Returns a time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def test_each_transition_of_a_job_is_published(owner: User, events: EventQueue) -> None:
    job = completed_job(owner)
    expected = ids(job, "0_created", "1_started", "1_completed")
    received = events.wait_for(expected)
    assert set(events.ids()) == set(expected)
    for event in received:
        detail = event["detail"]
        assert set(detail) == ATTRIBUTES
        assert (event["source"], event["detail-type"]) == ("jobs", detail["type"])
        assert (detail["specversion"], detail["source"]) == ("1.0", "jobs")
        assert (detail["subject"], detail["datacontenttype"]) == (f"jobs/{job}", "application/json")
    found, seen = details(received, job), owner.job(job)
    assert [each["type"] for each in found] == ["job.created", "job.started", "job.completed"]
    times = [each["time"] for each in found]
    assert times == [seen["created_at"], seen["started_at"], seen["finished_at"]]
    assert [each["data"]["status"] for each in found] == ["pending", "running", "completed"]
    assert found[0]["data"] == {
        "job_id": job,
        "release_id": seen["release_id"],
        "job_type": "analysis",
        "created_by": owner.id,
        "retry_of": None,
        "status": "pending",
        "attempt": 0,
        "error": None,
        "cancelled_by": None,
        "cancel_reason": None,
    }


def test_failed_job_is_published_with_its_error(owner: User, events: EventQueue) -> None:
    job = failed_job(owner)
    received = events.wait_for(ids(job, "0_created", "1_started", "1_failed"))
    failed = details(received, job)[-1]
    assert failed["data"]["error"] == owner.job(job)["error"]


def test_cancelled_and_retried_jobs_are_published(owner: User, events: EventQueue) -> None:
    job = owner.cancelled_draft(job_type="nfofix", release_id=owner.create_release())
    answer = owner.post(f"/api/jobs/{job}/retry")
    assert answer.status == 202, answer
    again = int(answer.body["id"])
    cancelled = ids(job, "0_cancelled")
    expected = cancelled + ids(again, "0_created", "1_started", "1_failed")
    received = events.wait_for(expected)
    assert set(events.ids()) == set(expected)
    assert details(received, job)[0]["data"]["cancelled_by"] == {
        "user_id": owner.id,
        "admin": False,
    }
    assert {each["data"]["retry_of"] for each in details(received, again)} == {job}


def test_crashed_run_is_published_as_retried(stack: Stack, owner: User, events: EventQueue) -> None:
    scribe = Scribe(stack, owner)
    scribe.write(3)
    stack.expire(stack.job_item(scribe.job))
    stack.sweep()
    expected = ids(scribe.job, "1_retried", "2_started", "2_failed")
    received = events.wait_for(expected)
    retried = details(received, scribe.job)[0]
    assert (retried["type"], retried["data"]["error"]["code"]) == ("job.retried", "crashed")
    assert retried["data"]["status"] == "pending"


def test_heartbeats_publish_nothing(stack: Stack, owner: User, events: EventQueue) -> None:
    stream, wakes_publisher = TableStream(stack), wakes(stack, "publish-events")
    scribe = Scribe(stack, owner)
    for _ in range(5):
        scribe.write()
    scribe.cancel()
    woken = [record for record in stream.life(scribe.job) if wakes_publisher(record)]
    assert len(woken) == 1
    [event] = events.wait_for(ids(scribe.job, "1_cancelled"))
    assert event["detail"]["time"] == owner.status(scribe.job)["finished_at"]


def test_refused_event_is_published_by_a_later_delivery(
    stack: Stack,
    owner: User,
    events: EventQueue,
    start_function: StartFunction,
    start_proxy: StartProxy,
) -> None:
    stream = TableStream(stack)
    job = completed_job(owner)
    expected = ids(job, "0_created", "1_started", "1_completed")
    events.wait_for(expected)
    first, refused = len(events.events), []

    def before(call: Call) -> Refusal | None:
        refused.append(call)
        return throttle(call)

    delivered = stream_event(filter(wakes(stack, "publish-events"), stream.life(job)))
    address = start_proxy(before=before)
    away = start_function("publish-events", AWS_ENDPOINT_URL_EVENTBRIDGE=address)
    away.invoke_in_vain(delivered)
    assert {str(call) for call in refused} == {"EventBridge PutEvents"}
    gone = start_function("publish-events", AWS_ENDPOINT_URL_EVENTBRIDGE=NOWHERE)
    gone.invoke_in_vain(delivered)
    assert len(events.ids()) == first
    assert start_function("publish-events").invoke(delivered)["published"] == 3
    wait_until(lambda: len(events.ids()) == 2 * first, "the second delivery")
    assert details(events.events[:first], job) == details(events.events[first:], job)


def test_events_are_published_while_dynamodb_is_away(
    stack: Stack, owner: User, events: EventQueue, start_function: StartFunction
) -> None:
    stream = TableStream(stack)
    job = completed_job(owner)
    first = len(events.wait_for(ids(job, "1_completed", "1_started", "0_created")))
    delivered = stream_event(filter(wakes(stack, "publish-events"), stream.life(job)))
    # Only the pushes to those who watch a list need the table.
    publisher = start_function("publish-events", AWS_ENDPOINT_URL_DYNAMODB=NOWHERE)
    assert publisher.invoke(delivered)["published"] == 3
    wait_until(lambda: len(events.ids()) == first + 3, "the second delivery")


def test_push_fails_without_dynamodb_and_is_made_by_a_later_delivery(
    stack: Stack, owner: User, start_function: StartFunction
) -> None:
    stream, scribe = TableStream(stack), Scribe(stack, owner)
    with open_socket(owner) as socket:
        socket.ask(action="subscribe", job_id=scribe.job)
        scribe.write(2)
        updates = socket.receive_until(lambda each: bool(each["to"] == 2))
        wakes_push = wakes(stack, "push-updates")
        delivered = stream_event(filter(wakes_push, stream.records(scribe.job)))
        away = start_function("push-updates", AWS_ENDPOINT_URL_DYNAMODB=NOWHERE)
        away.invoke_in_vain(delivered)
        start_function("push-updates").invoke(delivered)

        def is_last(message: Message) -> bool:
            return bool(message["to"] == 2)

        again = socket.receive_until(is_last)
        assert again[-1]["logs"] == updates[-1]["logs"]


def test_damaged_record_holds_up_nobody(stack: Stack, owner: User, events: EventQueue) -> None:
    damaged = owner.create_draft()
    watched = Scribe(stack, owner)
    item = copy.deepcopy(dict(stack.job_item(damaged)))
    item |= {"status": {"S": "juggled"}, "event": {"S": "job.started"}, "live": {"N": "1"}}
    with open_socket(owner) as socket:
        socket.ask(action="subscribe", job_id=watched.job)
        stack.dynamodb.put_item(TableName=stack.table, Item=item)
        watched.write()
        socket.receive_until(lambda each: bool(each["to"] == 1))
        job = completed_job(owner)
        events.wait_for(ids(job, "0_created", "1_started", "1_completed"))
    assert {event["detail"]["data"]["job_id"] for event in events.events} == {job}
    letter = wait_until(lambda: letter_about(stack, damaged), "the dead letter")
    assert letter["dynamodb"]["NewImage"]["status"] == {"S": "juggled"}
    stack.dynamodb.delete_item(TableName=stack.table, Key={"pk": item["pk"], "sk": item["sk"]})


def letter_about(stack: Stack, job: int) -> Any:
    """Returns the dead letter about a job, which it removes; None if there is none yet."""
    url = dead_letter_queue(stack)
    answer = stack.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1)
    for message in answer.get("Messages", []):
        if f"JOB#{job}" in message["Body"]:
            stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])
    return None


@pytest.mark.slow
def test_republished_events_are_the_same(stack: Stack, owner: User, events: EventQueue) -> None:
    since = rfc3339(time.time() - 1)
    jobs = [completed_job(owner), failed_job(owner), owner.cancelled_draft()]
    crashed = Scribe(stack, owner)
    stack.expire(stack.job_item(crashed.job))
    stack.sweep()
    expected = [
        *ids(jobs[0], "0_created", "1_started", "1_completed"),
        *ids(jobs[1], "0_created", "1_started", "1_failed"),
        *ids(jobs[2], "0_cancelled"),
        *ids(crashed.job, "1_retried", "2_started", "2_failed"),
    ]
    events.wait_for(expected)
    first = {event["detail"]["id"]: event["detail"] for event in events.events}
    assert set(first) == set(expected)
    events.events.clear()
    assert republish(stack, since) >= len(expected)
    # A test's scribe makes a running job without the events of its creation and start. A cancelled
    # draft does not show whether it was submitted.
    events.wait_for(expected)
    again = {event["detail"]["id"]: event["detail"] for event in events.events}
    only_again = {*ids(crashed.job, "0_created", "1_started"), *ids(jobs[2], "0_created")}
    assert {key: again[key] for key in set(again) - only_again} == first
