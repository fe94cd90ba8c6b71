"""Lists of jobs: filters, order, permissions and pages."""

from functools import partial
from typing import Any, NamedTuple

import pytest

from api import Client, User, assert_problem
from stack import Stack
from waiting import assert_soon, wait_until

# One user's history serves most of these tests.
pytestmark = pytest.mark.xdist_group("lists")

SUMMARY = {
    "id",
    "release_id",
    "status",
    "job_type",
    "progress",
    "created_at",
    "created_by",
    "started_at",
    "finished_at",
    "error",
}
FILTERS = {
    "status=draft": ["draft"],
    "status=failed,completed": ["failed", "completed"],
    "status=failed&status=cancelled": ["cancelled", "failed"],
    "job_type=analysis,nfofix": ["failed", "completed"],
    "job_type=analysis&job_type=readnfo": ["draft", "completed"],
    "release_id={release}": ["draft", "completed"],
    "release_id={release}&status=completed": ["completed"],
    "status=failed&job_type=analysis": [],
    "status=running": [],
    "user_id={user}&status=draft": ["draft"],
}


class History(NamedTuple):
    """A user's release, and their jobs by status, in the order of their creation."""

    user: User
    release: int
    jobs: dict[str, int]

    def newest_first(self) -> list[int]:
        """Returns the ids of all jobs in the order of the list."""
        return list(self.jobs.values())[::-1]


@pytest.fixture(scope="module")
def history(stack: Stack) -> History:
    """A user with one job of each status, which these tests only read."""
    user = stack.new_user()
    release = user.create_release({"notes.txt": b"Hello\r\n"})
    jobs = {
        "completed": user.run_job(job_type="analysis", release_id=release)["id"],
        "failed": user.run_job(job_type="nfofix")["id"],
        "draft": user.create_draft(job_type="readnfo", release_id=release),
        "cancelled": user.cancelled_draft(),
    }
    expected = [(job, status) for status, job in jobs.items()][::-1]
    assert_soon(lambda: [(job["id"], job["status"]) for job in user.jobs()], expected)
    return History(user, release, jobs)


def list_ids(client: Client, path: str = "/api/jobs") -> list[int]:
    """Returns the ids on one page of a list."""
    answer = client.get(path)
    assert answer.status == 200, answer
    return [job["id"] for job in answer.body["jobs"]]


def list_pages(client: Client, query: str = "") -> list[list[int]]:
    """Follows the cursors of a list; returns the ids on each page."""
    pages, cursor = [], ""
    while True:
        page = client.get(f"/api/jobs?{query}{cursor}").body
        pages.append([job["id"] for job in page["jobs"]])
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


def joined(pages: list[list[int]]) -> list[int]:
    return [job for page in pages for job in page]


def test_user_sees_their_own_jobs_newest_first(history: History, stranger: User) -> None:
    assert_soon(lambda: list_ids(history.user), history.newest_first())
    assert list_ids(stranger) == []


def test_list_entry_is_a_summary_of_the_job(history: History) -> None:
    page = history.user.get("/api/jobs").body
    assert set(page) == {"jobs", "next_cursor"}
    for job in page["jobs"]:
        assert set(job) == SUMMARY
        details = history.user.job(job["id"])
        # A list does not know how far a job came that stopped on its way.
        known = SUMMARY - {"progress"} if job["progress"] is None else SUMMARY
        assert {name: job[name] for name in known} == {name: details[name] for name in known}
    progress = {job["id"]: job["progress"] for job in page["jobs"]}
    assert progress[history.jobs["completed"]] == 100
    assert progress[history.jobs["failed"]] is None
    errors = {job["id"]: job["error"] for job in page["jobs"]}
    assert errors[history.jobs["failed"]]["code"] == "nfo_missing"


