"""The screen of jobs: filters, pages, live changes, chosen jobs, keys, and who sees what."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Route, expect

from api import User
from console import Console
from samples import TEXT_FILE, failed_job
from scribe import Scribe
from stack import Stack
from waiting import assert_soon, wait_until

# One user's history serves most of these tests.
pytestmark = pytest.mark.xdist_group("console-jobs")

PAGE = 50  # jobs
END = 90_000  # milliseconds until a job has ended on a busy machine


class History(NamedTuple):
    """A user's release, and their jobs by status, in the order of their creation."""

    user: User
    release: int
    jobs: dict[str, int]


@pytest.fixture(scope="module")
def history(stack: Stack) -> History:
    """A user with one job of each final status and a draft, which these tests only read."""
    user = stack.new_user()
    release = user.create_release(TEXT_FILE)
    jobs = {
        "completed": int(user.run_job(job_type="analysis", release_id=release)["id"]),
        "failed": failed_job(user),
        "cancelled": user.cancelled_draft(job_type="packaging"),
        "draft": user.create_draft(job_type="analysis", release_id=release),
    }
    assert_soon(lambda: [job["id"] for job in user.jobs()], list(jobs.values())[::-1])
    return History(user, release, jobs)


def table(console: Console) -> Locator:
    """Finds the table of jobs."""
    return console.role("table", "Jobs")


def expect_jobs(console: Console, *jobs: int) -> None:
    """Waits until the table has exactly these jobs, in this order."""
    links = table(console).locator("tbody .title")
    expect(links).to_have_text([str(job) for job in jobs])


def row(console: Console, job: int) -> Locator:
    """Finds the row of a job."""
    return table(console).locator(f'tr[data-id="{job}"]')


SNAPSHOT = r"""
- banner:
  - navigation "Main":
    - link "Jobs"
    - link "Releases"
- main:
  - heading "Jobs" [level=1]
  - form "Filters":
    - combobox "Status":
      - option "All" [selected]
      - option "Draft"
      - option "Pending"
      - option "Running"
      - option "Completed"
      - option "Failed"
      - option "Cancelled"
    - combobox "Type"
    - textbox "Release"
    - textbox "Created from"
    - textbox "Created until"
  - table "Jobs":
    - rowgroup:
      - row:
        - columnheader:
          - checkbox "Select all"
        - columnheader "Job"
        - columnheader "Type"
        - columnheader "Status"
        - columnheader "Release"
        - columnheader "Created"
        - columnheader "Duration"
    - rowgroup:
      - row:
        - cell:
          - checkbox /Select job \d+/
        - cell /\d+/:
          - link /\d+/
        - cell "Analysis"
        - cell "Draft"
        - cell /\d+/
        - cell:
          - time
        - cell
      - row /Cancelled/
      - row /nfo_missing/
      - row /Completed/
  - paragraph: 4 jobs, and no more.
"""


def test_list_has_a_row_for_each_job(console: Console, history: History) -> None:
    console.open(history.user)
    jobs = history.jobs
    expect_jobs(console, jobs["draft"], jobs["cancelled"], jobs["failed"], jobs["completed"])
    expect(console.page.locator("body")).to_match_aria_snapshot(SNAPSHOT)
    assert console.violations() == []
    console.screenshot("jobs")


def test_filters_are_in_the_address_and_outlast_a_reload(
    console: Console, history: History
) -> None:
    user, release, jobs = history
    console.open(user)
    console.role("combobox", "Status").select_option("failed")
    expect_jobs(console, jobs["failed"])
    console.role("combobox", "Status").select_option("")
    console.role("combobox", "Type").select_option("analysis")
    expect_jobs(console, jobs["draft"], jobs["completed"])
    console.role("combobox", "Status").select_option("completed")
    console.role("textbox", "Release").fill(str(release))
    console.role("textbox", "Release").press("Enter")
    expect_jobs(console, jobs["completed"])
    day = user.job(jobs["completed"])["created_at"][:10]
    before = str(date.fromisoformat(day) - timedelta(1))
    console.page.get_by_label("Created from").fill(day)
    expect_jobs(console, jobs["completed"])
    address = f"#/jobs?status=completed&type=analysis&release={release}&from={day}"
    expect(console.page).to_have_url(re.compile(re.escape(address) + "$"))
    console.page.reload()
    expect_jobs(console, jobs["completed"])
    expect(console.role("combobox", "Status")).to_have_value("completed")
    expect(console.role("combobox", "Type")).to_have_value("analysis")
    expect(console.role("textbox", "Release")).to_have_value(str(release))
    expect(console.page.get_by_label("Created from")).to_have_value(day)
    console.page.get_by_label("Created until").fill(before)
    expect(console.page.get_by_text("No job matches these filters.")).to_be_visible()
    assert console.violations() == []
    console.role("button", "Clear filters").click()
    expect(table(console).locator("tbody tr")).to_have_count(len(jobs))
    expect(console.page).to_have_url(re.compile("#/jobs$"))


