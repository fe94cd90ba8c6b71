"""Checks that each lock of requirements/ is that of its list: the same versions, each with hashes.

Needs no network. `make lock` writes the locks.
"""

import re
import sys

from local import ROOT

FOLDER = ROOT / "requirements"
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==\S+")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(text: str) -> dict[str, str]:
    """Returns the options of each pinned package, by its normalized name and version."""
    lines = (line.split("#")[0].strip() for line in text.replace("\\\n", " ").splitlines())
    found = {}
    for line in filter(None, lines):
        pin, _, options = line.partition(" ")
        if not PIN.fullmatch(pin):
            raise ValueError(f"{line} is not a pinned version")
        name, version = pin.split("==")
        # https://packaging.python.org/en/latest/specifications/name-normalization/
        found[f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"] = options
    return found


def faults(name: str) -> list[str]:
    """Returns what is wrong with the lock of a list, in words."""
    wanted = pins((FOLDER / f"{name}.in").read_text())
    lock = FOLDER / f"{name}.txt"
    locked = pins(lock.read_text()) if lock.exists() else {}
    found = [
        f"{pin} is in one of {name}.in and {name}.txt" for pin in wanted.keys() ^ locked.keys()
    ]
    return found + [
        f"{name}.txt: {pin} has no hash" for pin in locked if not HASH.search(locked[pin])
    ]


def main() -> None:
    """Prints every fault; exits with 1 if there is one."""
    found = [fault for path in sorted(FOLDER.glob("*.in")) for fault in sorted(faults(path.stem))]
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    if found:
        sys.exit("error: run 'make lock'")


if __name__ == "__main__":
    main()
