"""One user attacks in every way at once, for HOSTILE_SECONDS; another one works.

Both have a stack of their own, so that all of its items, messages, logs and metrics are theirs.
"""

import contextlib
import json
import os
import re
import statistics
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import local
from hostile import HostileUser, Victim
from hostile_files import KIB
from own_stack import local_port, own_stack
from removal import MESSAGE_COUNTS
from soak_checks import CRASHED, INTERNAL_CODES, check_release, known_packages, stored_packages
from stack import Item, Stack
from waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.xdist_group("hostile")]

NAME = "jobs-hostile"
SECONDS = float(os.environ.get("HOSTILE_SECONDS") or 30)
# Two of four places are left to the other users.
PARAMETERS = {"MaximumConcurrency": "4", "UserRunningLimit": "2"}
OPEN = ("draft", "pending", "running")
TIDY_TIMEOUT = 300  # seconds until the queues are empty and the sweeper has cleaned up
CLEANUP_TIMEOUT = 10  # seconds in which a run that has stopped removes its files
READER_MEMORY = 256  # MiB: the limit of a child process, `MAX_MEMORY_BYTES` in isolation.rs
PROCESSOR_MEMORY = 512  # MiB: the smallest that the template allows
START_GOAL = 2  # seconds from the submission of a small job to its start; reported, not asserted
# A line of the platform; any other that is not JSON is the last word of a process.
PLATFORM = re.compile(r"(START|END|REPORT|INIT_START) ")
# Failures that no file may cause.
OWN_CODES = INTERNAL_CODES | {CRASHED}
OWN_METRICS = {"JobsFailedInternally", "JobsRescued"}


@dataclass
class Attack:
    """What is left of an attack: both users, and the waits of the other one's jobs."""

    stack: Stack
    hostile: HostileUser
    victim: Victim
    jobs: list[Any] = field(default_factory=list)  # details of the victim's jobs
    peaks: dict[int, int] = field(default_factory=dict)  # peak memory of each processor, in KiB

    def work(self, is_over: threading.Event) -> None:
        """Runs the victim's small jobs, one after the other."""
        while not is_over.is_set():
            job = self.victim.user.run_job(job_type="analysis", release_id=self.victim.release)
            self.jobs.append(job)
            self.peaks |= processor_peaks()

    def waits(self) -> list[float]:
        """Returns the seconds from the submission of each of the victim's jobs to its start."""
        return [
            (time_of(job["started_at"]) - time_of(job["created_at"])).total_seconds()
            for job in self.jobs
        ]

    def items(self) -> list[Item]:
        """Reads the whole table."""
        pages = self.stack.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.table, ConsistentRead=True
        )
        return [item for page in pages for item in page["Items"]]

    def job_items(self) -> list[Item]:
        """Reads the main item of every job."""
        items = self.items()
        return [each for each in items if each["pk"]["S"].startswith("JOB#") and is_main(each)]

    def messages(self) -> dict[str, int]:
        """Returns how many messages each queue has."""
        stack = self.stack
        urls = (stack.queue_url, stack.exhausted_queue_url, stack.dead_letter_queue_url)
        return {url.rsplit("/", 1)[-1]: self.count(url) for url in urls}

    def count(self, queue_url: str) -> int:
        """Returns the number of a queue's messages."""
        attributes = self.stack.sqs.get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["All"]
        )["Attributes"]
        return sum(int(text) for name, text in attributes.items() if name in MESSAGE_COUNTS)

    def sweep(self) -> bool:
        """Runs the sweeper on every job that is due, now or later; returns whether none is."""
        due = [item for item in self.job_items() if "due_at" in item]
        for item in due:
            self.stack.expire(item)
        self.stack.sweep()
        return not due

    def log_lines(self) -> Iterator[tuple[str, str]]:
        """Reads every line that a function has logged, with the name of its group."""
        logs = self.stack.session.client("logs", endpoint_url=self.stack.endpoint_url)
        groups = logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=f"/aws/lambda/{NAME}-"
        )
        for group in [each["logGroupName"] for page in groups for each in page["logGroups"]]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for page in pages:
                yield from ((group, event["message"]) for event in page["events"])


def time_of(text: str) -> datetime:
    """Reads a time of the API."""
    return datetime.fromisoformat(text)


def is_main(item: Item) -> bool:
    """Returns whether an item is the main one of its job or release."""
    return item["sk"]["S"] == "META"


