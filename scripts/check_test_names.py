"""Checks that each test named in the docs exists. `make test-rust` runs it."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each row of its table is a promise, and its last cell names the tests that show it.
PROMISES = ROOT / "docs" / "reliability.md"
PROMISE = re.compile(r"^\| \d+\. .*\| (?P<tests>.*?) \|$", re.MULTILINE)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
# The last cell of each row of its tables names the tests, or says why there is none.
DIFFERENCES = ROOT / "docs" / "aws-differences.md"
LAST_CELL = re.compile(r"^\| .* \| (?P<tests>.*?) \|$", re.MULTILINE)
# Not a file such as `tests/e2e/test_cancel.py`.
PYTHON_TEST = re.compile(r"(?<![\w/])test_\w+\b(?!\.py)")


def promised_tests(text: str) -> Iterator[str]:
    """Finds the tests in a table of promises, and insists on one for each promise."""
    promises = list(PROMISE.finditer(text))
    if not promises:
        sys.exit(f"error: {PROMISES.name} has no table of promises")
    for promise in promises:
        names = CODE_SPAN.findall(promise["tests"])
        if not names:
            sys.exit(f"error: {PROMISES.name} names no test for: {promise[0]}")
        yield from names


def named_tests(page: Path) -> set[str]:
    """Finds the names of tests on a page."""
    text = page.read_text()
    spans = CODE_SPAN.findall(text)
    names = {name for span in spans for name in PYTHON_TEST.findall(span)}
    if page == PROMISES:
        names.update(promised_tests(text))
    if page == DIFFERENCES:
        cells = [row["tests"] for row in LAST_CELL.finditer(text)]
        names.update(name for cell in cells for name in CODE_SPAN.findall(cell))
    return names


def run(command: list[str]) -> str:
    """Returns the output of a command; its errors go to the terminal."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def rust_tests() -> set[str]:
    """Lists the Rust tests without their modules."""
    command = "cargo nextest list --locked --workspace --cargo-quiet --message-format json"
    suites = json.loads(run(command.split()))["rust-suites"].values()
    return {name.rpartition("::")[2] for suite in suites for name in suite["testcases"]}


def python_tests() -> set[str]:
    """Lists the end-to-end tests without their files and parameters."""
    lines = run([sys.executable, "-m", "pytest", "--collect-only", "-q"]).splitlines()
    return {line.partition("[")[0].rpartition("::")[2] for line in lines if "::" in line}


def main() -> None:
    """Compares the names in the docs with the tests."""
    description = "Check that each test named in the docs exists. Runs in the tests' environment."
    argparse.ArgumentParser(description=description).parse_args()
    tests = rust_tests() | python_tests()
    missing = [
        f"error: {page.relative_to(ROOT)} names {name}, which is not a test"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for name in sorted(named_tests(page) - tests)
    ]
    if missing:
        sys.exit("\n".join(missing))


if __name__ == "__main__":
    main()
