"""How many requests a second one warm function answers, one after the other, beside Python's."""

import queue
import subprocess
import time

import startup
from local import aws_environment  # scripts/local.py

SECONDS = 3
ROUTE = startup.SAME_ROUTE
BESIDE = (startup.HELLO, startup.HELLO_SDK, startup.PYTHON)


class Endless:
    """The same event again and again, until it is over."""

    def __init__(self, event):
        self.event, self.over = event, False

    def __bool__(self):
        return not self.over

    def pop(self):
        return self.event


def rate(command, event):
    """Answers a second, once the first has come. Half of the time is this server's own."""
    events = Endless(event)
    with startup.serving(events) as (answers, port):
        variables = aws_environment(port) | startup.VARIABLES | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, close_fds=False)
        try:
            answers.get(timeout=startup.SECONDS)
            time.sleep(SECONDS)
            events.over = True
            count = answers.qsize()
        finally:
            process.kill()
            process.wait()
    assert all(kind == "response" for _, kind, _ in drained(answers)), command
    return count / SECONDS


def drained(answers):
    while True:
        try:
            yield answers.get_nowait()
        except queue.Empty:
            return


def throughput(report, binaries, python):
    started = startup.commands(binaries, python, [ROUTE])
    rates = {name: rate(*started[name]) for name in (ROUTE, *BESIDE)}
    for name, value in rates.items():
        report.add(f"{name}, one instance", value, "requests/s")
    report.add(f"{ROUTE}, to the same route in Python", rates[ROUTE] / rates[startup.PYTHON], "times")
