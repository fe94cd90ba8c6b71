"""The wizard of the console: a new release, step by step, from its files to its package."""

import random
import re

from playwright.sync_api import expect

from api import User
from console import Console
from console_releases import cut_off, download, fields, link, reopen
from console_wizard import (
    BOOK,
    NAME,
    STEP_ANALYSIS,
    STEP_DETAILS,
    STEP_FILES,
    STEP_OPTIONS,
    STEP_PACKAGE,
    STEP_START,
    STEP_SUBMIT,
    begin,
    expect_saved,
    expect_step,
    field,
    go_on,
    go_to,
)
from covers import make_comic
from packages import unzip
from sample_epub import TITLE
from samples import RELEASE_NAME


def look(console: Console, step: str, snapshot: str) -> None:
    """Checks what the step is for a screen reader, and how it looks."""
    expect(console.page.get_by_role("main")).to_match_aria_snapshot(snapshot)
    assert console.violations() == []
    console.screenshot(f"wizard-{step}")


def test_wizard_leads_from_files_to_a_package(console: Console, owner: User) -> None:
    console.open(owner, "/releases/new")
    expect_step(console, "Files")
    look(console, "start", STEP_START)
    draft = begin(console, owner, BOOK)
    look(console, "files", STEP_FILES)
    go_on(console, "Analysis")
    expect(console.role("heading", "Found in the file")).to_be_visible()
    look(console, "analysis", STEP_ANALYSIS)
    go_on(console, "Details")
    expect(field(console, "Title")).to_have_value(TITLE)
    look(console, "details", STEP_DETAILS)
    go_on(console, "Options")
    expect(console.role("button", "Use this name")).to_be_visible()
    look(console, "options", STEP_OPTIONS)
    # The name that is proposed becomes the name.
    console.role("button", "Use this name").click()
    expect(field(console, "Release name")).to_have_value(NAME)
    expect_saved(console)
    go_on(console, "Submit")
    look(console, "submit", STEP_SUBMIT)
    console.role("button", "Back").click()
    expect_step(console, "Options")
    go_on(console, "Submit")
    console.role("button", "Submit").click()
    expect_step(console, "Package")
    archive = link(console, f"package/{NAME}.zip")
    expect(archive).to_be_visible()
    look(console, "package", STEP_PACKAGE)
    assert unzip(download(console, archive)) == BOOK
    job = owner.job(draft)
    assert (job["status"], job["config_json"]) == ("completed", {"release_name": NAME})


def test_cover_is_shown_in_the_wizard_and_at_the_job(console: Console, owner: User) -> None:
    begin(console, owner, {"comic.cbz": make_comic(random.Random(1))})
    go_on(console, "Analysis")
    release = owner.get("/api/releases").body["releases"][0]["id"]
    [job] = owner.get(f"/api/releases/{release}/jobs?job_type=analysis").body["jobs"]
    cover = console.role("img", "Cover")
    expect(cover).to_be_visible()
    found = owner.job(job["id"])["result"]["cover"]["thumbnail"]
    expect(cover).to_have_js_property("naturalWidth", found["width"])
    console.screenshot("wizard-cover")
    console.go(f"/jobs/{job['id']}")
    expect(console.role("heading", "Result")).to_be_visible()
    expect(cover).to_have_js_property("naturalWidth", found["width"])
    console.screenshot("job-cover")
    assert console.violations() == []


def test_book_without_a_cover_shows_none(console: Console, owner: User) -> None:
    begin(console, owner, BOOK)
    go_on(console, "Analysis")
    expect(console.role("heading", "Found in the file")).to_be_visible()
    expect(console.role("img", "Cover")).to_have_count(0)


