"""Applies docs/adding-a-job-type.md to a copy of the code and runs the test that the page adds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "adding-a-job-type.md"
# A fixed folder, so that a second run builds only what has changed.
COPY = ROOT / "target" / "job-type-page"
STEP = re.compile(
    r"^(?:New file|In) `(?P<path>[^`]+)`"
    r"(?:, below (?:the row of )?(?P<quote>``?)(?P<anchor>.+?)(?P=quote))?:\n\n"
    r"```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def copy_code() -> None:
    """Brings the copy up to date; unchanged files keep their times."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for path in [path for path in COPY.rglob("*") if path.is_file()]:
        if str(path.relative_to(COPY)) not in wanted:
            path.unlink()
    for name in wanted:
        source, copy = ROOT / name, COPY / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def apply(path: str, anchor: str | None, code: str) -> None:
    """Applies one step of the page."""
    file = COPY / path
    if anchor is None:
        file.write_text(code)
        return
    lines = file.read_text().splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.startswith(anchor)]
    if len(places) != 1:
        sys.exit(f"error: {path} has {len(places)} lines that start with {anchor!r}")
    lines.insert(places[0] + 1, code)
    file.write_text("".join(lines))


def main() -> None:
    """Follows the page, then builds and tests."""
    steps = [step.group("path", "anchor", "code") for step in STEP.finditer(PAGE.read_text())]
    blocks = PAGE.read_text().count("\n```") // 2
    if len(steps) != blocks:
        sys.exit(f"error: {PAGE.name} has {blocks} blocks, but places for only {len(steps)}")
    copy_code()
    for step in steps:
        apply(*step)
    # A different version keeps the copy's packages apart; the built dependencies are shared.
    manifest = COPY / "Cargo.toml"
    text = re.sub(r"(?m)^version = .*", 'version = "0.0.0"', manifest.read_text(), count=1)
    manifest.write_text(text)
    command = ["cargo", "nextest", "run", "--workspace", "--lib", "wordcount"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target")}
    subprocess.run(command, cwd=COPY, env=environment, check=True)


if __name__ == "__main__":
    main()
