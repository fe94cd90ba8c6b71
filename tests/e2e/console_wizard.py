"""The steps of the console's wizard: what a person does there, and what a screen reader finds."""

import re

from playwright.sync_api import Locator, expect

from api import User
from console import Console
from console_releases import SAVED, add_files, fields, link
from sample_epub import sample_epub

NAME = "Ada.Example-The.Lighthouse.Keepers.Ledger-2026-GRP"
BOOK = {"lighthouse.epub": sample_epub()}
STEPS = ["Files", "Analysis", "Details", "Options", "Submit", "Package"]
HEADINGS = [
    "Type and files",
    "Analysis",
    "Check the details",
    "Options of the package",
    "Check and submit",
    "The package",
]

STEP_START = """
- heading "New release" [level=1]
- list "Steps":
  - listitem: Files
  - listitem: Analysis
  - listitem: Details
  - listitem: Options
  - listitem: Submit
  - listitem: Package
- heading "Type and files" [level=2]
- combobox "Type": ebook
- textbox "Group"
- button "Add files"
- button "Back" [disabled]
- button "Next"
"""
STEP_FILES = """
- heading "New release" [level=1]
- list "Steps":
  - listitem: Files
  - listitem:
    - link "Analysis":
      - /url: /#.releases.new.\\d+.step=analysis/
  - listitem:
    - link "Details"
  - listitem:
    - link "Options"
  - listitem:
    - link "Submit"
  - listitem: Package
- region "Source files":
  - heading "Source files" [level=2]
  - button "Add files"
  - table "Files":
    - rowgroup:
      - row "File Size Changed Actions"
    - rowgroup:
      - row /source.lighthouse.epub/:
        - cell "source/lighthouse.epub":
          - link "source/lighthouse.epub"
        - cell "2.2 kB"
        - cell:
          - time
        - cell "Delete source/lighthouse.epub":
          - button "Delete source/lighthouse.epub"
- button "Back" [disabled]
- button "Next"
- paragraph: Everything is kept. You can close this page, and continue at its address.
"""
STEP_ANALYSIS = """
- heading "Analysis" [level=2]
- status: Completed
- link /Job \\d+/:
  - /url: /#.jobs.\\d+/
- list "Last lines of the log":
  - listitem: /Job \\d+ .analysis. started/
  - listitem: Job completed
- region "Found in the file":
  - heading "Found in the file" [level=3]
  - term: Title
  - definition: The Lighthouse Keeper's Ledger
  - term: Authors
  - definition: Ada Example
  - term: Format
  - definition: epub
- button "Analyze again"
- button "Back"
- button "Next"
"""
STEP_DETAILS = """
- heading "Check the details" [level=2]
- textbox "Type": ebook
- textbox "Name"
- textbox "Group": GRP
- textbox "Title": The Lighthouse Keeper's Ledger
- paragraph: From the file.
- textbox "Authors": Ada Example
- textbox "Publisher": Sample House
- textbox "Year": "2026"
- textbox "Language": en
- textbox "ISBN": "9783161484100"
- textbox "Series"
- textbox "Number in the series"
- textbox "Format"
- textbox "Subjects"
- textbox "Description"
- button "Back"
- button "Next"
"""
STEP_OPTIONS = """
- heading "Options of the package" [level=2]
- textbox "Release name"
- textbox "Group"
- combobox "Compression"
- textbox "Volume size (MiB)"
- group "Generate":
  - checkbox "NFO" [checked]
  - checkbox "DIZ" [checked]
  - checkbox "OPF"
  - checkbox "ONIX"
  - checkbox "SFV" [checked]
- group: Template of the NFO
- complementary:
  - region "Name of the package":
    - heading "Name of the package" [level=3]
    - paragraph:
      - text: Proposed
      - code: Ada.Example-The.Lighthouse.Keepers.Ledger-2026-GRP
    - paragraph:
      - button "Use this name"
  - region "What fills the NFO":
    - heading "What fills the NFO" [level=3]
- button "Back"
- button "Next"
"""
STEP_SUBMIT = """
- heading "Check and submit" [level=2]
- term: Files
- definition:
  - text: 1 file, 2.2 kB
  - 'link "Change: Files"'
- term: Title
- definition:
  - text: The Lighthouse Keeper's Ledger
  - 'link "Change: Details"'
- term: Authors
- definition: Ada Example
- term: Options
- definition:
  - 'link "Change: Options"'
- term: Release name
- definition:
  - code: Ada.Example-The.Lighthouse.Keepers.Ledger-2026-GRP
- button "Back"
- button "Submit"
"""
STEP_PACKAGE = """
- heading "The package" [level=2]
- status: Completed
- link /Job \\d+/
- list "Last lines of the log":
  - listitem: /Packaging 1 file as .*/
  - listitem: Job completed
- table "Files":
  - rowgroup:
    - row "File Size Changed"
  - rowgroup:
    - row /nfo/
    - row /sfv/
    - row /zip/
    - row /FILE_ID.DIZ/
- paragraph:
  - link "Open the release"
  - link "Another new release":
    - /url: "#/releases/new"
"""


def begin(console: Console, user: User, files: dict[str, bytes]) -> int:
    """Begins a new release with these files; returns its draft."""
    console.open(user, "/releases/new")
    fields(console, {"Group": "GRP"})
    add_files(console, files)
    for name in files:
        expect(link(console, f"source/{name}")).to_be_visible()
    return int(re.findall(r"#/releases/new/(\d+)\?step=files$", console.page.url)[0])


def expect_step(console: Console, step: str) -> None:
    """Waits for a step."""
    expect(console.role("heading", "New release", level=1)).to_be_visible()
    current = console.role("list", "Steps").locator("[aria-current=step]")
    expect(current).to_have_text(step)
    # The first step of a draft shows its files below another heading.
    if step != "Files":
        heading = HEADINGS[STEPS.index(step)]
        expect(console.role("heading", heading, level=2, exact=True)).to_be_visible()


def go_on(console: Console, step: str) -> None:
    """Goes to the next step, which is this one."""
    console.role("button", "Next").click()
    expect_step(console, step)


def go_to(console: Console, draft: int, step: str) -> None:
    """Goes to a step by its address."""
    console.go(f"/releases/new/{draft}?step={step.lower()}")
    expect_step(console, step)


def field(console: Console, name: str) -> Locator:
    """Finds a text field by its label."""
    return console.role("textbox", name, exact=True)


def expect_saved(console: Console) -> None:
    """Waits until the server has everything."""
    expect(console.page.get_by_text(SAVED)).to_be_visible()
