"""Followers of jobs over the live channel: each line once and in order, on any network."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from api import User
from live_client import Follower, Network
from scribe import Scribe
from stack import Stack
from waiting import wait_until

# The long form has LIVE_DROPS=25.
DROPS = int(os.environ.get("LIVE_DROPS", "2"))
TROUBLE = 0.2
LEAD = 20  # lines


class Size(NamedTuple):
    """The number of watchers, and of the jobs that each of them watches."""

    watchers: int
    jobs: int
    lines: int
    timeout: float  # seconds


SHORT, LONG = Size(5, 2, 300, 90), Size(20, 5, 2_000, 900)
SIZE = LONG if DROPS > 20 else SHORT


def write_logs(scribes: list[Scribe], followers: list[Follower], seed: int) -> None:
    """Writes the logs side by side, in pieces of random size, and ends the jobs.

    No follower is more than `LEAD` lines behind, so that all of them lose connections on the way.
    """
    chance, open_logs = random.Random(seed), list(scribes)
    while open_logs:
        scribe = chance.choice(open_logs)
        wait_for(followers, scribe)
        # Some pieces are too large for a message.
        large = chance.random() < 0.1
        count = min(chance.randint(1, 10), SIZE.lines - scribe.seq)
        scribe.write(count, length=5_000 if large else 0)
        if scribe.seq == SIZE.lines:
            scribe.cancel()
            open_logs.remove(scribe)


def wait_for(followers: list[Follower], scribe: Scribe) -> None:
    """Waits until no follower is more than `LEAD` lines behind."""

    def are_near() -> bool:
        return all(each.jobs[scribe.job].cursor + LEAD >= scribe.seq for each in followers)

    wait_until(are_near, "the followers to catch up", interval=0.01)


def follow(stack: Stack, *, can_connect: bool) -> tuple[list[Scribe], list[Follower]]:
    """Follows new jobs while their logs are written; returns the jobs and their followers."""
    owner = stack.new_user()
    scribes = [Scribe(stack, owner) for _ in range(SIZE.jobs)]
    jobs = [scribe.job for scribe in scribes]
    followers = [
        Follower(owner, jobs, Network(seed, DROPS, TROUBLE), can_connect=can_connect)
        for seed in range(SIZE.watchers)
    ]
    with ThreadPoolExecutor(SIZE.watchers + 1) as pool:
        writing = pool.submit(write_logs, scribes, followers, seed=1)
        list(pool.map(lambda follower: follower.run(SIZE.timeout), followers))
        writing.result()
    return scribes, followers


def assert_complete(owner: User, scribes: list[Scribe], followers: list[Follower]) -> None:
    """Checks that each follower has shown each log once, in order, and the end of each job."""
    for scribe in scribes:
        log, state = log_of(owner, scribe.job), owner.status(scribe.job)
        assert [line["seq"] for line in log] == list(range(1, SIZE.lines + 2))
        for follower in followers:
            followed = follower.jobs[scribe.job]
            assert [line["seq"] for line in followed.lines] == [line["seq"] for line in log]
            assert followed.lines == log
            assert followed.state == state


def log_of(user: User, job: int) -> list[Any]:
    """Returns the whole log of an ended job."""
    lines: list[Any] = []
    after = "0"
    while True:
        page = user.get(f"/api/jobs/{job}/logs?limit=1000&after={after}").body
        lines, after = lines + page["logs"], page["next_cursor"]
        if page["finished"]:
            return lines


@pytest.mark.slow
def test_followers_see_each_line_once_on_a_bad_network(stack: Stack) -> None:
    scribes, followers = follow(stack, can_connect=True)
    assert_complete(scribes[0].owner, scribes, followers)
    assert all(follower.connections > DROPS for follower in followers)
    followed = [each for follower in followers for each in follower.jobs.values()]
    assert all(each.pushed for each in followed)


@pytest.mark.slow
def test_followers_see_each_line_once_if_push_is_refused(stack: Stack) -> None:
    scribes, followers = follow(stack, can_connect=False)
    assert_complete(scribes[0].owner, scribes, followers)
    assert all(set(follower.refusals) == {403} for follower in followers)
    assert not any(follower.connections for follower in followers)
