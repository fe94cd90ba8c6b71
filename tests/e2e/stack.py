"""The deployed stack: its names and addresses, its users, and AWS clients."""

import contextlib
import fcntl
import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3

from api import Client, User
from local import LOCAL, read_env
from requests_sent import count
from tokens import local_secret, token

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# An item of the table in the format of DynamoDB's API.
Item = Mapping[str, "AttributeValueTypeDef"]
# Longer than the lease of a run and the delay of a cleanup.
SWEEP_DELAYS = 200  # seconds
# The ids of new users. `make verify` has a block of its own for each run.
USERS = range(10**6, 10**12)


def count_call(event_name: str, **_: object) -> None:
    """Counts a call that an AWS client sends, and each of its retries."""
    count(" ".join(event_name.split(".")[1:]))


class Stack:
    """A deployed stack: the local one of `make up`, or the one that `make verify` checks.

    Settings without credentials leave them, and the endpoint, to the defaults of the AWS SDK.
    """

    def __init__(self, settings: Mapping[str, str], secret: bytes, users: range = USERS) -> None:
        self.secret = secret
        self.users = users
        self.name = settings["STACK"]
        self.api_url = settings["API_URL"]
        self.endpoint_url = settings.get("AWS_ENDPOINT_URL", "")
        self.origins = [origin for origin in settings["ALLOWED_ORIGINS"].split(",") if origin]
        self.table = settings["TABLE_NAME"]
        self.bucket = settings["BUCKET_NAME"]
        self.queue_url = settings["QUEUE_URL"]
        self.dead_letter_queue_url = settings["DEAD_LETTER_QUEUE_URL"]
        self.exhausted_queue_url = settings["EXHAUSTED_QUEUE_URL"]
        self.events_dead_letter_queue_url = settings["EVENTS_DEAD_LETTER_QUEUE_URL"]
        self.event_bus = settings["EVENT_BUS_NAME"]
        self.session = boto3.Session(
            settings.get("AWS_ACCESS_KEY_ID"),
            settings.get("AWS_SECRET_ACCESS_KEY"),
            region_name=settings["AWS_REGION"],
        )
        self.session.events.register("before-send", count_call)
        endpoint_url = self.endpoint_url or None
        self.dynamodb = self.session.client("dynamodb", endpoint_url=endpoint_url)
        self.lambdas = self.session.client("lambda", endpoint_url=endpoint_url)
        self.s3 = self.session.client("s3", endpoint_url=endpoint_url)
        self.sqs = self.session.client("sqs", endpoint_url=endpoint_url)

    @classmethod
    def load(cls) -> "Stack":
        """Reads the names and addresses of the running stack; ends the process if there is none."""
        settings = read_env()
        users = USERS
        if first := settings.get("FIRST_USER"):
            users = range(int(first), int(settings["LAST_USER"]) + 1)
        return cls(settings, local_secret(), users)

    def user(self, user_id: int, role: str | None = None) -> User:
        """Returns a user with a token for the API."""
        return User(self.api_url, token(user_id, role, self.secret), user_id)

    def new_id(self) -> int:
        """Returns the id of a new user."""
        return random.choice(self.users)

    def new_user(self, role: str | None = None) -> User:
        """Returns a user with a new id."""
        return self.user(self.new_id(), role)

    def client(self, bearer: str | None = None) -> Client:
        """Returns a client with this token, or with none."""
        return Client(self.api_url, bearer)

    def job_item(self, job_id: int) -> Item:
        """Reads the main item of a job from the table."""
        key: Item = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "META"}}
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return answer.get("Item", {})

    def release_count(self, user_id: int) -> int:
        """Reads the number of releases that is counted for a user."""
        key: Item = {"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "RELEASES"}}
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return int(answer["Item"]["count"]["N"]) if "Item" in answer else 0

    def output_keys(self, release_id: int) -> set[str]:
        """Lists the files and unfinished uploads in the output of a release's jobs."""
        prefix = f"releases/{release_id}/jobs/"
        uploads = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        files = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        keys = {file["Key"] for file in files} | {upload["Key"] for upload in uploads}
        return {key for key in keys if key.startswith(prefix)}

    def expire(self, item: Item) -> None:
        """Moves a job's due times into the past, so that the next sweep handles the job.

        Does nothing if the job has changed since the item was read.
        """
        names = [name for name in ("lease_expires_at", "due_at", "finished_at") if name in item]
        past = str(int((time.time() - SWEEP_DELAYS) * 1000))
        with contextlib.suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression="SET " + ", ".join(f"{name} = :past" for name in names),
                ConditionExpression="fence = :fence AND #status = :status AND due_at = :due_at",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":past": {"N": past},
                    ":fence": item["fence"],
                    ":status": item["status"],
                    ":due_at": item["due_at"],
                },
            )

    def set_times(self, job_id: int, millis: int, *names: str) -> None:
        """Sets times of a job, in milliseconds since 1970."""
        item = self.job_item(job_id)
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"pk": item["pk"], "sk": item["sk"]},
            UpdateExpression="SET " + ", ".join(f"{name} = :time" for name in names),
            ExpressionAttributeValues={":time": {"N": str(millis)}},
        )

    def sweep(self) -> None:
        """Runs the deployed sweeper now. Its schedule runs it every minute."""
        # Like the schedule, concurrent tests run one sweep at a time.
        with (LOCAL / "sweep.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            answer = self.lambdas.invoke(FunctionName=f"{self.name}-sweep-jobs", Payload=b"{}")
        assert "FunctionError" not in answer, answer
