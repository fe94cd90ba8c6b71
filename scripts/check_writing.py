"""Checks that no file of the project uses a word or name that docs/writing.md rejects."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "writing.md"
LISTS = re.compile(r"^## (Phrases|Old names)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (?!write|---|instead)(.+?) \| (.+?) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
# What may stand between two words of a phrase: a line break, and the marks of a comment.
GAP = r"(?:\s|//[/!]?|#)+"
GENERATED = {"Cargo.lock"}
# The words of others.
FOREIGN = {"tests/fixtures/asyncapi/3.0.0.json", "tests/fixtures/asyncapi/LICENSE"}


def rejected() -> Iterator[tuple[re.Pattern[str], str]]:
    """Yields what the page rejects, each with the advice of its row."""
    lists = dict(LISTS.findall(PAGE.read_text()))
    for phrases, advice in ROW.findall(lists["Phrases"]):
        for phrase in phrases.split(", "):
            words = GAP.join(re.escape(word) for word in phrase.split())
            yield re.compile(rf"\b{words}\b", re.IGNORECASE), f"{phrase!r}: write {advice}"
    for names, advice in ROW.findall(lists["Old names"]):
        for name in CODE.findall(names):
            words = r"\s+".join(re.escape(word) for word in name.split())
            yield re.compile(rf"(?<!\w){words}(?!\w)"), f"{name!r}: write {advice}"


def texts() -> Iterator[tuple[str, str]]:
    """Yields the path and the content of each text file that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in sorted(set(listed.stdout.splitlines()) - GENERATED - FOREIGN):
        path = ROOT / name
        if path == PAGE or not path.is_file():
            continue
        try:
            yield name, path.read_text()
        except UnicodeDecodeError:
            continue  # a sample file of a test


def main() -> None:
    """Prints every use of a rejected word or name, and fails if there is one."""
    patterns = list(rejected())
    if len(patterns) < 80:
        sys.exit(f"error: docs/writing.md lists only {len(patterns)} words and names")
    uses = [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {advice}"
        for name, text in texts()
        for pattern, advice in patterns
        for found in pattern.finditer(text)
    ]
    print(*uses, sep="\n", end="\n" if uses else "")
    if uses:
        sys.exit(f"error: {len(uses)} uses of words and names that docs/writing.md rejects")


if __name__ == "__main__":
    main()
