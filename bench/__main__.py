"""'make bench': measures, prints a table, writes target/bench/report.json.

bench BINARY [MIB ...]   BINARY is the processor as it is deployed; MIB are the sizes of files
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "scripts")]

from files import files  # noqa: E402  (only after the line above)
from report import Report  # noqa: E402

SIZES = (1, 100, 2_048)


def main():
    binary = Path(sys.argv[1]).resolve()
    report = Report()
    print("Files: MiB/s, peak resident memory, and how many times as long others take (more is better)")
    files(report, binary, [int(size) for size in sys.argv[2:]] or SIZES)
    report.write(ROOT / "target/bench/report.json")
    over = [metric["name"] for metric in report.metrics if metric["value"] > metric.get("limit", metric["value"])]
    if over:
        sys.exit(f"error: over their limit: {', '.join(over)}")


if __name__ == "__main__":
    main()
