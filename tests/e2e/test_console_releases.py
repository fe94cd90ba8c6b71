"""The screens of releases in the console: the list, and a release with all that belongs to it."""

import re
import urllib.parse
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from api import User
from console import Console
from console_releases import cut_off, download, link, overflow, upload_files
from packages import SOURCES, unzip
from samples import RELEASE_NAME, TEXT_FILE, failed_job
from stack import Stack
from waiting import assert_soon

PAGE = 50  # releases
LIST = """
- heading "Releases" [level=1]
- button "New release"
- form "Filters":
  - text: Type
  - combobox "Type"
  - text: Created from
  - textbox "Created from"
  - text: Created until
  - textbox "Created until"
- table "Releases":
  - rowgroup:
    - row "Release Title Type Group Package Created"
  - rowgroup:
    - row:
      - cell /\\d+/:
        - link /\\d+/:
          - /url: /#/releases/\\d+/
      - cell "A Tested Book"
      - cell "ebook"
      - cell "GRP"
      - cell "None yet"
      - cell:
        - time
- paragraph: 1 release, and no more.
"""
RELEASE = """
- main:
  - paragraph:
    - link "Releases":
      - /url: "#/releases"
  - heading "A Tested Book" [level=1]
  - paragraph:
    - text: /\\d+ created/
    - time
  - region "Files":
    - heading "Files" [level=2]
    - button "Add files"
    - table "Files":
      - rowgroup:
        - row "File Size Changed Actions"
      - rowgroup:
        - row /source.notes.txt 7 bytes/:
          - cell "source/notes.txt":
            - link "source/notes.txt"
          - cell "7 bytes"
          - cell:
            - time
          - cell "Delete source/notes.txt":
            - button "Delete source/notes.txt"
  - region "Packages":
    - heading "Packages" [level=2]
    - paragraph: There is no package yet. A packaging job makes one.
  - region "Jobs":
    - heading "Jobs" [level=2]
    - group: Start a job
    - paragraph: There are no jobs yet.
  - complementary "Details":
    - region "Details":
      - heading "Details" [level=2]
      - button "Edit"
      - term: Type
      - definition: ebook
      - term: Group
      - definition: GRP
      - term: Title
      - definition: A Tested Book
"""


def day(offset: int) -> str:
    """Returns a day from today, as a date field has it."""
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%Y-%m-%d")


def expect_listed(user: User, count: int) -> None:
    """Waits until the list has all releases of a user."""
    assert_soon(lambda: len(user.get("/api/releases?limit=100").body["releases"]), count)


def package(user: User) -> tuple[int, list[int]]:
    """Builds a package and replaces it; returns the release and the two jobs."""
    release = user.create_release(SOURCES)
    jobs = []
    for job_type, name in (("packaging", RELEASE_NAME), ("repack", "Another.Name-GRP")):
        config = {"release_name": name, "compression": "store"}
        job = user.run_job(job_type=job_type, release_id=release, config_json=config)
        assert job["status"] == "completed", job["error"]
        jobs.append(int(job["id"]))
    return release, jobs


def test_list_is_filtered_by_its_address(console: Console, owner: User) -> None:
    comic = owner.create_release(release_type="comic")
    ebook = owner.create_release()
    expect_listed(owner, 2)
    console.open(owner, "/releases?type=comic")
    rows = console.role("table", "Releases").get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text(str(comic))
    expect(console.role("combobox", "Type")).to_have_value("comic")
    console.role("combobox", "Type").fill("ebook")
    console.page.keyboard.press("Enter")
    expect(rows.last).to_contain_text(str(ebook))
    assert console.page.url.endswith("#/releases?type=ebook")
    console.role("button", "Clear filters").click()
    expect(rows).to_have_count(3)
    for label in ("Created from", "Created until"):
        console.page.get_by_label(label).fill(day(0))
    expect(rows).to_have_count(3)
    console.page.get_by_label("Created from").fill(day(1))
    expect(console.page.get_by_text("No release matches these filters.")).to_be_visible()
    assert f"from={day(1)}" in console.page.url
    assert console.violations() == []
    # What is no day is no filter.
    console.go("/releases?from=2026-13-45")
    expect(rows).to_have_count(3)


def test_last_day_of_a_filter_ends_with_it_when_the_clocks_change(
    stack: Stack, browser: Browser, owner: User
) -> None:
    context = browser.new_context(locale="en-US", timezone_id="Europe/Paris")
    console = Console(stack, context)
    console.open(owner)
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    for name in ("releases", "jobs"):
        # That day has 25 hours.
        with console.page.expect_request(re.compile(f"/api/{name}.+created_before")) as request:
            console.go(f"/{name}?from=2026-10-25&to=2026-10-25")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.value.url).query))
        assert query["created_after"] == "2026-10-24T22:00:00.000Z"
        assert query["created_before"] == "2026-10-25T23:00:00.000Z"
    console.check()
    context.close()