def test_admin_sees_the_jobs_of_all_users_and_those_of_one(
    console: Console, history: History, stack: Stack, admin: User
) -> None:
    other = stack.new_user()
    newest = other.create_draft()
    console.open(admin)
    expect(row(console, newest)).to_contain_text(str(other.id))
    console.role("textbox", "User").fill(str(history.user.id))
    console.role("textbox", "User").press("Enter")
    expect_jobs(console, *reversed(history.jobs.values()))
    expect(console.page).to_have_url(re.compile(f"user={history.user.id}"))
    console.open(history.user)
    expect(console.role("textbox", "Release")).to_be_visible()
    expect(console.role("textbox", "User")).to_have_count(0)


def test_more_jobs_are_loaded_to_the_end_without_a_duplicate(console: Console, owner: User) -> None:
    count = PAGE + 5
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda _: owner.create_draft(), range(count)))
    console.open(owner)
    expect(table(console).locator("tbody tr")).to_have_count(PAGE)
    console.role("button", "Load more").click()
    expect_jobs(console, *sorted(jobs, reverse=True))
    expect(console.page.get_by_text(f"{count} jobs, and no more.")).to_be_visible()
    expect(console.role("button", "Load more")).to_have_count(0)


def test_new_jobs_are_announced_and_shown_when_asked_for(console: Console, owner: User) -> None:
    first = owner.create_draft()
    console.open(owner)
    expect_jobs(console, first)
    wait_for_push(console)
    release = owner.create_release(TEXT_FILE)
    new = [owner.create_job(job_type="analysis", release_id=release) for _ in range(3)]
    announced = console.role("button", "3 new jobs")
    expect(announced).to_be_visible()
    expect_jobs(console, first)
    assert console.violations() == []
    announced.click()
    expect_jobs(console, *reversed(new), first)
    expect(announced).to_have_count(0)
    for job in new:
        expect(row(console, job)).to_contain_text("Completed", timeout=END)


def wait_for_push(console: Console) -> None:
    """Waits until the page follows its list by push, and has read what it may have missed."""
    entries = "performance.getEntriesByType('resource').map(entry => entry.name)"
    wait_until(
        lambda: any("/api/jobs?limit=100" in url for url in console.page.evaluate(entries)),
        "the list to be followed",
    )


def test_running_job_shows_its_progress_and_its_end(
    console: Console, stack: Stack, owner: User
) -> None:
    scribe = Scribe(stack, owner)
    scribe.update(progress={"N": "40"})
    console.open(owner)
    progress = console.role("progressbar", f"Progress {scribe.job}")
    expect(progress).to_have_attribute("value", "40")
    assert console.violations() == []
    console.screenshot("jobs-running")
    scribe.update(progress={"N": "65"})
    expect(progress).to_have_attribute("value", "65")
    scribe.cancel()
    expect(row(console, scribe.job)).to_contain_text("Cancelled")
    expect(progress).to_have_count(0)


def test_several_jobs_are_cancelled_and_retried(console: Console, owner: User) -> None:
    release = owner.create_release()
    fields = {"job_type": "nfofix", "release_id": release, "config_json": {"dry_run": True}}
    kept, *jobs = (owner.create_draft(**fields) for _ in range(3))
    console.open(owner)
    expect_jobs(console, *reversed(jobs), kept)
    for job in jobs:
        console.role("checkbox", f"Select job {job}").check()
    console.role("button", "Cancel 2 jobs").click()
    dialog = console.role("dialog", "Cancel 2 jobs?")
    dialog.get_by_role("textbox", name="Reason").fill("The wrong files")
    assert console.violations() == []
    dialog.get_by_role("button", name="Cancel 2 jobs").click()
    expect(console.page.get_by_text("2 jobs cancelled.").first).to_be_visible()
    for job in jobs:
        expect(row(console, job)).to_contain_text("Cancelled")
        assert owner.job(job)["cancel_reason"] == "The wrong files"
    assert owner.status(kept)["status"] == "draft"
    console.role("checkbox", "Select all").check()
    console.role("button", "Retry 2 jobs").click()
    expect(console.page.get_by_text("2 new jobs made.").first).to_be_visible()
    expect(console.role("button", "2 new jobs")).to_be_visible()
    assert {owner.job(job)["retried_by"] is not None for job in jobs} == {True}


def test_list_without_jobs_says_so(console: Console, owner: User) -> None:
    console.open(owner)
    expect(console.page.get_by_text("You have no jobs yet.")).to_be_visible()
    assert console.violations() == []
    console.screenshot("jobs-empty")


