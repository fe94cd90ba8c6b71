"""A queue of a test that receives the events of the system's bus, and events for functions."""

import contextlib
import json
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runtime import environment
from stack import Stack
from table_stream import Record
from waiting import wait_until

Event = dict[str, Any]  # as EventBridge delivers it


class EventQueue:
    """The events that a rule of the bus has sent to a queue."""

    def __init__(self, stack: Stack, url: str) -> None:
        self.stack = stack
        self.url = url
        self.events: list[Event] = []

    def read(self) -> None:
        """Receives the messages in the queue, and deletes them."""
        while True:
            answer = self.stack.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                self.events.append(json.loads(message["Body"]))
                receipt = message["ReceiptHandle"]
                self.stack.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    def ids(self) -> list[str]:
        """Returns the ids of the events so far, in the order of their receipt."""
        self.read()
        return [event["detail"]["id"] for event in self.events]

    def wait_for(self, ids: Iterable[str]) -> list[Event]:
        """Waits until the queue has received events with these ids; returns all of its events."""
        expected = set(ids)
        wait_until(lambda: expected <= set(self.ids()), f"the events {sorted(expected)}")
        return self.events

    def wait_until_empty(self, has_passed: Callable[[], bool]) -> None:
        """Waits until a later event has passed, which this queue does not receive."""
        wait_until(has_passed, "a later event")
        self.read()


def bus_name(stack: Stack) -> str:
    """Returns the name of the event bus."""
    return environment(stack, "publish-events")["EVENT_BUS_NAME"]


def dead_letter_queue(stack: Stack) -> str:
    """Returns the URL of the queue of records that cannot be read."""
    return environment(stack, "publish-events")["DEAD_LETTER_QUEUE_URL"]


@contextlib.contextmanager
def event_queue(stack: Stack, pattern: dict[str, Any]) -> Iterator[EventQueue]:
    """Yields a queue of the events that match a pattern; removes it and its rule afterwards."""
    events: Any = stack.session.client("events", endpoint_url=stack.endpoint_url or None)
    name, bus = f"test-events-{random.randrange(10**9)}", bus_name(stack)
    url = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield EventQueue(stack, url)
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=name, EventBusName=bus)
        stack.sqs.delete_queue(QueueUrl=url)


def events_of_user(user_id: int) -> dict[str, Any]:
    """Returns the pattern of the events of a user's jobs."""
    return {"source": ["jobs"], "detail": {"data": {"created_by": [user_id]}}}


def stream_event(records: Iterable[Record]) -> dict[str, Any]:
    """Returns the event that delivers records of the stream to a function."""
    return {"Records": [{"eventSource": "aws:dynamodb", **record} for record in records]}
