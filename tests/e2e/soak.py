"""The soak: thousands of jobs through processors that are killed and throttled, while messages are
delivered twice and users cancel jobs. Afterwards every job and release is checked.

A share of the jobs is hostile: their files cost more to read than they weigh. They end with a
reason for their owner, and hold up nobody: a soak without them comes first, to compare the waits.

The messages go through a queue of the soak's own. Its pollers feed processors as Lambda does. The
table, the bucket, the sweeper, and the processor that runs rescued jobs are the deployed ones.
"""

import argparse
import collections
import contextlib
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from api import FINAL, User
from faults import Call, ConnectionLostError, Killer, Refusal, run_proxy
from hostile_files import HOSTILE_JOBS
from load import CHECK_INTERVAL, THREADS, USERS, Load
from runtime import Function, FunctionDiedError, delivery, run_function
from soak_checks import check_job, known_packages, stored_packages
from stack import Item, Stack
from waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

DEFAULT_JOBS = 2_000
# Shares of the deliveries, calls and jobs.
KILLS, THROTTLED, CANCELS = 0.05, 0.05, 0.05
HOSTILE = 5  # percent of the jobs
GOAL = 2  # times the wait without hostile jobs
POLLERS = 3
LEASE = 60_000  # ms of a run's lease
MAX_SILENCE = 30_000  # ms without a heartbeat, seven intervals, after which a run counts as dead
VISIBILITY_TIMEOUT = 30  # seconds
MAX_PRINTED_FAULTS = 50


