"""Uploads in the console: several at once, on a network that breaks, and a very large one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Locator, ProxySettings, expect

from api import User
from console import Console
from console_network import Network, run_network
from console_releases import add_files, link
from console_wizard import begin, expect_step, go_to
from stack import Stack
from waiting import wait_until

MIB = 1024**2
SIZE = 32 * MIB  # more than the buffers between the browser and a held upload take
LARGE = 2 * 1024 * MIB
MAX_GROWTH = 300 * MIB
UPLOADS = """
- list "Uploads":
  - listitem:
    - text: /a.bin [\\d.]+ MB of 33.6 MB/
    - progressbar "Upload of a.bin"
    - button "Stop the upload of a.bin"
  - listitem:
    - text: /b.bin [\\d.]+ MB of 33.6 MB/
    - progressbar "Upload of b.bin"
    - button "Stop the upload of b.bin"
  - listitem:
    - text: /c.bin [\\d.]+ MB of 33.6 MB/
    - progressbar "Upload of c.bin"
    - button "Stop the upload of c.bin"
  - listitem:
    - text: d.bin 33.6 MB
    - paragraph: Waits for its turn
    - button "Stop the upload of d.bin"
"""


@pytest.fixture(name="network")
def fixture_network(stack: Stack) -> Iterator[tuple[Network, str]]:
    """The network between the browser and the system, and its address."""
    with run_network(stack.bucket) as running:
        yield running


@pytest.fixture(name="console")
def fixture_console(
    stack: Stack, browser: Browser, network: tuple[Network, str]
) -> Iterator[Console]:
    """The console in a new window, on this network."""
    proxy = ProxySettings(server=network[1], bypass="<-loopback>")
    context = browser.new_context(locale="en-US", timezone_id="UTC", proxy=proxy)
    opened = Console(stack, context)
    yield opened
    opened.check()
    context.close()


def sparse_files(folder: Path, names: str, size: int = SIZE) -> list[Path]:
    """Makes files of zeros that take no room on the disk."""
    paths = [folder / f"{name}.bin" for name in names.split()]
    for path in paths:
        with path.open("wb") as file:
            file.truncate(size)
    return paths


def item(console: Console, name: str) -> Locator:
    """Finds an upload by the file's name."""
    return console.role("list", "Uploads").get_by_role("listitem").filter(has_text=name)


def uploads_of(console: Console, name: str) -> int:
    """Counts the requests that uploaded a file."""
    puts = [request for request in console.requests if request.method == "PUT"]
    return sum(f"/{name}?" in request.url for request in puts)


