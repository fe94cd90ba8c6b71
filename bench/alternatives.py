"""The price of the same packagings on other systems: Batch, Step Functions, and Celery.

Each does the same work in the same seconds of a vCPU, with the same requests to S3. The bills leave
out what would make the others dearer: addresses and traffic of a VPC, disks, a database for the
state of a job with its progress and log, and servers for an API.
"""

from collections.abc import Iterable, Iterator

from bills import MILLION, PROCESSOR_GB, Bill, Packaging
from file_rows import KIND_MIB

HOUR = 3_600  # seconds
# A task of Batch on Fargate. It is billed from the start of the image's download, for a minute at
# least. A small image takes some 15 s until the program starts.
TASK_GB, START_SECONDS, MIN_TASK_SECONDS = 2, 15, 60
# Of a standard workflow: start, claim, package, record, end.
TRANSITIONS = 5
# Workers for Celery on c7g.large, and their average load: capacity for the peak of a day is idle at
# night. A task's message is sent, received and deleted, and its visibility extended once.
INSTANCE_VCPUS, LOAD, BROKER_CALLS = 2, 0.3, 4


def bill_batch(packaging: Packaging) -> Bill:
    """Returns the bill for a million tasks of AWS Batch on Fargate with one vCPU."""
    bill = Bill("AWS Batch on Fargate")
    bill.add_route(MILLION, 0, "submit")
    seconds = max(MIN_TASK_SECONDS, START_SECONDS + packaging.seconds)
    hours, purpose = MILLION * seconds / HOUR, f"tasks, {seconds:.0f} s each"
    bill.add("Fargate, Linux on arm64, processors", hours, purpose)
    bill.add("Fargate, Linux on arm64, memory", hours * TASK_GB, purpose)
    bill.add_s3(MILLION, packaging.requests, "tasks")
    return bill


def bill_step_functions(packaging: Packaging) -> Bill:
    """Returns the bill for a million standard workflows, each with the work in one function."""
    bill = Bill("Step Functions with Lambda")
    bill.add_route(MILLION, 0, "start")
    transitions = MILLION * TRANSITIONS
    bill.add("Step Functions, standard workflows", transitions, f"{TRANSITIONS} a job")
    bill.add_invocations(MILLION, PROCESSOR_GB, packaging.seconds, "processing")
    bill.add_s3(MILLION, packaging.requests, "processing")
    return bill


def bill_celery(packaging: Packaging) -> Bill:
    """Returns the bill for a million tasks of Celery on instances, with SQS as the broker."""
    bill = Bill(f"Celery on EC2 at {LOAD:.0%} load")
    hours = MILLION * packaging.seconds / HOUR / INSTANCE_VCPUS / LOAD
    bill.add("EC2, c7g.large", hours, f"workers, {packaging.seconds * 1000:.0f} ms a job and vCPU")
    bill.add("SQS, standard queue", MILLION * BROKER_CALLS, "the broker")
    bill.add_s3(MILLION, packaging.requests, "workers")
    return bill


def alternatives(packaging: Packaging) -> list[Bill]:
    """Returns the bills for a million packagings on each of the other systems."""
    return [make(packaging) for make in (bill_batch, bill_step_functions, bill_celery)]


def page_elsewhere(packagings: list[Packaging], ours: list[float]) -> Iterator[str]:
    """Returns the part of docs/prices.md about other systems, with the totals of this one."""
    yield f"""
## The same jobs elsewhere
A million packagings of {KIND_MIB} MiB, with the same seconds of a vCPU and the same requests to S3.
The bill of this system includes its state, progress, log and queue. The others leave out a database
for these, addresses and traffic of a VPC, disks, and servers for an API.

| system | {" | ".join(packaging.kind for packaging in packagings)} |
| --- |{" --- |" * len(packagings)}"""
    others = [alternatives(packaging) for packaging in packagings]
    yield f"| this system | {dollars(ours)} |"
    for bills in zip(*others, strict=True):
        yield f"| {bills[0].name} | {dollars(bill.total for bill in bills)} |"
    yield f"""
- Fargate bills a task from the start of the image's download, for {MIN_TASK_SECONDS} s at least.
  The program is assumed to run after {START_SECONDS} s.
- A standard workflow has {TRANSITIONS} state transitions: start, claim, package, record, end.
- The workers for Celery are there for the busiest hour of a day, and are idle in the others. Jobs
  that may wait for hours need fewer workers.
- A Lambda vCPU, one of Fargate and one of the instance compress equally fast.
"""
    for bill in others[0]:
        yield f"### {bill.name}, {packagings[0].kind}: {bill.total:,.2f}"
        yield from bill.table()
        yield ""


def dollars(amounts: Iterable[float]) -> str:
    """Returns the cells of a row."""
    return " | ".join(f"{amount:,.2f}" for amount in amounts)
