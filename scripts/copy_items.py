"""Copies items from a restored table into the table of a stack.

By default it copies only what the stack's table lacks, and changes nothing else. It uses the AWS
credentials and the region of the environment.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from user_data import Storage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITERS = 16  # concurrent writes
Item = dict[str, Any]


def items(client: "DynamoDBClient", table: str, prefix: str) -> Iterator[Item]:
    """Yields the items of a table whose partition key starts with a prefix."""
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if item["pk"]["S"].startswith(prefix):
                yield item


def copy_items(stack: str, source: str, prefix: str, *, overwrite: bool) -> Counter[str]:
    """Copies items; returns the number of those copied and of those kept as they are."""
    storage = Storage(stack)
    client = storage.client
    condition: Item = {} if overwrite else {"ConditionExpression": "attribute_not_exists(pk)"}

    def copy(item: Item) -> str:
        try:
            client.put_item(TableName=storage.table.name, Item=item, **condition)
        except client.exceptions.ConditionalCheckFailedException:
            return "kept"
        return "copied"

    with ThreadPoolExecutor(WRITERS) as pool:
        return Counter(pool.map(copy, items(client, source, prefix)))


def main() -> None:
    """Copies the items that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", help="name of the restored table")
    parser.add_argument("--stack", required=True, help="name of the stack, such as jobs-prod")
    parser.add_argument(
        "--prefix", default="", help="only keys that start so, as JOB#42 or RELEASE#"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing items too")
    given = parser.parse_args()
    try:
        counts = copy_items(given.stack, given.source, given.prefix, overwrite=given.overwrite)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: {error}")
    print(f"Copied {counts['copied']} items, kept {counts['kept']} as they are.")


if __name__ == "__main__":
    main()