def memory(browser: Browser) -> int:
    """Returns the memory of all processes of the browser, in bytes."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    statuses = (Path(f"/proc/{each['id']}/status").read_text() for each in processes)
    return sum(int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024 for status in statuses)


def test_several_files_are_uploaded_at_once(
    console: Console, owner: User, network: tuple[Network, str], tmp_path: Path
) -> None:
    files = sparse_files(tmp_path, "a b c d")
    for file in files:
        network[0].hold(file.name, after=SIZE // 4)
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    add_files(console, files)
    uploads = console.role("list", "Uploads")
    expect(uploads.get_by_role("progressbar")).to_have_count(3)
    for file in files[:3]:
        bar = console.role("progressbar", f"Upload of {file.name}")
        expect(bar).to_have_attribute("value", re.compile("^[2-7][0-9]$"))
    expect(uploads).to_match_aria_snapshot(UPLOADS)
    assert console.violations() == []
    console.screenshot("release-uploads")
    # Uploads belong to the release: they continue while another screen is shown.
    console.role("link", "Jobs").first.click()
    network[0].mend()
    console.role("link", "Releases").click()
    console.role("link", str(release)).click()
    for file in files:
        expect(link(console, f"source/{file.name}")).to_be_visible()
        assert uploads_of(console, file.name) == 1
    expect(uploads).to_be_hidden()
    assert {entry["size"] for entry in owner.file_entries(release)} == {SIZE}


def test_lost_upload_is_tried_again_alone(
    console: Console, owner: User, network: tuple[Network, str], tmp_path: Path
) -> None:
    files = sparse_files(tmp_path, "a b c")
    network[0].cut("b.bin", after=SIZE // 4)
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    add_files(console, files)
    expect(item(console, "b.bin")).to_contain_text("The connection was lost.")
    for name in ("a.bin", "c.bin"):
        expect(link(console, f"source/{name}")).to_be_visible()
    assert console.violations() == []
    console.screenshot("release-upload-lost")
    network[0].mend()
    console.role("button", "Try again: b.bin").click()
    expect(link(console, "source/b.bin")).to_be_visible()
    counts = [uploads_of(console, file.name) for file in files]
    assert counts == [1, 2, 1]
    assert len(owner.file_entries(release)) == len(files)


def test_upload_is_stopped(
    console: Console, owner: User, network: tuple[Network, str], tmp_path: Path
) -> None:
    files = sparse_files(tmp_path, "a b c d")
    for file in files:
        network[0].hold(file.name)
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    add_files(console, files)
    for name in ("a.bin", "d.bin"):
        console.role("button", f"Stop the upload of {name}").click()
        expect(item(console, name)).to_contain_text("Stopped")
    network[0].mend()
    for name in ("b.bin", "c.bin"):
        expect(link(console, f"source/{name}")).to_be_visible()
    assert len(owner.file_entries(release)) == 2
    console.role("button", "Remove a.bin from the uploads").click()
    expect(item(console, "a.bin")).to_have_count(0)
    console.role("button", "Try again: d.bin").click()
    expect(link(console, "source/d.bin")).to_be_visible()


def test_package_is_not_submitted_before_its_files_are_there(
    console: Console, owner: User, network: tuple[Network, str], tmp_path: Path
) -> None:
    files = sparse_files(tmp_path, "a b")
    draft = begin(console, owner, {"first.txt": b"first"})
    for file in files:
        network[0].hold(file.name)
    add_files(console, files)
    expect(console.role("progressbar", "Upload of b.bin")).to_be_visible()
    go_to(console, draft, "Submit")
    submit = console.role("button", "Submit")
    expect(submit).to_be_disabled()
    expect(submit).to_have_accessible_description(re.compile("until the uploads are done"))
    assert console.violations() == []
    network[0].mend()
    expect(submit).to_be_enabled()
    expect(console.page.get_by_text("3 files")).to_be_visible()
    submit.click()
    expect_step(console, "Package")
    assert len(owner.file_entries(int(owner.job(draft)["release_id"]))) == 3


def test_uploads_end_with_the_session(
    console: Console, owner: User, stranger: User, network: tuple[Network, str], tmp_path: Path
) -> None:
    files = sparse_files(tmp_path, "a b c d")
    for file in files:
        network[0].hold(file.name)
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    add_files(console, files)
    expect(console.role("list", "Uploads").get_by_role("progressbar")).to_have_count(3)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    console.page.on("dialog", leave)
    console.role("button", "Sign out").click()
    token = console.role("textbox", "Token")
    expect(token).to_be_visible()
    before = len(console.requests)
    token.fill(stranger.headers["authorization"])
    console.role("button", "Sign in").click()
    network[0].mend()
    console.role("navigation", "Main").get_by_role("link", name="Releases").click()
    expect(console.page.get_by_text("You have no releases yet.")).to_be_visible()
    console.page.reload()
    expect(console.page.get_by_text("You have no releases yet.")).to_be_visible()
    assert asked == []
    sent = {request.url for request in console.requests[before:] if request.method != "GET"}
    assert {url for url in sent if not url.endswith("/api/live/ticket")} == set()
    assert owner.file_entries(release) == []


@pytest.mark.slow
def test_large_file_survives_a_lost_connection_and_is_never_held_in_memory(
    console: Console,
    browser: Browser,
    owner: User,
    network: tuple[Network, str],
    tmp_path: Path,
) -> None:
    [file] = sparse_files(tmp_path, "large", LARGE)
    release = owner.create_release()
    console.open(owner, f"/releases/{release}")
    expect(console.page.get_by_text("There are no files yet.")).to_be_visible()
    before = memory(browser)
    network[0].cut(file.name, after=LARGE // 32)
    add_files(console, [file])
    again = console.role("button", f"Try again: {file.name}")
    expect(again).to_be_visible()
    assert owner.file_entries(release) == []
    network[0].mend()
    again.click()
    listed = link(console, f"source/{file.name}")
    bar = console.role("progressbar", f"Upload of {file.name}")
    seen: set[int] = set()
    peaks = [before]

    def has_arrived() -> bool:
        peaks.append(memory(browser))
        # In one call: the bar goes when the file has arrived.
        values = bar.evaluate_all("bars => bars.map((bar) => bar.getAttribute('value'))")
        seen.update(int(value or 0) for value in values)
        return listed.is_visible()

    wait_until(has_arrived, "the upload", timeout=240)
    assert max(peaks) - before < MAX_GROWTH, [peak // MIB for peak in peaks]
    # It was seen on its way.
    assert any(10 < percent < 90 for percent in seen), seen
    [entry] = owner.file_entries(release)
    assert entry["size"] == LARGE
    # The local AWS keeps it in memory.
    console.role("button", f"Delete source/{file.name}").click()
    console.role("button", "Delete", exact=True).click()
    expect(listed).to_be_hidden()
    assert owner.file_entries(release) == []