class FaultInjector(Killer):
    """Throttles a share of the calls, and kills the processor at a planned call."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(refuses=lambda _: chance.random() < THROTTLED)
        self.throttled = 0
        self.kills_at_claim = False

    def before(self, call: Call) -> Refusal | None:
        """Counts throttled calls."""
        refusal = super().before(call)
        self.throttled += refusal is not None
        return refusal

    def after(self, call: Call) -> None:
        """Kills the processor after its first update, the claim of a run, if that is planned."""
        with self.lock:
            if self.kills_at_claim and call.operation == "UpdateItem":
                self.kill(call)
        super().after(call)

    def plan(self, number: int | None, moment: str, *, at_claim: bool) -> None:
        """Plans the fault of the next delivery, whose calls are numbered from 1."""
        with self.lock:
            self.calls.clear()
            self.number, self.moment, self.kills_at_claim = number, moment, at_claim


class Soak(Load):
    """One soak with `count` jobs, `hostile` percent of them hostile; `seed` determines its faults.

    In a `hurry` it moves due times into the past.
    """

    def __init__(
        self, stack: Stack, count: int, seed: int, *, hurry: bool = False, hostile: float = 0
    ) -> None:
        super().__init__(stack, count, seed)
        self.seed = seed
        self.hurry = hurry
        self.has_crashed_at_claim = False
        self.hostile_user = stack.new_user()
        # The submissions of the hostile user, by their numbers.
        self.hostile: dict[int, dict[str, Any]] = {}
        self.wanted_hostile = round(count * hostile / 100)
        self.kills: collections.Counter[int] = collections.Counter()  # by submission
        self.killed_twice: set[int] = set()  # jobs
        self.deaths: list[str] = []  # messages whose processor died of itself

    def run(self) -> None:
        """Sends the messages, processes them under faults, and waits for the last cleanup."""
        super().run()
        self.stack.sqs.delete_queue(QueueUrl=self.queue_url)
        wait_until(self.is_tidy, "the sweeper to clean up", 400, CHECK_INTERVAL)

    def prepare(self) -> None:
        """Creates the releases and the queue."""
        super().prepare()
        self.prepare_hostile()
        self.queue_url = self.stack.sqs.create_queue(
            QueueName=f"soak-{random.randrange(10**9)}",
            Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT)},
        )["QueueUrl"]

    def prepare_hostile(self) -> None:
        """Uploads the files of the hostile jobs, each to a release of its own."""
        chance = random.Random(self.seed + 2)
        # A message with a bad template makes no job: it goes to the dead-letter queue.
        kinds = [kind for kind in HOSTILE_JOBS.values() if "template" not in kind.config]
        for number in chance.sample(range(self.count), self.wanted_hostile):
            kind = chance.choice(kinds)
            release = self.hostile_user.create_release(kind.files())
            self.hostile[number] = {
                "job_type": kind.job_type,
                "release_id": release,
                "created_by": self.hostile_user.id,
                "config_json": dict(kind.config),
            }
        if self.hostile:
            self.users.append(self.hostile_user)

    def submission(self, number: int) -> dict[str, Any]:
        """Returns the message of a usual or a hostile submission."""
        usual = super().submission(number)
        return self.hostile.get(number, usual)

    def actions(self) -> list[Callable[[], None]]:
        """Adds the pollers to the functions that run side by side."""
        pollers = [partial(self.poll, self.chance.random()) for _ in range(POLLERS)]
        return [*super().actions(), *pollers]

    def jobs_to_create(self) -> int:
        """Returns none: every job is delivered by the pollers."""
        return 0

    def cancel_jobs(self) -> None:
        """Cancels a share of the jobs while they are open, and records the answers."""
        chance = self.chance_to_cancel
        wanted = max(1, self.count * CANCELS)
        tried: set[int] = set()
        while not self.is_over.is_set() and len(tried) < wanted:
            owner = chance.choice(self.users[1:])
            listed = owner.get("/api/jobs?limit=50").body["jobs"]
            open_jobs = [job["id"] for job in listed if job["status"] not in FINAL]
            if not open_jobs:
                self.is_over.wait(0.1)
                continue
            job = chance.choice(open_jobs)
            tried.add(job)
            self.cancel(owner, job)

    def poll(self, seed: float) -> None:
        """Acts as one of Lambda's pollers, with one processor at a time."""
        chance = random.Random(seed)
        while not self.is_over.is_set():
            injector = FaultInjector(chance)
            with (
                run_proxy(self.stack.endpoint_url, injector.before, injector.after) as address,
                run_function(self.stack, "process-jobs", AWS_ENDPOINT_URL=address) as processor,
                contextlib.suppress(ConnectionLostError),
            ):
                injector.pid = processor.pid
                self.feed(processor, injector, chance)
            with self.lock:
                self.seen["kills"] += injector.killed is not None
                self.seen["throttled calls"] += injector.throttled

    def feed(self, processor: Function, injector: FaultInjector, chance: random.Random) -> None:
        """Passes messages to the processor until it dies or the soak is over."""
        while not self.is_over.is_set():
            answer = self.stack.sqs.receive_message(QueueUrl=self.queue_url, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                self.plan_fault(message, injector, chance)
                event = delivery(message["Body"], message["MessageId"])
                try:
                    answer_of_batch = processor.invoke(event)
                except FunctionDiedError:
                    self.record_death(message["Body"], injector)
                    return
                if answer_of_batch["batchItemFailures"]:
                    self.seen["returned messages"] += 1
                else:
                    receipt = message["ReceiptHandle"]
                    self.stack.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=receipt)

    def record_death(self, body: str, injector: FaultInjector) -> None:
        """Records the death of a processor: a planned one, or one of its own."""
        number = submission_of(body)
        with self.lock:
            if injector.killed:
                self.kills[number] += 1
            else:
                self.deaths.append(body)
        if injector.kills_at_claim:
            job = self.users[0].job(self.job_of(number))
            # The update was no claim if another job held the release.
            self.has_crashed_at_claim = job["status"] == "running"

    def plan_fault(
        self, message: "MessageTypeDef", injector: FaultInjector, chance: random.Random
    ) -> None:
        """Chooses the call at which the processor dies, if any."""
        with self.lock:
            self.seen["deliveries"] += 1
            # Even a small soak has a crashed attempt: one of the first user's, who cancels nothing.
            # A message sent twice may find its job at work, and then claims nothing.
            submission = submission_of(message["Body"])
            owner = json.loads(message["Body"])["created_by"]
            is_apt = owner == self.users[0].id and submission not in self.sent_twice
            at_claim = is_apt and not self.has_crashed_at_claim
            self.has_crashed_at_claim |= at_claim
        dies = chance.random() < KILLS and not at_claim
        number, moment = chance.randrange(2, 12), chance.choice(("before", "after"))
        injector.plan(number if dies else None, moment, at_claim=at_claim)

    def faults(self) -> list[str]:
        """Adds processors that a job has killed, and files that a hostile job has left."""
        twice = [number for number, kills in self.kills.items() if kills > 1]
        self.killed_twice = {self.job_of(number) for number in twice}
        found = super().faults()
        found += [f"the processor died of {body[:200]}" for body in self.deaths]
        for release in (each["release_id"] for each in self.hostile.values()):
            stored = stored_packages(self.stack, release)
            known = known_packages(self.hostile_user, release)
            if stored != known:
                found.append(f"hostile release {release}: stored {stored}, known {known}")
        return found

    def job_faults(self, owners: dict[int, User], job_id: int, item: Item) -> list[str]:
        """Judges a hostile job, and one whose process was killed twice, by rules of their own."""
        owner = owners[int(item["created_by"]["N"])]
        is_hostile, is_killed = owner is self.hostile_user, job_id in self.killed_twice
        if not is_hostile and not is_killed:
            return super().job_faults(owners, job_id, item)
        job, log = owner.job(job_id), owner.log(job_id)
        end = job["error"]["code"] if job["error"] else job["status"]
        with self.lock:
            self.seen[f"{'hostile' if is_hostile else 'killed'} jobs: {end}"] += 1
        return check_job(job, log, item, is_hostile=is_hostile, is_killed=is_killed)

    def p95(self) -> float:
        """Returns the wait from the submission of a job to its start, in seconds.

        It is that of all users but the hostile one, at the 95th percentile.
        """
        usual = [number for number in self.sent if number not in self.hostile]
        with ThreadPoolExecutor(THREADS) as pool:
            waits = [wait for wait in pool.map(self.wait_of, usual) if wait is not None]
        return statistics.quantiles(waits, n=20)[-1]

    def wait_of(self, number: int) -> float | None:
        """Returns how long a submission waited for its start; None if it was cancelled before."""
        owner, _ = self.releases[number % len(self.releases)]
        attempts = owner.job(self.job_of(number))["attempts"]
        if not attempts:
            return None
        return datetime.fromisoformat(attempts[0]["started_at"]).timestamp() - self.sent[number]

    def job_of(self, number: int) -> int:
        """Returns the job of a submission."""
        usual, _ = self.releases[number % len(self.releases)]
        owner = self.hostile_user if number in self.hostile else usual
        [job] = owner.get(f"/api/jobs?idempotency_key=soak-{number}").body["jobs"]
        return int(job["id"])

    def have_all_ended(self) -> bool:
        """Returns whether there is an ended job for every submission."""
        self.hasten()
        return super().have_all_ended()

    def is_tidy(self) -> bool:
        """Returns whether no job is due for the sweeper."""
        self.hasten()
        return not any("due_at" in self.stack.job_item(job) for job in self.job_ids)

    def hasten(self) -> None:
        """In a hurry, makes ended jobs and those of dead runs due, and runs the sweeper.

        A live run writes a heartbeat every four seconds.
        """
        if not self.hurry:
            return
        now = time.time() * 1000
        for item in self.due_items():
            status, lease = item["status"]["S"], item.get("lease_expires_at", {"N": "0"})["N"]
            is_dead = status == "running" and int(lease) - LEASE < now - MAX_SILENCE
            if status in FINAL or is_dead:
                self.stack.expire(item)
        self.stack.sweep()

    def due_items(self) -> list[Item]:
        """Reads the items of the jobs that are due for the sweeper, now or later."""
        items = (self.stack.job_item(job) for job in self.job_ids)
        return [item for item in items if "due_at" in item]

    def items(self) -> dict[int, Item]:
        """Reads the main items of the soak's jobs from the whole table, listed or not."""
        owners = {str(user.id) for user in self.users}
        pages = self.stack.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.table, ConsistentRead=True
        )
        return {
            int(item["pk"]["S"].removeprefix("JOB#")): item
            for page in pages
            for item in page["Items"]
            if item["pk"]["S"].startswith("JOB#")
            and item["sk"]["S"] == "META"
            and item["created_by"]["N"] in owners
        }


