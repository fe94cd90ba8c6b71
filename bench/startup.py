"""Start-up: the time to a function's first answer, and the size of its binary.

The time runs from just before the process starts until its answer arrives. Every function is
compared with a hello world without and with the SDK, and with the same route in Python. The time
until it asks for its event, and its calls to AWS, show where the rest goes.
"""

import itertools
import json
import queue
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from report import Report
from server import ROOT, run_process, serve

EVENTS = ROOT / "tests/fixtures/events"
MIB = 1 << 20
ROUNDS = 15
ANSWER_TIMEOUT = 60  # seconds
HELLO, HELLO_SDK, PYTHON = "hello", "hello-sdk", "python"
PYTHON_ROUTE = "get-job-status"  # the route that PYTHON implements too
# Deployed functions take long to build: one of each kind is measured.
DEPLOYED = (PYTHON_ROUTE, "process-jobs")
MAX_TIMES_HELLO = 1.5
MAX_TIMES_PYTHON = 0.1


class Program(NamedTuple):
    """A function's program, and its event."""

    command: list[str]
    event: bytes


def programs(
    binaries: Path, python: Path, functions: Sequence[str] | None = None
) -> dict[str, Program]:
    """Returns the programs to start by name: all or some functions, and those to compare with."""
    if functions is None:
        functions = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
    event = {name: (EVENTS / f"{name}.json").read_bytes() for name in {*functions, PYTHON_ROUTE}}
    started = {
        name: Program([str(binaries / name)], event[PYTHON_ROUTE]) for name in (HELLO, HELLO_SDK)
    }
    command = [str(python), "-m", "awslambdaric", "handler.handler"]
    started[PYTHON] = Program(command, event[PYTHON_ROUTE])
    return started | {name: Program([str(binaries / name)], event[name]) for name in functions}


class Start(NamedTuple):
    """The seconds of a start until it asks for its event, and until it has answered it."""

    asked: float
    answered: float
    calls: float


def first_answer(program: Program) -> tuple[Start, Any]:
    """Starts a program with its event; returns its times, and its answer."""
    # Each process has its own server: it waits for a second event, and would take another's.
    events = iter([program.event])
    with serve(lambda: next(events, None)) as (answers, port):
        started = time.perf_counter()
        with run_process(program.command, port):
            try:
                answer = answers.get(timeout=ANSWER_TIMEOUT)
            except queue.Empty:
                message = f"{program.command} has not answered within {ANSWER_TIMEOUT} s"
                raise TimeoutError(message) from None
    body = json.loads(answer.body)
    assert answer.kind == "response", (program.command, answer.kind, body)
    status = body.get("statusCode", 200) if isinstance(body, dict) else 200
    assert status < 500, (program.command, body)
    return Start(answer.asked - started, answer.arrived - started, answer.calls), body


def median_starts(started: Mapping[str, Program], rounds: int) -> dict[str, Start]:
    """Returns the medians of each program's starts by name.

    The programs take turns, so that noise affects all of them alike.
    """
    starts: dict[str, list[Start]] = {name: [] for name in started}
    answers: dict[str, Any] = {}
    # The first round loads every file into memory and is not counted.
    for number, (name, program) in itertools.product(range(rounds + 1), started.items()):
        start, answers[name] = first_answer(program)
        if number:
            starts[name].append(start)
    ours, python = (json.loads(answers[name]["body"]) for name in (PYTHON_ROUTE, PYTHON))
    assert ours == python, f"not the same answer: {ours} {python}"
    return {
        name: Start(*(statistics.median(values) for values in zip(*taken, strict=True)))
        for name, taken in starts.items()
    }


def measure_startup(
    report: Report, local: Path, release: Path, python: Path, rounds: int = ROUNDS
) -> None:
    """Measures some functions in their deployed build, and all in the `local` build.

    `python` is an interpreter with requirements/python.txt installed.
    """
    measure(report, "deployed", programs(release, python, DEPLOYED), rounds)
    # get-console reads the page from the folder of its program.
    page = local / "console"
    if not page.exists():
        page.symlink_to(ROOT / "build/get-console/console")
    measure(report, "local", programs(local, python), rounds)


def measure(report: Report, profile: str, started: Mapping[str, Program], rounds: int) -> None:
    """Measures the programs of one build profile."""
    starts = median_starts(started, rounds)
    for name, program in started.items():
        row, start = f"{name} ({profile})", starts[name]
        report.add(row, start.answered * 1000, "ms")
        report.add(f"{row}, until it asks for its event", start.asked * 1000, "ms")
        report.add(f"{row}, calls to AWS for its event", start.calls, "calls")
        if name != PYTHON:
            size = Path(program.command[0]).stat().st_size
            report.add(f"{row}, size", size / MIB, "MiB")
        if name not in (HELLO, HELLO_SDK, PYTHON):
            compare(report, row, start, starts)


def compare(report: Report, row: str, start: Start, starts: Mapping[str, Start]) -> None:
    """Adds the ratios of a function's start to those of the hello worlds and of Python."""
    hello, sdk, python = (starts[name] for name in (HELLO, HELLO_SDK, PYTHON))
    report.add(f"{row}, to the hello world", start.answered / hello.answered, "times")
    goal = {"goal_at_most": MAX_TIMES_HELLO}
    asked, answered = start.asked / sdk.asked, start.answered / sdk.answered
    report.add(f"{row}, until it asks, to hello-sdk", asked, "times", **goal)
    report.add(f"{row}, to hello-sdk", answered, "times", **goal)
    python_times = start.answered / python.answered
    report.add(f"{row}, to Python", python_times, "times", goal_at_most=MAX_TIMES_PYTHON)
