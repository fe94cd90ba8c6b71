"""The number of requests that this process sends to the API and to AWS.

An AWS client counts each retry.
"""

import collections
import json
import threading
from pathlib import Path

# By service and operation; `API` also by each status that only an outage or a limit explains.
_counts: collections.Counter[str] = collections.Counter()
_lock = threading.Lock()


def count(name: str) -> None:
    """Counts a request."""
    with _lock:
        _counts[name] += 1


def counts() -> dict[str, int]:
    """Returns the number of requests so far, by name."""
    with _lock:
        return dict(_counts)


def write_counts(path: Path) -> None:
    """Writes the number of requests so far to a JSON file."""
    path.write_text(json.dumps(counts()))


def add_counts(folder: Path) -> None:
    """Adds the requests of other processes, which have written their numbers into a folder."""
    with _lock:
        for path in folder.glob("*.json"):
            _counts.update(json.loads(path.read_text()))
