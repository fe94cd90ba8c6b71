"""CloudWatch's metrics of a deployed stack: requests, capacity units, messages and errors."""

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import boto3

from deployment import Deployment
from stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import (
        DimensionTypeDef,
        MetricDataQueryTypeDef,
        MetricStatTypeDef,
        MetricTypeDef,
    )

PERIOD = 60  # seconds, the shortest of these metrics
READS, WRITES = "DynamoDB read units", "DynamoDB write units"
CAPACITY = {READS: "ConsumedReadCapacityUnits", WRITES: "ConsumedWriteCapacityUnits"}
THROTTLES = {
    "DynamoDB throttled reads": "ReadThrottleEvents",
    "DynamoDB throttled writes": "WriteThrottleEvents",
}
LAMBDA = {
    "Lambda invocations": "Invocations",
    "Lambda errors": "Errors",
    "Lambda throttles": "Throttles",
}
API = {
    "API Gateway requests": "Count",
    "API Gateway answers of 4xx": "4xx",
    "API Gateway answers of 5xx": "5xx",
}
# Each is zero unless AWS refuses or breaks something.
TROUBLES = (*THROTTLES, "Lambda errors", "Lambda throttles", "API Gateway answers of 5xx")

Totals = dict[str, float | None]


class Metric(NamedTuple):
    """A metric of one resource. Those with the same label are added up."""

    label: str
    namespace: str
    name: str
    dimensions: dict[str, str]

    def query(self, number: int) -> "MetricDataQueryTypeDef":
        """Returns the query for the sums of this metric."""
        dimensions: list[DimensionTypeDef] = [
            {"Name": name, "Value": value} for name, value in self.dimensions.items()
        ]
        metric: MetricTypeDef = {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": dimensions,
        }
        stat: MetricStatTypeDef = {"Metric": metric, "Period": PERIOD, "Stat": "Sum"}
        return {"Id": f"m{number}", "MetricStat": stat}


class Metrics:
    """The metrics of a stack, which others may be using at the same time."""

    def __init__(self, stack: Stack, deployment: Deployment) -> None:
        self.client = boto3.client("cloudwatch", region_name=deployment.settings["AWS_REGION"])
        self.metrics = [*api_metrics(deployment), *table_metrics(stack), *queue_metrics(stack)]

    def totals(self, start: float, end: float) -> Totals:
        """Returns the sums over whole minutes; None if nothing was reported.

        `start` and `end` are seconds since the epoch.
        """
        first = start - start % PERIOD
        totals: Totals = dict.fromkeys(metric.label for metric in self.metrics)
        pages = self.client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[each.query(number) for number, each in enumerate(self.metrics)],
            StartTime=datetime.datetime.fromtimestamp(first, datetime.UTC),
            EndTime=datetime.datetime.fromtimestamp(end - end % PERIOD + PERIOD, datetime.UTC),
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                label = self.metrics[int(result["Id"][1:])].label
                for value in result["Values"]:
                    totals[label] = (totals[label] or 0) + value
        return totals


def each_of(
    names: dict[str, str], namespace: str, resources: Iterable[dict[str, str]]
) -> list[Metric]:
    """Returns these metrics of each resource."""
    return [
        Metric(label, namespace, name, resource)
        for label, name in names.items()
        for resource in resources
    ]


def api_metrics(deployment: Deployment) -> list[Metric]:
    """Returns the metrics of the API and of the functions."""
    functions = [{"FunctionName": name} for name in deployment.functions]
    return [
        *each_of(API, "AWS/ApiGateway", [{"ApiId": deployment.api_id}]),
        *each_of(LAMBDA, "AWS/Lambda", functions),
    ]


def table_metrics(stack: Stack) -> list[Metric]:
    """Returns the metrics of the table and of its indexes, which have units of their own."""
    table = stack.dynamodb.describe_table(TableName=stack.table)["Table"]
    indexes = [each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])]
    resources = [
        {"TableName": stack.table},
        *({"TableName": stack.table, "GlobalSecondaryIndexName": name} for name in indexes),
    ]
    return each_of(CAPACITY | THROTTLES, "AWS/DynamoDB", resources)


def queue_metrics(stack: Stack) -> list[Metric]:
    """Returns the metrics of the queues."""
    urls = (stack.queue_url, stack.exhausted_queue_url, stack.dead_letter_queue_url)
    queues = [{"QueueName": url.rsplit("/", 1)[-1]} for url in urls]
    return each_of({"SQS messages sent": "NumberOfMessagesSent"}, "AWS/SQS", queues)
