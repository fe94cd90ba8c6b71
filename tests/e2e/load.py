"""Many jobs of many users through the deployed queue, with duplicates and cancels.

Afterwards every job and release is checked against the invariants of `soak_checks`.
"""

import collections
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from api import FINAL, User
from checks import outcomes
from samples import RELEASE_NAME
from soak_checks import check_job, check_release, check_release_count
from stack import Item, Stack
from waiting import wait_until

USERS = 20
JOBS_PER_RELEASE = 10
# Shares of the messages and jobs.
DUPLICATES, CANCELS = 0.2, 0.1
THREADS = 4
CHECK_INTERVAL = 2  # seconds between two checks of the jobs
REPORT_INTERVAL = 15  # seconds
ANALYSIS = ("analysis", {"path": "book.txt"})
KINDS: list[tuple[str, dict[str, Any]]] = [
    ANALYSIS,
    ANALYSIS,
    ("packaging", {"release_name": RELEASE_NAME}),
    ("readnfo", {"apply": True}),
]
FILES = {
    "book.txt": b"Once upon a time\r\n" * 2_000,
    "book.nfo": b"Title: A Book\nAuthor: Ada Example\n",
}


class Load:
    """A load of `count` jobs; `seed` determines its messages and cancels."""

    def __init__(self, stack: Stack, count: int, seed: int) -> None:
        self.stack = stack
        self.count = count
        self.created = self.jobs_to_create()  # through the API; the others by a message
        self.chance = random.Random(seed)
        self.chance_to_cancel = random.Random(seed + 1)
        self.seen: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.cancelled: set[int] = set()  # jobs whose cancel succeeded
        self.ended_first: set[int] = set()  # jobs whose cancel was refused because they had ended
        self.sent: dict[int, float] = {}  # when each submission was sent, in seconds since 1970
        self.sent_twice: set[int] = set()  # submissions
        self.reported_at = time.monotonic()
        self.job_ids: list[int] = []  # of the last check
        self.users = [stack.new_user() for _ in range(min(USERS, count))]
        self.releases: list[tuple[User, int]] = []
        self.queue_url = stack.queue_url

    def jobs_to_create(self) -> int:
        """Returns how many of the jobs are created through the API, and cancelled at once."""
        return max(1, int(self.count * CANCELS))

    def run(self) -> None:
        """Sends the messages, and waits until every job has ended."""
        self.prepare()
        actions = self.actions()
        with ThreadPoolExecutor(len(actions)) as pool:
            tasks = [pool.submit(action) for action in actions]
            try:
                timeout = 300 + 2 * self.count
                wait_until(self.have_all_ended, "every job to end", timeout, CHECK_INTERVAL)
            finally:
                self.is_over.set()
            for task in tasks:
                task.result()

    def prepare(self) -> None:
        """Creates the releases."""
        count = max(len(self.users), self.count // JOBS_PER_RELEASE)
        owners = [self.users[at % len(self.users)] for at in range(count)]
        with ThreadPoolExecutor(THREADS) as pool:
            made = pool.map(
                lambda owner: owner.create_release(FILES, metadata={"title": "A Book"}), owners
            )
            self.releases = list(zip(owners, made, strict=True))

    def actions(self) -> list[Callable[[], None]]:
        """Returns the functions that run side by side until the load is over."""
        return [self.produce, self.cancel_jobs]

    def produce(self) -> None:
        """Sends every submission once, and some twice."""
        for number in range(self.count - self.created):
            message = self.submission(number) | {"idempotency_key": f"soak-{number}"}
            self.sent[number] = time.time()
            is_repeated = self.chance.random() < DUPLICATES
            self.seen["messages sent twice"] += is_repeated
            if is_repeated:
                self.sent_twice.add(number)
            for _ in range(1 + is_repeated):
                body = json.dumps(message)
                self.stack.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def submission(self, number: int) -> dict[str, Any]:
        """Returns the message of a submission, without its key."""
        owner, release = self.releases[number % len(self.releases)]
        job_type, config = self.chance.choice(KINDS)
        return {
            "job_type": job_type,
            "release_id": release,
            "created_by": owner.id,
            "config_json": config,
        }

    def cancel_jobs(self) -> None:
        """Creates some jobs through the API, cancels each at once, and records the answers."""
        for number in range(self.created):
            owner, release = self.releases[number % len(self.releases)]
            job_type, config = self.chance_to_cancel.choice(KINDS)
            job = owner.create_job(job_type=job_type, release_id=release, config_json=config)
            self.cancel(owner, job)

    def cancel(self, owner: User, job: int) -> None:
        """Cancels a job, and records the answer."""
        answer = owner.put(f"/api/jobs/{job}/cancel")
        assert answer.status in (200, 409), answer
        (self.cancelled if answer.status == 200 else self.ended_first).add(job)

    def have_all_ended(self) -> bool:
        """Returns whether there is an ended job for every submission; reports the progress."""
        jobs = [job for user in self.users for job in all_jobs(user)]
        self.job_ids = [job["id"] for job in jobs]
        finals = sum(job["status"] in FINAL for job in jobs)
        if time.monotonic() > self.reported_at + REPORT_INTERVAL:
            self.reported_at = time.monotonic()
            print(f"  {finals} of {len(jobs)} jobs have ended", flush=True)
        return len(jobs) >= self.count and finals == len(jobs)

    def items(self) -> dict[int, Item]:
        """Reads the main item of each job in the lists of the users."""
        return {job: self.stack.job_item(job) for job in self.job_ids}

    def faults(self) -> list[str]:
        """Returns every violation of an invariant, in words."""
        items = self.items()
        found = []
        if len(items) != self.count:
            found.append(f"{self.count} jobs became {len(items)}")
        owners = {user.id: user for user in self.users}
        with ThreadPoolExecutor(THREADS) as pool:
            for faults in pool.map(lambda job: self.job_faults(owners, *job), items.items()):
                found += faults
            for faults in pool.map(lambda pair: check_release(self.stack, *pair), self.releases):
                found += faults
        for user in {owner.id: owner for owner, _ in self.releases}.values():
            found += check_release_count(self.stack, user, self.releases)
        return found

    def job_faults(self, owners: dict[int, User], job_id: int, item: Item) -> list[str]:
        """Adds a job to the totals, and returns the invariants that it violates."""
        owner = owners[int(item["created_by"]["N"])]
        job, log = owner.job(job_id), owner.log(job_id)
        with self.lock:
            self.seen[job["status"]] += 1
            if job_id not in self.cancelled:  # the message of a cancelled job counts as a duplicate
                self.seen["duplicates suppressed"] += job["duplicate_deliveries"]
            self.seen["crashed attempts"] += outcomes(job).count("crashed")
        faults = check_job(job, log, item)
        if job_id in self.cancelled and job["status"] != "cancelled":
            faults.append(f"job {job_id}: its cancel succeeded")
        if job_id in self.ended_first and job["status"] != "completed":
            faults.append(f"job {job_id}: its cancel was refused because it had ended")
        return faults


def all_jobs(user: User) -> list[Any]:
    """Returns all jobs of a user; follows the cursors of the list."""
    jobs, cursor = [], ""
    while cursor is not None:
        query = f"&cursor={cursor}" if cursor else ""
        page = user.get(f"/api/jobs?limit=100{query}").body
        jobs += page["jobs"]
        cursor = page["next_cursor"]
    return jobs
