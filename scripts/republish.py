"""Publishes the events of jobs since a time once more.

It invokes publish-events of a deployed stack, page by page, with the AWS credentials and the region
of the environment. Each event has the id that it had, so a second run does no harm.
"""

import argparse
import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_cli import aws
from local import fail


def parse_time(text: str) -> str:
    """Reads a time with its offset from UTC; returns it in UTC, as the function takes it."""
    with contextlib.suppress(ValueError):
        # A record of the table's stream has the seconds since 1970.
        seconds = re.fullmatch(r"\d{10}", text)
        time = datetime.fromtimestamp(int(text), UTC) if seconds else datetime.fromisoformat(text)
        if time.tzinfo:
            return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise argparse.ArgumentTypeError("must be an RFC 3339 time, such as 2026-11-28T12:00:00Z")


def invoke(function: str, payload: Any) -> Any:
    """Invokes a function; returns its answer, and ends the process if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question"), Path(folder, "answer")
        question.write_text(json.dumps(payload))
        # Both versions of the CLI take bytes from a file; they read text in two ways.
        payload_from = ("--payload", f"fileb://{question}")
        called = aws("lambda", "invoke", "--function-name", function, *payload_from, str(answer))
        text = answer.read_text()
    if called.get("FunctionError"):
        fail(f"{function}: {text}")
    return json.loads(text)


def pages(stack: str, since: str) -> Iterator[int]:
    """Publishes the events page by page; yields how many each page had."""
    cursor = None
    while True:
        payload = {"since": since, "cursor": cursor}
        answer = invoke(f"{stack}-publish-events", payload)
        yield int(answer["published"])
        cursor = answer["cursor"]
        if cursor is None:
            return


def main() -> None:
    """Publishes the events since the time on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("since", type=parse_time, help="the time of the first event, RFC 3339")
    parser.add_argument("--stack", required=True, help="name of the stack, such as jobs-prod")
    given = parser.parse_args()
    total = 0
    for page, count in enumerate(pages(given.stack, given.since), start=1):
        total += count
        print(f"page {page}: {count} events")
    print(f"Published {total} events since {given.since} to the bus of {given.stack}.")


if __name__ == "__main__":
    main()