def test_closed_tab_loses_nothing_at_any_step(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    release = owner.job(draft)["release_id"]
    reopen(console, owner)
    expect(link(console, "source/lighthouse.epub")).to_be_visible()
    go_on(console, "Analysis")
    reopen(console, owner)
    expect_step(console, "Analysis")
    expect(console.role("heading", "Found in the file")).to_be_visible()
    # It was not started again.
    jobs = owner.get(f"/api/releases/{release}/jobs").body["jobs"]
    assert [job["job_type"] for job in jobs] == ["analysis", "packaging"]
    go_on(console, "Details")
    fields(console, {"Title": "Corrected", "Authors": "Ada Example\nÉlise Noël"})
    expect_saved(console)
    reopen(console, owner)
    expect(field(console, "Title")).to_have_value("Corrected")
    expect(field(console, "Authors")).to_have_value("Ada Example\nÉlise Noël")
    go_on(console, "Options")
    console.role("combobox", "Compression").select_option(label="High")
    fields(console, {"Volume size (MiB)": "1.5"})
    console.role("checkbox", "DIZ").uncheck()
    expect_saved(console)
    # Even without its step, the address leads to where it was left.
    console.page.close()
    console.new_page()
    console.open(owner, f"/releases/new/{draft}")
    expect_step(console, "Options")
    expect(console.role("combobox", "Compression")).to_have_value("high")
    expect(field(console, "Volume size (MiB)")).to_have_value("1.5")
    expect(console.role("checkbox", "DIZ")).not_to_be_checked()
    go_on(console, "Submit")
    reopen(console, owner)
    expect(console.page.get_by_role("main")).to_contain_text("Ada Example; Élise Noël")
    console.role("button", "Submit").click()
    expect_step(console, "Package")
    assert reopen(console, owner) == f"/releases/new/{draft}?step=package"
    expect(link(console, "package/Ada.Example-Corrected-2026-GRP.nfo")).to_be_visible()
    config = {"compression": "high", "volume_size": 1_572_864, "generate_diz": False}
    assert owner.job(draft)["config_json"] == config


def test_text_is_kept_when_the_tab_is_closed_at_once(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    go_to(console, draft, "Details")
    publisher = field(console, "Publisher")
    publisher.fill("First House")
    with console.page.expect_event("close"):
        console.page.close(run_before_unload=True)
    console.new_page()
    console.open(owner, f"/releases/new/{draft}?step=details")
    publisher = field(console, "Publisher")
    expect(publisher).to_have_value("First House")
    publisher.fill("Second House")
    console.page.reload()
    expect(publisher).to_have_value("Second House")


def test_text_stays_as_it_is_typed_while_it_is_saved(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    release = owner.job(draft)["release_id"]
    go_on(console, "Analysis")
    expect(console.role("heading", "Found in the file")).to_be_visible()
    go_on(console, "Details")
    authors, title = field(console, "Authors"), field(console, "Title")
    # It is cleared, and does not fill up again with what was found.
    authors.press("ControlOrMeta+a")
    authors.press("Delete")
    expect_saved(console)
    expect(authors).to_have_value("")
    typed = ""
    for part in ("Ada ", "Example\n", "Élise  ", "Noël\n", "\n", " "):
        authors.press_sequentially(part)
        expect_saved(console)
        typed += part
        expect(authors).to_have_value(typed)
    assert owner.release(release)["metadata"]["authors"] == ["Ada Example", "Élise  Noël"]
    title.fill("Mine ")
    expect_saved(console)
    expect(title).to_have_value("Mine ")
    title.fill("")
    expect_saved(console)
    expect(title).to_have_value("")
    assert "title" not in owner.release(release)["metadata"]
    reopen(console, owner)
    expect(field(console, "Title")).to_have_value(TITLE)
    expect(field(console, "Authors")).to_have_value("Ada Example\nÉlise  Noël")


def test_conflict_is_not_overwritten_as_the_person_types_on(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    release = owner.job(draft)["release_id"]
    go_to(console, draft, "Details")
    changed = {"metadata": {"publisher": "Elsewhere"}}
    assert owner.patch(f"/api/releases/{release}", changed).status == 200
    publisher = field(console, "Publisher")
    publisher.fill("First House")
    expect(console.page.get_by_role("alert")).to_contain_text("changed elsewhere")
    publisher.fill("Second House")
    # A person who leaves the page has not said so, either.
    reopen(console, owner)
    expect(field(console, "Publisher")).to_have_value("Elsewhere")
    assert owner.release(release)["metadata"] == {"publisher": "Elsewhere"}


def test_submission_that_gets_no_answer_is_tried_again(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    go_to(console, draft, "Submit")
    submit = console.role("button", "Submit")
    with cut_off(console, "PUT", f"**/api/jobs/{draft}/submit"):
        submit.click()
        expect(console.page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(submit).to_be_enabled()
    submit.click()
    expect_step(console, "Package")


def test_found_values_are_corrected(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    release = owner.job(draft)["release_id"]
    go_on(console, "Analysis")
    expect(console.role("heading", "Found in the file")).to_be_visible()
    go_on(console, "Details")
    title, year = field(console, "Title"), field(console, "Year")
    expect(title).to_have_value(TITLE)
    expect(year).to_have_accessible_description("From the file.")
    fields(console, {"Title": "Mine", "Year": "soon"})
    expect(year).to_have_attribute("aria-invalid", "true")
    expect(title).to_have_accessible_description(f"In the file: {TITLE}")
    assert console.violations() == []
    year.fill("")
    expect(year).to_have_accessible_description(re.compile("own is used: 2026"))
    expect_saved(console)
    metadata = owner.release(release)["metadata"]
    # What was left as it was found is taken from the file when the job runs.
    assert metadata == {"title": "Mine"}
    go_to(console, draft, "Options")
    expect(console.page.get_by_text("Ada.Example-Mine-2026-GRP")).to_be_visible()


def test_draft_that_is_changed_elsewhere_keeps_the_texts(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    go_to(console, draft, "Options")
    # Somebody else changes the draft meanwhile.
    other = {"release_name": "Other.Name-GRP", "compression": "high", "generate_diz": False}
    assert owner.patch(f"/api/jobs/{draft}", {"config_json": other}).status == 200
    fields(console, {"Release name": RELEASE_NAME})
    conflict = console.page.get_by_role("alert")
    expect(conflict).to_contain_text("changed elsewhere")
    expect(field(console, "Release name")).to_have_value(RELEASE_NAME)
    expect(console.role("checkbox", "DIZ")).not_to_be_checked()
    expect(console.role("combobox", "Compression")).to_have_value("high")
    assert console.violations() == []
    conflict.get_by_role("button", name="Save again").click()
    expect_saved(console)
    kept = {"release_name": RELEASE_NAME, "compression": "high", "generate_diz": False}
    assert owner.job(draft)["config_json"] == kept


def test_failed_job_is_changed_and_tried_again(console: Console, owner: User) -> None:
    # Digits alone are no name.
    draft = begin(console, owner, {"7.txt": b"seven"})
    go_to(console, draft, "Submit")
    console.role("button", "Submit").click()
    expect_step(console, "Package")
    expect(console.page.get_by_text("release_name_invalid")).to_be_visible()
    assert console.violations() == []
    console.screenshot("wizard-failed")
    console.role("button", "Change and try again").click()
    expect_step(console, "Options")
    fields(console, {"Release name": RELEASE_NAME})
    expect_saved(console)
    go_on(console, "Submit")
    console.role("button", "Submit").click()
    expect(link(console, f"package/{RELEASE_NAME}.zip")).to_be_visible()
    assert str(draft) not in console.page.url


def test_two_tabs_share_a_draft(console: Console, owner: User) -> None:
    draft = begin(console, owner, BOOK)
    go_to(console, draft, "Options")
    first = console.page
    console.new_page()
    console.open(owner, f"/releases/new/{draft}?step=options")
    console.role("combobox", "Compression").select_option(label="None")
    expect_saved(console)
    second, console.page = console.page, first
    fields(console, {"Release name": RELEASE_NAME})
    expect_saved(console)
    config = {"compression": "store", "release_name": RELEASE_NAME}
    assert owner.job(draft)["config_json"] == config
    console.page = second
    go_on(console, "Submit")
    console.role("button", "Submit").click()
    expect(link(console, f"package/{RELEASE_NAME}.zip")).to_be_visible()
    console.page = first
    # It is no longer a draft, and the text cannot be saved.
    fields(console, {"Group": "LATE"})
    expect_step(console, "Package")
    expect(link(console, f"package/{RELEASE_NAME}.zip")).to_be_visible()


def test_drafts_of_others_and_other_jobs_are_not_shown(
    console: Console, owner: User, stranger: User
) -> None:
    release = owner.create_release(BOOK)
    analysis = owner.create_draft(job_type="analysis", release_id=release)
    console.open(owner, f"/releases/new/{analysis}")
    expect(console.page.get_by_text("This job was not made here")).to_be_visible()
    draft = owner.create_draft(job_type="packaging", release_id=release)
    console.open(stranger, f"/releases/new/{draft}")
    expect(console.page.get_by_role("alert")).to_be_visible()
    assert "lighthouse" not in console.text()
    assert console.violations() == []
