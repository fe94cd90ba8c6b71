"""Checks that the API refused a stranger everything of another user: `check_refusals.py HAR`.

The HAR file has requests with the ids of another user's job and release. Each route with an id
and a token must have answered 403 to at least one of them, and none may have answered any with
success.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from local import ROOT

FORBIDDEN, BAD_REQUEST = 403, 400


def patterns() -> dict[str, re.Pattern[str]]:
    """Returns the pattern of the requests of each route that has an id and needs a token."""
    document = json.loads((ROOT / "openapi.json").read_text())
    return {
        f"{method.upper()} {path}": re.compile(
            rf"{method.upper()} (.*){re.sub(r'{[^}]+}', '[^/]+', path)}"
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "{" in path and method != "parameters" and operation.get("security") != []
    }


def main() -> None:
    """Reads the file, and fails with the routes that did not refuse."""
    statuses: dict[str, set[int]] = defaultdict(set)
    routes = patterns()
    for entry in json.loads(Path(sys.argv[1]).read_text())["log"]["entries"]:
        path = urlsplit(entry["request"]["url"]).path
        request = f"{entry['request']['method']} {path}"
        for route, pattern in routes.items():
            if pattern.fullmatch(request):
                statuses[route].add(entry["response"]["status"])
    for route in routes:
        seen = statuses[route]
        if FORBIDDEN not in seen or any(status < BAD_REQUEST for status in seen):
            sys.exit(f"error: {route} answered a stranger {sorted(seen)}")
    print(f"{len(routes)} routes refused a stranger another user's jobs and releases")


if __name__ == "__main__":
    main()
