"""The results of a benchmark: a printed table and a JSON report."""

import json
from pathlib import Path
from typing import Any

BOUNDS = {
    "limit": "at most",
    "at_least": "at least",
    "goal": "goal",
    "goal_at_most": "goal at most",
}
HARD = ("limit", "at_least")  # bounds that fail the benchmark

Metric = dict[str, Any]


class Report:
    """Metrics, each with its unit and its bound."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.failed: list[str] = []

    def title(self, text: str) -> None:
        """Prints the title of the next part."""
        print(f"\n{text}", flush=True)

    def note(self, text: str) -> None:
        """Prints a remark about the next rows."""
        print(f"  {text}", flush=True)

    def add(self, name: str, value: float, unit: str, **bound: float) -> None:
        """Adds a metric.

        A `limit` must not be exceeded, and `at_least` must be reached. A `goal` should be reached,
        a `goal_at_most` not exceeded.
        """
        metric = {"name": name, "value": round(value, 3), "unit": unit} | bound
        self.metrics.append(metric)
        bounds = "".join(f"{BOUNDS[kind]} {number:g}" for kind, number in bound.items())
        verdict = " MISSED" if has_missed(metric) else ""
        print(f"  {name:<80} {value:>12,.3f} {unit:<11} {bounds}{verdict}", flush=True)

    def outside_limits(self) -> list[str]:
        """Returns the names of the metrics that exceed their limit, or miss their minimum."""
        return [
            metric["name"]
            for metric in self.metrics
            if any(kind in metric for kind in HARD) and has_missed(metric)
        ]

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"metrics": self.metrics}, indent=1) + "\n")


def has_missed(metric: Metric) -> bool:
    """Returns whether a metric exceeds its bound or falls short of it."""
    maximum = min(metric.get("limit", float("inf")), metric.get("goal_at_most", float("inf")))
    minimum = max(metric.get("at_least", -float("inf")), metric.get("goal", -float("inf")))
    return bool(metric["value"] > maximum or metric["value"] < minimum)
