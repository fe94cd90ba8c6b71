"""The screen that starts a job on a release that is there."""

from playwright.sync_api import expect

from api import User
from console import Console
from samples import TEXT_FILE

SNAPSHOT = r"""
- main:
  - paragraph:
    - link "Jobs":
      - /url: "#/jobs"
  - heading "New job" [level=1]
  - link "New release":
    - /url: "#/releases/new"
  - text: Release
  - combobox "Release"
  - text: Job type
  - combobox "Job type"
  - button "Start job"
"""


def test_job_is_started_on_a_release(console: Console, owner: User) -> None:
    release = owner.create_release(TEXT_FILE, metadata={"title": "A Tested Book"})
    console.open(owner)
    console.role("link", "New job").click()
    heading = console.role("heading", "New job", level=1)
    expect(heading).to_be_focused()
    console.role("combobox", "Release").select_option(f"A Tested Book ({release})")
    expect(console.role("button", "Start job")).to_be_visible()
    assert console.page.url.endswith(f"#/jobs/new?release={release}")
    expect(console.page.locator("body")).to_match_aria_snapshot(SNAPSHOT)
    assert console.violations() == []
    console.screenshot("job-new")
    console.role("combobox", "Job type").select_option("Analysis")
    console.role("button", "Start job").click()
    expect(console.page.get_by_text("Complete: lines 1 to")).to_be_visible()
    expect(console.page.get_by_role("status").filter(has_text="Completed")).to_be_visible()


def test_user_without_releases_makes_one_first(console: Console, owner: User) -> None:
    console.open(owner, "/jobs/new")
    expect(console.page.get_by_text("You have no releases yet.")).to_be_visible()
    assert console.violations() == []
    console.role("link", "New release").click()
    expect(console.role("heading", "New release", level=1)).to_be_visible()
