"""The log of a job: as it grows, page by page, and as text."""

import os
import re
from typing import Any

import pytest

from api import User, assert_problem
from checks import COMPLETED
from stack import Stack
from waiting import wait_until

# Two finished jobs of one user serve most of these tests.
pytestmark = pytest.mark.xdist_group("logs")

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[(DEBUG|INFO|WARNING|ERROR)\] .+")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@pytest.fixture(scope="module")
def owner(stack: Stack) -> User:
    return stack.new_user()


@pytest.fixture(scope="module")
def packaged(owner: User) -> int:
    """A completed packaging job, which has many log lines."""
    files = {f"{number}.txt": b"Hello\r\n" for number in range(5)}
    return int(owner.run_job(job_type="packaging", release_id=owner.create_release(files))["id"])


@pytest.fixture(scope="module")
def failed(owner: User) -> int:
    """A failed job, whose log has an error."""
    config = {"path": "none.txt"}
    release = owner.create_release()
    job = owner.run_job(job_type="analysis", release_id=release, config_json=config)
    return int(job["id"])


@pytest.fixture(scope="module")
def page(owner: User, packaged: int) -> Any:
    """The whole log of the packaging job."""
    return owner.get(f"/api/jobs/{packaged}/logs").body


def log_pages(user: User, job: int, query: str) -> list[Any]:
    """Follows the cursors of a finished log; returns its pages."""
    pages, after = [], ""
    while True:
        page = user.get(f"/api/jobs/{job}/logs?{query}{after}").body
        pages.append(page)
        if page["finished"]:
            return pages
        after = f"&after={page['next_cursor']}"


def joined(pages: list[Any]) -> list[Any]:
    return [entry for page in pages for entry in page["logs"]]


def test_page_has_entries_oldest_first(owner: User, packaged: int, page: Any) -> None:
    own = {"job_id", "logs", "next_cursor", "finished", "poll_after"}
    assert set(page) == own | set(owner.status(packaged))
    assert (page["job_id"], page["status"], page["finished"]) == (packaged, "completed", True)
    assert isinstance(page["next_cursor"], str)
    assert [entry["seq"] for entry in page["logs"]] == list(range(1, len(page["logs"]) + 1))
    times = [entry["timestamp"] for entry in page["logs"]]
    assert times == sorted(times)
    for entry in page["logs"]:
        assert set(entry) == {"seq", "timestamp", "level", "message", "step", "attempt"}
        assert entry["attempt"] == 1
    assert {None, "nfo", "diz", "sfv"} <= {entry["step"] for entry in page["logs"]}
    assert "started" in page["logs"][0]["message"]
    assert page["logs"][-1]["message"] == COMPLETED


def test_owner_admin_and_wizard_read_the_same_log(
    owner: User, admin: User, stranger: User, packaged: int, page: Any
) -> None:
    for user in (owner, admin):
        for path in (f"/api/jobs/{packaged}/logs", f"/api/wizard/jobs/{packaged}/logs"):
            assert user.get(path).body == page
    assert_problem(stranger.get(f"/api/jobs/{packaged}/logs"), 403, "forbidden")


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_pages_have_every_line_once(owner: User, packaged: int, page: Any, limit: int) -> None:
    pages = log_pages(owner, packaged, f"limit={limit}")
    assert joined(pages) == page["logs"]
    assert all(len(each["logs"]) <= limit for each in pages)


def test_page_after_the_end_is_empty(owner: User, packaged: int, page: Any) -> None:
    rest = owner.get(f"/api/jobs/{packaged}/logs?after={page['next_cursor']}").body
    assert (rest["logs"], rest["finished"]) == ([], True)
    assert rest["next_cursor"] == page["next_cursor"]


def test_since_returns_entries_of_that_time_or_later(owner: User, packaged: int, page: Any) -> None:
    for since in (entry["timestamp"] for entry in page["logs"]):
        expected = [entry for entry in page["logs"] if entry["timestamp"] >= since]
        assert owner.get(f"/api/jobs/{packaged}/logs?since={since}").body["logs"] == expected


def test_level_returns_entries_of_that_level_and_above(owner: User, failed: int) -> None:
    path = f"/api/jobs/{failed}/logs"
    everything = owner.get(path).body["logs"]
    assert {"INFO", "ERROR"} <= {entry["level"] for entry in everything}
    for at, level in enumerate(LEVELS):
        expected = [entry for entry in everything if entry["level"] in LEVELS[at:]]
        page = owner.get(f"{path}?level={level}").body
        assert (page["logs"], page["finished"]) == (expected, True)


def test_page_without_entries_of_the_level_leads_to_the_next(owner: User, failed: int) -> None:
    pages = log_pages(owner, failed, "level=ERROR&limit=1")
    assert joined(pages) == owner.get(f"/api/jobs/{failed}/logs?level=ERROR").body["logs"]


def test_text_has_one_line_per_entry(owner: User, packaged: int, page: Any) -> None:
    answer = owner.get(f"/api/jobs/{packaged}/logs", accept="text/plain")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    lines = [
        f"{entry['timestamp']} [{entry['level']}] {entry['message']}\n" for entry in page["logs"]
    ]
    assert answer.body == "".join(lines)
    assert answer.body == owner.job(packaged)["logs"]
    for line in answer.body.splitlines():
        assert LINE.fullmatch(line)


def test_text_names_its_cursor_in_headers(owner: User, packaged: int) -> None:
    path = f"/api/jobs/{packaged}/logs"
    first = owner.get(f"{path}?limit=1", accept="text/plain")
    assert (first.body.count("\n"), first.headers["x-finished"]) == (1, "false")
    rest = owner.get(f"{path}?after={first.headers['x-next-cursor']}", accept="text/plain")
    assert rest.headers["x-finished"] == "true"
    assert first.body + rest.body == owner.get(path, accept="text/plain").body


def test_log_of_a_draft_is_not_finished(owner: User) -> None:
    page = owner.get(f"/api/jobs/{owner.create_draft()}/logs").body
    assert (page["status"], page["finished"]) == ("draft", False)


def test_log_of_a_cancelled_job_names_who_cancelled_it(owner: User, admin: User) -> None:
    job = owner.create_draft()
    admin.put(f"/api/jobs/{job}/cancel")
    page = owner.get(f"/api/jobs/{job}/logs").body
    assert page["finished"]
    assert f"admin {admin.id}" in page["logs"][-1]["message"]


def test_growing_log_is_followed_without_gaps_or_repeats(stack: Stack) -> None:
    user = stack.new_user()
    release = user.create_release({f"{number}.bin": os.urandom(1 << 20) for number in range(12)})
    config = {"compression": "high"}
    job = user.create_job(job_type="packaging", release_id=release, config_json=config)
    entries, after = [], "0"

    def is_finished() -> bool:
        nonlocal after
        page = user.get(f"/api/jobs/{job}/logs?limit=2&after={after}").body
        after = page["next_cursor"]
        entries.extend(page["logs"])
        return bool(page["finished"])

    wait_until(is_finished, "the log to end")
    assert entries == user.get(f"/api/jobs/{job}/logs").body["logs"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