@pytest.mark.parametrize(("query", "statuses"), FILTERS.items())
def test_filters_are_combined(history: History, query: str, statuses: list[str]) -> None:
    asked = query.format(release=history.release, user=history.user.id)
    expected = [history.jobs[status] for status in statuses]
    assert_soon(lambda: list_ids(history.user, f"/api/jobs?{asked}"), expected)


def test_time_range_includes_its_start_and_excludes_its_end(history: History) -> None:
    at = history.user.job(history.jobs["failed"])["created_at"]
    everything = history.newest_first()
    assert list_ids(history.user, f"/api/jobs?created_after={at}") == everything[:3]
    assert list_ids(history.user, f"/api/jobs?created_before={at}") == everything[3:]
    assert list_ids(history.user, f"/api/jobs?created_after={at}&created_before={at}") == []


def test_admin_sees_the_jobs_of_all_users(history: History, admin: User) -> None:
    expected = history.newest_first()
    at = history.user.job(history.jobs["completed"])["created_at"]

    def admin_sees_all() -> bool:
        seen = joined(list_pages(admin, f"limit=100&created_after={at}"))
        ours = [job for job in seen if job in expected]
        return ours == expected and seen == sorted(seen, reverse=True)

    wait_until(admin_sees_all, "the jobs in the list of all users")
    path = f"/api/jobs?user_id={history.user.id}"
    assert list_ids(admin, path) == expected
    assert list_ids(admin, f"{path}&status=failed") == [history.jobs["failed"]]


def test_list_release_jobs_for_the_owner_and_an_admin(
    history: History, admin: User, stranger: User
) -> None:
    path = f"/api/releases/{history.release}/jobs"
    draft, completed = history.jobs["draft"], history.jobs["completed"]
    for user in (history.user, admin):
        assert_soon(partial(list_ids, user, path), [draft, completed])
        assert list_ids(user, f"{path}?status=draft") == [draft]
    assert_problem(stranger.get(path), 403, "forbidden")


def test_job_of_an_admin_is_listed_for_the_release(owner: User, admin: User) -> None:
    release = owner.create_release()
    job = admin.create_draft(release_id=release)
    path = f"/api/releases/{release}/jobs"
    assert_soon(lambda: list_ids(owner, path), [job])
    assert list_ids(owner, f"{path}?user_id={admin.id}") == [job]
    assert list_ids(owner, f"{path}?user_id={owner.id}") == []


def test_every_page_but_the_last_is_full(owner: User) -> None:
    jobs = [owner.create_draft() for _ in range(7)]
    expected = [jobs[:3:-1], jobs[3:0:-1], jobs[:1]]
    assert_soon(lambda: list_pages(owner, "limit=3"), expected)


def test_full_last_page_has_no_cursor(owner: User) -> None:
    jobs = [owner.create_draft() for _ in range(4)]
    assert_soon(lambda: list_pages(owner, "limit=2"), [jobs[:1:-1], jobs[1::-1]])


def test_page_holds_only_matches(owner: User) -> None:
    types = ("nfofix", "repack", "repack", "nfofix", "repack")
    jobs = [owner.create_draft(job_type=job_type) for job_type in types]
    assert_soon(lambda: list_pages(owner, "limit=1&job_type=nfofix"), [[jobs[3]], [jobs[0]]])


def test_new_jobs_do_not_disturb_the_cursor(owner: User) -> None:
    jobs = [owner.create_draft() for _ in range(4)]
    assert_soon(lambda: list_ids(owner), jobs[::-1])
    first: Any = owner.get("/api/jobs?limit=2").body
    owner.create_draft()
    rest = owner.get(f"/api/jobs?limit=2&cursor={first['next_cursor']}").body
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == jobs[::-1]
    assert rest["next_cursor"] is None


def test_page_holds_fifty_jobs_by_default(owner: User) -> None:
    for _ in range(51):
        owner.create_draft()
    assert_soon(lambda: [len(page) for page in list_pages(owner)], [50, 1])
    assert [len(page) for page in list_pages(owner, "limit=100")] == [51]
