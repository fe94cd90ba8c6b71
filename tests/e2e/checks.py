"""Checks that collect all faults instead of stopping at the first."""

from typing import Any

# The last log line of a completed job, and the start of that of a cancelled one.
COMPLETED = "Job completed"
CANCELLED = "Cancelled by"


class Checks:
    """A list of faults, described in words."""

    def __init__(self, subject: str = "") -> None:
        self.subject = subject
        self.faults: list[str] = []

    def expect(self, holds: bool, fault: str) -> None:  # noqa: FBT001 (the condition comes first)
        """Records the fault unless the condition holds."""
        if not holds:
            self.faults.append(f"{self.subject}: {fault}" if self.subject else fault)


def ends_once(log: list[Any]) -> bool:
    """Returns whether exactly one line, the last, says that the job was completed or cancelled."""
    ends = [line for line in log if is_end(line["message"])]
    return len(ends) == 1 and ends == log[-1:]


def is_end(message: str) -> bool:
    """Returns whether a log line says that the job was completed or cancelled."""
    return message == COMPLETED or message.startswith(CANCELLED)


def has_gap(log: list[Any]) -> bool:
    """Returns whether the numbers of log lines have a gap or a duplicate."""
    return [line["seq"] for line in log] != list(range(1, len(log) + 1))


def outcomes(job: Any) -> list[str]:
    """Returns the outcomes of a job's attempts, in order."""
    return [attempt["outcome"] for attempt in job["attempts"]]


def runs_below(keys: set[str]) -> set[tuple[str, str]]:
    """Returns the job and the run of each key in the output of a release's jobs."""
    parts = (key.rsplit("/jobs/", 1)[1].split("/") for key in keys)
    return {(part[0], part[1]) for part in parts}
