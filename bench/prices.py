"""The price of jobs, polls, pushes, events and an idle system on AWS.

`make bench` writes the values that it measures to bench/measured.json, and docs/prices.md.
`python3 bench/prices.py` writes the page from that file and the templates, and measures nothing.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from report import Report

# List prices of us-east-1 in US dollars, without free tiers and discounts.
DATE = "2026-11-25"
PRICES = {
    "API Gateway, HTTP API": (1.00, "million requests"),
    "API Gateway, WebSocket, messages": (1.00, "million messages of up to 32 KB"),
    "API Gateway, WebSocket, connections": (0.25, "million minutes"),
    "EventBridge, own events": (1.00, "million events of up to 64 KB"),
    "Lambda, requests": (0.20, "million requests"),
    "Lambda, arm64": (0.0000133334, "GB-second"),
    "DynamoDB, on demand, writes": (0.625, "million units"),
    "DynamoDB, on demand, reads": (0.125, "million units"),
    "SQS, fair queue": (0.50, "million requests"),
    "S3, PUT, COPY, POST, LIST": (5.00, "million requests"),
    "S3, GET": (0.40, "million requests"),
    "CloudWatch Logs": (0.50, "GB"),
    "CloudWatch, alarms": (0.10, "metric of an alarm and month"),
    "CloudWatch, metrics": (0.30, "metric and month"),
    "CloudWatch, dashboards": (3.00, "dashboard and month"),
    "Secrets Manager": (0.40, "secret and month"),
    "DynamoDB, storage": (0.25, "GB and month"),
    "DynamoDB, point-in-time recovery": (0.20, "GB and month"),
    "S3, storage": (0.023, "GB and month"),
    "CloudWatch Logs, storage": (0.03, "GB and month"),
}
ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "bench/measured.json"
PAGE = ROOT / "docs/prices.md"
MILLION = 1_000_000
ROUTE_GB, PROCESSOR_GB = 256 / 1024, 1769 / 1024  # memory in the template
# Assumptions, on the high side, about values that cannot be measured here.
DYNAMODB_SECONDS = 0.006  # that a function waits for an answer from DynamoDB
ROUTE_SECONDS = 0.002  # that a route takes in addition
LOG_BYTES = 700  # per invocation
SQS_CALLS = 3  # per message: send, receive, delete
S3_READS = 3  # per source file of up to 8 MiB, besides the listing
PART_MIB = 8  # of a source file per read, and of an upload per part
UNCACHED_SHARE = 0.05  # of the requests that reach the authorizer: API Gateway caches its answers
HEARTBEAT_SECONDS = 2
POST_SECONDS = 0.02  # that a function waits until API Gateway or EventBridge has taken a message
# A job that a person watches.
BUSY_CHANGES, CALM_CHANGES = 30, 6  # in a minute that the person sees
POLL_SECONDS = 1  # `poll_after` of a running job
FALLBACK_SECONDS = 5  # between the polls of a client without a connection
VISIT_MINUTES = 10  # for which a connection stays open
PING_MINUTES = 5  # between the pings of an idle connection
QUIET_MINUTES = 1  # of a quiet job, after which the client asks once
BENCH_MIB = 100  # size of the packaged file
MINUTES = 30 * 24 * 60  # of a month
SHARDS = 16  # that an idle sweep queries, in shared/store/src/keys.rs
SWEEP_SECONDS = 0.1  # of an idle sweep
POLLS = 15  # of an idle queue a minute: five connections of Lambda, 20 seconds each
QUEUES = 2  # that have a function
OWN_METRICS = 24  # JobsEnded by 6 types and 2 ends, JobsDeferred by 4 reasons, 8 others
# The example: jobs a month, status polls of each, and months that files, jobs and logs are kept.
EXAMPLE_JOBS, EXAMPLE_POLLS = 10_000, 100
FILE_MONTHS, JOB_MONTHS, LOG_MONTHS = 12, 3, 1
JOB_KB = 5  # of a job with its log, and its entries in the indexes
GIB = 1.073741824  # GB

# The measured values that the bills need: costs of operations, and a speed in MiB/s.
CREATE, RUN, STATUS = "create", "a package's job", "status"
TICKET, CONNECT, DISCONNECT = "a ticket", "a connection", "the end of a connection"
WATCH, WATCHERS = "a watch of a job", "those who watch a job"
LIVE = (TICKET, CONNECT, WATCH, DISCONNECT)
OPERATIONS = (CREATE, RUN, STATUS, *LIVE, WATCHERS)
PACKAGING = f"packaging (normal) {BENCH_MIB} MiB"

# Returns a measured cost of an operation: its `requests`, `read units` or `write units`.
Cost = Callable[[str, str], float]


class Line(NamedTuple):
    """A line of a bill."""

    item: str
    purpose: str
    quantity: float
    dollars: float


class Bill:
    """The quantities of all billed items."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []

    def add(self, item: str, quantity: float, purpose: str) -> None:
        """Adds a quantity of an item of `PRICES`."""
        price, unit = PRICES[item]
        divisor = MILLION if unit.startswith("million") else 1
        self.lines.append(Line(item, purpose, quantity, price * quantity / divisor))

    def add_route(self, count: int, dynamodb_requests: float, purpose: str) -> None:
        """Adds `count` requests to a route, each with this many requests to DynamoDB."""
        seconds = ROUTE_SECONDS + dynamodb_requests * DYNAMODB_SECONDS
        self.add("API Gateway, HTTP API", count, purpose)
        self.add_invocations(count, ROUTE_GB, seconds, purpose)
        uncached = count * UNCACHED_SHARE
        self.add_invocations(uncached, ROUTE_GB, ROUTE_SECONDS, f"{purpose}, authorizer")

    def add_invocations(self, count: float, gb: float, seconds: float, purpose: str) -> None:
        """Adds invocations of a function with `gb` of memory, and their log."""
        self.add("Lambda, requests", count, purpose)
        duration = f"{purpose}, {seconds * 1000:.0f} ms each"
        self.add("Lambda, arm64", count * gb * seconds, duration)
        self.add("CloudWatch Logs", count * LOG_BYTES / 1e9, purpose)

    def add_units(self, reads: float, writes: float, purpose: str) -> None:
        """Adds capacity units of DynamoDB."""
        self.add("DynamoDB, on demand, reads", reads, purpose)
        self.add("DynamoDB, on demand, writes", writes, purpose)

    @property
    def total(self) -> float:
        """The sum of the bill in dollars."""
        return sum(line.dollars for line in self.lines)


