"""The price of a million jobs and of a million status polls on AWS, from the units measured."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from report import Report

# List prices of us-east-1 in US dollars, without free tiers and discounts.
DATE = "2026-11-25"
PRICES = {
    "API Gateway, HTTP API": (1.00, "million requests"),
    "Lambda, requests": (0.20, "million requests"),
    "Lambda, arm64": (0.0000133334, "GB-second"),
    "DynamoDB, on demand, writes": (0.625, "million units"),
    "DynamoDB, on demand, reads": (0.125, "million units"),
    "SQS, fair queue": (0.50, "million requests"),
    "S3, PUT, COPY, POST, LIST": (5.00, "million requests"),
    "S3, GET": (0.40, "million requests"),
    "CloudWatch Logs": (0.50, "GB"),
}
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
BENCH_MIB = 100  # size of the packaged file

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
    bill.add_route(MILLION, cost("status", "requests"), "polls")
    bill.add_units(MILLION * cost("status", "read units"), 0, "polls")
    return bill


def bill_jobs(cost: Cost, seconds: float) -> Bill:
    """Returns the bill for a million jobs that each package a file in this many seconds."""
    bill = Bill(f"A million packaging jobs of {BENCH_MIB} MiB each")
    create, run = "create", "a package's job"
    bill.add_route(MILLION, cost(create, "requests"), "create")
    reads, writes = cost(create, "read units"), cost(create, "write units")
    bill.add_units(MILLION * reads, MILLION * writes, "create")
    bill.add("SQS, fair queue", MILLION * SQS_CALLS, "one message a job")
    busy = seconds + cost(run, "requests") * DYNAMODB_SECONDS
    bill.add_invocations(MILLION, PROCESSOR_GB, busy, "processing")
    # A heartbeat is one write of two units with the log lines of its time.
    beats = seconds / HEARTBEAT_SECONDS
    writes = cost(run, "write units") + 2 * beats
    bill.add_units(MILLION * cost(run, "read units"), MILLION * writes, "processing")
    parts = -(-BENCH_MIB // PART_MIB)
    bill.add("S3, GET", MILLION * (S3_READS + parts), "source file")
    # A listing; the creation and the end of an upload, its parts; NFO, DIZ and SFV.
    calls = MILLION * (1 + 2 + parts + 3)
    bill.add("S3, PUT, COPY, POST, LIST", calls, "listing, upload, NFO, DIZ and SFV")
    return bill


def page(bills: list[Bill]) -> Iterator[str]:
    """Returns the parts of docs/prices.md."""
    yield f"""\
# Price sheet

Generated by `make bench` from the units that it measures. The prices are list prices in
us-east-1 on {DATE} in US dollars, without free tiers, discounts, storage or traffic. Prices
change: check them before you rely on this page."""
    for bill in bills:
        yield ""
        yield f"## {bill.name}: {bill.total:,.2f}"
        yield "| part | quantity | dollars |"
        yield "| --- | --- | --- |"
        for line in bill.lines:
            if line.dollars:
                part = f"{line.item}: {line.purpose}"
                yield f"| {part} | {line.quantity:,.0f} | {line.dollars:,.2f} |"
    yield f"""
## Measured and assumed values
The requests and units of DynamoDB and the speed of the processor are measured. The other values are
assumptions, on the high side:
- A function waits {DYNAMODB_SECONDS * 1000:.0f} ms for an answer from DynamoDB.
- A route takes {ROUTE_SECONDS * 1000:.0f} ms in addition.
- An invocation logs {LOG_BYTES} bytes.
- {UNCACHED_SHARE:.0%} of the requests reach the authorizer, because API Gateway caches its answers.
- A Lambda vCPU compresses as fast as one core of the benchmark machine.

| price | dollars | per |
| --- | --- | --- |"""
    for item, (price, unit) in PRICES.items():
        yield f"| {item} | {price:g} | {unit} |"


def write_prices(report: Report, path: Path) -> None:
    """Writes the price sheet from a complete report, and adds the totals to the report."""
    measured = {metric["name"]: metric["value"] for metric in report.metrics}

    def cost(operation: str, kind: str) -> float:
        # Every operation has requests; other costs of zero have no row.
        assert f"{operation}: requests" in measured, f"the report has no operation {operation!r}"
        return float(measured.get(f"{operation}: {kind}", 0))

    seconds = BENCH_MIB / measured[f"packaging (normal) {BENCH_MIB} MiB"]
    bills = [bill_polls(cost), bill_jobs(cost, seconds)]
    for bill in bills:
        report.add(bill.name, bill.total, "USD")
    path.write_text("\n".join(page(bills)) + "\n")
