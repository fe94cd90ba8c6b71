"""What a person does on the console's screens of releases."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Route, expect

from api import User
from console import Console
from packages import Package

SAVED = "Everything is kept"


def add_files(console: Console, files: Mapping[str, bytes] | list[Path]) -> None:
    """Chooses files in the field "Add files"."""
    chosen: Any = files
    if not isinstance(files, list):
        chosen = [{"name": name, "mimeType": "", "buffer": data} for name, data in files.items()]
    console.page.get_by_label("Add files").set_input_files(chosen)


def link(console: Console, path: str, language: str = "en") -> Locator:
    """Finds the link of a file in the table of files."""
    table = console.role("table", {"en": "Files", "fr": "Fichiers"}[language])
    return table.get_by_role("link", name=path, exact=True)


def upload_files(console: Console, files: Mapping[str, bytes]) -> None:
    """Uploads source files, and waits until they are listed."""
    add_files(console, files)
    for name in files:
        expect(link(console, f"source/{name}")).to_be_visible()


def download(console: Console, found: Locator) -> bytes:
    """Downloads what a link leads to."""
    with console.page.expect_download() as started:
        found.click()
    return started.value.path().read_bytes()


def fields(console: Console, texts: Mapping[str, str]) -> None:
    """Fills text fields by their labels."""
    for name, text in texts.items():
        console.role("textbox", name, exact=True).fill(text)


def start_job(console: Console, job_type: str, options: Mapping[str, str | bool]) -> int:
    """Starts a job on the screen of a release, waits until it is completed, and returns its id.

    `options` are fields of the form and their values.
    """
    start = console.role("button", "Start job")
    if not start.is_visible():
        console.page.get_by_text("Start a job").click()
    console.role("combobox", "Job type").select_option(label=job_type)
    if "Template" in options and not console.role("textbox", "Template", exact=True).is_visible():
        console.page.get_by_text("Template of the NFO").click()
    for name, value in options.items():
        if isinstance(value, bool):
            console.role("checkbox", name, exact=True).set_checked(value)
        elif name in ("Compression", "File"):
            console.role("combobox", name).select_option(label=value)
        else:
            console.role("textbox", name, exact=True).fill(value)
    start.click()
    notice = console.page.get_by_role("listitem").filter(has_text="is waiting to run").last
    job = int("".join(filter(str.isdigit, notice.inner_text())))
    notice.get_by_role("button").click()
    row = console.role("table", "Jobs").get_by_role("row").filter(has_text=str(job))
    expect(row).to_contain_text("Completed")
    return job


def open_job(console: Console, job: int) -> Locator:
    """Goes to a job by its link; returns the part with its result."""
    console.role("link", str(job), exact=True).first.click()
    expect(console.role("heading", f"Job {job}", level=1)).to_be_visible()
    expect(console.page.get_by_role("main").get_by_role("status")).to_have_text("Completed")
    return console.role("region", "Result")


def package_of(console: Console, result: Locator) -> Package:
    """Downloads the files of a package from the screen of its job."""
    table = result.get_by_role("table")
    links = table.get_by_role("link")
    # One in each row but the first.
    expect(links).to_have_count(table.get_by_role("row").count() - 1)
    return {found.inner_text(): download(console, found) for found in links.all()}


def reopen(console: Console, user: User) -> str:
    """Closes the tab and opens its address in another one; returns the address."""
    path = console.page.url.partition("#")[2]
    console.page.close()
    console.new_page()
    console.open(user, path)
    return path


@contextlib.contextmanager
def cut_off(console: Console, method: str, address: str) -> Iterator[None]:
    """Lets no request with this method get through to an address."""

    def cut(route: Route) -> None:
        if route.request.method == method:
            route.abort()
        else:
            route.fallback()

    console.page.route(address, cut)
    yield
    console.page.unroute(address, cut)


def overflow(console: Console) -> int:
    """Returns how much wider than the window the page is."""
    return int(console.page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth"))
