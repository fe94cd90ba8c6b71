"""Runs the benchmarks (`make bench`): prints a table and writes target/bench/report.json.

A run of all parts writes docs/prices.md too.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from files import measure_files
from live import measure_live
from prices import write_prices
from push import measure_push
from report import Report
from startup import DEPLOYED, measure_startup
from throughput import measure_throughput

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "target/bench/report.json"
LOCAL_BUILD = ROOT / "target/local"
RELEASE_BUILD = ROOT / "target/release"
VENV_LOCAL = ROOT / ".local/venv-local/bin/python"  # with requirements/local.txt
VENV_PYTHON = ROOT / ".local/venv-python/bin/python"  # with requirements/python.txt
DEFAULT_SIZES = (1, 100, 2_048)  # MiB
CARGO_BUILD = ["cargo", "build", "--locked", "--quiet"]
# The same build as in `make bench`, so that shared dependencies are built once.
BENCHMARKS = [*CARGO_BUILD, "--profile", "local", "--workspace", "--bins", "--bench", "*"]
# Parts that count requests, or compare timings taken at the same time: other load does not matter.
COUNTED = ("costs", "growth")
TIMED = ("startup", "handlers", "processing", "live", "push", "files")
TITLES = {
    "costs": "Requests and capacity units of each operation",
    "growth": "The same on growing tables; times are ratios to the smallest table",
    "startup": "Time from the start of the process to its first answer",
    "handlers": "Warm calls relative to the bare SDK call, and requests per second",
    "processing": "Jobs through one processor",
    "live": "Waiting times on the deployed local system",
    "push": "Waiting times over the live channel, beside polling and without watchers",
    "files": "Files: MiB/s, peak memory, and other tools' time relative to ours (more is better)",
}


def start_release_build() -> subprocess.Popen[bytes]:
    """Starts the deployed build of some functions."""
    print("Building some functions for deployment, in the background", flush=True)
    packages = [word for name in ("hello", *DEPLOYED) for word in ("-p", name)]
    return subprocess.Popen([*CARGO_BUILD, "--release", *packages], cwd=ROOT)


def executable(name: str) -> str:
    """Returns the path of a benchmark of the crate `tests`."""
    command = [*BENCHMARKS, "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == name:
            return str(message["executable"])
    raise LookupError(f"cargo built no benchmark {name}")


def run_cargo_bench(report: Report, name: str) -> None:
    """Runs a benchmark of the crate `tests`, which prints each metric as a JSON object."""
    done = subprocess.run(
        [executable(name)], cwd=ROOT / "tests", capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        # The functions log JSON between the metrics.
        if line.startswith("{") and "unit" in (metric := json.loads(line)):
            report.add(**metric)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        report.failed.append(name)


def run_handlers(report: Report) -> None:
    """Measures warm calls in process, and the throughput of deployed programs."""
    run_cargo_bench(report, "handlers")
    measure_throughput(report, RELEASE_BUILD, VENV_PYTHON)


def run_parts(report: Report, names: Sequence[str], sizes: Sequence[int]) -> None:
    """Runs the parts one after the other, and writes the report after each.

    A part that fails does not keep the others from being measured.
    """
    parts: dict[str, Callable[[Report], None]] = {
        "startup": lambda report: measure_startup(report, LOCAL_BUILD, RELEASE_BUILD, VENV_PYTHON),
        "handlers": run_handlers,
        "live": measure_live,
        "push": measure_push,
        "files": lambda report: measure_files(report, RELEASE_BUILD / "process-jobs", sizes),
    }
    for name in names:
        started = time.monotonic()
        report.title(TITLES[name])
        try:
            parts.get(name, partial(run_cargo_bench, name=name))(report)
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            report.failed.append(name)
        report.write(REPORT)
        print(f"  ({time.monotonic() - started:.0f} s)")


def part(name: str) -> str:
    """Returns the name of a part from the command line."""
    if name not in TITLES:
        raise argparse.ArgumentTypeError(f"there is no part {name}")
    return name


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench", description="Run the benchmarks.")
    parser.add_argument(
        "part", nargs="*", type=part, help=f"of {', '.join(TITLES)}; by default all of them"
    )
    parser.add_argument(
        "--mib",
        nargs="+",
        type=int,
        default=DEFAULT_SIZES,
        metavar="N",
        help="sizes of the files in MiB",
    )
    return parser.parse_args()


def main() -> None:
    """Runs the parts on the command line."""
    given, report = arguments(), Report()
    wanted = given.part or list(TITLES)
    if "files" in wanted and not shutil.which("zip"):
        sys.exit("error: zip is missing; install it (Debian: apt-get install zip)")
    counted, timed = ([name for name in names if name in wanted] for names in (COUNTED, TIMED))
    release_build = start_release_build() if timed else None
    if timed:
        subprocess.run([VENV_LOCAL, ROOT / "scripts/local.py", "up"], check=True)
    run_parts(report, counted, given.mib)
    if release_build and release_build.wait():
        sys.exit("error: the deployed build of the functions failed")
    run_parts(report, timed, given.mib)
    if set(wanted) == set(TITLES) and not report.failed:
        report.title("Prices on AWS")
        write_prices(report)
    report.write(REPORT)
    if missed := report.failed + report.outside_limits():
        sys.exit(f"error: failed, or outside their limits: {', '.join(missed)}")


if __name__ == "__main__":
    main()
