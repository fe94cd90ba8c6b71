"""What a million jobs and a million status polls cost on AWS, from the units that were measured in this run."""

from pathlib import Path

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
ROUTE_GB, PROCESSOR_GB = 256 / 1024, 1769 / 1024  # the template's memory
# What cannot be measured here is assumed, on the high side.
WAIT = 0.006  # seconds that a function waits for one answer of DynamoDB
ROUTE_SECONDS = 0.002  # of a route's own
LOG_BYTES = 700  # that an invocation writes
SQS_CALLS = 3  # to send, receive and delete a message
S3_READS = 3  # of a source file of up to 8 MiB: listing apart, its head, its blocks
AUTHORIZED_AGAIN = 0.05  # of a client's requests the authorizer sees: its answer is kept for a while


class Bill:
    """Quantities of what is paid for."""

    def __init__(self, name):
        self.name, self.lines = name, []

    def add(self, what, quantity, why):
        price, unit = PRICES[what]
        divisor = MILLION if unit.startswith("million") else 1
        self.lines.append((what, quantity, why, price * quantity / divisor))

    def route(self, count, requests, why):
        """`count` requests to a route, each with so many requests to DynamoDB."""
        self.add("API Gateway, HTTP API", count, why)
        self.invocations(count, ROUTE_GB, ROUTE_SECONDS + requests * WAIT, why)
        self.invocations(count * AUTHORIZED_AGAIN, ROUTE_GB, ROUTE_SECONDS, f"{why}, authorizer")

    def invocations(self, count, gb, seconds, why):
        self.add("Lambda, requests", count, why)
        self.add("Lambda, arm64", count * gb * seconds, f"{why}, {seconds * 1000:.0f} ms each")
        self.add("CloudWatch Logs", count * LOG_BYTES / 1e9, why)

    def units(self, reads, writes, why):
        self.add("DynamoDB, on demand, reads", reads, why)
        self.add("DynamoDB, on demand, writes", writes, why)

    @property
    def total(self):
        return sum(cost for *_, cost in self.lines)


def polls(cost):
    bill = Bill("A million status polls")
    bill.route(MILLION, cost("status", "requests"), "polls")
    bill.units(MILLION * cost("status", "read units"), 0, "polls")
    return bill


def jobs(cost, file_mib, seconds):
    """A million jobs that package a file of `file_mib` MiB in so many seconds."""
    bill = Bill(f"A million packaging jobs of {file_mib} MiB each")
    create, run = "create, of a release", "a package's job"
    bill.route(MILLION, cost(create, "requests"), "create")
    bill.units(MILLION * cost(create, "read units"), MILLION * cost(create, "write units"), "create")
    bill.add("SQS, fair queue", MILLION * SQS_CALLS, "one message a job")
    waits = cost(run, "requests") * WAIT
    bill.invocations(MILLION, PROCESSOR_GB, seconds + waits, "processing")
    # A heartbeat every two seconds, and what a second's log costs.
    beats = seconds / 2
    bill.units(MILLION * cost(run, "read units"), MILLION * (cost(run, "write units") + 2 * beats), "processing")
    parts = -(-file_mib // 8)
    bill.add("S3, GET", MILLION * (S3_READS + parts), "source file")
    bill.add("S3, PUT, COPY, POST, LIST", MILLION * (1 + 2 + parts + 3), "listing, upload, NFO, DIZ and SFV")
    return bill


def sheet(bills):
    yield "# Price sheet"
    yield ""
    yield f"Made by `make bench` from the units that it measured; list prices of us-east-1 on {DATE}, in US dollars,"
    yield "without free tiers, discounts, storage and traffic. Look the prices up before you rely on them: they change."
    for bill in bills:
        yield ""
        yield f"## {bill.name}: {bill.total:,.2f}"
        yield "| part | quantity | dollars |"
        yield "| --- | --- | --- |"
        for what, quantity, why, cost in bill.lines:
            if cost:
                yield f"| {what}: {why} | {quantity:,.0f} | {cost:,.2f} |"
    yield ""
    yield "## What is measured, and what is assumed"
    yield "Requests and units of DynamoDB are measured, as is the processor's speed. Assumed, on the high side: a function"
    yield f"waits {WAIT * 1000:.0f} ms for an answer of DynamoDB and takes {ROUTE_SECONDS * 1000:.0f} ms of its own;"
    yield f"an invocation logs {LOG_BYTES} bytes; {AUTHORIZED_AGAIN:.0%} of the requests reach the authorizer, whose answers"
    yield "API Gateway keeps; Lambda's vCPU compresses as fast as one core of the machine that measured."
    yield ""
    yield "| price | dollars | for a |"
    yield "| --- | --- | --- |"
    for what, (price, unit) in PRICES.items():
        yield f"| {what} | {price:g} | {unit} |"


def prices(report, path):
    """Writes the price sheet from what the report has."""
    values = {metric["name"]: metric["value"] for metric in report.metrics}
    cost = lambda operation, what: values.get(f"{operation}: {what}", 0)  # noqa: E731
    file_mib = 100
    seconds = file_mib / values.get(f"packaging (normal) {file_mib} MiB", 50)
    bills = [polls(cost), jobs(cost, file_mib, seconds)]
    for bill in bills:
        report.add(bill.name, bill.total, "USD")
    Path(path).write_text("\n".join(sheet(bills)) + "\n")
