"""The table that is printed, and the report that machines read."""

import json
from pathlib import Path


class Report:
    """Figures, each with its unit, and the limit or goal that it is held against."""

    def __init__(self):
        self.metrics = []

    def add(self, name, value, unit, limit=None, goal=None):
        """A `limit` must not be exceeded; a `goal` is to be reached."""
        metric = {"name": name, "value": round(value, 3), "unit": unit}
        metric |= {key: bound for key, bound in (("limit", limit), ("goal", goal)) if bound is not None}
        self.metrics.append(metric)
        bound = f"at most {limit}" if limit is not None else f"goal {goal}" if goal is not None else ""
        verdict = " MISSED" if self.missed(metric) else ""
        print(f"  {name:<64} {value:>12,.2f} {unit:<8} {bound}{verdict}", flush=True)

    @staticmethod
    def missed(metric):
        return metric["value"] > metric.get("limit", float("inf")) or metric["value"] < metric.get("goal", 0)

    def write(self, path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"metrics": self.metrics}, indent=1) + "\n")
