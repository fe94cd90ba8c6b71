"""Signing in to the console at an OIDC provider, on a stack of its own that trusts it."""

import json
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Request, Route, expect

from console import Console
from local import free_port
from oidc_provider import make_identity, run_provider
from own_stack import local_port, own_stack
from stack import Stack

# One worker runs these tests: they share a stack and a provider.
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.xdist_group("sign-in")]

NAME = "jobs-sign-in"
CLIENT_ID = "console"
BUTTON = "Sign in with your account"
OTHER_ORIGIN = "https://tokens.example"
# The provider's own pages ask for one.
FONTS = "https://fonts.googleapis.com"


@dataclass(frozen=True)
class Deployment:
    """A stack whose users sign in at a provider."""

    stack: Stack
    issuer: str


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack that takes the tokens of a provider, which runs on this machine."""
    folder = tmp_path_factory.mktemp("provider")
    identity = make_identity(folder)
    issuer = f"https://localhost:{free_port()}"
    parameters = {
        "TokenSecretName": "",
        "TokenJwksUrl": f"{issuer}/jwks",
        "TokenIssuer": issuer,
        "TokenAudience": CLIENT_ID,
        "TokenUserClaim": "uid",
        "ConsoleClientId": CLIENT_ID,
        "ConsoleConnectOrigins": f"{OTHER_ORIGIN}/oauth2",
    }
    with own_stack(local_port(), NAME, **parameters) as stack:
        trust(stack, identity.authority)
        page = f"{stack.api_url}/console"
        with run_provider(folder, identity, issuer=issuer, client_id=CLIENT_ID, redirect_uri=page):
            yield Deployment(stack, issuer)


def trust(stack: Stack, authority: Path) -> None:
    """Lets the authorizer trust the authority of the provider's certificate, and no other."""
    name = f"{stack.name}-authorize"
    configuration = stack.lambdas.get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"] | {"SSL_CERT_FILE": str(authority)}
    stack.lambdas.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables}
    )


class SignInConsole(Console):
    """The console of a deployment with a provider."""

    issuer = ""

    def check(self) -> None:
        """Checks that nothing went wrong, and that the page asked no host but the provider."""
        own = self.stack.api_url.split("/_aws/")[0]
        origins = {origin(request.url) for request in self.requests}
        assert origins <= {own, self.issuer, FONTS, "data://"}, origins
        assert not self.faults, self.faults

    def sign_in(self, login: int | str) -> None:
        """Signs in with the button, at the provider, which may know the person already."""
        self.role("button", BUTTON).click()
        self.page.get_by_placeholder("Enter any login").fill(str(login))
        self.page.get_by_placeholder("and password").fill("secret")
        self.role("button", "Sign-in").click()
        self.role("button", "Continue").click()

    def open_signed_in(self) -> None:
        """Opens the console, and signs in as a new person."""
        self.open()
        self.sign_in(self.stack.new_id())
        expect(self.jobs()).to_be_visible()

    def token(self) -> str:
        """Returns the token that the page uses."""
        return str(self.page.evaluate("sessionStorage.getItem('jobs.token')"))

    def refresh_token(self) -> str:
        """Returns the refresh token that the page keeps."""
        kept = self.page.evaluate("sessionStorage.getItem('jobs.provider')")
        return str(json.loads(kept)["refresh_token"])

    def wait_for_another_token(self, token: str) -> None:
        """Waits until the page uses a token other than this one."""
        self.page.wait_for_function(
            "token => ![null, token].includes(sessionStorage.getItem('jobs.token'))", arg=token
        )

    def grants(self) -> list[Request]:
        """Returns the requests for tokens that the page has sent."""
        return [each for each in self.requests if each.url == f"{self.issuer}/token"]

    def jobs(self) -> Locator:
        """Returns the heading of the screen of jobs."""
        return self.role("heading", "Jobs", level=1)


def refuse(route: Route) -> None:
    """Answers as API Gateway does to an expired token."""
    route.fulfill(status=403, content_type="application/json", body='{"message":"Forbidden"}')


