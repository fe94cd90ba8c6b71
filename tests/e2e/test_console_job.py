"""The screen of a job: its states, its result, its attempts, and what a user does with it."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api import User
from job_screen import JobScreen, update_job, waiting_job
from samples import RELEASE_NAME, TEXT_FILE, failed_job
from scribe import Scribe, now
from stack import Stack

STEPS = {"step": {"S": "archive"}, "message": {"S": "Compressed 3 of 5 files"}}
PROGRESS = {"progress": {"N": "65"}}


def test_draft_is_continued_or_cancelled(screen: JobScreen, owner: User) -> None:
    job = owner.create_draft(job_type="packaging", release_id=owner.create_release())
    screen.open(owner, job).expect_status("Draft")
    expect(screen.console.role("link", "Continue")).to_have_attribute(
        "href", f"#/releases/new/{job}"
    )
    expect(screen.console.role("button", "Cancel job")).to_be_visible()
    expect(screen.progress).to_have_count(0)
    expect(screen.page.get_by_text("No lines yet.")).to_be_visible()
    assert screen.console.violations() == []
    screen.console.screenshot("job-draft")


def test_pending_job_says_why_it_waits(screen: JobScreen, stack: Stack, owner: User) -> None:
    job, other = waiting_job(stack, owner), 123
    screen.open(owner, job).expect_status("Pending")
    expect(screen.page.get_by_text("Waits in the queue")).to_be_visible()
    reasons: dict[str, dict[str, Any]] = {
        f"Waits for job {other}": {"reason": {"S": "release"}, "job_id": {"N": str(other)}},
        "4 jobs are running": {"reason": {"S": "user_limit"}, "limit": {"N": "4"}},
        "Will be tried again at": {
            "reason": {"S": "backoff"},
            "until": {"S": "2026-11-29T12:30:00.000Z"},
        },
    }
    for text, reason in reasons.items():
        update_job(stack, job, waiting_for={"M": reason})
        expect(screen.page.get_by_text(text)).to_be_visible()
    expect(screen.progress).to_be_visible()
    assert screen.console.violations() == []
    screen.console.screenshot("job-pending")
    owner.put(f"/api/jobs/{job}/cancel")
    screen.expect_status("Cancelled")


@pytest.mark.parametrize("job_type", ["analysis", "packaging"])
def test_draft_that_the_wizard_does_not_make_is_submitted(
    screen: JobScreen, owner: User, job_type: str
) -> None:
    release = owner.create_release(TEXT_FILE) if job_type == "analysis" else None
    job = owner.create_draft(job_type=job_type, release_id=release)
    screen.open(owner, job).expect_status("Draft")
    expect(screen.console.role("link", "Continue")).to_have_count(0)
    screen.console.role("button", "Submit").click()
    if job_type == "analysis":
        screen.expect_status("Completed")
        expect(screen.console.role("button", "Submit")).to_have_count(0)
    else:
        # The API says what is missing.
        expect(screen.page.get_by_role("listitem").filter(has_text="release")).to_be_visible()
        screen.expect_status("Draft")


# As a run of packaging writes it.
LOG = [
    ("INFO", "Packaging started: 5 files, 48.2 MB"),
    ("DEBUG", "release_name: Ada.Example-A.Tested.Book-2026-GRP"),
    *(("INFO", f"Added source/chapter-{number:02}.txt to the archive") for number in range(1, 20)),
    ("WARNING", "The title has a letter that the release name cannot have: 'é' becomes 'e'"),
    ("ERROR", "S3 answered 503; the part is sent again in 2 s"),
    ("INFO", "Compressed 3 of 5 files"),
]

RUNNING = r"""
- main:
  - paragraph:
    - link "Jobs"
  - heading /Job \d+/ [level=1]
  - button "Cancel job"
  - status: Running
  - text: Analysis
  - link /Release \d+/
  - progressbar "Progress"
  - region "Log":
    - heading "Log" [level=2]
    - checkbox "Follow" [checked]
    - combobox "Level":
      - option "All levels" [selected]
      - option "Info and above"
      - option "Warnings and errors"
      - option "Errors"
    - combobox "Times"
    - button "Copy"
    - link "Plain text"
    - log "Log":
      - link "Line 1"
      - time
      - text: Line 1
      - link "Line 2"
      - time
      - text: Line 2
    - paragraph: Lines 1 to 2 so far
  - complementary:
    - region "Attempts":
      - heading "Attempts" [level=2]
      - list:
        - listitem: "/Attempt 1: running, .+/"
    - region "Details":
      - heading "Details" [level=2]
      - term: User
      - definition: /\d+/
      - term: Created
      - definition:
        - time
      - term: Started
      - definition:
        - time
