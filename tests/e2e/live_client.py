"""A client of the live channel: one connection, and a follower of jobs by the client's rules."""

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, cast

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from api import FINAL, User
from waiting import POLL_INTERVAL

TIMEOUT = 60  # seconds for one message
QUIET = 3  # seconds without a message, after which the jobs are asked for over HTTP
PAGE = 1000  # lines
MAX_CLOSE_TIME = 2  # seconds
PAGE_ONLY = ("logs", "next_cursor", "finished")  # what a page has besides the job's status

Message = dict[str, Any]


def ticket_of(user: User) -> Message:
    """Creates a ticket of a user."""
    answer = user.post("/api/live/ticket")
    assert answer.status == 201, answer
    return cast("Message", answer.body)


class Socket:
    """A connection to the live channel."""

    def __init__(self, url: str, ticket: str | None, origin: str | None = None) -> None:
        address = url if ticket is None else f"{url}?ticket={ticket}"
        self.open = contextlib.ExitStack()
        self.connection = self.open.enter_context(
            connect(
                address,
                origin=Origin(origin) if origin else None,
                proxy=None,
                open_timeout=TIMEOUT,
                close_timeout=MAX_CLOSE_TIME,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open.close()

    def send(self, **message: object) -> None:
        """Sends a message."""
        self.connection.send(json.dumps(message))

    def receive(self, timeout: float = TIMEOUT) -> Message:
        """Returns the next message.

        Raises a `TimeoutError` if none comes in time, and `ConnectionClosed` if it is closed.
        """
        return cast("Message", json.loads(self.connection.recv(timeout)))

    def receive_until(self, is_last: Callable[[Message], bool]) -> list[Message]:
        """Returns the messages up to the first that `is_last` selects."""
        messages: list[Message] = []
        deadline = time.monotonic() + TIMEOUT
        while not (messages and is_last(messages[-1])):
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain for the last of {messages}"
            messages.append(self.receive(left))
        return messages

    def ask(self, **message: object) -> Message:
        """Sends a message and returns its answer; passes over what is pushed in between."""
        self.send(**message)
        return self.receive_until(lambda each: each["type"] not in ("update", "job"))[-1]

    def is_closed_by_server(self, timeout: float = 0.2) -> bool:
        """Returns whether the server has closed the connection; reads what it has sent."""
        try:
            self.receive(timeout)
        except TimeoutError:
            return False
        except ConnectionClosed:
            return True
        return False


def open_socket(user: User, origin: str | None = None) -> Socket:
    """Connects a user with a new ticket."""
    ticket = ticket_of(user)
    return Socket(ticket["url"], ticket["ticket"], origin)


def refusal(url: str, ticket: str | None, origin: str | None = None) -> int:
    """Returns the status with which a connection is refused; 0 if it is accepted."""
    try:
        with Socket(url, ticket, origin):
            return 0
    except InvalidStatus as error:
        return error.response.status_code


class Network:
    """A network that repeats, reorders and loses messages, as `seed` determines."""

    def __init__(self, seed: int = 0, drops: int = 0, trouble: float = 0) -> None:
        self.chance = random.Random(seed)
        self.drops = drops  # connections still to be dropped
        self.trouble = trouble  # share of the messages that are repeated, and of those held back
        self.held: list[Message] = []
        self.until_drop = self.chance.randint(2, 12)

    def deliver(self, message: Message) -> Iterator[Message]:
        """Yields the messages that arrive once the server has sent this one."""
        if self.chance.random() < self.trouble:
            self.held.append(message)
            return
        yield message
        if self.chance.random() < self.trouble:
            yield message
        yield from self.release()

    def release(self) -> list[Message]:
        """Returns the messages that were held back, the last one first."""
        held, self.held = self.held[::-1], []
        return held

    def drops_now(self) -> bool:
        """Returns whether the connection drops, with the messages that were held back."""
        if not self.drops:
            return False
        self.until_drop -= 1
        if self.until_drop > 0:
            return False
        self.drops -= 1
        self.until_drop = self.chance.randint(2, 12)
        self.held = []
        return True


class Followed:
    """A job as its follower sees it."""

    def __init__(self, user: User, job: int) -> None:
        self.user = user
        self.job = job
        self.lines: list[Any] = []  # in the order in which they were shown
        self.state: Message = {}
        self.end: int | None = None  # the last line of the log, once the job has ended
        self.pulls = 0
        self.pushed = 0  # lines

    @property
    def cursor(self) -> int:
        """The `seq` of the last line shown."""
        return int(self.lines[-1]["seq"]) if self.lines else 0

    @property
    def is_done(self) -> bool:
        """Whether the job is final and its whole log shown."""
        return self.cursor == self.end

    def take_state(self, state: Message) -> None:
        """Keeps the later of two states. A final state stays."""
        if self.state and self.state["status"] in FINAL:
            return
        if not self.state or state["updated_at"] >= self.state["updated_at"]:
            self.state = state

    def handle(self, message: Message) -> None:
        """Handles a snapshot or an update."""
        self.take_state(message["state"])
        to, lines = message["to"], message.get("logs")
        if message["state"]["status"] in FINAL:
            self.end = to
        if to <= self.cursor:
            return
        if lines is not None and message["from"] <= self.cursor + 1:
            new = [line for line in lines if line["seq"] > self.cursor]
            self.lines += new
            self.pushed += len(new)
        else:
            self.pull()

    def pull(self) -> None:
        """Reads the log over HTTP from the last line shown."""
        self.pulls += 1
        while True:
            page = self.user.get(f"/api/jobs/{self.job}/logs?after={self.cursor}&limit={PAGE}").body
            self.lines += page["logs"]
            self.take_state({name: page[name] for name in page if name not in PAGE_ONLY})
            if page["finished"]:
                self.end = self.cursor
            if page["finished"] or not page["logs"]:
                return


class Follower:
    """Follows jobs until all have ended, over one connection at a time.

    With `can_connect` false, each connection is refused, and it polls.
    """

    def __init__(
        self,
        user: User,
        jobs: Iterable[int],
        network: Network | None = None,
        *,
        can_connect: bool = True,
    ) -> None:
        self.user = user
        self.jobs = {job: Followed(user, job) for job in jobs}
        self.network = network or Network()
        self.can_connect = can_connect
        self.connections = 0
        self.refusals: list[int] = []

    def open_jobs(self) -> list[Followed]:
        """Returns the jobs that have not ended, or whose log is not complete."""
        return [followed for followed in self.jobs.values() if not followed.is_done]

    def run(self, timeout: float) -> "Follower":
        """Follows the jobs to their end."""
        deadline = time.monotonic() + timeout
        while self.open_jobs():
            assert time.monotonic() < deadline, f"jobs not followed to their end in {timeout} s"
            try:
                self.follow(deadline)
            except ConnectionClosed:
                continue
            except InvalidStatus as error:
                self.refusals.append(error.response.status_code)
                self.pull()
                time.sleep(POLL_INTERVAL)
        return self

    def follow(self, deadline: float) -> None:
        """Follows the jobs over one connection, until it drops or the jobs have ended."""
        ticket = ticket_of(self.user)
        with Socket(ticket["url"], ticket["ticket"] if self.can_connect else "none") as socket:
            self.connections += 1
            for followed in self.open_jobs():
                socket.send(action="subscribe", job_id=followed.job)
            while self.open_jobs() and time.monotonic() < deadline:
                for message in self.receive(socket):
                    self.handle(message)
                if self.network.drops_now():
                    return

    def receive(self, socket: Socket) -> list[Message]:
        """Returns the messages that arrive next. If none comes, the jobs are asked for."""
        with contextlib.suppress(TimeoutError):
            return list(self.network.deliver(socket.receive(QUIET)))
        self.pull()
        return self.network.release()

    def pull(self) -> None:
        """Reads the logs of the open jobs over HTTP."""
        for followed in self.open_jobs():
            followed.pull()

    def handle(self, message: Message) -> None:
        """Handles a message of the server."""
        assert message["type"] in ("snapshot", "update"), message
        self.jobs[message["job_id"]].handle(message)
