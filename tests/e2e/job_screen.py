"""The screen of a job in the console, and jobs in states that a test decides."""

from typing import Any

from playwright.sync_api import Locator, expect

from api import User
from console import Console
from scribe import LEASE, now
from stack import Stack
from waiting import wait_until

# Text and binary values of an item.
Attribute = dict[str, Any]


class JobScreen:
    """The screen of one job."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.page = console.page
        # By its attributes: Playwright looks for a role in each of 50,000 lines.
        self.log = self.page.locator('[role=log][aria-label="Log"]')
        self.progress = console.role("progressbar", "Progress")
        self.follow = console.role("checkbox", "Follow")

    def open(self, user: User, job: int, *, line: int | None = None) -> "JobScreen":
        """Opens the screen, perhaps at a line of the log."""
        path = f"/jobs/{job}" if line is None else f"/jobs/{job}/log/{line}"
        self.console.open(user, path)
        expect(self.console.role("heading", f"Job {job}", level=1)).to_be_visible()
        return self

    def expect_status(self, status: str) -> None:
        """Waits for a status."""
        expect(self.page.get_by_role("status").filter(has_text=status).first).to_be_visible()

    def line(self, seq: int) -> Locator:
        """Finds a line of the log."""
        return self.log.locator(f'[data-seq="{seq}"]')

    def seqs(self) -> list[int]:
        """Returns the numbers of the lines that are shown, from the top."""
        read = "lines => lines.map(line => Number(line.dataset.seq))"
        return list(self.log.locator("[data-seq]").evaluate_all(read))

    def expect_complete(self, lines: int) -> None:
        """Waits for the end of the log, which must have each line once and in order."""
        expect(self.page.get_by_text(f"Complete: lines 1 to {lines:,}")).to_be_visible()
        assert self.seqs() == list(range(1, lines + 1))

    def distance_to_end(self) -> float:
        """Returns how far the log is from being scrolled to its end, in pixels."""
        read = "box => box.scrollHeight - box.clientHeight - box.scrollTop"
        return float(self.log.evaluate(read))

    def expect_at_end(self) -> None:
        """Waits until the log is scrolled to its end."""
        wait_until(lambda: self.distance_to_end() <= 1, "the log to be at its end")

    def scroll_up(self) -> None:
        """Scrolls the log to its first line, as a person does."""
        self.log.hover()
        self.page.mouse.wheel(0, -10_000_000)
        wait_until(lambda: self.top() == 0, "the log to be at its first line")

    def top(self) -> float:
        """Returns how far the log is scrolled, in pixels."""
        return float(self.log.evaluate("box => box.scrollTop"))


def update_job(stack: Stack, job: int, **attributes: Attribute) -> None:
    """Changes the item of a job, in DynamoDB's format, as a write of its run does."""
    attributes |= {"updated_at": {"N": str(now())}}
    stack.dynamodb.update_item(
        TableName=stack.table,
        Key={"pk": {"S": f"JOB#{job}"}, "sk": {"S": "META"}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
    )


def waiting_job(stack: Stack, owner: User) -> int:
    """Creates a pending job that no message starts; returns its id."""
    job = owner.create_draft(job_type="analysis", release_id=owner.create_release())
    later = {"N": str(now() + LEASE * 1000)}
    update_job(stack, job, status={"S": "pending"}, phase={"S": "open"}, due_at=later)
    return job


def read_clipboard(console: Console) -> str:
    """Returns the text of the clipboard."""
    return str(console.page.evaluate("navigator.clipboard.readText()"))
