"""A run in the hands of a test: it writes the log of its job as the processor does.

So a test decides how long a log is, and when each line is written. The API ends the job.
"""

import json
import time
from typing import Any

from api import User
from stack import Stack

LEASE = 3600  # seconds: no sweep rescues the job during the test


def now() -> int:
    """Returns the time in milliseconds since 1970."""
    return int(time.time() * 1000)


class Scribe:
    """The first run of a new job."""

    def __init__(self, stack: Stack, owner: User) -> None:
        self.stack = stack
        self.owner = owner
        self.seq = 0
        self.job = owner.create_draft(job_type="analysis", release_id=owner.create_release())
        started = {"N": str(now())}
        lease = {"N": str(now() + LEASE * 1000)}
        run = {
            "attempt": {"N": "1"},
            "started_at": started,
            "first_log_seq": {"N": "1"},
        }
        self.update(
            status={"S": "running"},
            phase={"S": "open"},
            attempt={"N": "1"},
            fence={"N": "1"},
            started_at=started,
            lease_expires_at=lease,
            due_at=lease,
            runs={"L": [{"M": run}]},
        )

    def update(self, **attributes: Any) -> dict[str, Any]:
        """Changes the job's item, as each write of a run does; returns the item."""
        attributes |= {"updated_at": {"N": str(now())}}
        names = {f"#{name}": name for name in attributes}
        answer = self.stack.dynamodb.update_item(
            TableName=self.stack.table,
            Key={"pk": {"S": f"JOB#{self.job}"}, "sk": {"S": "META"}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
            ReturnValues="ALL_NEW",
        )
        return dict(answer["Attributes"])

    def write(self, count: int = 1, length: int = 0) -> dict[str, Any]:
        """Writes `count` lines of about `length` characters with a heartbeat; returns the item."""
        numbers = range(self.seq + 1, self.seq + count + 1)
        return self.write_lines([("INFO", f"Line {seq}".ljust(length, ".")) for seq in numbers])

    def write_lines(self, lines: list[tuple[str, str]]) -> dict[str, Any]:
        """Writes lines, each a level and a text, with a heartbeat; returns the item."""
        first, at = self.seq + 1, now()
        self.seq += len(lines)
        self.stack.dynamodb.put_item(
            TableName=self.stack.table,
            Item={
                "pk": {"S": f"JOB#{self.job}"},
                "sk": {"S": f"LOG#{self.seq:010}"},
                "first": {"N": str(first)},
                "last": {"N": str(self.seq)},
                "fence": {"N": "1"},
                "at": {"N": str(at)},
                "lines": {"S": json.dumps([[0, level, text] for level, text in lines])},
                "expires_at": {"N": str(at // 1000 + LEASE)},
            },
        )
        return self.update(log_seq={"N": str(self.seq)}, progress={"N": str(self.seq % 100)})

    def cancel(self) -> None:
        """Cancels the job. The log then has one more line."""
        answer = self.owner.put(f"/api/jobs/{self.job}/cancel")
        assert answer.status == 200, answer
        self.seq += 1
