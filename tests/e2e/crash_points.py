"""One point of the crash matrix: a job whose processor is killed at one of its calls to AWS."""

import hashlib
import io
import json
import random
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api import FINAL, User
from covers import make_comic
from faults import Call, Killer, Refusal, run_proxy
from runtime import PROCESSED, SMALL_MEMORY, TIME_LIMIT, FunctionDiedError, delivery, run_function
from samples import BOOK, RELEASE_NAME, package_with_a_broken_nfo
from stack import Stack

LARGE = random.Random(4).randbytes(9_000_000)  # two parts of a multipart upload
READ_DELAY = 3.5  # seconds, in which the heartbeat writes and reads


def archive_of_many_files() -> bytes:
    """Makes an archive whose list of files is too large for the job's item."""
    notes = io.BytesIO()
    with zipfile.ZipFile(notes, "w") as archive:
        for number in range(60):
            archive.writestr(f"notes/a note with number {number}.txt", b"A note.")
    return notes.getvalue()


# An archive has the time at which it was made, so every release has the same one.
COMIC, NOTES = make_comic(random.Random(1)), archive_of_many_files()
PACKAGING = {"release_name": RELEASE_NAME, "compression": "store"}


def release_of_two_files(_: Stack, user: User) -> int:
    files = {"book.txt": BOOK, "large.bin": LARGE}
    return user.create_release(files, metadata={"title": "A Book"})


def small_release(_: Stack, user: User) -> int:
    return user.create_release({"book.txt": BOOK}, metadata={"title": "A Book"})


def release_with_a_cover(_: Stack, user: User) -> int:
    return user.create_release({"comic.cbz": COMIC})


def release_with_many_files(_: Stack, user: User) -> int:
    return user.create_release({"notes.zip": NOTES})


def release_with_the_large_file_first(_: Stack, user: User) -> int:
    files = {"a.bin": LARGE, "book.txt": BOOK}
    return user.create_release(files, metadata={"title": "A Book"})


def package_of(release: int, user: User) -> int:
    job = user.run_job(job_type="packaging", release_id=release, config_json=PACKAGING)
    assert job["status"] == "completed", job
    return release


def package_of_two_files(stack: Stack, user: User) -> int:
    return package_of(release_of_two_files(stack, user), user)


def small_package(stack: Stack, user: User) -> int:
    return package_of(small_release(stack, user), user)


def is_s3(call: Call) -> bool:
    return call.service == "S3"


def is_read(call: Call) -> bool:
    return call.operation == "GetObject"


def is_none(_: Call) -> bool:
    return False


@dataclass(frozen=True)
class Scenario:
    """A job to kill: its type, configuration and release."""

    name: str
    job_type: str
    prepare: Callable[[Stack, User], int]  # makes the release
    config: dict[str, Any] = field(default_factory=dict)
    packages: int = 1  # number kept afterwards: the current one, and the replaced one if any
    thumbnails: int = 0  # number kept afterwards
    refuses: Callable[[Call], bool] = is_none
    delays: Callable[[Call], bool] = is_none
    time_limit: float = TIME_LIMIT


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("analysis", "analysis", release_of_two_files, {"path": "large.bin"}, packages=0),
        Scenario(
            "analysis over a slow link",
            "analysis",
            release_of_two_files,
            {"path": "book.txt"},
            packages=0,
            delays=is_read,
        ),
        Scenario("analysis of many files", "analysis", release_with_many_files, packages=0),
        Scenario("analysis of a cover", "analysis", release_with_a_cover, packages=0, thumbnails=1),
        Scenario("packaging", "packaging", release_of_two_files, PACKAGING),
        Scenario("repack", "repack", package_of_two_files, {"compression": "store"}, packages=2),
        Scenario("nfofix", "nfofix", package_with_a_broken_nfo, packages=2),
        Scenario("readnfo", "readnfo", small_package, {"apply": True}),
        Scenario("dirfix", "dirfix", package_with_a_broken_nfo, packages=2),
        # The run defers the job and sends a message for the next run.
        Scenario(
            "packaging while S3 refuses", "packaging", small_release, PACKAGING, refuses=is_s3
        ),
        # The time is enough for one file: the run suspends the archive, and the next resumes it.
        Scenario(
            "packaging in several runs",
            "packaging",
            release_with_the_large_file_first,
            PACKAGING,
            time_limit=50,
        ),
    )
}


