"""Waiting for conditions."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_INTERVAL = 0.1  # seconds

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], what: str, timeout: float = 90, interval: float = POLL_INTERVAL
) -> T:
    """Polls `condition` every `interval` seconds until it is truthy, and returns its value.

    Raises an `AssertionError` that names `what` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(interval)
    raise AssertionError(f"waited {timeout:g} s in vain for {what}")


def assert_soon(read: Callable[[], T], expected: T, timeout: float = 10) -> None:
    """Checks that `read` returns a value within `timeout` seconds.

    The lists of jobs are read from indexes, which lag the table. On AWS that takes milliseconds,
    but the next request can be faster.
    """
    deadline = time.monotonic() + timeout
    while (value := read()) != expected and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL)
    assert value == expected
