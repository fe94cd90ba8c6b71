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


def is_wanted(item: Item, only: str, sort_key: str) -> bool:
    """Returns whether an item has this partition key, or one that starts with `only`, as `JOB#`."""
    key = item["pk"]["S"]
    is_below = key.startswith(only) if only.endswith("#") else key == only
    return (not only or is_below) and sort_key in ("", item["sk"]["S"])


def pages(
    client: "DynamoDBClient", table: str, only: str, sort_key: str
) -> Iterator[Iterator[Item]]:
    """Yields the wanted items of a table, page by page."""
    for page in client.get_paginator("scan").paginate(TableName=table):
        yield (item for item in page["Items"] if is_wanted(item, only, sort_key))


def copy_items(
    stack: str, source: str, only: str, sort_key: str, *, overwrite: bool
) -> Counter[str]:
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

    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        for page in pages(client, source, only, sort_key):
            counts.update(pool.map(copy, page))
    return counts


def main() -> None:
    """Copies the items that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", help="name of the restored table")
    parser.add_argument("--stack", required=True, help="name of the stack, such as jobs-prod")
    parser.add_argument(
        "--only", default="", help="only this partition key, as JOB#42, or those below it, as JOB#"
    )
    parser.add_argument("--sort-key", default="", help="only items with this sort key, as META")
    parser.add_argument("--overwrite", action="store_true", help="replace existing items too")
    given = parser.parse_args()
    try:
        counts = copy_items(
            given.stack, given.source, given.only, given.sort_key, overwrite=given.overwrite
        )
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: {error}")
    print(f"Copied {counts['copied']} items, kept {counts['kept']} as they are.")


if __name__ == "__main__":
    main()
