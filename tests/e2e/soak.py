"""The soak: thousands of jobs through processors that are killed and throttled, while messages are
delivered twice and users cancel jobs. Afterwards every job and release is checked.

The messages go through a queue of the soak's own. Its pollers feed processors as Lambda does. The
table, the bucket, the sweeper, and the processor that runs rescued jobs are the deployed ones.
"""

import argparse
import contextlib
import json
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from api import FINAL
from faults import Call, ConnectionLostError, Killer, Refusal, run_proxy
from load import CHECK_INTERVAL, USERS, Load
from runtime import Function, FunctionDiedError, delivery, run_function
from stack import Item, Stack
from waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

DEFAULT_JOBS = 2_000
# Shares of the deliveries, calls and jobs.
KILLS, THROTTLED, CANCELS = 0.05, 0.05, 0.05
POLLERS = 3
LEASE = 60_000  # ms of a run's lease
MAX_SILENCE = 30_000  # ms without a heartbeat, fifteen intervals, after which a run counts as dead
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
    """One soak with `count` jobs; `seed` determines its faults."""

    def __init__(self, stack: Stack, count: int, seed: int, *, hurry: bool = False) -> None:
        super().__init__(stack, count, seed)
        self.hurry = hurry
        self.has_crashed_at_claim = False

    def run(self) -> None:
        """Sends the messages, processes them under faults, and waits for the last cleanup."""
        super().run()
        self.stack.sqs.delete_queue(QueueUrl=self.queue_url)
        wait_until(self.is_tidy, "the sweeper to clean up", 400, CHECK_INTERVAL)

    def prepare(self) -> None:
        """Creates the releases and the queue."""
        super().prepare()
        self.queue_url = self.stack.sqs.create_queue(
            QueueName=f"soak-{random.randrange(10**9)}",
            Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT)},
        )["QueueUrl"]

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
                contextlib.suppress(FunctionDiedError, ConnectionLostError),
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
                if processor.invoke(event)["batchItemFailures"]:
                    self.seen["returned messages"] += 1
                else:
                    receipt = message["ReceiptHandle"]
                    self.stack.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=receipt)

    def plan_fault(
        self, message: "MessageTypeDef", injector: FaultInjector, chance: random.Random
    ) -> None:
        """Chooses the call at which the processor dies, if any."""
        with self.lock:
            self.seen["deliveries"] += 1
            # Even a small soak has a crashed attempt: one of the first user's, who cancels nothing.
            owner = json.loads(message["Body"])["created_by"]
            at_claim = not self.has_crashed_at_claim and owner == self.users[0].id
            self.has_crashed_at_claim |= at_claim
        dies = chance.random() < KILLS and not at_claim
        number, moment = chance.randrange(2, 12), chance.choice(("before", "after"))
        injector.plan(number if dies else None, moment, at_claim=at_claim)

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

        A live run sends a heartbeat every two seconds.
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
    arguments, started = parser.parse_args(), time.monotonic()
    print(f"Soaking with {arguments.jobs} jobs of {USERS} users, seed {arguments.seed}", flush=True)
    soak = Soak(Stack.load(), arguments.jobs, arguments.seed, hurry=arguments.hurry)
    soak.run()
    faults = soak.faults()
    for name, number in soak.seen.items():
        print(f"  {name}: {number}")
    for fault in faults[:MAX_PRINTED_FAULTS]:
        print(f"  violated: {fault}")
    print(f"{len(faults)} violations after {time.monotonic() - started:.0f} s")
    if faults:
        sys.exit("error: the soak found violations")


if __name__ == "__main__":
    main()
