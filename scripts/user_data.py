"""Finds and removes all that the system stores about a user.

This covers the table and the bucket. docs/procedures.md lists the other places that have data of a
user, and how long they keep it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

MAX_DELETE_KEYS = 250  # of one call, as in shared/worker/src/files.rs

Item = dict[str, Any]


class OpenJobsError(Exception):
    """The user has open jobs, which a run or a message may still change."""

    def __init__(self, jobs: Iterable[int]) -> None:
        self.jobs = sorted(jobs)
        super().__init__(f"cancel these jobs first: {', '.join(map(str, self.jobs))}")


@dataclass
class UserData:
    """All that the table and the bucket hold of a user.

    `owned` are the user's releases. `parts` are the keys of all items except those of the releases.
    """

    owned: set[int] = field(default_factory=set)
    jobs: set[int] = field(default_factory=set)
    open_jobs: set[int] = field(default_factory=set)
    parts: list[Item] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    uploads: list[tuple[str, str]] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """Returns the number of jobs, releases, items, files and unfinished uploads."""
        return Counter(
            jobs=len(self.jobs),
            releases=len(self.owned),
            items=len(self.parts) + len(self.owned),
            files=len(self.files),
            uploads=len(self.uploads),
        )


class Storage:
    """The table and the bucket of a stack, with the credentials of the environment."""

    def __init__(self, stack: str) -> None:
        session = boto3.Session()
        found = session.client("cloudformation").describe_stacks(StackName=stack)
        listed = found["Stacks"][0]["Outputs"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in listed}
        self.client: DynamoDBClient = session.client("dynamodb")
        self.table: Table = session.resource("dynamodb").Table(outputs["TableName"])
        self.s3: S3Client = session.client("s3")
        self.bucket = outputs["BucketName"]

    def query(self, **options: Any) -> Iterator[Item]:
        """Yields the items of a query, page by page."""
        pages = self.table.meta.client.get_paginator("query")
        for page in pages.paginate(TableName=self.table.name, **options):
            yield from page["Items"]

    def scan(self, **options: Any) -> Iterator[Item]:
        """Yields the items of a scan, page by page."""
        pages = self.table.meta.client.get_paginator("scan")
        for page in pages.paginate(TableName=self.table.name, **options):
            yield from page["Items"]

    def items_of(self, user_id: int) -> Iterator[Item]:
        """Returns the jobs, releases, keys, permits, tickets and connections of a user.

        It reads the whole table: no index has releases without jobs, or idempotency keys.
        """
        is_of_user = (
            Attr("created_by").eq(user_id)
            | Attr("user_id").eq(user_id)
            | Attr("pk").begins_with(f"IDEMPOTENCY#{user_id}#")
            | Attr("pk").eq(f"USER#{user_id}")
        )
        return self.scan(FilterExpression=is_of_user, ConsistentRead=True)

    def jobs_of_release(self, release: int) -> Iterator[Item]:
        """Returns the entries of a release's jobs, which include those that an admin created."""
        return self.query(
            IndexName="by_release", KeyConditionExpression=Key("release_id").eq(release)
        )

    def keys_below(self, pk: str) -> Iterator[Item]:
        """Yields the key of each item of a partition."""
        condition = Key("pk").eq(pk)
        for item in self.query(KeyConditionExpression=condition, ConsistentRead=True):
            yield key_of(item)

    def add_files(self, data: UserData, release: int) -> None:
        """Adds the files and the unfinished uploads of a release."""
        prefix = f"releases/{release}/"
        listing = self.s3.get_paginator("list_objects_v2")
        for files in listing.paginate(Bucket=self.bucket, Prefix=prefix):
            data.files += [file["Key"] for file in files.get("Contents", [])]
        listing_uploads = self.s3.get_paginator("list_multipart_uploads")
        for uploads in listing_uploads.paginate(Bucket=self.bucket, Prefix=prefix):
            data.uploads += [
                (upload["Key"], upload["UploadId"])
                for upload in uploads.get("Uploads", [])
                # The local AWS lists the uploads of other prefixes too.
                if upload["Key"].startswith(prefix)
            ]

    def delete_items(self, keys: Iterable[Item]) -> None:
        """Deletes items from the table."""
        with self.table.batch_writer() as batch:
            for key in keys:
                batch.delete_item(Key=key)

    def delete_files(self, data: UserData) -> None:
        """Deletes files from the bucket, and aborts unfinished uploads."""
        for key, upload in data.uploads:
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        for start in range(0, len(data.files), MAX_DELETE_KEYS):
            keys = data.files[start : start + MAX_DELETE_KEYS]
            answer = self.s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys]}
            )
            if errors := answer.get("Errors"):
                raise OSError(f"S3 refused to delete {len(errors)} files: {errors[0]}")


def key_of(item: Item) -> Item:
    """Returns the key of an item."""
    return {"pk": item["pk"], "sk": item["sk"]}


def release_key(release: int) -> Item:
    """Returns the key of a release."""
    return {"pk": f"RELEASE#{release}", "sk": "META"}


def find_user_data(storage: Storage, user_id: int) -> UserData:
    """Finds all data of a user, with the jobs of others on the user's releases."""
    data, jobs = UserData(), []
    for item in storage.items_of(user_id):
        kind = item["pk"].partition("#")[0]
        if kind == "JOB":
            jobs.append(item)
        elif kind == "RELEASE":
            data.owned.add(int(item["id"]))
        else:
            data.parts.append(key_of(item))
    for release in sorted(data.owned):
        jobs += storage.jobs_of_release(release)
        others = (key for key in storage.keys_below(f"RELEASE#{release}") if key["sk"] != "META")
        data.parts += others
        storage.add_files(data, release)
    data.jobs = {int(job["id"]) for job in jobs}
    data.open_jobs = {int(job["id"]) for job in jobs if job["status"] in {"pending", "running"}}
    for job in sorted(data.jobs):
        data.parts += storage.keys_below(f"JOB#{job}")
    return data


def remove_user_data(stack: str, user_id: int, *, dry_run: bool = False) -> Counter[str]:
    """Removes all data of a user from a stack; returns what it found, by kind.

    A call that is interrupted can be repeated: jobs and releases, which lead to all else, go last.
    Raises an `OpenJobsError` before anything is removed if jobs are pending or running.
    """
    storage = Storage(stack)
    data = find_user_data(storage, user_id)
    if dry_run:
        return data.counts()
    if data.open_jobs:
        raise OpenJobsError(data.open_jobs)
    storage.delete_items(key for key in data.parts if key["sk"] != "META")
    storage.delete_files(data)
    storage.delete_items(key for key in data.parts if key["sk"] == "META")
    storage.delete_items(release_key(release) for release in data.owned)
    return data.counts()
