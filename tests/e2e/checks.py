"""Checks that collect what is wrong instead of ending at the first fault."""

from typing import Any


class Checks:
    """A list of faults, in words."""

    def __init__(self, subject: str = "") -> None:
        self.subject = subject
        self.faults: list[str] = []

    def expect(self, holds: bool, fault: str) -> None:  # noqa: FBT001 (the condition comes first)
        """Records the fault unless the condition holds."""
        if not holds:
            self.faults.append(f"{self.subject}: {fault}" if self.subject else fault)


def has_gap(log: list[Any]) -> bool:
    """Returns whether the numbers of log lines have a gap or a repeat."""
    return [line["seq"] for line in log] != list(range(1, len(log) + 1))


def outcomes(job: Any) -> list[str]:
    """Returns the outcomes of a job's attempts, in order."""
    return [attempt["outcome"] for attempt in job["attempts"]]


def runs_below(keys: set[str]) -> set[tuple[str, str]]:
    """Returns the job and the run of each key that jobs have left below a release."""
    parts = (key.rsplit("/jobs/", 1)[1].split("/") for key in keys)
    return {(part[0], part[1]) for part in parts}
