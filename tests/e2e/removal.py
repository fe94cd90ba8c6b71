"""Removes everything that a block of users has made: jobs, releases, keys, files, dead letters.

The table is read once as a whole. No index has all of these items, and a list of what was made
would be incomplete after an interruption.
"""

import collections
import contextlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from stack import Item, Stack
from waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef
    from mypy_boto3_sqs.type_defs import MessageTypeDef

ROUNDS = 3  # a late write can leave an item behind
THREADS = 8
SCAN_SEGMENTS = 4
BATCH = 25  # items of one BatchWriteItem
QUEUE_TIMEOUT = 60  # seconds until the queue has delivered the messages of cancelled jobs
STOP_TIMEOUT = 10  # seconds until a cancelled run has stopped
LETTERS_HIDDEN = 120  # seconds, in which all dead letters can be read
MESSAGE_COUNTS = {f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")}
OPEN = ("pending", "running")
# What an item holds, by the first part of its key.
KINDS = {
    "JOB": "jobs",
    "RELEASE": "releases",
    "IDEMPOTENCY": "idempotency keys",
    "USER": "users' permits and counts",
    "TICKET": "tickets",
    "CONNECTION": "connections",
    "WATCH": "watches",
}
OWNED = re.compile(r"(?:IDEMPOTENCY|USER)#(\d+)")  # keys that begin with the user's id


class Removal:
    """The removal of all that users with ids from `users` have made."""

    def __init__(self, stack: Stack, users: range) -> None:
        self.stack = stack
        self.users = users
        self.removed: collections.Counter[str] = collections.Counter()
        self.jobs: set[int] = set()
        self.left = 0  # items that could not be removed

    def run(self) -> None:
        """Cancels the jobs that are open, and removes everything once they have stopped."""
        items = self.find()
        self.cancel(items)
        self.await_queue()
        for _ in range(ROUNDS):
            self.remove(items)
            items = self.find()
            if not items:
                break
        self.remove_dead_letters()
        self.left = len(items)

    def find(self) -> list[Item]:
        """Reads the users' items from the table; of jobs and releases, only the main ones."""
        with ThreadPoolExecutor(SCAN_SEGMENTS) as pool:
            parts = pool.map(lambda segment: list(self.scan(segment)), range(SCAN_SEGMENTS))
            return [item for part in parts for item in part if self.is_of_users(item)]

    def scan(self, segment: int) -> Iterator[Item]:
        """Reads a segment of the table, as far as its items may be of the users."""
        pages = self.stack.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.table,
            ConsistentRead=True,
            Segment=segment,
            TotalSegments=SCAN_SEGMENTS,
            ProjectionExpression="pk, sk, #status, created_by, user_id",
            FilterExpression="created_by BETWEEN :first AND :last OR user_id BETWEEN :first AND "
            ":last OR begins_with(pk, :key) OR begins_with(pk, :permits)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":first": {"N": str(self.users[0])},
                ":last": {"N": str(self.users[-1])},
                ":key": {"S": "IDEMPOTENCY#"},
                ":permits": {"S": "USER#"},
            },
        )
        for page in pages:
            yield from page["Items"]

    def is_of_users(self, item: Item) -> bool:
        """Returns whether an item belongs to one of the users."""
        if owned := OWNED.match(item["pk"]["S"]):
            return int(owned[1]) in self.users
        owner = item.get("created_by") or item.get("user_id")
        return owner is not None and int(owner["N"]) in self.users

    def cancel(self, items: Iterable[Item]) -> None:
        """Cancels the jobs that wait or run, and waits until their runs have stopped."""
        open_jobs = [item for item in items if "created_by" in item and item["status"]["S"] in OPEN]
        for item in open_jobs:
            owner = self.stack.user(int(item["created_by"]["N"]))
            owner.put(f"/api/jobs/{number_of(item)}/cancel")
        if open_jobs:
            time.sleep(STOP_TIMEOUT)

    def await_queue(self) -> None:
        """Waits until the queue is empty: a message of a removed job becomes a dead letter."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.queued(), "the queue to be empty", QUEUE_TIMEOUT, 1)

    def queued(self) -> int:
        """Returns the approximate number of messages in the queue."""
        attributes = self.stack.sqs.get_queue_attributes(
            QueueUrl=self.stack.queue_url, AttributeNames=["All"]
        )["Attributes"]
        return sum(int(text) for name, text in attributes.items() if name in MESSAGE_COUNTS)

    def remove(self, items: Iterable[Item]) -> None:
        """Removes items, and all that belongs to those of jobs and releases."""
        with ThreadPoolExecutor(THREADS) as pool:
            for kind, count in pool.map(self.remove_item, items):
                self.removed[KINDS[kind]] += 1
                self.removed["files"] += count

    def remove_item(self, item: Item) -> tuple[str, int]:
        """Removes a job, a release or another item; returns its kind and how many files it had."""
        kind, files = item["pk"]["S"].partition("#")[0], 0
        if kind == "RELEASE":
            files = self.remove_files(f"releases/{number_of(item)}/")
        if kind == "JOB":
            self.jobs.add(number_of(item))
        if kind == "WATCH":  # users who are not ours may watch the same
            self.delete([{"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}}])
            return kind, files
        pages = self.stack.dynamodb.get_paginator("query").paginate(
            TableName=self.stack.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ProjectionExpression="pk, sk",
            ExpressionAttributeValues={":pk": item["pk"]},
        )
        keys = [key for page in pages for key in page["Items"]]
        # The main item goes last, so that an interrupted removal finds the rest again.
        keys.sort(key=lambda key: key["sk"]["S"] == "META")
        for start in range(0, len(keys), BATCH):
            self.delete([{"DeleteRequest": {"Key": key}} for key in keys[start : start + BATCH]])
        return kind, files

    def delete(self, requests: "list[WriteRequestTypeDef]") -> None:
        """Deletes up to 25 items."""
        left: Mapping[str, Any] = {self.stack.table: requests}
        while left:
            answer = self.stack.dynamodb.batch_write_item(RequestItems=left)
            left = answer["UnprocessedItems"]

    def remove_files(self, prefix: str) -> int:
        """Removes the files and unfinished uploads below a prefix; returns the number of files."""
        s3, bucket, count = self.stack.s3, self.stack.bucket, 0
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for file in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=file["Key"])
                count += 1
        uploads = s3.get_paginator("list_multipart_uploads")
        for parts in uploads.paginate(Bucket=bucket, Prefix=prefix):
            for upload in parts.get("Uploads", []):
                s3.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return count

    def remove_dead_letters(self) -> None:
        """Removes the dead letters that name one of the users or of their jobs."""
        url, others = self.stack.dead_letter_queue_url, []
        while letters := self.receive_dead_letters():
            for letter in letters:
                receipt = letter["ReceiptHandle"]
                if self.names_ours(letter["Body"]):
                    self.removed["dead letters"] += 1
                    self.stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
                else:
                    others.append(receipt)
        for receipt in others:
            self.stack.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0
            )

    def receive_dead_letters(self) -> "list[MessageTypeDef]":
        """Receives some of the dead letters that it has not received yet."""
        answer = self.stack.sqs.receive_message(
            QueueUrl=self.stack.dead_letter_queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=LETTERS_HIDDEN,
            WaitTimeSeconds=1,  # asks every server of the queue
        )
        return answer.get("Messages", [])

    def names_ours(self, text: str) -> bool:
        """Returns whether a message names one of the users or of their jobs."""
        numbers = {int(number) for number in re.findall(r"\d{1,16}", text)}
        return bool(numbers & self.jobs) or any(number in self.users for number in numbers)


def number_of(item: Item) -> int:
    """Returns the id of a job or a release."""
    return int(item["pk"]["S"].split("#")[1])
