"""Latency on the deployed local system: start of a job, end after a cancel, log lines."""

import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from api import User
from faults import Gate, run_proxy
from report import Report
from runtime import delivery, run_function
from stack import Stack

STARTS, CANCELS, FOLLOWED = 100, 10, 20
POLL_INTERVAL = 0.02  # seconds
BOOK = b"Once upon a time\r\n" * 2_000
LARGE_FILE_BYTES = 48 << 20  # several parts of an upload
START_TIMEOUT = 60  # seconds


def seconds(text: str) -> float:
    """Converts a time from the API to seconds."""
    return datetime.fromisoformat(text).timestamp()


def percentile(values: list[float], share: float) -> float:
    """Returns the value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def add_row(report: Report, name: str, values: list[float]) -> None:
    """Adds the median and the 99th percentile of times in seconds."""
    report.add(f"{name}, median", statistics.median(values) * 1000, "ms")
    report.add(f"{name}, p99", percentile(values, 0.99) * 1000, "ms")


def submit_to_running(user: User, count: int = STARTS) -> list[float]:
    """Runs short jobs; returns the seconds from the creation of each to its start."""
    release = user.create_release({"book.txt": BOOK})
    # One after another: the wait for other jobs in the queue would count too.
    jobs = [user.run_job(job_type="analysis", release_id=release) for _ in range(count)]
    return [seconds(job["started_at"]) - seconds(job["created_at"]) for job in jobs]


def cancel_to_stopped(stack: Stack, user: User, release: int) -> float:
    """Cancels a running job; returns the seconds to its invocation's end, cleanup included."""
    message = {
        "job_type": "packaging",
        "release_id": release,
        "created_by": user.id,
        "config_json": {"compression": "high"},
    }
    event = delivery(message, f"bench-{time.time_ns()}")
    # The job cannot end before it is cancelled: the parts of its archive wait at the gate.
    gate = Gate(lambda call: call.operation == "UploadPart")
    with (
        run_proxy(stack.endpoint_url, before=gate.before) as s3,
        # The deployed table and bucket, and a processor whose end can be seen.
        run_function(stack, "process-jobs", AWS_ENDPOINT_URL_S3=s3) as processor,
        ThreadPoolExecutor(1) as pool,
    ):
        end = pool.submit(lambda: (processor.invoke(event), time.time())[1])
        if not gate.is_held.wait(START_TIMEOUT):
            raise TimeoutError("the job has written no part of its archive")
        job = user.get(f"/api/releases/{release}/jobs?status=running").body["jobs"][0]["id"]
        answer = user.put(f"/api/jobs/{job}/cancel")
        gate.is_open.set()
        assert answer.status == 200, answer
        return end.result() - seconds(user.status(job)["finished_at"])


def written_to_seen(user: User, interval: float = POLL_INTERVAL) -> list[float]:
    """Polls the log of a job like a client; returns the seconds until each line appeared."""
    release = user.create_release({"book.txt": BOOK}, metadata={"title": "A Book"})
    job = user.create_job(job_type="packaging", release_id=release)
    waited: list[float] = []
    after = ""
    while True:
        page = user.get(f"/api/jobs/{job}/logs{after}").body
        now = time.time()
        waited += [now - seconds(line["timestamp"]) for line in page["logs"]]
        after = f"?after={page['next_cursor']}"
        if page["finished"]:
            return waited
        time.sleep(interval)


def measure_live(report: Report) -> None:
    """Measures on the running system."""
    stack = Stack.load()
    user = stack.new_user()
    add_row(report, "submit to running", submit_to_running(user))
    files = {"large.bin": random.Random(1).randbytes(LARGE_FILE_BYTES)}
    release = user.create_release(files, metadata={"title": "A Book"})
    stops = [cancel_to_stopped(stack, user, release) for _ in range(CANCELS)]
    add_row(report, "cancel to stopped", stops)
    lines = [wait for _ in range(FOLLOWED) for wait in written_to_seen(user)]
    add_row(report, "line written to seen", lines)
