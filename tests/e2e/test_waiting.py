"""A job that waits long for the other job of its release."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from api import User
from faults import Call, Gate, StartProxy
from runtime import PROCESSED, Function, FunctionDiedError, StartFunction, delivery
from stack import Stack
from waiting import wait_until

STOP_TIME = 20_000  # ms after a cancel, by which the run must have stopped
HALF_AN_HOUR = 30 * 60  # seconds
HOLD_TIMEOUT = 90  # seconds


class ShortenedDelays:
    """Delivers delayed messages at once, and adds up their delays, as the callback of a proxy."""

    def __init__(self) -> None:
        self.messages = 0
        self.seconds = 0

    def rewrite(self, call: Call, body: bytes) -> bytes:
        """Removes the delay of a message."""
        if call.operation != "SendMessage":
            return body
        request = json.loads(body)
        self.messages += 1
        self.seconds += request.pop("DelaySeconds", 0)
        return json.dumps(request).encode()


@dataclass
class JobsQueue:
    """A queue with the settings of the deployed one, and a dead-letter queue of its own."""

    stack: Stack
    url: str
    dead_letter_url: str

    def send(self, body: object) -> None:
        self.stack.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def deliver_to(self, processor: Function) -> None:
        """Delivers the next message as Lambda does. It must be its first and only delivery."""

        def receive() -> list[Any]:
            answer = self.stack.sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"]
            )
            return list(answer.get("Messages", []))

        [message] = wait_until(receive, "the next message")
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
        event = delivery(message["Body"], message["MessageId"])
        assert processor.invoke(event) == PROCESSED
        receipt = message["ReceiptHandle"]
        self.stack.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    def messages(self, url: str) -> int:
        """Counts the messages of this queue or of its dead-letter queue."""
        names: Any = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        answer = self.stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


@pytest.fixture
def jobs_queue(stack: Stack, owner: User) -> Iterator[JobsQueue]:
    """A queue that only the test reads."""
    names: Any = ["VisibilityTimeout", "RedrivePolicy"]
    deployed = stack.sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=names)
    settings = deployed["Attributes"]
    dead = stack.sqs.create_queue(QueueName=f"waiting-dead-{owner.id}")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = json.loads(settings["RedrivePolicy"])
    redrive["deadLetterTargetArn"] = arn["Attributes"]["QueueArn"]
    attributes: Any = settings | {"RedrivePolicy": json.dumps(redrive)}
    url = stack.sqs.create_queue(QueueName=f"waiting-{owner.id}", Attributes=attributes)["QueueUrl"]
    yield JobsQueue(stack, url, dead)
    for each in (url, dead):
        stack.sqs.delete_queue(QueueUrl=each)


@pytest.fixture
def hold_release(
    stack: Stack, owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> Callable[[int], int]:
    """Starts a job that changes a release and does not end; returns its id."""

    def hold_release(release: int) -> int:
        gate = Gate(lambda call: call.operation == "GetObject")
        address = start_proxy(before=gate.before)
        processor = start_function("process-jobs", AWS_ENDPOINT_URL_S3=address)
        event = delivery(packaging(owner, release), f"holder-{owner.id}")
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(processor.invoke, event)
            assert gate.is_held.wait(HOLD_TIMEOUT), "the job never read its file"
            # The job stays at work without its process: its lease lasts for an hour.
            processor.process.kill()
            with pytest.raises(FunctionDiedError):
                run.result()
        gate.is_open.set()
        [job] = owner.jobs()
        in_an_hour = round((time.time() + 2 * HALF_AN_HOUR) * 1000)
        stack.set_times(job["id"], in_an_hour, "lease_expires_at", "due_at")
        return int(job["id"])

    return hold_release


@pytest.fixture
def delays() -> ShortenedDelays:
    """The delays of the messages that the processor sends."""
    return ShortenedDelays()


@pytest.fixture
def processor(
    jobs_queue: JobsQueue,
    delays: ShortenedDelays,
    start_proxy: StartProxy,
    start_function: StartFunction,
) -> Function:
    """A processor of the queue."""
    return start_function(
        "process-jobs",
        AWS_ENDPOINT_URL_SQS=start_proxy(rewrite=delays.rewrite),
        QUEUE_URL=jobs_queue.url,
        DEAD_LETTER_QUEUE_URL=jobs_queue.dead_letter_url,
    )


def packaging(owner: User, release: int) -> dict[str, object]:
    """Returns the message of a producer that packages a release."""
    return {"job_type": "packaging", "release_id": release, "created_by": owner.id}


@pytest.mark.slow
def test_job_that_waits_half_an_hour_for_its_release_loses_no_attempt(
    owner: User,
    jobs_queue: JobsQueue,
    hold_release: Callable[[int], int],
    processor: Function,
    delays: ShortenedDelays,
) -> None:
    release = owner.create_release({"book.txt": b"Once"}, metadata={"title": "A Book"})
    holder = hold_release(release)
    jobs_queue.send(packaging(owner, release))
    jobs_queue.deliver_to(processor)
    [job] = [each["id"] for each in owner.jobs() if each["id"] != holder]
    # Each message comes at once, and the end of the wait that it belongs to moves along.
    while delays.seconds < HALF_AN_HOUR:
        waiting_for = owner.status(job)["waiting_for"]
        assert (waiting_for["reason"], waiting_for["job_id"]) == ("release", holder)
        jobs_queue.stack.set_times(job, round(time.time() * 1000), "deferred_until")
        jobs_queue.deliver_to(processor)
    # More messages than the receives of one, and than Lambda allows a loop without RecursiveLoop.
    assert delays.messages > 20
    assert owner.put(f"/api/jobs/{holder}/cancel").status == 200
    # Its process is dead, and has released nothing: the release is free when it must have stopped.
    jobs_queue.stack.set_times(holder, round(time.time() * 1000) - STOP_TIME, "finished_at")
    jobs_queue.stack.set_times(job, round(time.time() * 1000), "deferred_until")
    jobs_queue.deliver_to(processor)
    details = owner.job(job)
    assert (details["status"], details["attempt"]) == ("completed", 1)
    assert [attempt["outcome"] for attempt in details["attempts"]] == ["completed"]
    assert jobs_queue.messages(jobs_queue.url) == 0
    assert jobs_queue.messages(jobs_queue.dead_letter_url) == 0
