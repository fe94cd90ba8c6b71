"""The price of jobs, polls, pushes, events and an idle system on AWS.

`make bench` writes the values that it measures to bench/measured.json, and docs/prices.md.
`python3 bench/prices.py` writes the page from that file and the templates, and measures nothing.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from alternatives import page_elsewhere
from bills import (
    DATE,
    DYNAMODB_SECONDS,
    LOG_BYTES,
    MILLION,
    PRICES,
    PROCESSOR_GB,
    ROUTE_GB,
    ROUTE_SECONDS,
    SOURCES,
    UNCACHED_SHARE,
    Bill,
    Line,
    Packaging,
)
from file_rows import EPUB, KIND_MIB, REQUEST_NAMES, TEXT, price_row, requests_row
from report import Report

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "bench/measured.json"
PAGE = ROOT / "docs/prices.md"
# Assumptions, on the high side, about values that cannot be measured here. bills.py has more.
SQS_CALLS = 3  # per message: send, receive, delete
HEARTBEAT_SECONDS = 4  # between two writes; half-way, a heartbeat reads
POST_SECONDS = 0.02  # that a function waits until API Gateway or EventBridge has taken a message
# A job that a person watches.
BUSY_CHANGES, CALM_CHANGES = 30, 6  # in a minute that the person sees
POLL_SECONDS = 1  # `poll_after` of a running job
FALLBACK_SECONDS = 5  # between the polls of a client without a connection
VISIT_MINUTES = 10  # for which a connection stays open
PING_MINUTES = 5  # between the pings of an idle connection
QUIET_MINUTES = 1  # of a quiet job, after which the client asks once
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

# The operations whose measured costs the bills need, and the contents of the packaged files.
CREATE, RUN, STATUS = "create", "a package's job", "status"
TICKET, CONNECT, DISCONNECT = "a ticket", "a connection", "the end of a connection"
WATCH, WATCHERS = "a watch of a job", "those who watch a job"
LIVE = (TICKET, CONNECT, WATCH, DISCONNECT)
OPERATIONS = (CREATE, RUN, STATUS, *LIVE, WATCHERS)
KINDS = (TEXT, EPUB)
# Dollars for a million packagings, at most.
GOALS = {TEXT: 85, EPUB: 45}

# Returns a measured cost of an operation: its `requests`, `read units` or `write units`.
Cost = Callable[[str, str], float]


def bill_polls(cost: Cost) -> Bill:
    """Returns the bill for a million status polls."""
    bill = Bill("A million status polls")
    bill.add_route(MILLION, cost(STATUS, "requests"), "polls")
    bill.add_units(MILLION * cost(STATUS, "read units"), 0, "polls")
    return bill


def bill_jobs(cost: Cost, packaging: Packaging) -> Bill:
    """Returns the bill for a million jobs that each package a file."""
    bill = Bill(jobs_title(packaging.kind))
    bill.add_route(MILLION, cost(CREATE, "requests"), "create")
    reads, writes = cost(CREATE, "read units"), cost(CREATE, "write units")
    bill.add_units(MILLION * reads, MILLION * writes, "create")
    bill.add("SQS, fair queue", MILLION * SQS_CALLS, "one message a job")
    busy = packaging.seconds + cost(RUN, "requests") * DYNAMODB_SECONDS
    bill.add_invocations(MILLION, PROCESSOR_GB, busy, "processing")
    # A write of a heartbeat takes two units, with the log lines of its time, and a read one.
    beats = packaging.seconds / HEARTBEAT_SECONDS
    reads, writes = cost(RUN, "read units") + beats, cost(RUN, "write units") + 2 * beats
    bill.add_units(MILLION * reads, MILLION * writes, "processing")
    bill.add_s3(MILLION, packaging.requests, "processing")
    return bill


def jobs_title(kind: str) -> str:
    """Returns the name of the bill for a million packagings of a kind of content."""
    return f"A million packagings of {kind} of {KIND_MIB} MiB"


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
        f"An example: {EXAMPLE_JOBS:,} packaging jobs of {KIND_MIB} MiB a month, "
        f"{EXAMPLE_POLLS} polls each"
    )
    bill.lines.append(Line("the fixed costs", "as above", 1, bill_fixed().total))
    bill.add("CloudWatch, metrics", OWN_METRICS, "the system's own, if each occurs")
    share = EXAMPLE_JOBS / MILLION
    bill.lines.append(Line("the jobs", "texts, as above", EXAMPLE_JOBS, share * jobs.total))
    count_polls = EXAMPLE_JOBS * EXAMPLE_POLLS
    total = count_polls / MILLION * polls.total
    bill.lines.append(Line("the polls", "as above", count_polls, total))
    table = EXAMPLE_JOBS * JOB_KB * JOB_MONTHS / 1e6
    bill.add("DynamoDB, storage", table, f"GB, jobs of {JOB_MONTHS} months")
    bill.add("DynamoDB, point-in-time recovery", table, "GB, the same")
    # Its source and its package.
    files = EXAMPLE_JOBS * 2 * KIND_MIB / 1024 * GIB * FILE_MONTHS
    bill.add("S3, storage", files, f"GB, sources and packages of {FILE_MONTHS} months")
    logs = (EXAMPLE_JOBS * 2 + count_polls) * LOG_BYTES / 1e9 * LOG_MONTHS
    bill.add("CloudWatch Logs, storage", logs, f"GB, logs of {LOG_MONTHS} month")
    return bill


def page(bills: list[Bill], elsewhere: Iterable[str]) -> Iterator[str]:
    """Returns the parts of docs/prices.md."""
    yield """\