def test_list_is_loaded_page_by_page(console: Console, owner: User) -> None:
    for number in range(PAGE + 1):
        owner.create_release(metadata={"title": f"Volume {number}"})
    expect_listed(owner, PAGE + 1)
    console.open(owner, "/releases")
    rows = console.role("table", "Releases").get_by_role("row")
    expect(rows).to_have_count(PAGE + 1)
    # The newest one is the first one.
    expect(rows.nth(1)).to_contain_text(f"Volume {PAGE}")
    console.role("button", "Load more").click()
    expect(rows).to_have_count(PAGE + 2)
    expect(console.page.get_by_text(f"{PAGE + 1} releases, and no more.")).to_be_visible()
    console.page.keyboard.press("j")
    console.page.keyboard.press("Enter")
    expect(console.role("heading", f"Volume {PAGE}", level=1)).to_be_visible()


def test_user_without_releases_is_told_how_to_make_one(console: Console, owner: User) -> None:
    console.open(owner, "/releases")
    expect(console.page.get_by_text("You have no releases yet.")).to_be_visible()
    assert console.violations() == []
    console.screenshot("releases-empty")
    console.role("button", "New release").click()
    expect(console.role("heading", "New release", level=1)).to_be_visible()


def test_list_has_the_releases_of_the_user_and_for_an_admin_of_all(
    console: Console, owner: User, stranger: User, admin: User
) -> None:
    own, other = owner.create_release(), stranger.create_release()
    for user in (owner, stranger):
        expect_listed(user, 1)
    console.open(owner, "/releases")
    expect(console.role("link", str(own))).to_be_visible()
    main = console.page.get_by_role("main")
    expect(main).to_match_aria_snapshot(LIST)
    expect(main).not_to_contain_text(str(other))
    assert console.violations() == []
    console.screenshot("releases")
    for user in (owner, stranger):
        console.open(admin, f"/releases?user={user.id}")
        rows = console.role("table", "Releases").get_by_role("row")
        expect(rows).to_have_count(2)
        expect(rows.last).to_contain_text(str(own if user is owner else other))
        expect(rows.last).to_contain_text(str(user.id))


def test_release_of_another_user_shows_nothing_of_it(
    console: Console, owner: User, stranger: User, admin: User
) -> None:
    release = owner.create_release(TEXT_FILE)
    console.open(stranger, f"/releases/{release}")
    expect(console.page.get_by_role("alert")).to_be_visible()
    for text in ("A Tested Book", "notes.txt", "GRP"):
        assert text not in console.text()
    assert console.violations() == []
    console.open(admin, f"/releases/{release}")
    expect(link(console, "source/notes.txt")).to_be_visible()
    expect(console.page.get_by_role("main")).to_contain_text(f"User {owner.id}")


def test_release_shows_what_it_has(console: Console, owner: User) -> None:
    release = owner.create_release(TEXT_FILE)
    console.open(owner, f"/releases/{release}")
    expect(console.page.get_by_role("main")).to_match_aria_snapshot(RELEASE)
    assert console.violations() == []
    console.page.get_by_text("Start a job").click()
    console.role("combobox", "Job type").select_option(label="Packaging")
    console.page.get_by_text("Template of the NFO").click()
    expect(console.role("textbox", "Template", exact=True)).to_be_visible()
    assert console.violations() == []
    console.screenshot("release-start-job")
    console.go("/releases/1")
    expect(console.page.get_by_role("alert")).to_be_visible()
    assert "A Tested Book" not in console.text()


def test_file_is_downloaded_as_it_was_uploaded(console: Console, owner: User) -> None:
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    expect(console.page.get_by_text("There are no files yet.")).to_be_visible()
    files = {"été & more.txt": b"\xe9\r\n\0", "日本.bin": bytes(range(256)) * 100, "empty.txt": b""}
    upload_files(console, files)
    assert owner.files(release, "source/") == files
    for name, data in files.items():
        assert download(console, link(console, f"source/{name}")) == data
    # A file of the same name replaces the first one.
    upload_files(console, {"empty.txt": b"no longer"})
    row = console.role("table", "Files").get_by_role("row").filter(has_text="empty.txt")
    expect(row).to_contain_text("9 byte")


def test_source_file_is_deleted_after_a_question(console: Console, owner: User) -> None:
    release = owner.create_release(TEXT_FILE | {"kept.txt": b"kept"})
    console.open(owner, f"/releases/{release}")
    delete = console.role("button", "Delete source/notes.txt")
    delete.click()
    dialog = console.role("dialog", "Delete this file?")
    expect(dialog).to_contain_text("source/notes.txt")
    assert console.violations() == []
    console.screenshot("release-delete")
    dialog.get_by_role("button", name="Keep the file").click()
    expect(dialog).to_be_hidden()
    expect(delete).to_be_focused()
    delete.click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(link(console, "source/notes.txt")).to_be_hidden()
    expect(link(console, "source/kept.txt")).to_be_visible()
    assert owner.files(release, "source/") == {"kept.txt": b"kept"}


