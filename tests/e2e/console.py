"""A browser on the console: Debian's Chromium, on the deployed system, as one user."""

import contextlib
import os
import re
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
    sync_playwright,
)

from api import User
from local import ROOT
from stack import Stack

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = ROOT / "target/console"
AXE = ROOT / "console/node_modules/axe-core/axe.min.js"
TIMEOUT = 30_000  # milliseconds, for one condition
WIDTHS = (320, 768, 1280, 1920)
# The browser itself says that a request was refused, or could not be sent.
NETWORK = re.compile(r"Failed to load resource|WebSocket connection to")


@contextlib.contextmanager
def run_browser() -> Iterator[Browser]:
    """Runs a browser, without a window."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        pytest.fail("Chromium is missing; on Debian or Ubuntu: apt-get install chromium")
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not have, and the only pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Console:
    """The console in a window of its own, with what it says and which requests it sends."""

    def __init__(self, stack: Stack, context: BrowserContext) -> None:
        self.stack = stack
        self.context = context
        self.requests: list[Request] = []
        self.sockets: list[WebSocket] = []
        self.faults: list[str] = []
        context.set_default_timeout(TIMEOUT)
        self.page: Page = self.new_page()

    def new_page(self) -> Page:
        """Opens another tab, which is the page from then on."""
        self.page = self.context.new_page()
        # Playwright takes no method of a built-in type.
        self.page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108
        self.page.on("websocket", lambda socket: self.sockets.append(socket))  # noqa: PLW0108
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self.note)
        return self.page

    def note(self, message: ConsoleMessage) -> None:
        """Notes an error that the page logs, such as a violation of its policy."""
        if message.type == "error" and not NETWORK.search(message.text):
            self.faults.append(message.text)

    def open(self, user: User | None = None, path: str = "/jobs") -> "Console":
        """Opens a screen, as a user whose token is handed over in the fragment."""
        fragment = path
        if user:
            bearer = user.headers["authorization"].removeprefix("Bearer ")
            fragment = f"token={bearer}&to={path}"
        self.page.goto(f"{self.stack.api_url}/console#{fragment}")
        return self

    def go(self, path: str) -> None:
        """Goes to another screen, as by a link."""
        self.page.evaluate("path => { location.hash = path }", f"#{path}")

    def role(self, role: Any, name: str | re.Pattern[str], **options: Any) -> Locator:
        """Finds an element by its role and its accessible name."""
        return self.page.get_by_role(role, name=name, **options)

    def text(self) -> str:
        """Returns the text of the page."""
        return self.page.inner_text("body")

    def check(self) -> None:
        """Checks that nothing went wrong, and that the page asked no other host."""
        own = urllib.parse.urlsplit(self.stack.api_url).hostname
        urls = [request.url for request in self.requests]
        urls += [socket.url for socket in self.sockets]
        hosts = {urllib.parse.urlsplit(url).hostname for url in urls}
        assert hosts <= {own, None}, hosts
        assert not self.faults, self.faults

    def screenshot(self, name: str) -> None:
        """Takes a picture of the whole page at every width, in light and in dark."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 900})
                path: Path = SCREENSHOTS / f"{name}-{width}-{scheme}.png"
                self.page.screenshot(path=path, full_page=True)

    def violations(self) -> list[str]:
        """Returns what axe finds at two widths, in light and in dark."""
        found = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in (320, 1280):
                self.page.set_viewport_size({"width": width, "height": 900})
                found += [f"{scheme} {width}: {each}" for each in run_axe(self.page)]
        return found


def run_axe(page: Page) -> list[str]:
    """Returns the violations that axe finds on the page."""
    if page.evaluate("window.axe === undefined"):
        # As a function's text it is not subject to the page's policy.
        page.evaluate(AXE.read_text())
    results = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{each['id']} at {[node['target'] for node in each['nodes']]}: {each['help']}"
        for each in results["violations"]
    ]
