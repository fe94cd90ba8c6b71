"""How the console is served: its address, its encodings, its caching and its security headers."""

import gzip
import http
import re

import pytest

from api import Client, assert_problem, fetch
from stack import Stack

FILE = re.compile(r'(?:src|href)="\./(console/[^"]+)"')


@pytest.fixture(name="files")
def fixture_files(anonymous: Client) -> list[str]:
    """Returns the paths of the files that the page names."""
    found = FILE.findall(anonymous.get("/console").body)
    assert {path.rsplit(".", 1)[-1] for path in found} == {"css", "js", "svg"}
    return [f"/{path}" for path in found]


def test_root_leads_to_the_console_and_to_the_document(anonymous: Client) -> None:
    answer = anonymous.get("/")
    assert answer.status == http.HTTPStatus.TEMPORARY_REDIRECT
    # Relative, since an API may be below a prefix.
    assert answer.headers["location"] == "console"
    assert answer.headers["link"] == '</openapi.json>; rel="service-desc"'


def test_page_is_asked_for_anew_and_sent_only_if_it_has_changed(anonymous: Client) -> None:
    page = anonymous.get("/console")
    assert page.status == http.HTTPStatus.OK
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = anonymous.get("/console", if_none_match=page.headers["etag"])
    assert (again.status, again.body) == (http.HTTPStatus.NOT_MODIFIED, "")
    assert again.headers["etag"] == page.headers["etag"]


def test_page_may_do_only_what_it_needs(anonymous: Client) -> None:
    headers = anonymous.get("/console").headers
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["form-action"] == policy["base-uri"] == "'none'"
    own, files, live = policy["connect-src"].split()
    assert own == "'self'"
    assert files.startswith("https://")
    assert re.fullmatch("wss?://[^/]+", live)
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_only_pages_of_the_allowed_origins_may_frame_the_console(stack: Stack) -> None:
    policy = stack.client().get("/console").headers["content-security-policy"]
    allowed = " ".join(stack.origins) or "'none'"
    assert f"frame-ancestors {allowed};" in policy


def test_files_are_compressed_and_kept_for_ever(
    stack: Stack, anonymous: Client, files: list[str]
) -> None:
    for path in files:
        plain = anonymous.get(path, accept_encoding="identity")
        zipped = fetch(stack.api_url + path, headers={"accept-encoding": "gzip"})
        smaller = fetch(stack.api_url + path, headers={"accept-encoding": "gzip, br"})
        for answer in (plain, zipped, smaller):
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["vary"] == "accept-encoding"
        assert zipped.headers["content-encoding"] == "gzip"
        assert gzip.decompress(zipped.body).decode() == plain.body
        assert smaller.headers["content-encoding"] == "br"
        assert len(smaller.body) < len(plain.body)


def test_console_has_no_file_but_those_of_the_page(anonymous: Client, files: list[str]) -> None:
    for path in ("/console/absent.js", f"{files[0]}.br", "/console/page.html"):
        assert_problem(anonymous.get(path), 404, "route-not-found")
    assert_problem(anonymous.get(f"{files[0]}?a=1"), 400, "invalid-request", "a")
