"""The frame of the console: signing in, the navigation, the language, and what it keeps."""

import pytest
from playwright.sync_api import expect

from api import User
from console import Console
from samples import failed_job


def bearer(user: User) -> str:
    """Returns a user's token."""
    return user.headers["authorization"].removeprefix("Bearer ")


def test_person_signs_in_with_a_pasted_token(console: Console, owner: User) -> None:
    console.open()
    console.role("textbox", "Token").fill(bearer(owner))
    console.role("button", "Sign in").click()
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    expect(console.page.get_by_role("banner")).to_contain_text(str(owner.id))


@pytest.mark.parametrize("token", ["no token", "x.y.z"])
def test_wrong_token_is_refused_with_a_reason(console: Console, token: str) -> None:
    console.open()
    console.role("textbox", "Token").fill(token)
    console.role("button", "Sign in").click()
    expect(console.page.get_by_role("alert")).to_be_visible()
    assert console.violations() == []
    expect(console.role("textbox", "Token")).to_be_visible()


def test_token_in_the_address_is_removed_at_once_and_kept_for_the_tab_only(
    console: Console, owner: User
) -> None:
    console.open(owner, "/jobs?status=failed")
    expect(console.role("combobox", "Status")).to_have_value("failed")
    token = bearer(owner)
    assert token not in console.page.url
    assert token not in console.page.evaluate("JSON.stringify(localStorage)")
    assert token in console.page.evaluate("JSON.stringify(sessionStorage)")
    assert console.context.cookies() == []
    assert all(token not in request.url for request in console.requests)


def test_only_admins_have_operations(console: Console, owner: User, admin: User) -> None:
    console.open(owner)
    navigation = console.page.get_by_role("navigation")
    expect(navigation.get_by_role("link", name="Jobs")).to_be_visible()
    expect(navigation.get_by_role("link", name="Releases")).to_be_visible()
    expect(navigation.get_by_role("link", name="Operations")).to_have_count(0)
    console.open(admin)
    expect(navigation.get_by_role("link", name="Operations")).to_be_visible()


def test_console_speaks_french(console: Console, owner: User) -> None:
    console.open(owner)
    console.page.get_by_label("Language").select_option("fr")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Tâches")
    assert console.page.evaluate("document.documentElement.lang") == "fr"
    console.page.reload()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Tâches")


def test_lost_connection_is_said_and_ends_by_itself(console: Console, owner: User) -> None:
    console.open(owner)
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    console.context.set_offline(offline=True)
    offline = console.page.get_by_text("No connection")
    expect(offline).to_be_visible()
    assert console.violations() == []
    console.screenshot("offline")
    console.context.set_offline(offline=False)
    expect(offline).to_be_hidden()


def test_refused_session_asks_again_and_loses_nothing(console: Console, owner: User) -> None:
    console.open(owner, "/jobs?type=packaging")
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    # As API Gateway refuses an expired token.
    refusal = {"status": 403, "content_type": "application/json", "body": '{"message":"Forbidden"}'}
    console.page.route("**/api/jobs?*", lambda route: route.fulfill(**refusal))
    console.role("combobox", "Status").select_option("failed")
    again = console.role("dialog", "Sign in again")
    expect(again).to_be_visible()
    assert console.violations() == []
    console.screenshot("sign-in-again")
    console.page.unroute("**/api/jobs?*")
    again.get_by_role("textbox", name="Token").fill(bearer(owner))
    again.get_by_role("button", name="Sign in").click()
    expect(again).to_be_hidden()
    expect(console.role("combobox", "Status")).to_have_value("failed")
    expect(console.role("combobox", "Type")).to_have_value("packaging")


def test_keys_are_listed(console: Console, owner: User) -> None:
    console.open(owner)
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    console.page.keyboard.press("?")
    expect(console.page.get_by_role("dialog")).to_be_visible()
    assert console.violations() == []
    console.screenshot("keys")
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("dialog")).to_be_hidden()


def test_unknown_address_leads_back(console: Console, owner: User) -> None:
    console.open(owner, "/nowhere")
    expect(console.role("heading", "Page not found", level=1)).to_be_visible()
    assert console.violations() == []
    console.role("link", "Go to the jobs").click()
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_screens_of_jobs_fit_a_narrow_page(console: Console, admin: User, language: str) -> None:
    job = failed_job(admin)
    console.open(admin)
    console.page.get_by_label("Language").select_option(language)
    console.page.set_viewport_size({"width": 320, "height": 900})
    for path in ("/jobs", f"/jobs/{job}", "/jobs/new", "/operations", "/nowhere"):
        console.go(path)
        expect(console.page.locator("main h1")).to_be_visible()
        expect(console.page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
        width = console.page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= 320, (path, width)
