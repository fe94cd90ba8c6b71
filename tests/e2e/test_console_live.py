"""Live updates of the console on a bad network, and the number of its requests."""

import itertools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Request, Route, WebSocketRoute, expect

from api import User
from console import Console
from job_screen import JobScreen
from scribe import Scribe
from waiting import wait_until

DROPS = 50
SOCKET = re.compile(r"/live\?ticket=")
LOGS = re.compile(r"/api/jobs/\d+/logs")
TICKET = re.compile(r"/api/live/ticket$")
# The longest wait before another connection is a second if the last one was accepted.
RECONNECT = 1_000  # milliseconds
SECOND, POLL = 1_000, 5_000  # milliseconds
# Up to the first paint: script, style, texts, and twice the icon, whose address the page keeps when
# it takes the token out of its own.
MAX_FILES = 5


class Sockets:
    """The connections of a page to the live channel, which a test can drop or refuse."""

    def __init__(self, page: Page, *, are_refused: bool = False) -> None:
        self.page = page
        self.are_refused = are_refused
        self.opened: list[WebSocketRoute] = []
        # The types of the messages of the server, by connection.
        self.heard: list[list[str]] = []
        page.route_web_socket(SOCKET, self.connect)

    def connect(self, socket: WebSocketRoute) -> None:
        """Connects the page, or refuses to."""
        heard: list[str] = []
        self.opened.append(socket)
        self.heard.append(heard)
        if self.are_refused:
            socket.close(code=1008)
            return
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            heard.append(json.loads(message)["type"])
            socket.send(message)

        server.on_message(pass_on)

    def wait_for(self, number: int) -> None:
        """Waits until the page has opened so many."""
        self.wait_until(lambda: len(self.opened) >= number, f"connection {number}")

    def wait_for_answer(self, kind: str) -> None:
        """Waits for a message on the last connection."""
        self.wait_until(lambda: bool(self.heard) and kind in self.heard[-1], kind)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for a condition. A look at the page lets Playwright handle what happens there."""
        wait_until(lambda: self.page.evaluate("true") and condition(), what, interval=0.02)

    def drop(self) -> None:
        """Drops the last connection."""
        self.opened[-1].close(code=1012)


def count(console: Console, address: re.Pattern[str]) -> int:
    """Counts the requests to an address so far."""
    return sum(address.search(request.url) is not None for request in console.requests)


def start_of_push(screen: JobScreen, scribe: Scribe) -> None:
    """Waits until lines are pushed: one comes without a request for it."""

    def is_pushed() -> bool:
        before = count(screen.console, LOGS)
        scribe.write()
        expect(screen.line(scribe.seq)).to_be_attached()
        return count(screen.console, LOGS) == before

    wait_until(is_pushed, "lines to be pushed")


def test_lines_of_a_cut_network_come_when_it_is_back(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    scribe.write(5)
    screen.open(owner, scribe.job)
    start_of_push(screen, scribe)
    screen.console.context.set_offline(offline=True)
    expect(screen.page.get_by_text("No connection")).to_be_visible()
    scribe.write(10)
    screen.console.context.set_offline(offline=False)
    expect(screen.page.get_by_text("No connection")).to_be_hidden()
    expect(screen.line(scribe.seq)).to_be_visible()
    scribe.write(5)
    scribe.cancel()
    screen.expect_complete(scribe.seq)
    screen.expect_status("Cancelled")


def test_refused_requests_are_repeated_until_each_line_is_there(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    refused: list[int] = []
    statuses = itertools.cycle([429, 503])

    def refuse_twice(route: Route) -> None:
        # Each address fails twice, and then once more for each page of the log that follows.
        address = route.request.url
        if seen.setdefault(address, 0) < 2:
            seen[address] += 1
            refused.append(status := next(statuses))
            body = json.dumps({"message": "Too Many Requests"})
            headers = {"retry-after": "1", "content-type": "application/json"}
            route.fulfill(status=status, headers=headers, body=body)
        else:
            route.fallback()

    seen: dict[str, int] = {}
    screen.page.route(re.compile(r"/api/(jobs/|live/)"), refuse_twice)
    scribe.write(20)
    screen.console.open(owner, f"/jobs/{scribe.job}")
    expect(screen.page.get_by_role("alert")).to_contain_text("too many requests")
    expect(screen.line(20)).to_be_attached()
    expect(screen.page.get_by_role("alert")).to_have_count(0)
    scribe.write(10)
    scribe.cancel()
    screen.expect_complete(31)
    screen.expect_status("Cancelled")
    assert {429, 503} <= set(refused)


@pytest.mark.slow
def test_each_line_is_shown_once_though_the_socket_drops_fifty_times(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    sockets = Sockets(screen.page)
    # Moves on to the end of each wait before another connection.
    screen.page.clock.install()
    screen.open(owner, scribe.job)
    for number in range(DROPS):
        sockets.wait_for(number + 1)
        # Every other time the connection drops before it is of any use.
        if number % 2:
            sockets.wait_for_answer("snapshot")
            scribe.write(1 + number % 4)
            expect(screen.line(scribe.seq)).to_be_attached()
        sockets.drop()
        scribe.write(1 + number % 3)
        screen.page.clock.fast_forward(RECONNECT)
    scribe.cancel()
    screen.expect_complete(scribe.seq)
    assert len(sockets.opened) > DROPS
    pushed = [types for types in sockets.heard if "update" in types]
    assert len(pushed) > DROPS / 3


def test_watched_job_takes_one_socket_and_no_request_while_nothing_changes(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    sockets = Sockets(screen.page)
    screen.page.clock.install()
    screen.open(owner, scribe.job)
    start_of_push(screen, scribe)
    before = len(screen.console.requests)
    # Timers of half a minute are due at once. Those that ask for a silent job wait a minute.
    screen.page.clock.fast_forward(POLL * 6)
    scribe.write()
    expect(screen.line(scribe.seq)).to_be_attached()
    screen.page.clock.fast_forward(POLL * 6)
    scribe.write()
    expect(screen.line(scribe.seq)).to_be_attached()
    assert screen.console.requests[before:] == []
    # Back and forth between screens, the connection stays.
    screen.console.go("/jobs")
    expect(screen.console.role("table", "Jobs")).to_be_visible()
    screen.console.go(f"/jobs/{scribe.job}")
    start_of_push(screen, scribe)
    assert len(sockets.opened) == 1


def test_job_is_read_every_five_seconds_if_the_socket_is_refused(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    sockets = Sockets(screen.page, are_refused=True)
    screen.page.clock.install()
    scribe.write()
    screen.open(owner, scribe.job)
    expect(screen.line(1)).to_be_attached()
    sockets.wait_for(1)
    # From here on, time passes in the page only when the test says so.
    screen.page.clock.pause_at(datetime.now(UTC) + timedelta(milliseconds=POLL))
    before = count(screen.console, LOGS)
    open_requests: set[Request] = set()

    def end(request: Request) -> None:
        open_requests.discard(request)

    screen.page.on("request", lambda request: open_requests.add(request))  # noqa: PLW0108
    screen.page.on("requestfinished", end)
    screen.page.on("requestfailed", end)
    for _ in range(6 * POLL // SECOND):
        screen.page.clock.run_for(SECOND)
        # An answer takes no time of the page's clock, however long it takes.
        sockets.wait_until(lambda: not open_requests, "the answers")
    # A tick that comes before the page has handled an answer delays the next poll.
    assert 3 <= count(screen.console, LOGS) - before <= 6
    scribe.write()
    scribe.cancel()
    screen.page.clock.resume()
    screen.expect_complete(3)


def test_list_has_what_happened_without_a_connection(console: Console, owner: User) -> None:
    sockets = Sockets(console.page)
    console.page.clock.install()
    owner.create_draft()
    console.open(owner)
    expect(console.role("table", "Jobs")).to_be_visible()
    sockets.wait_for_answer("subscribed")
    sockets.are_refused = True
    sockets.drop()
    job = owner.run_job(job_type="nfofix")["id"]
    sockets.are_refused = False
    # Longer than any wait before another connection.
    console.page.clock.fast_forward(60_000)
    console.role("button", "1 new job").click()
    expect(console.role("row", re.compile(f"{job}.*Failed"))).to_be_visible()


def test_first_paint_waits_for_few_files(console: Console, owner: User) -> None:
    owner.create_draft()
    console.open(owner)
    expect(console.role("table", "Jobs")).to_be_visible()
    paint, early = console.page.evaluate(
        """() => {
          const { startTime } = performance.getEntriesByName("first-contentful-paint")[0];
          const entries = performance.getEntriesByType("resource");
          const early = entries.filter((entry) => entry.startTime < startTime);
          return [startTime, early.map((entry) => entry.name)];
        }"""
    )
    print(f"First paint with an empty cache: {paint:.0f} ms, {len(early)} requests")
    # On a busy machine, it comes when the user and the list are already asked for.
    assert len([url for url in early if "/api/" not in url]) <= MAX_FILES, early