class CrashPoint:
    """A job of a scenario, and the call at which its processor is killed.

    Without a number the processor survives: the job is the reference for the others.
    """

    def __init__(
        self, stack: Stack, scenario: Scenario, number: int | None = None, moment: str = "before"
    ) -> None:
        self.stack = stack
        self.scenario = scenario
        self.number = number
        self.moment = moment
        self.owner = stack.new_user()
        self.release = scenario.prepare(stack, self.owner)
        self.earlier_jobs = {job["id"] for job in self.owner.jobs()}
        self.job: int | None = None
        self.calls: list[Call] = []
        self.call: Call | None = None
        self.status_at_kill = "not created"
        self.fence_at_kill = ""
        self.log_lines = 0
        self.details: Any = None
        self.package: dict[str, str] = {}
        self.faults: list[str] = []

    def __str__(self) -> str:
        return f"{self.scenario.name}, killed {self.moment} call {self.number}, {self.call}"

    @property
    def message(self) -> dict[str, Any]:
        """The message that creates the job."""
        return {
            "job_type": self.scenario.job_type,
            "release_id": self.release,
            "created_by": self.owner.id,
            "config_json": self.scenario.config,
            "idempotency_key": f"point-{self.owner.id}",
        }

    def crash(self) -> "CrashPoint":
        """Delivers the message to a processor that is killed at its call."""
        killer = Killer(self.number, self.moment, self.scenario.refuses)

        def before(call: Call) -> Refusal | None:
            refusal = killer.before(call)
            if self.scenario.delays(call):
                time.sleep(READ_DELAY)
            return refusal

        with (
            tempfile.TemporaryFile("w+") as log,
            run_proxy(self.stack.endpoint_url, before, killer.after) as address,
            run_function(
                self.stack,
                "process-jobs",
                log=log,
                time_limit=self.scenario.time_limit,
                AWS_ENDPOINT_URL=address,
                AWS_LAMBDA_FUNCTION_MEMORY_SIZE=SMALL_MEMORY,
            ) as processor,
        ):
            killer.pid = processor.pid
            try:
                answer = processor.invoke(delivery(self.message, f"m-{self.owner.id}"))
                if answer != PROCESSED:
                    # A call failed, as any may. The job must recover from that, too.
                    assert not killer.killed, "the processor survived its kill"
                    log.seek(0)
                    warnings.warn(f"{self} returned its message: {log.read()}", stacklevel=1)
            except FunctionDiedError:
                assert killer.killed, "the processor ended without a kill"
        self.calls, self.call = killer.calls, killer.killed
        if job := self.find_job():
            item = self.stack.job_item(job)
            self.status_at_kill, self.fence_at_kill = item["status"]["S"], item["fence"]["N"]
        else:
            self.deliver_again()
        return self

    def find_job(self) -> int | None:
        """Returns the id of the message's job; None before it exists."""
        new = [job["id"] for job in self.owner.jobs() if job["id"] not in self.earlier_jobs]
        assert len(new) < 2, f"one message created {len(new)} jobs"
        self.job = new[0] if new else None
        return self.job

    def deliver_again(self) -> None:
        """Sends the message again, as SQS does with a message that was not deleted."""
        self.stack.sqs.send_message(
            QueueUrl=self.stack.queue_url, MessageBody=json.dumps(self.message)
        )

    def is_final(self) -> bool:
        """Returns whether the job has ended."""
        job = self.job or self.find_job()
        return job is not None and self.stack.job_item(job)["status"]["S"] in FINAL

    def is_tidy(self) -> bool:
        """Returns whether the job is no longer due for the sweeper."""
        return self.job is not None and "due_at" not in self.stack.job_item(self.job)

    def hasten(self) -> None:
        """Makes the job due for the sweeper now, unless a later run is at work."""
        if not self.job:
            return
        item = self.stack.job_item(self.job)
        if item["status"]["S"] != "running" or item["fence"]["N"] == self.fence_at_kill:
            self.stack.expire(item)

    def observe(self) -> None:
        """Reads the job and its package."""
        assert self.job
        self.details = self.owner.job(self.job)
        if self.scenario.packages:
            files = self.owner.files(self.release, "package/")
            self.package = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
