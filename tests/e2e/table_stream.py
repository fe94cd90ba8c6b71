"""The stream of the table: the records of a job, and the functions that they wake."""

import datetime
import json
import time
from typing import TYPE_CHECKING, Any, cast

from api import FINAL
from invoke import function_name
from stack import Item, Stack
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]


def watchers(stack: Stack, watched: str) -> list[Item]:
    """Returns the items of those who watch a job (`JOB#id`) or a list."""
    answer = stack.dynamodb.query(
        TableName=stack.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"WATCH#{watched}"}},
        ConsistentRead=True,
    )
    return list(answer["Items"])


def connection_items(stack: Stack, connection: str) -> list[Item]:
    """Returns the items of a connection: its session and its watches."""
    answer = stack.dynamodb.query(
        TableName=stack.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"CONNECTION#{connection}"}},
        ConsistentRead=True,
    )
    return list(answer["Items"])


class TableStream:
    """The stream of the table, from the moment at which this was made."""

    def __init__(self, stack: Stack) -> None:
        self.streams: Any = stack.session.client(
            "dynamodbstreams", endpoint_url=stack.endpoint_url or None
        )
        arn = stack.dynamodb.describe_table(TableName=stack.table)["Table"]["LatestStreamArn"]
        shards = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self.iterators = [
            self.streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
            )["ShardIterator"]
            for shard in shards
        ]
        self.seen: list[Record] = []

    def read(self) -> None:
        """Reads the records that were added since the last call."""
        for number, iterator in enumerate(self.iterators):
            answer = self.streams.get_records(ShardIterator=iterator, Limit=1000)
            self.iterators[number] = answer["NextShardIterator"]
            self.seen += [as_delivered(record) for record in answer["Records"]]

    def records(self, job: int) -> list[Record]:
        """Returns the records of a job's item so far, in order."""
        self.read()
        keys = {"pk": {"S": f"JOB#{job}"}, "sk": {"S": "META"}}
        return [record for record in self.seen if record["dynamodb"]["Keys"] == keys]

    def life(self, job: int) -> list[Record]:
        """Waits for the record of a job's end; returns all its records."""

        def has_ended() -> bool:
            records = self.records(job)
            return bool(records) and image(records[-1])["status"]["S"] in FINAL

        wait_until(has_ended, f"the stream to have the end of job {job}")
        return self.records(job)


def as_delivered(record: Record) -> Record:
    """Returns a record as Lambda delivers it: JSON, with times in seconds."""

    def convert(value: object) -> object:
        assert isinstance(value, datetime.datetime), value
        return time.mktime(value.timetuple())

    return cast("Record", json.loads(json.dumps(record, default=convert)))


def image(record: Record) -> Record:
    """Returns the item after a change."""
    return cast("Record", record["dynamodb"]["NewImage"])


def wakes(stack: Stack, function: str) -> "Callable[[Record], bool]":
    """Returns whether a record wakes a function, by the deployed filter of its event source."""
    mappings = stack.lambdas.list_event_source_mappings(FunctionName=function_name(function))
    [mapping] = mappings["EventSourceMappings"]
    patterns = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
    return lambda record: any(matches(pattern, record) for pattern in patterns)


def matches(pattern: Any, value: Any) -> bool:
    """Returns whether a value matches a pattern of literals and `exists`, at every name."""
    if isinstance(pattern, dict):
        found = value if isinstance(value, dict) else {}
        return all(matches(each, found.get(name)) for name, each in pattern.items())
    return any(
        rule == value or (rule == {"exists": True} and value is not None) for rule in pattern
    )
