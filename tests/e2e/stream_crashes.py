"""Kills of the functions that read the table's stream, at each of their calls to AWS.

The records are those of a real job. Lambda delivers them again after a kill, and a client reads its
job over HTTP: then nothing may be missing.
"""

import contextlib
import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from api import User
from checks import Checks
from event_queue import (
    EventQueue,
    dead_letter_queue,
    event_queue,
    events_of_user,
    stream_event,
)
from faults import Call, Killer, run_proxy
from live_client import Followed, Message, Socket, open_socket
from runtime import Function, FunctionDiedError, environment, run_function
from samples import completed_job
from stack import Stack
from table_stream import Record, TableStream, image, wakes, watchers
from waiting import wait_until

OLD = 60_000  # milliseconds: the age of a watch whose connection cannot still be opening
EVENTS = ("0_created", "1_started", "1_completed")


def connection_of(stack: Stack, user: User, socket: Socket) -> Any:
    """Makes a connection watch a draft; returns the item of the watch."""
    draft = user.create_draft()
    answer = socket.ask(action="subscribe", job_id=draft)
    assert answer["type"] == "snapshot", answer
    [item] = watchers(stack, f"JOB#{draft}")
    return item


class PushScenario:
    """`push-updates` with records of an ended job, which only this test makes watched.

    Two connections watch it, and one that is closed. Another job has a mark and no watchers.
    """

    name = function = "push-updates"

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.owner = stack.new_user()
        stream = TableStream(stack)
        self.job = completed_job(self.owner)
        self.log = self.owner.log(self.job)
        self.records = [marked(record) for record in stream.life(self.job)]
        self.left = self.owner.create_draft()
        self.open = contextlib.ExitStack()
        self.sockets = [self.open.enter_context(open_socket(self.owner)) for _ in range(2)]
        self.watches = [connection_of(stack, self.owner, socket) for socket in self.sockets]

    def begin(self) -> None:
        """Makes the watches of the next point."""
        made_at = {"N": str(int(self.watches[0]["made_at"]["N"]) - OLD)}
        self.gone = self.watches[0] | {"sk": {"S": f"gone-{random.random()}"}, "made_at": made_at}
        for watch in (*self.watches, self.gone):
            item = watch | {"pk": {"S": f"WATCH#JOB#{self.job}"}}
            self.stack.dynamodb.put_item(TableName=self.stack.table, Item=item)
        last = copy.deepcopy(self.records[0])
        last["dynamodb"]["NewImage"] = self.mark_left_job()
        self.event = stream_event([*self.records, last])
        self.seen = [Followed(self.owner, self.job) for _ in self.sockets]

    def mark_left_job(self) -> Any:
        """Marks the job that nobody watches; returns its item."""
        return self.stack.dynamodb.update_item(
            TableName=self.stack.table,
            Key={"pk": {"S": f"JOB#{self.left}"}, "sk": {"S": "META"}},
            UpdateExpression="SET live = :live",
            ExpressionAttributeValues={":live": {"N": str(random.randrange(2**31))}},
            ReturnValues="ALL_NEW",
        )["Attributes"]

    def find_faults(self, again: Function) -> list[str]:
        """Delivers the records again; describes everything that is missing or repeated."""
        checks = Checks()
        for socket, followed in zip(self.sockets, self.seen, strict=True):
            for message in received(socket):
                followed.handle(message)
            followed.pull()
            checks.expect(followed.lines == self.log, "the log over HTTP has a gap or a repeat")
        again.invoke(self.event)
        for socket, followed in zip(self.sockets, self.seen, strict=True):
            messages = received(socket)
            checks.expect(bool(messages), "the second delivery pushed nothing")
            for message in messages:
                followed.handle(message)
            is_whole = followed.is_done and followed.lines == self.log
            checks.expect(is_whole, "a watcher does not see the job's whole log and its end")
            is_same = followed.state == self.owner.status(self.job)
            checks.expect(is_same, "a watcher sees another state")
        left = {watch["sk"]["S"] for watch in watchers(self.stack, f"JOB#{self.job}")}
        checks.expect(self.gone["sk"]["S"] not in left, "the watch of a closed connection is left")
        is_marked = "live" in self.stack.job_item(self.left)
        checks.expect(not is_marked, "a job that nobody watches keeps its mark")
        return checks.faults


