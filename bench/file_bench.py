"""Jobs on files: the processor's program, the table of the local system, and files in a folder."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from api import User
from report import Report
from runtime import PROCESSED, Function, delivery, run_function
from s3 import Folder
from sample_files import MIB
from stack import Stack

# The memory of the function in MB (the template's default, and one for small jobs), and the limits
# of its resident memory in MiB, for files of any size.
DEFAULT_MEMORY, SMALL_MEMORY = 1_769, 256
MEMORY_LIMITS = {DEFAULT_MEMORY: 512, SMALL_MEMORY: 128}
VOLUME_SIZE = 700 * MIB
JOB_TIMEOUT = 1_800  # seconds
RELEASE_NAME = "Bench.Mark-GRP"
ZIP_OPTIONS = {"store": "-0", "normal": "-6"}
# zip's seconds to ours on two cores or more: each compresses a part of the file.
MIN_SPEED_UP, MIN_CORES = 1.8, 2
RUNS = 2  # of a comparison with a bound: the faster one has less of other load
PYTHON_ZIP = """
import sys, zipfile
kind = zipfile.ZIP_STORED if sys.argv[1] == "store" else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w", kind, allowZip64=True) as made:
    made.write(sys.argv[3], "book.bin")
"""


class Machine(NamedTuple):
    """The part of this machine that a function may use."""

    memory: int = DEFAULT_MEMORY  # in MB, as the function's environment has it
    is_one_core: bool = False


class Done(NamedTuple):
    """A completed job."""

    seconds: float
    memory: float  # the processor's peak resident memory in MiB
    result: Any


class Zipped(NamedTuple):
    """An archive of another program."""

    seconds: float
    size: int


class FileBench:
    """Runs jobs on the files of a folder that an S3 server serves."""

    def __init__(
        self, report: Report, binary: Path, folder: Folder, address: str, scratch: Path
    ) -> None:
        self.report = report
        self.binary = binary
        self.folder = folder
        self.address = address
        self.scratch = scratch
        self.stack = Stack.load()
        self.user: User = self.stack.new_user()

    def start_processor(self, machine: Machine) -> AbstractContextManager[Function]:
        """Starts a new processor for each job, so that its memory can be measured."""
        return run_function(
            self.stack,
            "process-jobs",
            binary=self.binary,
            answer_timeout=JOB_TIMEOUT,
            time_limit=JOB_TIMEOUT,
            prefix=("taskset", "--cpu-list", first_core()) if machine.is_one_core else (),
            AWS_ENDPOINT_URL_S3=self.address,
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(machine.memory),
            BUCKET_NAME="bench",
            TMPDIR=str(self.folder.root),
            RUST_LOG="error",
        )

    def run_job(
        self, release: int, job_type: str, machine: Machine | None = None, **config: Any
    ) -> Done:
        """Runs a job in a new processor. The folder counts the requests of the newest job."""
        self.folder.requests.clear()
        message = {
            "job_type": job_type,
            "release_id": release,
            "config_json": config,
            "created_by": self.user.id,
        }
        event = delivery(message, f"bench-{time.time_ns()}")
        with self.start_processor(machine or Machine()) as processor:
            started = time.monotonic()
            assert processor.invoke(event) == PROCESSED
            seconds = time.monotonic() - started
            memory = peak_memory(processor.pid)
        [job] = self.user.get(f"/api/releases/{release}/jobs?limit=1").body["jobs"]
        assert job["status"] == "completed", job
        return Done(seconds, memory, self.user.job(job["id"])["result"])

    def package(
        self, release: int, compression: str, machine: Machine | None = None, runs: int = 1
    ) -> Done:
        """Packages the files of a release; returns the least seconds and the most memory."""
        config = {
            "release_name": RELEASE_NAME,
            "compression": compression,
            "volume_size": VOLUME_SIZE,
        }
        jobs = [self.run_job(release, "packaging", machine, **config) for _ in range(runs)]
        seconds, memory = min(job.seconds for job in jobs), max(job.memory for job in jobs)
        return Done(seconds, memory, jobs[-1].result)

    def source(self, release: int, name: str) -> Path:
        """Returns the path of a source file of a release."""
        return self.folder.path(f"releases/{release}/source/{name}")

    def archive(self) -> Path:
        """Returns the path of the newest archive."""
        archives = [key for key in self.folder.keys("") if key.endswith(f"{RELEASE_NAME}.zip")]
        return max(map(self.folder.path, archives), key=lambda path: path.stat().st_mtime_ns)

    def check_archive(self, size: int) -> None:
        """Checks that Python's zipfile accepts the newest archive, with a file of this size."""
        with zipfile.ZipFile(self.archive()) as opened:
            assert size in [entry.file_size for entry in opened.infolist()]
            assert opened.testzip() is None

    def add_memory(self, row: str, done: Done, machine: Machine | None = None) -> None:
        """Reports the peak memory of a job."""
        limit = MEMORY_LIMITS[(machine or Machine()).memory]
        self.report.add(f"{row}, resident memory", done.memory, "MiB", limit=limit)

    def add_speed_up(self, row: str, zipped: Zipped, done: Done) -> None:
        """Reports zip's seconds to ours, with a minimum if there is more than one core."""
        name, times = f"{row}, zip's seconds to ours", zipped.seconds / done.seconds
        if core_count() >= MIN_CORES:
            self.report.add(name, times, "times", at_least=MIN_SPEED_UP)
        else:
            self.report.note("Only one core: the next row has no minimum")
            self.report.add(name, times, "times")

    def empty(self) -> None:
        """Removes all objects."""
        for path in self.folder.root.iterdir():
            path.unlink()


def core_count() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def first_core() -> str:
    """Returns the number of a core that this process may use."""
    return str(min(os.sched_getaffinity(0)))


def peak_memory(pid: int) -> float:
    """Returns the peak resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def seconds_of(command: Sequence[str]) -> float:
    """Runs a command and returns its duration in seconds."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def run_zip(source: Path, folder: Path, compression: str, runs: int = 1) -> Zipped:
    """Returns the least time of some runs of zip on a file, and the size of the archive."""
    made = folder / "other.zip"
    command = ["zip", "-q", ZIP_OPTIONS[compression], str(made), str(source)]
    seconds = float("inf")
    for _ in range(runs):
        made.unlink(missing_ok=True)  # zip would update it
        seconds = min(seconds, seconds_of(command))
    size = made.stat().st_size
    made.unlink()
    return Zipped(seconds, size)


def python_zip_seconds(source: Path, folder: Path, compression: str) -> float:
    """Returns the seconds that Python's zipfile takes for a file."""
    made = folder / "other.zip"
    seconds = seconds_of([sys.executable, "-c", PYTHON_ZIP, compression, str(made), str(source)])
    made.unlink()
    return seconds
