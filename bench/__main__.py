"""'make bench': measures, prints a table, writes target/bench/report.json and docs/prices.md.

bench [PART ...]   every part without one: costs growth startup handlers processing live files
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "scripts")]

from report import Report  # noqa: E402  (only after the line above)
from startup import DEPLOYED  # noqa: E402

LOCAL = ROOT / "target/local"
RELEASE = ROOT / "target/release"
PYTHON = ROOT / ".local/venv-python/bin/python"  # with requirements/python.txt
SIZES = (1, 100, 2_048)  # MiB


# As `make bench` calls it: in one build with the functions, what both need is built once.
BENCHMARKS = ["cargo", "build", "--locked", "--quiet", "--profile", "local", "--workspace", "--bins", "--bench", "*"]


def deployed():
    """Begins to build some functions as they are deployed to AWS."""
    packages = [part for name in ("hello", *DEPLOYED) for part in ("-p", name)]
    return subprocess.Popen(["cargo", "build", "--locked", "--quiet", "--release", *packages], cwd=ROOT)


def executable(name):
    """The program of a benchmark of the crate `tests`."""
    command = [*BENCHMARKS, "--message-format", "json"]
    messages = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    targets = (json.loads(line) for line in messages.splitlines())
    return next(made["executable"] for made in targets if made.get("target", {}).get("name") == name)


def cargo(report, name):
    """Runs a benchmark of the crate `tests`, which prints a JSON object a figure."""
    done = subprocess.run([executable(name)], cwd=ROOT / "tests", capture_output=True, text=True)
    for line in done.stdout.splitlines():
        # Between them is what functions log.
        if line.startswith("{") and "unit" in (figure := json.loads(line)):
            report.add(**figure)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        report.failed.append(name)


def costs(report):
    report.title("What operations cost, in requests and capacity units")
    cargo(report, "costs")


def growth(report):
    report.title("The same as the table grows; times as ratios to the smallest table")
    cargo(report, "growth")


def startup(report):
    from startup import startup

    report.title("From the start of the process to the first answer")
    startup(report, LOCAL, RELEASE, PYTHON)


def handlers(report):
    from throughput import throughput

    report.title("Warm calls beside the bare call of the SDK, and requests a second")
    cargo(report, "handlers")
    throughput(report, RELEASE, PYTHON)


def processing(report):
    report.title("Jobs through one processor")
    cargo(report, "processing")


def live(report):
    from live import live

    report.title("What people wait for, on the deployed local system")
    live(report)


def files(report):
    from files import files

    report.title("Files: MiB/s, peak resident memory, and how many times as long others take (more is better)")
    sizes = [int(size) for size in os.environ.get("MIB", "").split()] or SIZES
    files(report, RELEASE / "process-jobs", sizes)


COUNTED = (costs, growth)
TIMED = (startup, handlers, processing, live, files)


def measure(report, parts):
    for part in parts:
        begun = time.monotonic()
        part(report)
        print(f"  ({time.monotonic() - begun:.0f} s)")


def main():
    report = Report()
    known = {part.__name__ for part in COUNTED + TIMED}
    wanted = set(sys.argv[1:]) or known
    if unknown := wanted - known:
        sys.exit(f"error: no part is called {', '.join(sorted(unknown))}")
    if "files" in wanted and not shutil.which("zip"):
        sys.exit("error: zip is missing; install it (Debian: apt-get install zip)")
    counted, timed = ([part for part in parts if part.__name__ in wanted] for parts in (COUNTED, TIMED))
    # Meanwhile runs what counts, and whose times are only ratios to others of the same moment.
    building = timed and deployed()
    if timed:
        subprocess.run([sys.executable, ROOT / "scripts/local.py", "up"], check=True)
    measure(report, counted)
    if building and building.wait():
        sys.exit("error: the functions could not be built as they are deployed")
    measure(report, timed)
    if wanted == known:
        from prices import prices

        report.title("What it costs on AWS")
        prices(report, ROOT / "docs/prices.md")
    report.write(ROOT / "target/bench/report.json")
    if wrong := report.failed + report.over_limit():
        sys.exit(f"error: failed, or over their limit: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