class PublishScenario:
    """`publish-events` with the transitions of a job, a damaged record, and a watched list."""

    name = function = "publish-events"

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.owner = stack.new_user()
        self.open = contextlib.ExitStack()
        pattern = events_of_user(self.owner.id)
        self.queue: EventQueue = self.open.enter_context(event_queue(stack, pattern))
        stream = TableStream(stack)
        self.job = completed_job(self.owner)
        self.ids = {f"evt_{self.job}_{event}" for event in EVENTS}
        self.first = {each["detail"]["id"]: each for each in self.queue.wait_for(self.ids)}
        records = list(filter(wakes(stack, "publish-events"), stream.life(self.job)))
        self.damaged = self.owner.create_draft()
        damaged = copy.deepcopy(records[0])
        image(damaged)["status"] = {"S": "juggled"}
        image(damaged)["pk"] = {"S": f"JOB#{self.damaged}"}
        self.event = stream_event([damaged, *records])
        self.socket = self.open.enter_context(open_socket(self.owner))
        answer = self.socket.ask(action="subscribe", jobs="mine")
        assert answer["type"] == "subscribed", answer

    def begin(self) -> None:
        """Forgets the events so far."""
        self.queue.read()
        self.queue.events.clear()

    def find_faults(self, again: Function) -> list[str]:
        """Delivers the records again; describes everything that is missing or different."""
        checks = Checks()
        published = again.invoke(self.event)["published"]
        checks.expect(published == len(EVENTS), f"the second delivery published {published}")
        events = self.queue.wait_for(self.ids)
        checks.expect(set(self.queue.ids()) == self.ids, "there are other events")
        is_same = all(
            each["detail"] == self.first[each["detail"]["id"]]["detail"] for each in events
        )
        checks.expect(is_same, "an event was published again with another content")
        pushed = {message["event"] for message in received(self.socket)}
        checks.expect(len(pushed) == len(EVENTS), f"the list heard of {pushed}")
        wait_until(self.has_letter, "the dead letter of the damaged record")
        return checks.faults

    def has_letter(self) -> bool:
        """Removes the dead letters of the damaged record; returns whether there was one."""
        url, found = dead_letter_queue(self.stack), False
        answer = self.stack.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1
        )
        for message in answer.get("Messages", []):
            if f"JOB#{self.damaged}" in message["Body"]:
                self.stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found = True
        return found


StreamScenario = PushScenario | PublishScenario
STREAM_SCENARIOS: dict[str, type[StreamScenario]] = {
    scenario.name: scenario for scenario in (PushScenario, PublishScenario)
}


class StreamPoint:
    """One call of a function at which it is killed. Without a number it survives."""

    def __init__(self, scenario: StreamScenario, number: int | None, moment: str) -> None:
        self.scenario = scenario
        self.number = number
        self.moment = moment
        self.call: Call | None = None
        self.calls: list[Call] = []
        self.faults: list[str] = []

    def __str__(self) -> str:
        return f"{self.scenario.name}, killed {self.moment} call {self.number}, {self.call}"

    def crash(self, again: Function) -> "StreamPoint":
        """Delivers the records to a function that is killed at its call, and then to another."""
        scenario = self.scenario
        scenario.begin()
        stack, killer = scenario.stack, Killer(self.number, self.moment)
        connections = environment(stack, scenario.function)["CONNECTIONS_URL"]
        with (
            run_proxy(stack.endpoint_url, killer.before, killer.after) as address,
            run_function(
                stack,
                scenario.function,
                AWS_ENDPOINT_URL=address,
                CONNECTIONS_URL=address + urlsplit(connections).path,
            ) as function,
        ):
            killer.pid = function.pid
            try:
                function.invoke(scenario.event)
            except FunctionDiedError:
                assert killer.killed, "the function ended without a kill"
        self.calls, self.call = killer.calls, killer.killed
        self.faults = scenario.find_faults(again)
        return self


def marked(record: Record) -> Record:
    """Returns a record whose job is marked as watched."""
    changed = copy.deepcopy(record)
    image(changed)["live"] = {"N": "1"}
    return changed


def received(socket: Socket) -> list[Message]:
    """Returns the messages that were sent to a connection so far."""
    socket.send(action="ping")
    return socket.receive_until(lambda message: bool(message["type"] == "pong"))[:-1]


def run_stream_matrix(
    stack: Stack, make: type[StreamScenario], every: int = 1
) -> list[StreamPoint]:
    """Runs every `every`-th crash point of a function; returns the points with their faults."""
    scenario = make(stack)
    with scenario.open, run_function(stack, scenario.function) as again:
        reference = StreamPoint(scenario, None, "never").crash(again)
        assert not reference.faults, reference.faults
        places = [
            (number, moment)
            for number in range(1, len(reference.calls) + 1)
            for moment in ("before", "after")
        ]
        return [StreamPoint(scenario, *place).crash(again) for place in places[::every]]


def stream_page(points: Sequence[StreamPoint]) -> Iterator[str]:
    """Returns the lines of docs/crash-matrix.md about one function."""
    yield ""
    yield f"## {points[0].scenario.name}"
    yield "| call | killed | exceptions |"
    yield "| --- | --- | --- |"
    for point in points:
        faults = "; ".join(point.faults) or "none"
        yield f"| {point.number}. {point.call} | {point.moment} | {faults} |"
