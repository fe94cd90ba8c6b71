"""The table that is printed, and the report that machines read."""

import json
from pathlib import Path

BOUNDS = {"limit": "at most", "goal": "goal", "goal_at_most": "goal at most"}


class Report:
    """Figures, each with its unit, and what it is held against."""

    def __init__(self):
        self.metrics, self.failed = [], []

    def title(self, text):
        print(f"\n{text}", flush=True)

    def add(self, name, value, unit, **bound):
        """A `limit` must not be exceeded; a `goal` is to be reached, a `goal_at_most` to be kept to."""
        metric = {"name": name, "value": round(value, 3), "unit": unit} | bound
        self.metrics.append(metric)
        held = "".join(f"{BOUNDS[kind]} {value:g}" for kind, value in bound.items())
        verdict = " MISSED" if missed(metric) else ""
        print(f"  {name:<64} {value:>12,.2f} {unit:<11} {held}{verdict}", flush=True)

    def over_limit(self):
        """The names of figures that are not what they must be."""
        return [metric["name"] for metric in self.metrics if "limit" in metric and missed(metric)]

    def write(self, path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"metrics": self.metrics}, indent=1) + "\n")


def missed(metric):
    most = min(metric.get("limit", float("inf")), metric.get("goal_at_most", float("inf")))
    return metric["value"] > most or metric["value"] < metric.get("goal", 0)