def test_link_that_has_ended_is_replaced_when_it_is_used(console: Console, owner: User) -> None:
    release = owner.create_release(TEXT_FILE)
    console.page.clock.install()
    console.open(owner, f"/releases/{release}")
    file = link(console, "source/notes.txt")
    expect(file).to_be_visible()
    console.page.clock.set_system_time(datetime.now(UTC) + timedelta(minutes=11))
    url = console.page.url
    with cut_off(console, "GET", f"**/api/releases/{release}/files?*"):
        file.click()
        # The client tries again after one, two and four seconds.
        notice = console.page.get_by_role("listitem").filter(has_text="cannot be reached")
        expect(notice).to_be_visible()
    assert console.page.url == url
    assert download(console, file) == TEXT_FILE["notes.txt"]


def test_file_that_is_dropped_beside_the_zone_does_not_replace_the_page(
    console: Console, owner: User
) -> None:
    console.open(owner, f"/releases/{owner.create_release()}")
    expect(console.page.get_by_text("There are no files yet.")).to_be_visible()
    drop = """selector => ["dragover", "drop"].map((type) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["dropped"], "dropped.txt"));
        const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer });
        return document.querySelector(selector).dispatchEvent(event);
    })"""
    # An event that is handled is not left to the browser.
    assert console.page.evaluate(drop, "h1") == [False, False]
    expect(console.page.get_by_text("There are no files yet.")).to_be_visible()
    assert console.page.evaluate(drop, ".drop") == [False, False]
    expect(link(console, "source/dropped.txt")).to_be_visible()


def test_replaced_package_is_restored(console: Console, owner: User) -> None:
    release, [first, second] = package(owner)
    console.open(owner, f"/releases/{release}")
    rows = console.role("table", "Packages").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(rf"^2 Current\s*{second}"))
    expect(rows.nth(2)).to_contain_text(re.compile(rf"^1\s*{first}"))
    assert console.violations() == []
    console.screenshot("release-files")
    console.role("button", "Restore version 1").click()
    expect(rows.nth(1)).to_contain_text(re.compile(rf"^3 Current\s*{first}"))
    expect(rows.nth(2)).to_contain_text(str(second))
    archive = download(console, link(console, f"package/{RELEASE_NAME}.zip"))
    assert unzip(archive) == SOURCES
    assert owner.release(release)["package"]["job_id"] == first
    # Another tab has restored it meanwhile.
    assert owner.put(f"/api/releases/{release}/package", {"job_id": second}).status == 200
    console.role("button", "Restore version 2").click()
    expect(rows.nth(1)).to_contain_text(re.compile(rf"^4 Current\s*{second}"))


def test_jobs_of_a_release_are_shown_as_they_run(console: Console, owner: User) -> None:
    failed = failed_job(owner)
    release = owner.job(failed)["release_id"]
    console.open(owner, f"/releases/{release}")
    jobs = console.role("table", "Jobs").get_by_role("row")
    expect(jobs.filter(has_text=str(failed))).to_contain_text("Failed")
    # Started elsewhere.
    started = owner.create_job(job_type="nfofix", release_id=release)
    expect(jobs.filter(has_text=str(started))).to_contain_text("nfo_missing")
    assert console.violations() == []
    jobs.get_by_role("link", name=str(started)).click()
    expect(console.role("heading", f"Job {started}", level=1)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_screens_of_releases_fit_a_narrow_page(
    console: Console, owner: User, language: str
) -> None:
    name = f"{'a' * 60} {'long' * 40}.txt"
    metadata = {"title": "x" * 150, "description": f"https://example.org/{'y' * 200}"}
    release = owner.create_release({name: b"a"}, metadata=metadata)
    draft = owner.create_draft(job_type="packaging", release_id=release)
    expect_listed(owner, 1)
    console.open(owner, "/releases")
    console.page.set_viewport_size({"width": 320, "height": 900})
    expect(console.role("link", str(release))).to_be_visible()
    console.page.locator("header select").select_option(language)
    expect(console.page.locator("html")).to_have_attribute("lang", language)
    assert overflow(console) <= 0, "the list"
    console.go(f"/releases/{release}")
    expect(link(console, f"source/{name}", language)).to_be_visible()
    assert overflow(console) <= 0, "the release"
    console.page.locator("aside button").click()
    console.page.locator("details summary").first.click()
    assert overflow(console) <= 0, "the fields"
    for step in ("files", "analysis", "details", "options", "submit"):
        console.go(f"/releases/new/{draft}?step={step}")
        expect(console.page.locator("[aria-current=step]")).to_be_visible()
        expect(console.page.locator(f"a[href$='step={step}']")).to_have_count(0)
        assert overflow(console) <= 0, step
    console.go("/releases/new")
    expect(console.page.get_by_role("main").get_by_role("textbox")).to_be_visible()
    assert overflow(console) <= 0, "the beginning"