def origin(url: str) -> str:
    """Returns the origin of an address."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture
def page(deployment: Deployment, browser: Browser) -> Iterator[SignInConsole]:
    """The console of that stack in a new window, which must have had no fault at the end."""
    context = browser.new_context(locale="en-US", timezone_id="UTC", ignore_https_errors=True)
    context.route(f"{FONTS}/**", lambda route: route.abort())
    opened = SignInConsole(deployment.stack, context)
    opened.issuer = deployment.issuer
    yield opened
    opened.check()
    context.close()


def test_person_signs_in_at_the_provider_and_lands_at_the_address_asked_for(
    page: SignInConsole, deployment: Deployment
) -> None:
    user = deployment.stack.new_id()
    page.open(path="/jobs?status=failed")
    page.sign_in(user)
    expect(page.role("combobox", "Status")).to_have_value("failed")
    expect(page.page.get_by_role("banner")).to_contain_text(str(user))
    assert page.page.url == f"{deployment.stack.api_url}/console#/jobs?status=failed"


def test_request_for_a_code_has_a_challenge_and_the_page_keeps_no_secret_of_it(
    page: SignInConsole, deployment: Deployment
) -> None:
    page.open_signed_in()
    [asked] = [each.url for each in page.requests if f"{page.issuer}/auth?" in each.url]
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked).query))
    assert query["redirect_uri"] == f"{deployment.stack.api_url}/console"
    assert query["code_challenge_method"] == "S256"
    assert min(len(query[name]) for name in ("code_challenge", "state", "nonce")) == 43
    assert page.page.evaluate("sessionStorage.getItem('jobs.sign-in')") is None


def test_tokens_are_kept_for_the_tab_only(page: SignInConsole) -> None:
    page.open_signed_in()
    kept = page.page.evaluate("JSON.stringify(sessionStorage)")
    for token in (page.token(), page.refresh_token()):
        assert token in kept
        assert token not in page.page.evaluate("JSON.stringify(localStorage) + document.cookie")
        assert all(token not in request.url for request in page.requests)
    page.page.reload()
    expect(page.jobs()).to_be_visible()


def test_refused_token_is_replaced_without_the_person(page: SignInConsole) -> None:
    page.open_signed_in()
    first, refresh_token = page.token(), page.refresh_token()
    refused: list[str] = []

    def refuse_first(route: Route) -> None:
        if first in route.request.headers.get("authorization", ""):
            refused.append(route.request.url)
            refuse(route)
        else:
            route.continue_()

    page.page.route("**/api/**", refuse_first)
    page.go("/releases")
    page.wait_for_another_token(first)
    expect(page.role("heading", "Releases", level=1)).to_be_visible()
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    assert refused
    # One for the code, and one for all the requests that were refused.
    assert len(page.grants()) == 2
    # The provider uses each refresh token up.
    assert page.refresh_token() != refresh_token


def test_token_is_replaced_before_it_ends(page: SignInConsole) -> None:
    page.page.clock.install()
    page.open_signed_in()
    token = page.token()
    page.page.clock.fast_forward("58:30")
    assert page.token() == token
    page.page.clock.fast_forward("01:00")
    page.wait_for_another_token(token)
    expect(page.page.get_by_role("dialog")).to_have_count(0)


def test_token_that_is_over_is_replaced_when_the_page_is_loaded(
    page: SignInConsole, deployment: Deployment
) -> None:
    user = deployment.stack.new_id()
    page.open()
    page.sign_in(user)
    expect(page.jobs()).to_be_visible()
    # The signature of the token is wrong now, so the API refuses it like one that is over.
    token = page.page.evaluate(
        "sessionStorage['jobs.token'] = sessionStorage['jobs.token'].slice(0, -8) + 'AAAAAAAA'"
    )
    page.page.reload()
    expect(page.page.get_by_role("banner")).to_contain_text(str(user))
    assert page.token() != token


def test_person_is_asked_again_when_the_provider_gives_no_more_tokens(
    page: SignInConsole, deployment: Deployment
) -> None:
    page.open(path="/jobs?type=packaging")
    page.sign_in(deployment.stack.new_id())
    expect(page.jobs()).to_be_visible()
    token = page.token()
    page.page.evaluate(
        "sessionStorage['jobs.provider'] = JSON.stringify({ refresh_token: 'withdrawn' })"
    )
    page.page.route("**/api/jobs?*", refuse)
    page.role("combobox", "Status").select_option("failed")
    again = page.role("dialog", "Sign in again")
    expect(again).to_be_visible()
    page.page.unroute("**/api/jobs?*")
    # The provider still knows the person.
    again.get_by_role("button", name=BUTTON).click()
    page.wait_for_another_token(token)
    expect(page.role("combobox", "Status")).to_have_value("failed")
    expect(page.role("combobox", "Type")).to_have_value("packaging")


def test_refusal_by_the_provider_is_told_and_one_can_try_again(
    page: SignInConsole, deployment: Deployment
) -> None:
    page.open(path="/releases")
    page.role("button", BUTTON).click()
    page.page.get_by_text("[ Cancel ]").click()
    alert = page.page.get_by_role("alert")
    expect(alert).to_contain_text("The sign-in was refused.")
    expect(alert).to_contain_text("End-User aborted interaction")
    assert page.page.url == f"{deployment.stack.api_url}/console#/releases"
    page.sign_in(deployment.stack.new_id())
    expect(page.role("heading", "Releases", level=1)).to_be_visible()


@pytest.mark.parametrize("reply", ["code=stolen", "error=access_denied"])
def test_reply_that_nobody_asked_for_is_refused(
    page: SignInConsole, deployment: Deployment, reply: str
) -> None:
    # A sign-in has begun, with another state.
    page.open()
    page.role("button", BUTTON).click()
    expect(page.page.get_by_placeholder("Enter any login")).to_be_visible()
    page.page.goto(f"{deployment.stack.api_url}/console?{reply}&state=forged#/releases")
    expect(page.page.get_by_role("alert")).to_contain_text("was not begun in this tab")
    assert page.page.url == f"{deployment.stack.api_url}/console#/releases"
    assert page.grants() == []
    page.sign_in(deployment.stack.new_id())
    expect(page.role("heading", "Releases", level=1)).to_be_visible()


def test_forged_reply_changes_nothing_for_who_is_signed_in(
    page: SignInConsole, deployment: Deployment
) -> None:
    user = deployment.stack.new_id()
    page.open()
    page.sign_in(user)
    expect(page.jobs()).to_be_visible()
    page.page.goto(f"{deployment.stack.api_url}/console?code=stolen&state=forged#/jobs")
    expect(page.page.get_by_role("banner")).to_contain_text(str(user))
    assert len(page.grants()) == 1


def test_provider_refuses_a_code_without_its_verifier(
    page: SignInConsole, deployment: Deployment
) -> None:
    def forge(route: Route) -> None:
        body = route.request.post_data or ""
        forged = re.sub("code_verifier=[^&]+", f"code_verifier={'a' * 43}", body)
        assert forged != body
        route.continue_(post_data=forged)

    page.page.route("**/token", forge)
    page.open()
    page.sign_in(deployment.stack.new_id())
    expect(page.page.get_by_role("alert")).to_contain_text("The sign-in was refused.")
    assert page.page.evaluate("Object.keys(sessionStorage)") == []
    page.page.unroute("**/token")
    # The provider knows the person, and so does not ask.
    page.role("button", BUTTON).click()
    expect(page.jobs()).to_be_visible()


def test_account_that_the_api_does_not_accept_can_be_changed(
    page: SignInConsole, deployment: Deployment
) -> None:
    page.open()
    page.sign_in("nobody")
    expect(page.page.get_by_role("alert")).to_contain_text("does not accept the account")
    page.sign_in(deployment.stack.new_id())
    expect(page.jobs()).to_be_visible()


def test_sign_out_ends_the_session_at_the_provider(
    page: SignInConsole, deployment: Deployment
) -> None:
    page.open_signed_in()
    page.role("button", "Sign out").click()
    page.role("button", re.compile("sign me out")).click()
    expect(page.role("button", BUTTON)).to_be_visible()
    assert page.page.url.partition("?")[0] == f"{deployment.stack.api_url}/console"
    assert page.page.evaluate("Object.keys(sessionStorage)") == []
    page.role("button", BUTTON).click()
    expect(page.page.get_by_placeholder("Enter any login")).to_be_visible()


def test_token_can_still_be_pasted(page: SignInConsole) -> None:
    page.open()
    token = page.role("textbox", "Token")
    expect(token).to_be_hidden()
    page.page.get_by_text("Use a token instead").click()
    token.fill("no token")
    page.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.page.get_by_role("alert")).to_contain_text("This token is not accepted.")


def test_sign_in_screen_is_accessible_and_speaks_french(page: SignInConsole) -> None:
    page.open()
    expect(page.role("button", BUTTON)).to_be_visible()
    assert page.violations() == []
    page.page.get_by_label("Language").select_option("fr")
    expect(page.role("button", "Se connecter avec son compte")).to_be_visible()
    [asked] = [each for each in page.requests if each.url.endswith("/sign-in.json")]
    assert asked


def test_page_may_ask_the_provider(deployment: Deployment) -> None:
    policy = deployment.stack.client().get("/console").headers["content-security-policy"]
    [connect] = re.findall("connect-src ([^;]+)", policy)
    assert {deployment.issuer, OTHER_ORIGIN} <= set(connect.split())


def test_deployment_without_a_provider_takes_a_token_only(console: Console) -> None:
    console.open()
    expect(console.role("textbox", "Token")).to_be_visible()
    expect(console.role("button", BUTTON)).to_have_count(0)
    expect(console.page.get_by_text("Use a token instead")).to_have_count(0)
