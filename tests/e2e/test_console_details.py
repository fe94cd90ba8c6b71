"""The details of a release in the console: their correction, also when others change them."""

from playwright.sync_api import expect

from api import User
from console import Console
from console_releases import cut_off, fields


def test_metadata_are_corrected(console: Console, owner: User) -> None:
    release = owner.create_release(metadata={"title": "Old", "author": "Ada", "shelf": "B 4"})
    console.open(owner, f"/releases/{release}")
    details = console.role("complementary", "Details")
    expect(details).to_contain_text("B 4")
    details.get_by_role("button", name="Edit").click()
    fields(console, {"Title": "New", "Authors": "Ada Example\nÉlise Noël", "Year": "soon"})
    save = details.get_by_role("button", name="Save")
    save.click()
    year = console.role("textbox", "Year")
    expect(year).to_have_attribute("aria-invalid", "true")
    expect(year).to_be_focused()
    expect(details.get_by_role("alert")).to_be_visible()
    assert console.violations() == []
    year.fill("2026")
    save.click()
    expect(console.role("heading", "New", level=1)).to_be_visible()
    expect(details).to_contain_text("Élise Noël")
    shown = {"title": "New", "authors": ["Ada Example", "Élise Noël"], "year": 2026, "shelf": "B 4"}
    assert owner.release(release)["metadata"] == shown


def test_conflict_keeps_what_the_person_has_typed(console: Console, owner: User) -> None:
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    console.role("button", "Edit").click()
    fields(console, {"Title": "Typed", "Publisher": "Typed, too"})
    # Somebody else changes the release meanwhile.
    changed = {"metadata": {"year": 2025, "publisher": "Elsewhere"}}
    assert owner.patch(f"/api/releases/{release}", changed).status == 200
    console.role("button", "Save").click()
    conflict = console.page.get_by_role("alert")
    expect(conflict).to_contain_text("changed elsewhere")
    for name, text in {"Title": "Typed", "Publisher": "Typed, too", "Year": "2025"}.items():
        expect(console.role("textbox", name, exact=True)).to_have_value(text)
    assert console.violations() == []
    console.screenshot("release-conflict")
    conflict.get_by_role("button", name="Save again").click()
    expect(console.role("heading", "Typed", level=1)).to_be_visible()
    kept = {"title": "Typed", "publisher": "Typed, too", "year": 2025}
    assert owner.release(release)["metadata"] == kept


def test_change_of_another_field_elsewhere_is_kept_without_a_question(
    console: Console, owner: User
) -> None:
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    console.role("button", "Edit").click()
    fields(console, {"Title": "Typed"})
    assert owner.patch(f"/api/releases/{release}", {"metadata": {"year": 2025}}).status == 200
    console.role("button", "Save").click()
    expect(console.role("heading", "Typed", level=1)).to_be_visible()
    expect(console.role("complementary", "Details")).to_contain_text("2025")
    assert owner.release(release)["metadata"] == {"title": "Typed", "year": 2025}


def test_save_goes_on_after_the_current_state_could_not_be_read(
    console: Console, owner: User
) -> None:
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    console.role("button", "Edit").click()
    fields(console, {"Publisher": "Typed"})
    changed = {"metadata": {"publisher": "Elsewhere"}}
    assert owner.patch(f"/api/releases/{release}", changed).status == 200
    details = console.role("complementary", "Details")
    with cut_off(console, "GET", f"**/api/releases/{release}"):
        details.get_by_role("button", name="Save").click()
        expect(details.get_by_role("alert")).to_contain_text("cannot be reached")
    # By itself, too, since this failure passes.
    expect(details.get_by_role("alert")).to_contain_text("changed elsewhere")
    assert owner.release(release)["metadata"]["publisher"] == "Elsewhere"
    expect(console.role("textbox", "Publisher")).to_have_value("Typed")
    details.get_by_role("button", name="Save again").click()
    expect(details.get_by_role("alert")).to_have_count(0)
    details.get_by_role("button", name="Save", exact=True).click()
    expect(details.get_by_role("definition").filter(has_text="Typed")).to_be_visible()
    assert owner.release(release)["metadata"]["publisher"] == "Typed"