# Price sheet

Generated by `make bench` from the units that it measures; `bench/prices.py` writes the page again
without measuring. The prices are list prices in us-east-1 in US dollars, without free tiers,
discounts or traffic; the last table has them with their dates. Storage is in the example only.
Prices change: check them before you rely on this page."""
    for bill in bills:
        yield ""
        yield f"## {bill.name}: {bill.total:,.2f}"
        yield from bill.table()
    yield from elsewhere
    yield f"""\
## Measured and assumed values
The requests and units of DynamoDB, the requests to S3 and the speed of the processor are measured,
the speed on one core and over a link like S3's. The other values are assumptions, on the high side:
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
- An unwatched run whose percentage rises writes {60 // HEARTBEAT_SECONDS} times a minute. A watched
  run writes up to four times a second, if it has as much to say.

A job that nobody watches costs nothing for the live channel: DynamoDB's stream, Lambda's reads of
it and the records that a filter leaves out are free. Its events, three for most jobs, are billed as
above. While a client has no connection, it polls every {FALLBACK_SECONDS} s.

Nothing deletes a release's files, so most of the example's bill is storage, and it grows each
month. Reserved concurrency and the schedule of the sweeper are free.

| price | dollars | per | source |
| --- | --- | --- | --- |"""
    for item, (price, unit) in PRICES.items():
        yield f"| {item} | {price:g} | {unit} | {SOURCES.get(item, DATE)} |"


def cost_of(measured: Mapping[str, float]) -> Cost:
    """Returns the measured costs of operations."""

    def cost(operation: str, kind: str) -> float:
        # Every operation has requests; other costs of zero have no row.
        assert f"{operation}: requests" in measured, f"the report has no operation {operation!r}"
        return float(measured.get(f"{operation}: {kind}", 0))

    return cost


def packagings_of(measured: Mapping[str, float]) -> list[Packaging]:
    """Returns the measured packagings."""
    return [
        Packaging(
            kind,
            KIND_MIB / measured[price_row(kind)],
            {name: measured[requests_row(kind, name)] for name in REQUEST_NAMES},
        )
        for kind in KINDS
    ]


def bills_of(measured: Mapping[str, float]) -> list[Bill]:
    """Returns all bills, from the measured values."""
    cost = cost_of(measured)
    polls = bill_polls(cost)
    jobs = [bill_jobs(cost, packaging) for packaging in packagings_of(measured)]
    return [
        polls,
        bill_polled_minutes(cost, POLL_SECONDS),
        bill_polled_minutes(cost, FALLBACK_SECONDS),
        bill_pushed_minutes(cost, BUSY_CHANGES),
        bill_pushed_minutes(cost, CALM_CHANGES),
        bill_pushed_minutes(cost, 0),
        bill_events(cost),
        *jobs,
        bill_fixed(),
        bill_example(polls, jobs[0]),
    ]


def render(measured: Mapping[str, float]) -> str:
    """Returns the price sheet."""
    cost, packagings = cost_of(measured), packagings_of(measured)
    ours = [bill_jobs(cost, packaging).total for packaging in packagings]
    parts = page(bills_of(measured), page_elsewhere(packagings, ours))
    return "\n".join(parts) + "\n"


def write_prices(report: Report) -> None:
    """Writes the price sheet from a complete report, and adds the totals to the report."""
    names = [f"{operation}: " for operation in OPERATIONS]
    for kind in KINDS:
        names += [price_row(kind), *(requests_row(kind, name) for name in REQUEST_NAMES)]
    measured = {
        metric["name"]: metric["value"]
        for metric in report.metrics
        if metric["name"].startswith(tuple(names)) and "memory" not in metric["name"]
    }
    goals = {jobs_title(kind): {"goal_at_most": goal} for kind, goal in GOALS.items()}
    for bill in bills_of(measured):
        report.add(bill.name, bill.total, "USD", **goals.get(bill.name, {}))
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
