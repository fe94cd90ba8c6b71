"""The pace of a run's writes: four times a second while its job is watched, else once."""

import itertools
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import User
from faults import Call, StartProxy
from live_client import open_socket
from runtime import PROCESSED, StartFunction, delivery
from waiting import wait_until

FILES = {f"{number:02}.txt": b"Hello\r\n" for number in range(20)}
FILE_TIME = 0.15  # seconds in which S3 answers for one file
# An unwatched run looks once a second for something to write, a watched one every 250 ms.
UNWATCHED_GAP, WATCHED_GAP = 0.9, 0.7  # seconds, with time for a busy machine


class SlowFiles:
    """Answers the reads of files one after another, slowly, once they are let through.

    So the progress of the run changes several times between two of its writes.
    """

    def __init__(self) -> None:
        self.is_held = threading.Event()
        self.is_open = threading.Event()
        self.lock = threading.Lock()
        self.writes: list[float] = []

    def before(self, call: Call) -> None:
        """Delays the reads of files, and notes the times of the updates."""
        if call.operation == "GetObject":
            self.is_held.set()
            self.is_open.wait()
            with self.lock:
                time.sleep(FILE_TIME)
        elif call.operation == "UpdateItem":
            self.writes.append(time.monotonic())


def gap_of_writes(
    owner: User, start_proxy: StartProxy, start_function: StartFunction, *, is_watched: bool
) -> float:
    """Runs a job; returns the median of the seconds between two writes of its progress."""
    files = SlowFiles()
    processor = start_function("process-jobs", AWS_ENDPOINT_URL=start_proxy(before=files.before))
    release = owner.create_release(FILES, metadata={"title": "A Book"})
    message = {"job_type": "packaging", "created_by": owner.id, "release_id": release}
    with ThreadPoolExecutor(1) as pool, open_socket(owner) as socket:
        run = pool.submit(processor.invoke, delivery(message, f"pace-{release}"))
        try:
            assert files.is_held.wait(60)
            [job] = owner.get(f"/api/releases/{release}/jobs").body["jobs"]
            if is_watched:
                assert socket.ask(action="subscribe", job_id=job["id"])["type"] == "snapshot"
            # The run learns from the answer to its next write whether it is watched.
            written = len(files.writes)
            wait_until(lambda: len(files.writes) > written + 1, "two writes of the held run")
            first = len(files.writes)
        finally:
            files.is_open.set()
        assert run.result() == PROCESSED
    assert owner.job(job["id"])["status"] == "completed"
    times = files.writes[first:]
    return statistics.median(end - start for start, end in itertools.pairwise(times))


@pytest.mark.slow
def test_watched_run_writes_its_progress_more_often(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    unwatched = gap_of_writes(owner, start_proxy, start_function, is_watched=False)
    assert unwatched > UNWATCHED_GAP
    watched = gap_of_writes(owner, start_proxy, start_function, is_watched=True)
    assert watched < WATCHED_GAP
