"""'make bench': measures, prints a table, writes target/bench/report.json and docs/prices.md.

bench [PART ...]   every part without one: costs growth startup handlers processing live files
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "scripts")]

from report import Report  # noqa: E402  (only after the line above)

LOCAL = ROOT / "target/local"
RELEASE = ROOT / "target/release"
PYTHON = ROOT / ".local/venv-python/bin/python"  # with requirements/python.txt
SIZES = (1, 100, 2_048)  # MiB


def cargo(report, name):
    """Runs a benchmark of the crate `tests`, which prints a JSON object a figure."""
    command = ["cargo", "bench", "--locked", "--quiet", "--profile", "local", "-p", "tests", "--bench", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
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


PARTS = (costs, growth, startup, handlers, processing, live, files)


def main():
    report = Report()
    wanted = sys.argv[1:] or [part.__name__ for part in PARTS]
    for part in PARTS:
        if part.__name__ in wanted:
            part(report)
    if not sys.argv[1:]:
        from prices import prices

        report.title("What it costs on AWS")
        prices(report, ROOT / "docs/prices.md")
    report.write(ROOT / "target/bench/report.json")
    if wrong := report.failed + report.over_limit():
        sys.exit(f"error: failed, or over their limit: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
