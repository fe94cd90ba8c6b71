"""Fixtures of the end-to-end tests: the stack, users, faults, and functions that run alone."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import document
import local
import requests_sent

# Helpers assert too. pytest shows their values only if they are registered before their import.
pytest.register_assert_rewrite("api", "packages", "runtime", "samples", "stack", "waiting")

from api import Client, User  # noqa: E402
from console import Console, run_browser  # noqa: E402
from faults import StartProxy, run_proxy  # noqa: E402
from job_screen import JobScreen  # noqa: E402
from runtime import StartFunction, run_function  # noqa: E402
from scribe import Scribe  # noqa: E402
from stack import Stack  # noqa: E402

# Tests with these fixtures run functions or a browser on this machine, next to the local AWS.
LOCAL_FIXTURES = {"start_function", "start_proxy", "console"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds an option for `make verify`, which reports what its tests cost."""
    parser.addoption("--requests-to", type=Path, help="folder for the number of requests sent")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes down what this process has seen of the API, and how many requests it has sent."""
    document.write_seen()
    if folder := session.config.option.requests_to:
        requests_sent.write_counts(folder / f"{os.getpid()}.json")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Ends the run at once if there is no system to test."""
    if not local.ENV.exists() and not session.config.option.collectonly:
        pytest.exit("the local system is not up; run 'make up' first", pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that run functions on this machine, and moves the slow tests to the front.

    So no worker starts a slow test at the end.
    """
    for item in items:
        if LOCAL_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("local")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Ends the run if xdist would spread the tests of a group over several workers."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                pytest.exit(
                    f"xdist ignores the group of {item.nodeid}", pytest.ExitCode.USAGE_ERROR
                )


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The deployed stack."""
    return Stack.load()


@pytest.fixture
def owner(stack: Stack) -> User:
    """A new user, who owns the jobs and releases of the test."""
    return stack.new_user()


@pytest.fixture
def stranger(stack: Stack) -> User:
    """A new user, who owns nothing."""
    return stack.new_user()


@pytest.fixture(scope="session")
def admin(stack: Stack) -> User:
    """An admin, who owns nothing at first."""
    return stack.new_user(role="admin")


@pytest.fixture(scope="session")
def anonymous(stack: Stack) -> Client:
    """A client without a token."""
    return stack.client()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser."""
    with run_browser() as running:
        yield running


@pytest.fixture
def console(stack: Stack, browser: Browser) -> Iterator[Console]:
    """The console in a new window, which must have had no fault when the test ends."""
    context = browser.new_context(locale="en-US", timezone_id="UTC")
    opened = Console(stack, context)
    yield opened
    opened.check()
    context.close()


@pytest.fixture
def screen(console: Console) -> JobScreen:
    """The screen of a job in the console."""
    return JobScreen(console)


@pytest.fixture
def scribe(stack: Stack, owner: User) -> Scribe:
    """A running job, whose log the test writes."""
    return Scribe(stack, owner)


@pytest.fixture
def start_proxy(stack: Stack) -> Iterator[StartProxy]:
    """Starts proxies between functions and AWS (`faults.run_proxy`); they end with the test."""
    with contextlib.ExitStack() as running:
        credentials = stack.session.get_credentials()
        yield lambda **callbacks: running.enter_context(
            run_proxy(stack.endpoint_url, credentials=credentials, **callbacks)
        )


@pytest.fixture
def start_function(stack: Stack) -> Iterator[StartFunction]:
    """Starts functions alone (`runtime.run_function`); they end with the test."""
    with contextlib.ExitStack() as running:
        yield lambda name, **options: running.enter_context(run_function(stack, name, **options))
