"""Throughput: the requests per second of one warm function, sent one after the other."""

import queue
import time
from collections.abc import Iterator
from pathlib import Path

from report import Report
from server import Answer, Answers, run_process, serve
from startup import ANSWER_TIMEOUT, HELLO, HELLO_SDK, PYTHON, PYTHON_ROUTE, Program, programs

SECONDS = 3
MEASURED = (PYTHON_ROUTE, HELLO, HELLO_SDK, PYTHON)


def answers_per_second(program: Program) -> float:
    """Returns the rate after the first answer. Half of the time is spent in the server."""
    is_over = False
    with (
        serve(lambda: None if is_over else program.event) as (answers, port),
        run_process(program.command, port),
    ):
        answers.get(timeout=ANSWER_TIMEOUT)
        time.sleep(SECONDS)
        is_over = True
        count = answers.qsize()
    assert all(answer.kind == "response" for answer in drain(answers)), program.command
    return count / SECONDS


def drain(answers: Answers) -> Iterator[Answer]:
    """Yields the answers received so far."""
    while True:
        try:
            yield answers.get_nowait()
        except queue.Empty:
            return


def measure_throughput(report: Report, binaries: Path, python: Path) -> None:
    """Measures a route, the hello worlds, and the same route in Python."""
    started = programs(binaries, python, [PYTHON_ROUTE])
    rates = {name: answers_per_second(started[name]) for name in MEASURED}
    for name, rate in rates.items():
        report.add(f"{name}, one instance", rate, "requests/s")
    ratio = rates[PYTHON_ROUTE] / rates[PYTHON]
    report.add(f"{PYTHON_ROUTE}, to the same route in Python", ratio, "times")
