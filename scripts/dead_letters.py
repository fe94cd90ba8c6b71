"""Shows the messages of a dead-letter queue, redrives one or deletes one.

It finds the queues by DEAD_LETTER_QUEUE_URL, EVENTS_DEAD_LETTER_QUEUE_URL and QUEUE_URL:
docs/operating.md sets up the shell.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from aws_cli import aws

HIDDEN = 30  # seconds in which other readers do not see a message that was read
MAX_READS = 100  # of at most ten messages each
BODY_CHARS = 1_000  # shown of a body


def letters(queue_url: str) -> Iterator[Any]:
    """Yields each message of the queue once, and hides it from other readers for a while."""
    seen: set[str] = set()
    for _ in range(MAX_READS):
        answer = aws(
            *("sqs", "receive-message", "--queue-url", queue_url),
            *("--max-number-of-messages", "10", "--visibility-timeout", str(HIDDEN)),
            *("--wait-time-seconds", "1"),
            *("--message-attribute-names", "All", "--attribute-names", "All"),
        )
        received = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
        if not received:
            return
        for letter in received:
            seen.add(letter["MessageId"])
            yield letter


def show(letter: Any) -> None:
    """Prints a message with its attributes."""
    print(letter["MessageId"])
    for name, value in sorted(letter.get("MessageAttributes", {}).items()):
        print(f"  {name}: {value['StringValue']}")
    print(f"  body: {letter['Body'][:BODY_CHARS]}")


def release(queue_url: str, letter: Any) -> None:
    """Makes a message visible to other readers again."""
    aws(
        *("sqs", "change-message-visibility", "--queue-url", queue_url),
        *("--receipt-handle", letter["ReceiptHandle"], "--visibility-timeout", "0"),
    )


def take(queue_url: str, message_id: str) -> Any:
    """Returns the message with this id; ends the process if there is none."""
    found, others = None, []
    for letter in letters(queue_url):
        if letter["MessageId"] == message_id:
            found = letter
            break
        others.append(letter)
    for letter in others:
        release(queue_url, letter)
    return found or sys.exit(f"error: no visible dead letter has the id {message_id}")


def delete(queue_url: str, letter: Any) -> None:
    """Deletes a message."""
    handle = letter["ReceiptHandle"]
    aws("sqs", "delete-message", "--queue-url", queue_url, "--receipt-handle", handle)


def variable(name: str) -> str:
    """Returns an environment variable; ends the process if it is not set."""
    return os.environ.get(name) or sys.exit(f"error: {name} is not set; see docs/operating.md")


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", action="store_true", help="use the dead letters of events")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="show all messages")
    for name, text in (("redrive", "send a message to the jobs queue"), ("delete", "delete one")):
        commands.add_parser(name, help=text).add_argument("id", help="id of the dead letter")
    return parser.parse_args()


def main() -> None:
    """Runs the command of the command line."""
    given = arguments()
    if given.events and given.command == "redrive":
        sys.exit("error: no function reads records from a queue; use scripts/republish.py")
    prefix = "EVENTS_" if given.events else ""
    queue_url = variable(f"{prefix}DEAD_LETTER_QUEUE_URL")
    if given.command == "show":
        found = list(letters(queue_url))
        for letter in found:
            show(letter)
            release(queue_url, letter)
        print(f"{len(found)} dead letters")
        return
    letter = take(queue_url, given.id)
    if given.command == "redrive":
        # Sent before it is deleted: a failure in between leaves a copy, and loses nothing.
        with tempfile.NamedTemporaryFile("w") as body:
            body.write(letter["Body"])
            body.flush()
            # A long body fits no command line, and the CLI would follow one that begins with file://.
            sent = ("--message-body", f"file://{body.name}")
            aws("sqs", "send-message", "--queue-url", variable("QUEUE_URL"), *sent)
    delete(queue_url, letter)


if __name__ == "__main__":
    main()