"""


def test_running_job_shows_its_progress(screen: JobScreen, stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    scribe.write(2)
    screen.open(owner, scribe.job).expect_status("Running")
    scribe.update(**STEPS, **PROGRESS)
    expect(screen.progress).to_have_attribute("value", "65")
    expect(screen.page.get_by_text("archive", exact=True)).to_be_visible()
    expect(screen.page.get_by_text("Compressed 3 of 5 files")).to_be_visible()
    expect(screen.page.locator("body")).to_match_aria_snapshot(RUNNING)
    scribe.write_lines(LOG)
    scribe.update(**PROGRESS)
    expect(screen.line(2 + len(LOG))).to_be_visible()
    assert screen.console.violations() == []
    screen.console.screenshot("job-running")
    screen.console.role("combobox", "Language").select_option("fr")
    expect(screen.page.get_by_role("heading", level=1)).to_have_text(f"Tâche {scribe.job}")


COMPLETED = r"""
- main:
  - heading /Job \d+/ [level=1]
  - status: Completed
  - text: Packaging
  - region "Result":
    - heading "Result" [level=2]
    - table "Files":
      - rowgroup:
        - row "File Size CRC-32 SHA-256"
      - rowgroup:
        - row:
          - cell:
            - link /.+\.zip/
          - cell /\d+ bytes/
          - cell
          - cell
  - region "Log":
    - log "Log"
    - paragraph: "/Complete: lines 1 to \\d+/"
  - complementary:
    - region "Attempts":
      - list:
        - listitem: "/Attempt 1: completed, .+/"
    - region "Details":
      - term: Finished
      - heading "Configuration" [level=3]
