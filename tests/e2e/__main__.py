"""Runs the end-to-end tests, each file in a process of its own, some at the same time.

python tests/e2e [test_jobs ...]      all files, or the ones named
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
AT_ONCE = 4


def run(name):
    command = [sys.executable, "-m", "unittest", "-v", name]
    return name, subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("test_*.py"))
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, done in pool.map(run, names):
            print(f"--- {name}\n{done.stdout}", flush=True)
            if done.returncode:
                failed.append(name)
    if failed:
        sys.exit(f"error: tests failed in {', '.join(failed)}")


if __name__ == "__main__":
    main()
