"""Bills for AWS, from list prices and quantities."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

# List prices of us-east-1 in US dollars, without free tiers and discounts.
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
    "Step Functions, standard workflows": (25.00, "million state transitions"),
    "Fargate, Linux on arm64, processors": (0.03238, "vCPU-hour"),
    "Fargate, Linux on arm64, memory": (0.00356, "GB-hour"),
    "EC2, c7g.large": (0.0725, "hour"),
    "SQS, standard queue": (0.40, "million requests"),
}
# The page that had a price, and when. The other prices are those of `DATE`.
DATE = "2026-11-25"
SOURCES = {
    "Step Functions, standard workflows": "aws.amazon.com/step-functions/pricing, 2026-11-29",
    "Fargate, Linux on arm64, processors": "vantage.sh/blog/fargate-pricing, 2026-11-29",
    "Fargate, Linux on arm64, memory": "vantage.sh/blog/fargate-pricing, 2026-11-29",
    "EC2, c7g.large": "prices of 2026-01-19 in github.com/aws/karpenter-provider-aws",
    "SQS, standard queue": "cloudburn.io/blog/amazon-sqs-pricing, 2026-11-29",
}
MILLION = 1_000_000
ROUTE_GB, PROCESSOR_GB = 256 / 1024, 1769 / 1024  # memory in the template
# Assumptions, on the high side, about values that cannot be measured here.
DYNAMODB_SECONDS = 0.006  # that a function waits for an answer from DynamoDB
ROUTE_SECONDS = 0.002  # that a route takes in addition
LOG_BYTES = 700  # per invocation
UNCACHED_SHARE = 0.05  # of the requests that reach the authorizer: API Gateway caches its answers


def number(quantity: float) -> str:
    """Returns a quantity with decimals only if it is small."""
    return f"{quantity:,.2f}" if 0 < quantity < 1 else f"{quantity:,.0f}"


class Line(NamedTuple):
    """A line of a bill."""

    item: str
    purpose: str
    quantity: float
    dollars: float


class Packaging(NamedTuple):
    """A measured packaging of a kind of content."""

    kind: str
    seconds: float  # on one vCPU
    requests: Mapping[str, float]  # to S3, by class


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

    def add_s3(self, count: float, requests: Mapping[str, float], purpose: str) -> None:
        """Adds jobs, each with these requests to S3 by class."""
        for request_class, number in requests.items():
            self.add(f"S3, {request_class}", count * number, purpose)

    @property
    def total(self) -> float:
        """The sum of the bill in dollars."""
        return sum(line.dollars for line in self.lines)

    def table(self) -> Iterator[str]:
        """Returns the bill as a table, without the lines that cost nothing."""
        yield "| part | quantity | dollars |"
        yield "| --- | --- | --- |"
        for line in self.lines:
            if line.dollars:
                part = f"{line.item}: {line.purpose}"
                yield f"| {part} | {number(line.quantity)} | {line.dollars:,.2f} |"