"""


def test_completed_job_offers_its_files_as_s3_has_them(
    screen: JobScreen, owner: User, tmp_path: Path
) -> None:
    release = owner.create_release({"book.txt": b"Once\r\n"}, metadata={"title": "A Book"})
    config = {"release_name": RELEASE_NAME}
    job = owner.run_job(job_type="packaging", release_id=release, config_json=config)
    screen.open(owner, job["id"]).expect_status("Completed")
    screen.expect_complete(len(owner.log(job["id"])))
    for name in ("Cancel job", "Retry job"):
        expect(screen.console.role("button", name)).to_have_count(0)
    files = owner.files(release, "package/")
    result = screen.console.role("region", "Result")
    for name, content in files.items():
        with screen.page.expect_download() as download:
            result.get_by_role("link", name=name, exact=True).click()
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes() == content
    expect(result.get_by_role("table", name="Files").get_by_role("row")).to_have_count(
        len(files) + 1
    )
    expect(screen.page.locator("body")).to_match_aria_snapshot(COMPLETED)
    assert screen.console.violations() == []
    screen.console.screenshot("job-completed")
    owner.run_job(job_type="repack", release_id=release)
    screen.page.reload()
    expect(result).to_contain_text("This package is not the current one.")
    expect(result.get_by_role("link", name=f"Release {release}")).to_be_visible()


def test_failed_job_says_what_to_do_and_is_retried(screen: JobScreen, owner: User) -> None:
    job = failed_job(owner)
    screen.open(owner, job).expect_status("Failed")
    alert = screen.page.get_by_role("alert")
    expect(alert).to_contain_text(owner.job(job)["error"]["message"])
    expect(alert).to_contain_text("nfo_missing: Package the release with an NFO, or upload one.")
    assert screen.console.violations() == []
    screen.console.screenshot("job-failed")
    screen.console.role("button", "Retry job").click()
    expect(screen.page).to_have_url(re.compile(rf"#/jobs/(?!{job}$)\d+$"))
    expect(screen.console.role("link", str(job))).to_be_visible()
    new = int(screen.page.url.rsplit("/", 1)[-1])
    assert owner.job(new)["retry_of"] == job
    screen.console.role("link", str(job)).click()
    screen.expect_status("Failed")
    expect(screen.console.role("link", str(new))).to_be_visible()


def test_running_job_is_cancelled_with_a_reason(
    screen: JobScreen, stack: Stack, owner: User
) -> None:
    scribe = Scribe(stack, owner)
    scribe.write()
    screen.open(owner, scribe.job).expect_status("Running")
    dialog = screen.console.role("dialog", "Cancel this job?")
    screen.page.keyboard.press("c")
    assert screen.console.violations() == []
    dialog.get_by_role("button", name="Keep running").click()
    expect(dialog).to_be_hidden()
    assert owner.status(scribe.job)["status"] == "running"
    screen.console.role("button", "Cancel job").click()
    dialog.get_by_role("textbox", name="Reason").fill("The wrong file")
    dialog.get_by_role("button", name="Cancel job").click()
    expect(dialog).to_be_hidden()
    expect(screen.console.role("complementary", "Notices")).to_contain_text("stops by")
    screen.expect_status("Cancelled")
    facts = screen.console.role("region", "Details")
    expect(facts).to_contain_text(f"User {owner.id}")
    expect(facts).to_contain_text("The wrong file")
    screen.expect_complete(2)
    assert owner.job(scribe.job)["cancel_reason"] == "The wrong file"
    assert screen.console.violations() == []
    screen.console.screenshot("job-cancelled")


def test_job_that_an_admin_cancels_says_so_at_once(
    screen: JobScreen, stack: Stack, owner: User, admin: User
) -> None:
    scribe = Scribe(stack, owner)
    screen.open(owner, scribe.job).expect_status("Running")
    admin.call("PUT", f"/api/jobs/{scribe.job}/cancel", {"reason": "Too large"})
    screen.expect_status("Cancelled")
    facts = screen.console.role("region", "Details")
    expect(facts).to_contain_text(f"User {admin.id} Admin")
    expect(facts).to_contain_text("Too large")
    # The status is announced once, and the lines of the log are not.
    expect(screen.page.get_by_text(f"Job {scribe.job}: Cancelled.")).to_have_count(1)
    expect(screen.log).to_have_attribute("aria-live", "off")


def run(attempt: str, start: int, length: int, **fields: Any) -> dict[str, Any]:
    """Returns a run of a job as its item has it."""
    times = {"started_at": {"N": str(start)}, "ended_at": {"N": str(start + length)}}
    return {"M": {"attempt": {"N": attempt}, "first_log_seq": {"N": "1"}, **times, **fields}}


def test_attempts_are_drawn_with_their_outcomes(
    screen: JobScreen, stack: Stack, owner: User
) -> None:
    scribe = Scribe(stack, owner)
    start = now()
    error = {"M": {"code": {"S": "storage"}, "message": {"S": "S3 was slow"}}}
    runs = [
        run("1", start, 60_000, outcome={"S": "crashed"}),
        run("2", start + 60_000, 30_000, outcome={"S": "error"}, error=error),
        run("3", start + 95_000, 5_000, outcome={"S": "given_back"}),
    ]
    scribe.update(runs={"L": runs}, attempt={"N": "3"}, fence={"N": "3"})
    screen.open(owner, scribe.job)
    attempts = screen.console.role("region", "Attempts").get_by_role("listitem")
    expect(attempts).to_have_text(
        [
            re.compile(r"Attempt 1: stopped responding, 1 min"),
            re.compile(r"Attempt 2: failed, and tried again, 30 sec\s+S3 was slow"),
            re.compile(r"Attempt 3: interrupted, and continued, 5 sec"),
        ]
    )
    assert screen.console.violations() == []


def test_job_that_is_not_there_or_of_another_user_is_refused(
    screen: JobScreen, owner: User, stranger: User
) -> None:
    job = owner.create_draft()
    screen.console.open(stranger, f"/jobs/{job}")
    expect(screen.page.get_by_role("alert")).to_contain_text("You may not see this.")
    assert screen.console.violations() == []
    screen.console.screenshot("job-refused")
    screen.console.go("/jobs/1")
    expect(screen.page.get_by_role("alert")).to_contain_text("There is nothing here")
    expect(screen.log).to_have_count(0)
