"""The report of `make verify`."""

import dataclasses
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

from metrics import TROUBLES, Totals


@dataclasses.dataclass
class Results:
    """The results of the tests; those that failed or were skipped, by name, with the reason."""

    passed: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Report:
    """The results of one verification."""

    stack: str
    api_url: str
    users: tuple[int, int]
    tests: Results = dataclasses.field(default_factory=Results)
    faults: list[str] = dataclasses.field(default_factory=list)
    seen: dict[str, int] = dataclasses.field(default_factory=dict)  # in the load
    differences: list[str] = dataclasses.field(default_factory=list)
    sent: dict[str, int] = dataclasses.field(default_factory=dict)
    reported: Totals = dataclasses.field(default_factory=dict)
    units_per_job: float | None = None
    removed: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        """Whether a test failed, or an invariant does not hold, or something was left behind."""
        return bool(self.tests.failed or self.faults)

    @property
    def all_differences(self) -> list[str]:
        """The differences from the local AWS, with the requests that were refused or broken."""
        refused = [
            f"{number} requests were answered {name.rsplit(' ', 1)[1]}"
            for name, number in sorted(self.sent.items())
            if name.startswith("API answered")
        ]
        troubles = [
            f"{name}: {self.reported[name]:,.0f}" for name in TROUBLES if self.reported.get(name)
        ]
        return [*self.differences, *refused, *troubles]

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        fields = dataclasses.asdict(self) | {
            "has_failed": self.has_failed,
            "differences": self.all_differences,
        }
        path.write_text(json.dumps(fields, indent=2) + "\n")

    def __str__(self) -> str:
        """Returns the report for people."""
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Returns the lines of the report."""
        tests = self.tests
        yield f"\nVerification of {self.stack}: {'FAILED' if self.has_failed else 'passed'}"
        yield f"  {self.api_url}"
        yield ""
        counts = {
            "passed": tests.passed,
            "failed": len(tests.failed),
            "skipped": len(tests.skipped),
        }
        yield f"Tests: {numbers(counts)}"
        yield from listed(f"failed: {name}: {reason}" for name, reason in tests.failed.items())
        yield from listed(f"skipped: {name}: {reason}" for name, reason in tests.skipped.items())
        yield f"Load: {numbers(self.seen) or 'not run'}"
        yield f"Violations: {len(self.faults) or 'none'}"
        yield from listed(self.faults)
        yield f"Differences from the local AWS: {len(self.all_differences) or 'none'}"
        yield from listed(self.all_differences)
        yield "Requests sent by this run, retries included:"
        yield from listed(f"{name}: {number:,}" for name, number in sorted(self.sent.items()))
        yield "Reported by CloudWatch for the minutes of this run, with all users of the stack:"
        known = {name: total for name, total in self.reported.items() if total is not None}
        yield from listed(f"{name}: {total:,.0f}" for name, total in known.items())
        if missing := [name for name in self.reported if name not in known]:
            yield f"  not reported by this endpoint: {', '.join(missing)}"
        if self.units_per_job is not None:
            yield f"  write units for each job of the load: {self.units_per_job:.1f}"


def listed(items: Iterable[str]) -> Iterator[str]:
    """Indents each item."""
    return (f"  {item}" for item in items)


def numbers(counts: dict[str, int]) -> str:
    """Returns counts in one line."""
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def read_junit(path: Path) -> Results:
    """Reads the results that pytest has written; there are none if it did not start."""
    tests = Results()
    if not path.exists():
        return tests
    for case in ET.parse(path).iter("testcase"):
        name = f"{case.get('classname', '').rsplit('.', 1)[-1]}::{case.get('name')}"
        problem = next((each for each in case if each.tag in ("failure", "error")), None)
        skipped = case.find("skipped")
        if problem is not None:
            tests.failed[name] = first_line(problem)
        elif skipped is not None:
            tests.skipped[name] = first_line(skipped)
        else:
            tests.passed += 1
    return tests


def first_line(element: ET.Element) -> str:
    """Returns the first line of a message."""
    return (element.get("message") or "").partition("\n")[0]
