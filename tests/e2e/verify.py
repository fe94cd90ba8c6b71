"""Checks a deployed stack with the caller's own credentials: `make verify STAGE=prod`.

Runs the end-to-end tests that need nothing of this machine, and a load of jobs, as users of its
own. Then it removes what they have made, and reports what passed, what AWS did differently, and
what it cost. The local stack is checked in the same way.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests_sent
from deployment import Deployment, read_deployment
from differences import differences
from load import Load
from local import ROOT
from metrics import PERIOD, WRITES, Metrics, Totals
from removal import Removal
from stack import Stack
from verify_report import Report, numbers, read_junit

FOLDER = ROOT / "target/verify"
DEFAULT_JOBS = 60
WORKERS = 4
# The blocks of user ids: thirteen digits, which no id of a job or release has. They encode the time
# since 2025-01-01, and had thirteen digits in that month only.
BLOCK_SIZE = 10**9
BLOCKS = range(10**12, 10**13, BLOCK_SIZE)
PYTEST_STOPS = 30  # seconds that pytest may take to stop after Ctrl-C
METRICS_DELAY = 300  # seconds until CloudWatch has the metrics of the last minute
METRICS_INTERVAL = 30


class Verification:
    """One verification of a stack."""

    def __init__(self, deployment: Deployment, users: range) -> None:
        self.deployment = deployment
        self.users = users
        self.stack = Stack(deployment.settings, deployment.secret, users)
        self.metrics = Metrics(self.stack, deployment)
        self.report = Report(deployment.arn, self.stack.api_url, (users[0], users[-1]))
        self.has_units = False  # whether this endpoint reports DynamoDB's capacity units

    def run(self, jobs: int, arguments: list[str]) -> None:
        """Runs the tests and the load, and removes what they have made, even after Ctrl-C."""
        started = time.time()
        try:
            self.test(arguments)
            self.report.differences = differences(self.stack)
            self.has_units = self.metrics.totals(started, time.time())[WRITES] is not None
            load_started, load_ended = self.load(jobs)
        finally:
            self.remove()
        self.report.reported = self.settled_totals(started, time.time())
        if units := self.metrics.totals(load_started, load_ended)[WRITES]:
            self.report.units_per_job = units / jobs
        self.report.sent = requests_sent.counts()

    def test(self, arguments: list[str]) -> None:
        """Runs the tests in processes that know only this stack."""
        junit = FOLDER / "junit.xml"
        junit.unlink(missing_ok=True)
        # Only the caller can read the folder: it holds the secret.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "requests").mkdir()
            self.deployment.write(path, self.users)
            pytest = [sys.executable, "-m", "pytest", "-n", str(WORKERS), "-m", "not local"]
            options = [f"--junit-xml={junit}", f"--requests-to={path / 'requests'}"]
            status = run([*pytest, *options, *arguments], os.environ | {"LOCAL_SYSTEM": folder})
            requests_sent.add_counts(path / "requests")
        self.report.tests = read_junit(junit)
        if status and not self.report.tests.failed:
            self.report.faults.append(f"pytest ended with the status {status}")

    def load(self, jobs: int) -> tuple[float, float]:
        """Runs a load, and checks its jobs and releases; returns when it started and ended."""
        self.await_minute()
        started, seed = time.time(), random.randrange(10**9)
        print(f"Running {jobs} jobs through the queue, seed {seed}", flush=True)
        load = Load(self.stack, jobs, seed)
        try:
            load.run()
        except AssertionError as error:
            self.report.faults.append(str(error))
        ended = time.time()
        self.await_minute()
        self.report.faults += load.faults()
        self.report.seen = dict(load.seen)
        repeated = load.seen["duplicates suppressed"] - load.seen["messages sent twice"]
        if repeated > 0:
            self.report.differences.append(f"SQS delivered {repeated} messages more than once")
        return started, ended

    def await_minute(self) -> None:
        """Waits for the next minute, so that the load has minutes of its own in CloudWatch."""
        if self.has_units:
            time.sleep(PERIOD - time.time() % PERIOD)

    def remove(self) -> None:
        """Removes all that the users have made."""
        removal = Removal(self.stack, self.users)
        removal.run()
        self.report.removed = dict(removal.removed)
        print(f"Removed {numbers(removal.removed) or 'nothing'}", flush=True)
        if removal.left:
            self.report.faults.append(
                f"{removal.left} items of its users are left: remove them with "
                f"REMOVE={self.users[0]}"
            )

    def settled_totals(self, start: float, end: float) -> Totals:
        """Returns the totals of CloudWatch; if it reports units, waits until they no longer grow.

        AWS reports them some minutes late.
        """
        totals, deadline = self.metrics.totals(start, end), time.monotonic() + METRICS_DELAY
        while self.has_units and time.monotonic() < deadline:
            print("Waiting for CloudWatch's metrics", flush=True)
            time.sleep(METRICS_INTERVAL)
            before, totals = totals, self.metrics.totals(start, end)
            if totals == before and time.time() > end + 2 * PERIOD:
                break
        return totals


def run(command: list[str], environment: dict[str, str]) -> int:
    """Runs a command; returns its status. Ctrl-C stops it before this process continues."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PYTEST_STOPS)
        process.terminate()
        process.wait()
        raise


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Returns the arguments of the command line, and those for pytest."""
    parser = argparse.ArgumentParser(
        description="Check a deployed stack as new users, and remove what they have made."
    )
    parser.add_argument("stack", help="name of the stack, for example jobs-prod")
    parser.add_argument("--api-url", help="URL of the API, if not the stack's output ApiUrl")
    parser.add_argument(
        "--jobs", type=int, default=DEFAULT_JOBS, help="number of jobs (default: %(default)s)"
    )
    parser.add_argument(
        "--remove",
        type=int,
        metavar="USER",
        help="only remove what a killed verification has left; USER is the first of its users",
    )
    arguments, pytest_arguments = parser.parse_known_args()
    if arguments.remove is not None and arguments.remove not in BLOCKS:
        parser.error(f"{arguments.remove} is not the first user of a verification")
    return arguments, pytest_arguments


def main() -> None:
    """Verifies the stack named on the command line."""
    arguments, pytest_arguments = parse_arguments()
    first = arguments.remove or random.choice(BLOCKS)
    deployment = read_deployment(arguments.stack, arguments.api_url)
    verification = Verification(deployment, range(first, first + BLOCK_SIZE))
    if arguments.remove:
        verification.remove()
        sys.exit("\n".join(verification.report.faults) or None)
    print(f"Verifying {deployment.arn} as users from {first}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C
    try:
        verification.run(arguments.jobs, pytest_arguments)
    except KeyboardInterrupt:
        left = verification.report.faults or ["nothing of it is left"]
        sys.exit(f"error: interrupted; {left[-1]}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    verification.report.write(FOLDER / "report.json")
    print(verification.report)
    sys.exit(1 if verification.report.has_failed else 0)


if __name__ == "__main__":
    main()