def submission_of(body: str) -> int:
    """Returns the number of the submission in a message."""
    key: str = json.loads(body)["idempotency_key"]
    return int(key.removeprefix("soak-"))


def main() -> None:
    """Runs the soak described on the command line."""
    parser = argparse.ArgumentParser(
        description="Run many jobs under kills, throttling, duplicates and cancels, and check them."
    )
    parser.add_argument(
        "--jobs", type=int, default=DEFAULT_JOBS, help="number of jobs (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**9), help="seed of the faults"
    )
    parser.add_argument(
        "--hurry",
        action="store_true",
        help="move due times into the past instead of waiting for them",
    )
    parser.add_argument(
        "--hostile",
        type=float,
        default=HOSTILE,
        help="percent of hostile jobs, in the second half of the jobs (default: %(default)s)",
    )
    arguments = parser.parse_args()
    stack, seed = Stack.load(), arguments.seed
    # Each half is a soak of its own, so that the waits of both can be compared.
    shares = (0.0, arguments.hostile) if arguments.hostile else (0.0,)
    waits = []
    for share in shares:
        count = arguments.jobs // len(shares)
        print(f"Soaking with {count} jobs of {USERS} users, {share:g} % hostile, seed {seed}")
        soak = Soak(stack, count, seed, hurry=arguments.hurry, hostile=share)
        run(soak)
        waits.append(soak.p95())
        print(f"  p95 from submission to start: {waits[-1]:.1f} s", flush=True)
    if len(waits) > 1:
        ratio = waits[1] / waits[0]
        print(f"With hostile jobs, the others waited {ratio:.2f} times as long (goal: {GOAL})")


def run(soak: Soak) -> None:
    """Runs a soak, and prints its totals; ends the process if it finds violations."""
    started = time.monotonic()
    soak.run()
    faults = soak.faults()
    for name, number in soak.seen.items():
        print(f"  {name}: {number}")
    for fault in faults[:MAX_PRINTED_FAULTS]:
        print(f"  violated: {fault}")
    print(f"{len(faults)} violations after {time.monotonic() - started:.0f} s", flush=True)
    if faults:
        sys.exit("error: the soak found violations")


if __name__ == "__main__":
    main()
