"""The screen of operations: what runs, what waits and why, and what has failed, for admins only."""

import pytest
from playwright.sync_api import Locator, Route, expect

from api import User
from console import Console
from job_screen import update_job, waiting_job
from samples import failed_job
from scribe import Scribe
from stack import Stack

SNAPSHOT = r"""
- main:
  - heading "Operations" [level=1]
  - region "Running":
    - heading "Running" [level=2]
    - link "Show in the list of jobs":
      - /url: "#/jobs?status=running"
    - table "Running":
      - rowgroup:
        - row "Job Type Status Release User Created Duration"
      - rowgroup:
        - row:
          - cell /\d+/:
            - link /\d+/
          - cell
          - cell /Running/
          - cell
          - cell /\d+/
          - cell:
            - time
          - cell
  - region "Waiting":
    - heading "Waiting" [level=2]
    - link "Show in the list of jobs":
      - /url: "#/jobs?status=pending"
    - table "Waiting"
  - region "Failed, of the last 24 hours":
    - heading "Failed, of the last 24 hours" [level=2]
    - link "Show in the list of jobs"
    - table "Failed, of the last 24 hours":
      - rowgroup:
        - row "Error code Jobs Users Last one Its message"
      - rowgroup:
        - row:
          - cell:
            - code
          - cell /\d+/
          - cell /\d+/
          - cell /\d+ .+/:
            - link /\d+/
            - time
          - cell
"""


def row(console: Console, table: str, text: str) -> Locator:
    """Finds a row of a table by what it has in it."""
    return console.role("table", table, exact=True).get_by_role("row").filter(has_text=text)


def ask_for_jobs_of(console: Console, user: User) -> None:
    """Lets the screen ask for one user's jobs: other tests leave many, and it shows few reasons."""

    def narrow(route: Route) -> None:
        route.continue_(url=f"{route.request.url}&user_id={user.id}")

    console.page.route("**/api/jobs?*", narrow)


def test_admin_sees_what_runs_waits_and_has_failed(
    console: Console, stack: Stack, owner: User, admin: User
) -> None:
    failed_job(owner)
    waiting = waiting_job(stack, owner)
    reason = {"reason": {"S": "user_limit"}, "limit": {"N": "4"}}
    update_job(stack, waiting, waiting_for={"M": reason})
    scribe = Scribe(stack, owner)
    scribe.update(progress={"N": "40"})
    ask_for_jobs_of(console, owner)
    console.open(admin, "/operations")
    running = row(console, "Running", str(scribe.job))
    expect(running).to_contain_text(str(owner.id))
    expect(running.get_by_role("progressbar")).to_have_attribute("value", "40")
    expect(row(console, "Waiting", str(waiting))).to_contain_text("4 jobs are running")
    failed = row(console, "Failed, of the last 24 hours", "nfo_missing")
    expect(failed.get_by_role("link")).to_be_visible()
    expect(console.page.locator("body")).to_match_aria_snapshot(SNAPSHOT)
    assert console.violations() == []
    console.screenshot("operations")
    # It follows all jobs.
    scribe.cancel()
    expect(running).to_have_count(0)
    owner.put(f"/api/jobs/{waiting}/cancel")
    expect(row(console, "Waiting", str(waiting))).to_have_count(0)
    another = failed_job(owner)
    expect(failed.get_by_role("link", name=str(another))).to_be_visible()


@pytest.mark.parametrize("path", ["/operations", "/operations?status=failed"])
def test_user_has_no_operations(console: Console, owner: User, path: str) -> None:
    console.open(owner, path)
    expect(console.role("heading", "Page not found", level=1)).to_be_visible()
    assert not [request for request in console.requests if "/api/jobs" in request.url]
    assert console.violations() == []


def test_failure_of_the_lists_is_said(console: Console, admin: User) -> None:

    def refuse(route: Route) -> None:
        route.fulfill(status=429, content_type="application/json", body="{}")

    console.page.route("**/api/jobs?*", refuse)
    console.open(admin, "/operations")
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("There are too many requests at the moment.")
    assert console.violations() == []
    console.page.unroute("**/api/jobs?*")
    # It is tried again without the person, too.
    expect(console.role("heading", "Waiting", level=2)).to_be_visible()
    expect(alert).to_have_count(0)
