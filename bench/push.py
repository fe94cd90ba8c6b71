"""Latency over the live channel beside polling, and the cost of watchers to other jobs."""

import contextlib
import random
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from api import FINAL, User
from live import BOOK, FOLLOWED, add_row, seconds, submit_to_running, written_to_seen
from live_client import Followed, Socket, open_socket
from report import Report
from scribe import Scribe
from stack import Stack

POLL_AFTER = 1  # seconds: `poll_after` of a running job
CANCELS = 20
WATCHERS, WATCHED_JOBS = 20, 5
FLUSH_INTERVAL = 0.25  # seconds: of a watched run
ROUNDS, STARTS = 4, 10
MAX_RATIO = 1.5


def pushed_to_seen(user: User) -> list[float]:
    """Follows the log of a job over the live channel; returns the seconds until each line."""
    release = user.create_release({"book.txt": BOOK}, metadata={"title": "A Book"})
    waited: list[float] = []
    with open_socket(user) as socket:
        job = user.create_job(job_type="packaging", release_id=release)
        socket.send(action="subscribe", job_id=job)
        followed = Followed(user, job)
        while not followed.is_done:
            shown = len(followed.lines)
            followed.handle(socket.receive())
            now = time.time()
            waited += [now - seconds(line["timestamp"]) for line in followed.lines[shown:]]
    return waited


def cancel_to_pushed(stack: Stack, user: User) -> float:
    """Cancels a watched job; returns the seconds from the request to the watcher's message."""
    scribe = Scribe(stack, user)
    with open_socket(user) as socket:
        socket.ask(action="subscribe", job_id=scribe.job)
        started = time.monotonic()
        scribe.cancel()
        socket.receive_until(lambda message: message["state"]["status"] in FINAL)
        return time.monotonic() - started


def cancel_to_polled(stack: Stack, user: User) -> float:
    """Cancels a job that a client polls; returns the seconds from the request to the answer."""
    scribe = Scribe(stack, user)

    def poll() -> float:
        # The cancel comes at any moment between two requests of the client.
        time.sleep(random.random() * POLL_AFTER)
        while user.status(scribe.job)["status"] not in FINAL:
            time.sleep(POLL_AFTER)
        return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(poll)
        started = time.monotonic()
        scribe.cancel()
        return seen.result() - started


@contextlib.contextmanager
def audience(stack: Stack, user: User) -> Iterator[None]:
    """Has clients watch running jobs, whose log grows as fast as a watched run writes it."""
    scribes = [Scribe(stack, user) for _ in range(WATCHED_JOBS)]
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(FLUSH_INTERVAL):
            for scribe in scribes:
                scribe.write()

    def watch(socket: Socket) -> None:
        while not is_over.is_set():
            with contextlib.suppress(TimeoutError):
                socket.receive(FLUSH_INTERVAL)

    with contextlib.ExitStack() as connections, ThreadPoolExecutor(WATCHERS + 1) as pool:
        sockets = [connections.enter_context(open_socket(user)) for _ in range(WATCHERS)]
        for number, socket in enumerate(sockets):
            socket.ask(action="subscribe", job_id=scribes[number % WATCHED_JOBS].job)
        tasks = [pool.submit(watch, socket) for socket in sockets]
        tasks.append(pool.submit(write))
        try:
            yield
        finally:
            is_over.set()
            for task in tasks:
                task.result()
    for scribe in scribes:
        scribe.cancel()


def pick_up_ratio(stack: Stack) -> float:
    """Returns the time from creation to start with watchers on other jobs, to that without.

    Both are measured in turns, so that the machine's other load is the same.
    """
    without, beside = [], []
    for _ in range(ROUNDS):
        without += submit_to_running(stack.new_user(), STARTS)
        with audience(stack, stack.new_user()):
            beside += submit_to_running(stack.new_user(), STARTS)
    return statistics.median(beside) / statistics.median(without)


def measure_push(report: Report) -> None:
    """Measures on the running system."""
    stack = Stack.load()
    user = stack.new_user()
    pushed = [wait for _ in range(FOLLOWED) for wait in pushed_to_seen(user)]
    polled = [wait for _ in range(FOLLOWED) for wait in written_to_seen(user, POLL_AFTER)]
    add_row(report, "line written to seen, pushed", pushed)
    add_row(report, "line written to seen, polled every second", polled)
    pushes = [cancel_to_pushed(stack, user) for _ in range(CANCELS)]
    polls = [cancel_to_polled(stack, user) for _ in range(CANCELS)]
    add_row(report, "cancel to the watcher's screen, pushed", pushes)
    add_row(report, "cancel to the watcher's screen, polled every second", polls)
    ratio = pick_up_ratio(stack)
    name = f"submit to running beside {WATCHERS} watchers, to that without"
    report.add(name, ratio, "times", limit=MAX_RATIO)