def bill_polls(cost: Cost) -> Bill:
    """Returns the bill for a million status polls."""
    bill = Bill("A million status polls")
    bill.add_route(MILLION, cost(STATUS, "requests"), "polls")
    bill.add_units(MILLION * cost(STATUS, "read units"), 0, "polls")
    return bill


def bill_jobs(cost: Cost, seconds: float) -> Bill:
    """Returns the bill for a million jobs that each package a file in this many seconds."""
    bill = Bill(f"A million packaging jobs of {BENCH_MIB} MiB each")
    bill.add_route(MILLION, cost(CREATE, "requests"), "create")
    reads, writes = cost(CREATE, "read units"), cost(CREATE, "write units")
    bill.add_units(MILLION * reads, MILLION * writes, "create")
    bill.add("SQS, fair queue", MILLION * SQS_CALLS, "one message a job")
    busy = seconds + cost(RUN, "requests") * DYNAMODB_SECONDS
    bill.add_invocations(MILLION, PROCESSOR_GB, busy, "processing")
    # A heartbeat is one write of two units with the log lines of its time.
    beats = seconds / HEARTBEAT_SECONDS
    writes = cost(RUN, "write units") + 2 * beats
    bill.add_units(MILLION * cost(RUN, "read units"), MILLION * writes, "processing")
    parts = -(-BENCH_MIB // PART_MIB)
    bill.add("S3, GET", MILLION * (S3_READS + parts), "source file")
    # A listing; the creation and the end of an upload, its parts; NFO, DIZ and SFV.
    calls = MILLION * (1 + 2 + parts + 3)
    bill.add("S3, PUT, COPY, POST, LIST", calls, "listing, upload, NFO, DIZ and SFV")
    return bill


def bill_polled_minutes(cost: Cost, seconds: int) -> Bill:
    """Returns the bill for a million minutes in which a client polls the log of a running job."""
    bill = Bill(f"A million watched job-minutes by polling every {seconds} s")
    polls = MILLION * 60 // seconds
    bill.add_route(polls, cost(STATUS, "requests"), "polls")
    bill.add_units(polls * cost(STATUS, "read units"), 0, "polls")
    # A poll that finds new lines also reads them.
    found = MILLION * min(BUSY_CHANGES, 60 // seconds)
    bill.add_units(found * 0.5, 0, "new lines")
    return bill


def bill_pushed_minutes(cost: Cost, changes: int) -> Bill:
    """Returns the bill for a million minutes in which a connection follows a running job."""
    kind = f"with {changes} changes a minute" if changes else "of a quiet job"
    bill = Bill(f"A million watched job-minutes by push, {kind}")
    bill.add("API Gateway, WebSocket, connections", MILLION, "one connection for the job")
    visits = MILLION // VISIT_MINUTES
    bill.add_route(visits, cost(TICKET, "requests"), f"a ticket every {VISIT_MINUTES} minutes")
    reads = sum(cost(operation, "read units") for operation in LIVE)
    writes = sum(cost(operation, "write units") for operation in LIVE)
    # The first push without a watcher reads the watchers, and removes the mark.
    reads, writes = reads + cost(WATCHERS, "read units"), writes + 1
    bill.add_units(visits * reads, visits * writes, "tickets, connections and watches")
    calls = cost(WATCH, "requests") * DYNAMODB_SECONDS + POST_SECONDS
    bill.add_invocations(visits * 4, ROUTE_GB, calls, "authorizer, open, subscribe, close")
    bill.add("API Gateway, WebSocket, messages", visits * 2, "subscribe and its answer")
    pushes = MILLION * changes
    if pushes:
        bill.add("API Gateway, WebSocket, messages", pushes, "pushes")
        push = 2 * DYNAMODB_SECONDS + POST_SECONDS
        bill.add_invocations(pushes, ROUTE_GB, push, "push-updates, one a change")
        reads = cost(WATCHERS, "read units") + 0.5
        bill.add_units(pushes * reads, 0, "watchers and new lines")
    else:
        pings = MILLION / PING_MINUTES
        bill.add("API Gateway, WebSocket, messages", pings * 2, "pings and their answers")
        bill.add_invocations(pings, ROUTE_GB, POST_SECONDS, "pings")
        asked = MILLION // QUIET_MINUTES
        bill.add_route(asked, cost(STATUS, "requests"), "one question a minute")
        bill.add_units(asked * cost(STATUS, "read units"), 0, "one question a minute")
    return bill


def bill_events(cost: Cost) -> Bill:
    """Returns the bill for a million events of jobs, each in an invocation of its own."""
    bill = Bill("A million events")
    bill.add("EventBridge, own events", MILLION, "the events; their delivery to a queue is free")
    seconds = DYNAMODB_SECONDS + POST_SECONDS
    bill.add_invocations(MILLION, ROUTE_GB, seconds, "publish-events, one an event")
    # Those who watch the owner's jobs, and those who watch all.
    bill.add_units(MILLION * 2 * cost(WATCHERS, "read units"), 0, "watchers of lists")
    return bill


def count(pattern: str, file: str) -> int:
    """Returns the number of lines of a file that match a pattern."""
    return len(re.findall(f"^{pattern}$", (ROOT / file).read_text(), re.MULTILINE))


def bill_fixed() -> Bill:
    """Returns the bill for a month without a job, a request or a stored byte."""
    bill = Bill("Fixed costs a month")
    # An alarm has a metric of its own, or several in an expression.
    metrics = count("      MetricName: .*", "monitoring.yaml") + count(
        "          MetricStat:", "monitoring.yaml"
    )
    bill.add("CloudWatch, alarms", metrics, "every alarm, some with a metric for each index")
    bill.add("CloudWatch, dashboards", 1, "the dashboard")
    bill.add("Secrets Manager", 1, "the tokens' secret")
    bill.add_invocations(MINUTES, ROUTE_GB, SWEEP_SECONDS, "the sweeper, each minute")
    bill.add_units(MINUTES * SHARDS / 2, 0, "the sweeper")
    bill.add("SQS, fair queue", QUEUES * POLLS * MINUTES, "Lambda asks the queues")
    return bill


def bill_example(polls: Bill, jobs: Bill) -> Bill:
    """Returns the bill for a month of a small system that has kept its files for a while."""
    bill = Bill(
        f"An example: {EXAMPLE_JOBS:,} packaging jobs of {BENCH_MIB} MiB a month, "
        f"{EXAMPLE_POLLS} polls each"
    )
    bill.lines.append(Line("the fixed costs", "as above", 1, bill_fixed().total))
    bill.add("CloudWatch, metrics", OWN_METRICS, "the system's own, if each occurs")
    share = EXAMPLE_JOBS / MILLION
    bill.lines.append(Line("the jobs", "as above", EXAMPLE_JOBS, share * jobs.total))
    count_polls = EXAMPLE_JOBS * EXAMPLE_POLLS
    total = count_polls / MILLION * polls.total
    bill.lines.append(Line("the polls", "as above", count_polls, total))
    table = EXAMPLE_JOBS * JOB_KB * JOB_MONTHS / 1e6
    bill.add("DynamoDB, storage", table, f"GB, jobs of {JOB_MONTHS} months")
    bill.add("DynamoDB, point-in-time recovery", table, "GB, the same")
    # Its source and its package.
    files = EXAMPLE_JOBS * 2 * BENCH_MIB / 1024 * GIB * FILE_MONTHS
    bill.add("S3, storage", files, f"GB, sources and packages of {FILE_MONTHS} months")
    logs = (EXAMPLE_JOBS * 2 + count_polls) * LOG_BYTES / 1e9 * LOG_MONTHS
    bill.add("CloudWatch Logs, storage", logs, f"GB, logs of {LOG_MONTHS} month")
    return bill


def page(bills: list[Bill]) -> Iterator[str]:
    """Returns the parts of docs/prices.md."""
    yield f"""\
# Price sheet

Generated by `make bench` from the units that it measures; `bench/prices.py` writes the page again
without measuring. The prices are list prices in us-east-1 on {DATE} in US dollars, without free
tiers, discounts or traffic. Storage is in the example only. Prices change: check them before you
rely on this page."""
    for bill in bills:
        yield ""
        yield f"## {bill.name}: {bill.total:,.2f}"
        yield "| part | quantity | dollars |"
        yield "| --- | --- | --- |"
        for line in bill.lines:
            if line.dollars:
                part = f"{line.item}: {line.purpose}"
                yield f"| {part} | {number(line.quantity)} | {line.dollars:,.2f} |"
    yield f"""
## Measured and assumed values
The requests and units of DynamoDB and the speed of the processor are measured. The other values are
assumptions, on the high side:
- A function waits {DYNAMODB_SECONDS * 1000:.0f} ms for an answer from DynamoDB, and
  {POST_SECONDS * 1000:.0f} ms until API Gateway or EventBridge has taken a message.
- A route takes {ROUTE_SECONDS * 1000:.0f} ms in addition.
- An invocation logs {LOG_BYTES} bytes.
- {UNCACHED_SHARE:.0%} of the requests reach the authorizer, because API Gateway caches its answers.
- A Lambda vCPU compresses as fast as one core of the benchmark machine.
- An idle sweep takes {SWEEP_SECONDS * 1000:.0f} ms.
- Lambda polls an idle queue {POLLS} times a minute.
- A job with its log and its index entries takes {JOB_KB} KB of the table.
- Each change of a watched job, and each event, has an invocation of its own. Under load a batch has
  many. A connection watches one job, and stays open for {VISIT_MINUTES} minutes.
- {BUSY_CHANGES} changes a minute are as many writes as an unwatched run makes. A watched run that
  has more to say writes up to four times a second.

A job that nobody watches costs nothing for the live channel: DynamoDB's stream, Lambda's reads of
it and the records that a filter leaves out are free. Its events, three for most jobs, are billed as
above. While a client has no connection, it polls every {FALLBACK_SECONDS} s.

Nothing deletes a release's files, so most of the example's bill is storage, and it grows each
month. Reserved concurrency and the schedule of the sweeper are free.

| price | dollars | per |
| --- | --- | --- |"""
    for item, (price, unit) in PRICES.items():
        yield f"| {item} | {price:g} | {unit} |"


def number(quantity: float) -> str:
    """Returns a quantity with decimals only if it is small."""
    return f"{quantity:,.2f}" if 0 < quantity < 1 else f"{quantity:,.0f}"


def bills_of(measured: Mapping[str, float]) -> list[Bill]:
    """Returns all bills, from the measured values."""

    def cost(operation: str, kind: str) -> float:
        # Every operation has requests; other costs of zero have no row.
        assert f"{operation}: requests" in measured, f"the report has no operation {operation!r}"
        return float(measured.get(f"{operation}: {kind}", 0))

    polls = bill_polls(cost)
    jobs = bill_jobs(cost, BENCH_MIB / measured[PACKAGING])
    return [
        polls,
        bill_polled_minutes(cost, POLL_SECONDS),
        bill_polled_minutes(cost, FALLBACK_SECONDS),
        bill_pushed_minutes(cost, BUSY_CHANGES),
        bill_pushed_minutes(cost, CALM_CHANGES),
        bill_pushed_minutes(cost, 0),
        bill_events(cost),
        jobs,
        bill_fixed(),
        bill_example(polls, jobs),
    ]


def render(measured: Mapping[str, float]) -> str:
    """Returns the price sheet."""
    return "\n".join(page(bills_of(measured))) + "\n"


def write_prices(report: Report) -> None:
    """Writes the price sheet from a complete report, and adds the totals to the report."""
    names = (*(f"{operation}: " for operation in OPERATIONS), PACKAGING)
    measured = {
        metric["name"]: metric["value"]
        for metric in report.metrics
        if metric["name"].startswith(names)
    }
    for bill in bills_of(measured):
        report.add(bill.name, bill.total, "USD")
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
    PAGE.write_text(render(measured))


def main() -> None:
    """Writes the price sheet from bench/measured.json, or checks that it is up to date."""
    parser = argparse.ArgumentParser(description="Write docs/prices.md without measuring.")
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    page_text = render(json.loads(MEASURED.read_text()))
    if not parser.parse_args().check:
        PAGE.write_text(page_text)
    elif PAGE.read_text() != page_text:
        sys.exit("error: docs/prices.md is out of date; run bench/prices.py")


if __name__ == "__main__":
    main()
