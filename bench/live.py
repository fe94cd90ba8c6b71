"""How long people wait on the deployed local system: for a job to start, to stop, and for its log."""

import json
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from runtime import event, running
from support import eventually, someone

STARTS, CANCELS, FOLLOWED = 100, 10, 20
POLLING = 0.02  # seconds between two looks
BOOK = b"Once upon a time\r\n" * 2_000
SIZE = 48 << 20  # bytes of a release whose packaging takes some seconds


def seconds(text):
    """A time of the API's, in seconds."""
    return datetime.fromisoformat(text).timestamp()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def row(report, name, values):
    report.add(f"{name}, median", statistics.median(values) * 1000, "ms")
    report.add(f"{name}, p99", percentile(values, 0.99) * 1000, "ms")


def submit_to_running(user):
    release = user.release({"book.txt": BOOK})

    def start(_):
        return user.run(job_type="analysis", release_id=release)

    # One after another: a queue that has other jobs in it measures these.
    jobs = [start(number) for number in range(STARTS)]
    return [seconds(job["started_at"]) - seconds(job["created_at"]) for job in jobs]


def cancel_to_stopped(user, release):
    """From a cancel to the end of the invocation that was at work on the job, when all is aborted and removed."""
    body = {"job_type": "packaging", "release_id": release, "created_by": user.id, "config_json": {"compression": "high"}}
    request = event("process-jobs")
    request["Records"][0] |= {"body": json.dumps(body), "messageId": f"bench-{time.time_ns()}"}

    def at_work():
        [job] = user.get(f"/api/releases/{release}/jobs?status=running").body["jobs"] or [None]
        return job and user.get(f"/api/jobs/{job['id']}/status").body["step"] == "archive" and job["id"]

    # The deployed table and bucket, and a processor whose end can be seen.
    with running("process-jobs") as invoke, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: (invoke(request), time.time())[1])
        job = eventually(at_work, "the job to compress")
        answer = user.put(f"/api/jobs/{job}/cancel")
        assert answer.status == 200, answer
        return ended.result() - seconds(user.get(f"/api/jobs/{job}/status").body["finished_at"])


def written_to_seen(user):
    """Follows the log of a job as a client does; gives the time that each line took to be seen."""
    job = user.create(job_type="packaging", release_id=user.release({"book.txt": BOOK}, metadata={"title": "A Book"}))
    waited, after = [], ""
    while True:
        page = user.get(f"/api/jobs/{job}/logs{after and f'?after={after}'}").body
        now = time.time()
        waited += [now - seconds(line["timestamp"]) for line in page["logs"]]
        after = page["next_cursor"]
        if page["finished"]:
            return waited
        time.sleep(POLLING)


def live(report):
    """Measures on the system that is up."""
    user = someone()
    row(report, "submit to running", submit_to_running(user))
    release = user.release({"large.bin": random.Random(1).randbytes(SIZE)}, metadata={"title": "A Book"})
    row(report, "cancel to stopped", [cancel_to_stopped(user, release) for _ in range(CANCELS)])
    row(report, "line written to seen", [each for _ in range(FOLLOWED) for each in written_to_seen(user)])
