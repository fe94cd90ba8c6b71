"""Users who follow each other in one tab of the console."""

from playwright.sync_api import Route, expect

from api import User
from console import Console
from test_console_frame import bearer


def sign_in_again(console: Console, user: User) -> None:
    """Gives a user's token in the dialog that asks for another one."""
    dialog = console.role("dialog", "Sign in again")
    dialog.get_by_role("textbox", name="Token").fill(bearer(user))
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()


def cancel(console: Console) -> None:
    """Cancels the job of the screen, and confirms it."""
    console.role("button", "Cancel job").click()
    dialog = console.role("dialog", "Cancel this job?")
    dialog.get_by_role("button", name="Cancel job").click()


def refuse_once(console: Console, address: str) -> None:
    """Refuses the next request to an address, as API Gateway refuses an expired token."""
    refused: list[str] = []

    def answer(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(address)
            body = '{"message":"Forbidden"}'
            route.fulfill(status=403, content_type="application/json", body=body)

    console.page.route(address, answer)


def test_change_of_one_user_is_not_sent_as_another(
    console: Console, owner: User, admin: User
) -> None:
    job = owner.create_draft(job_type="analysis")
    console.open(owner, f"/jobs/{job}")
    refuse_once(console, "**/cancel")
    cancel(console)
    sign_in_again(console, admin)
    expect(console.page.get_by_role("banner")).to_contain_text(str(admin.id))
    expect(console.page.get_by_role("status").filter(has_text="Draft")).to_be_visible()
    assert owner.job(job)["status"] == "draft"


def test_change_is_sent_with_the_new_token_of_the_same_user(console: Console, owner: User) -> None:
    job = owner.create_draft(job_type="analysis")
    console.open(owner, f"/jobs/{job}")
    refuse_once(console, "**/cancel")
    cancel(console)
    sign_in_again(console, owner)
    expect(console.page.get_by_role("status").filter(has_text="Cancelled").first).to_be_visible()


def test_notices_and_the_connection_end_with_the_session(
    console: Console, owner: User, stranger: User
) -> None:
    job = owner.create_draft(job_type="analysis")
    console.open(owner, f"/jobs/{job}")
    console.page.route("**/cancel", lambda route: route.fulfill(status=500, body=""))
    cancel(console)
    notice = console.page.get_by_text("Something went wrong.")
    expect(notice.first).to_be_visible()
    console.role("button", "Sign out").click()
    expect(console.role("heading", "Sign in", level=1)).to_be_visible()
    expect(notice).to_have_count(0)
    console.role("textbox", "Token").fill(bearer(stranger))
    console.role("button", "Sign in").click()
    expect(console.page.get_by_role("alert")).to_contain_text("You may not see this.")
    assert str(owner.id) not in console.text()


def test_token_that_is_not_accepted_changes_nothing(console: Console, owner: User) -> None:
    job = owner.create_draft(job_type="analysis")
    console.open(owner, f"/jobs/{job}")
    heading = console.role("heading", f"Job {job}", level=1)
    expect(heading).to_be_visible()
    with console.page.expect_response("**/api/me"):
        console.page.evaluate("location.hash = '#token=a.b.c&to=/jobs'")
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    assert "a.b.c" not in console.page.url
    expect(console.page.get_by_role("banner")).to_contain_text(str(owner.id))


def test_failing_api_does_not_sign_out(console: Console, owner: User) -> None:
    console.open(owner)
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
    console.page.route("**/api/me", lambda route: route.fulfill(status=502, body=""))
    console.page.reload()
    loading = console.page.get_by_role("status").filter(has_text="Loading")
    expect(loading).to_be_visible()
    console.page.unroute("**/api/me")
    expect(console.role("heading", "Jobs", level=1)).to_be_visible()