def test_list_says_that_it_loads_and_why_it_cannot(console: Console, history: History) -> None:
    held: list[Route] = []
    is_busy = False

    def refuse(route: Route) -> None:
        route.fulfill(status=429, content_type="application/json", body="{}")

    def answer(route: Route) -> None:
        if is_busy:
            refuse(route)
        else:
            held.append(route)

    console.page.route("**/api/jobs?*", answer)
    console.open(history.user)
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    loading = console.page.get_by_role("status").filter(has_text="Loading")
    expect(loading).to_be_visible()
    assert console.violations() == []
    is_busy = True
    refuse(held[0])
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("There are too many requests at the moment.")
    assert console.violations() == []
    console.screenshot("jobs-error")
    # It is tried again without the person, too.
    console.page.unroute("**/api/jobs?*")
    expect(table(console).locator("tbody tr")).to_have_count(len(history.jobs))
    expect(alert).to_have_count(0)


def test_list_is_tried_again_without_a_job_twice(
    console: Console, stack: Stack, owner: User
) -> None:
    scribe = Scribe(stack, owner)
    console.open(owner)
    expect_jobs(console, scribe.job)
    # The progress of a running job is read from time to time.
    console.page.route(
        "**/api/jobs?limit=100*",
        lambda route: route.fulfill(status=500, content_type="application/json", body="{}"),
    )
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("Something went wrong.")
    console.page.unroute("**/api/jobs?limit=100*")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect_jobs(console, scribe.job)
    # The list is followed again.
    scribe.cancel()
    expect(row(console, scribe.job)).to_contain_text("Cancelled")


def test_older_job_that_comes_to_match_the_filter_is_announced(
    console: Console, stack: Stack, owner: User
) -> None:
    older = Scribe(stack, owner)
    newer = owner.cancelled_draft(job_type="packaging")
    console.open(owner, "/jobs?status=cancelled")
    expect_jobs(console, newer)
    wait_for_push(console)
    older.cancel()
    console.role("button", "1 new job").click()
    expect_jobs(console, newer, older.job)


def test_keys_lead_through_the_list(console: Console, history: History) -> None:
    console.open(history.user)
    draft, cancelled, failed, _ = reversed(history.jobs.values())
    expect(row(console, draft)).to_be_visible()
    press = console.page.keyboard.press

    def expect_focus(job: int) -> None:
        expect(row(console, job).get_by_role("link", name=str(job), exact=True)).to_be_focused()

    press("j")
    expect_focus(draft)
    press("c")
    dialog = console.role("dialog", "Cancel 1 job?")
    dialog.get_by_role("button", name="Keep running").click()
    expect(dialog).to_be_hidden()
    console.role("button", "Clear selection").click()
    for _ in range(3):
        press("j")
    expect_focus(failed)
    press("k")
    expect_focus(cancelled)
    press("x")
    expect(console.role("checkbox", f"Select job {cancelled}")).to_be_checked()
    press("/")
    expect(console.role("combobox", "Status")).to_be_focused()
    row(console, cancelled).get_by_role("link").first.focus()
    press("Enter")
    expect(console.role("heading", f"Job {cancelled}", level=1)).to_be_visible()


def test_user_sees_nothing_of_another(
    console: Console, stack: Stack, owner: User, stranger: User
) -> None:
    scribe = Scribe(stack, owner)
    release = stack.job_item(scribe.job)["release_id"]["N"]
    heard: list[Callable[[], str]] = []
    console.page.on("response", lambda answer: heard.append(answer.text))
    console.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: heard.append(lambda: str(frame))),
    )
    own = stranger.create_draft()
    console.open(stranger)
    expect_jobs(console, own)
    wait_for_push(console)
    scribe.write()
    scribe.cancel()
    # A push to the stranger comes after it.
    new = stranger.create_job(job_type="nfofix")
    expect(console.role("button", "1 new job")).to_be_visible()
    console.go(f"/jobs/{scribe.job}")
    expect(console.page.get_by_role("alert")).to_contain_text("You may not see this.")
    console.go(f"/jobs?user={owner.id}")
    expect(console.page.get_by_role("alert")).to_contain_text("Only an admin may list")
    console.go(f"/jobs/{new}")
    expect(console.page.get_by_text("Complete: lines 1 to")).to_be_visible()
    storage = "JSON.stringify([{...localStorage}, {...sessionStorage}])"
    texts = [console.page.content(), console.page.evaluate(storage), *(read() for read in heard)]
    assert len(texts) > 8
    for secret in (str(owner.id), release):
        assert not [text for text in texts if secret in text], secret


def test_next_user_of_a_tab_sees_nothing_of_the_last(
    console: Console, history: History, stranger: User
) -> None:
    console.open(history.user)
    expect(table(console).locator("tbody tr")).to_have_count(len(history.jobs))
    console.open(stranger)
    expect(console.page.get_by_text("You have no jobs yet.")).to_be_visible()
    storage = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    seen = console.page.content() + storage
    for job in (*history.jobs.values(), history.user.id, history.release):
        assert str(job) not in seen