def processor_peaks() -> dict[int, int]:
    """Returns the peak of the resident memory of each process of the processor, in KiB."""
    peaks = {}
    name = f"AWS_LAMBDA_FUNCTION_NAME={NAME}-process-jobs".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            # A reader in a child process has no environment.
            if name in (process / "environ").read_bytes().split(b"\0"):
                [peak] = re.findall(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                peaks[int(process.name)] = int(peak)
    return peaks


@pytest.fixture(scope="module")
def attack() -> Iterator[Attack]:
    """An attack that is over."""
    with own_stack(local_port(), NAME, **PARAMETERS) as stack:
        user = stack.new_user()
        release = user.create_release({"book.txt": b"Once upon a time\r\n"})
        first = user.run_job(job_type="analysis", release_id=release)
        victim = Victim(user, release, int(first["id"]))
        done = Attack(stack, HostileUser(stack, victim, SECONDS), victim)
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(done.work, done.hostile.is_over)
            try:
                done.hostile.run()
            finally:
                done.hostile.is_over.set()
            work.result()
        yield done


def test_other_users_jobs_complete(attack: Attack, record_property: Any) -> None:
    assert [job for job in attack.jobs if job["status"] != "completed"] == []
    waits = sorted(attack.waits())
    p95 = statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]
    found = f"{len(waits)} jobs of the other user: p95 {p95:.2f} s, at most {waits[-1]:.2f} s"
    print(f"{found} from submission to start (goal {START_GOAL} s)")
    record_property("p95_seconds_to_start", round(p95, 2))
    for name, count in sorted(attack.hostile.answers.items()):
        print(f"  {name}: {count}")


def test_no_request_breaks_the_api_or_reaches_others(attack: Attack) -> None:
    assert attack.hostile.faults == []


def test_every_hostile_job_ends_by_itself(attack: Attack) -> None:
    """A job fails with a code that its owner can act on, completes, or was cancelled."""
    found = {}
    for job_id, kind in attack.hostile.ends.items():
        job = attack.hostile.user.job(job_id)
        ends = [job["error"], *(attempt["error"] for attempt in job["attempts"])]
        codes = {end["code"] for end in ends if end}
        crashed = "crashed" in [attempt["outcome"] for attempt in job["attempts"]]
        if codes & OWN_CODES or crashed:
            found[kind] = (job["status"], codes, job["attempts"])
    assert found == {}


def test_cancelled_runs_stop_in_time(attack: Attack) -> None:
    stopped = {}
    for _, line in attack.log_lines():
        if '"run was fenced off"' in line:
            event = json.loads(line)
            stopped[int(event["job_id"])] = time_of(event["timestamp"])
    late = {}
    for job, stops_by in attack.hostile.stops.items():
        last = time_of(stops_by) + timedelta(seconds=CLEANUP_TIMEOUT)
        if job not in stopped or stopped[job] > last:
            late[job] = (attack.hostile.ends.get(job), stops_by, stopped.get(job))
    print(f"{len(attack.hostile.stops)} jobs were cancelled at work")
    assert (late, bool(stopped)) == ({}, True)


def test_processor_and_its_reader_stay_within_their_memory(attack: Attack) -> None:
    peak = max(attack.peaks.values()) / KIB
    print(f"peak of {len(attack.peaks)} processors: {peak:.0f} MiB without the reader")
    assert peak + READER_MEMORY < PROCESSOR_MEMORY


def test_nothing_is_left(attack: Attack) -> None:
    wait_until(attack.sweep, "the sweeper to clean up", TIDY_TIMEOUT, 1)
    assert [item["pk"] for item in attack.job_items() if item["status"]["S"] in OPEN] == []
    wait_until(lambda: not any(attack.messages().values()), "empty queues", TIDY_TIMEOUT, 1)
    uploads = attack.stack.s3.list_multipart_uploads(Bucket=attack.stack.bucket)
    assert uploads.get("Uploads", []) == []
    user = attack.hostile.user
    releases = {job["release_id"] for job in user.jobs() if job["release_id"]}
    for release in releases:
        assert stored_packages(attack.stack, release) == known_packages(user, release), release


def test_nothing_is_locked(attack: Attack) -> None:
    assert check_release(attack.stack, attack.victim.user, attack.victim.release) == []
    release = attack.hostile.release
    assert check_release(attack.stack, attack.hostile.user, release) == []


def test_no_alarm_blames_the_system(attack: Attack) -> None:
    """The alarms of `monitoring.yaml` read these metrics and queues."""
    found = []
    for group, line in attack.log_lines():
        if PLATFORM.match(line) or not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            found.append(f"{group}: {line}")
            continue
        is_own = any(event.get(name) for name in OWN_METRICS)
        if is_own or event.get("level") == "ERROR":
            found.append(f"{group}: {event.get('message')}: {line[:500]}")
    assert found == []
    assert failed_invocations(attack.stack) == {}


def failed_invocations(stack: Stack) -> dict[str, float]:
    """Returns how many invocations of each function have failed, as Lambda counts them."""
    now = datetime.now(UTC)
    cloudwatch = stack.session.client("cloudwatch", endpoint_url=stack.endpoint_url)
    failed = {}
    for function in sorted(path.name for path in (local.ROOT / "functions").iterdir()):
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": f"{NAME}-{function}"}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=2),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        if total := sum(point["Sum"] for point in points):
            failed[function] = total
    return failed
