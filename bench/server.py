"""A small server that simulates Lambda's runtime API and the AWS services of a function.

So nothing is measured but the function. http.server would take a millisecond for a request.
"""

import asyncio
import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from local import aws_environment

ROOT = Path(__file__).resolve().parent.parent
JOB: dict[str, Any] = {
    "pk": {"S": "JOB#7338214520942592"},
    "sk": {"S": "META"},
    "id": {"N": "7338214520942592"},
    "created_by": {"N": "7"},
    "release_id": {"N": "7338214520942593"},
    "job_type": {"S": "packaging"},
    "status": {"S": "completed"},
    "phase": {"S": "completed"},
    "progress": {"N": "100"},
    "attempt": {"N": "1"},
    "fence": {"N": "1"},
    "log_seq": {"N": "0"},
    "runs": {"L": []},
    "config": {"S": "{}"},
    "bucket": {"N": "834"},
    "shard": {"N": "0"},
    "started_at": {"N": "1795428301000"},
    "updated_at": {"N": "1795428302000"},
    "finished_at": {"N": "1795428302000"},
    "expires_at": {"N": "1803204302"},
}
RELEASE: dict[str, Any] = {
    "pk": {"S": "RELEASE#7338214520942593"},
    "sk": {"S": "META"},
    "id": {"N": "7338214520942593"},
    "user_id": {"N": "7"},
    "release_type": {"S": "ebook"},
    "metadata": {"S": "{}"},
    "created_at": {"N": "1795428300000"},
}
EVENT_HEADERS = "".join(
    f"lambda-runtime-{header}\r\n"
    for header in (
        "aws-request-id: 8f6e1f2c-0b1e-4a44-9a39-5d8f7c3b2a10",
        "deadline-ms: 4102444800000",
        "invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:jobs",
    )
)
# Every function gets all of them.
VARIABLES = {
    "PATH": os.environ["PATH"],
    "RUST_LOG": "info",
    "TABLE_NAME": "jobs",
    "BUCKET_NAME": "jobs",
    "QUEUE_URL": "http://127.0.0.1/000000000000/jobs",
    "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1/000000000000/dead",
    "METRICS_NAMESPACE": "jobs",
    "RETENTION_DAYS": "90",
    "PACKAGE_RETENTION_DAYS": "30",
    "RELEASE_FILE_LIMIT": "1000",
    "RELEASE_SIZE_LIMIT_GIB": "1000",
    "LIVE_URL": "wss://live.example.com",
    "LIVE_ORIGINS": "https://example.com",
    "EVENT_BUS_NAME": "jobs",
    "TOKEN_SECRET_NAME": "token",
    "AWS_LAMBDA_FUNCTION_NAME": "jobs",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/jobs",
    "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    "LAMBDA_TASK_ROOT": str(ROOT / "bench/python"),
    "PYTHONPATH": str(ROOT / "bench/python"),
    "PYTHONDONTWRITEBYTECODE": "1",
}
# The SDK reads all of the system's certificates when it starts. Amazon Linux has them in one file.
# Debian also has one file per certificate, and the SDK would read both.
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
for path in CERTIFICATES:
    if Path(path).exists():
        VARIABLES["SSL_CERT_FILE"] = path


class Answer(NamedTuple):
    """A function's answer: its time, its kind (`response` or `error`) and its body.

    `asked` is the time at which the function asked for the event, and `calls` are the calls to AWS
    that it has made.
    """

    asked: float
    calls: int
    arrived: float
    kind: str
    body: bytes


Answers = queue.SimpleQueue[Answer]
# Returns the next event, or None if there is none.
NextEvent = Callable[[], bytes | None]


def answer_dynamodb(operation: str, body: bytes) -> dict[str, Any]:
    """Answers as if there were one job with its release, unwatched; accepts every write."""
    item = JOB if b"JOB#" in body else RELEASE if b"RELEASE#" in body else None
    if b"WATCH#" in body:
        item = None
    match operation:
        case "GetItem":
            return {"Item": item} if item and b"META" in body else {}
        case "BatchGetItem":
            return {"Responses": {"jobs": [item] if item else []}}
        case "Query":
            items = [item] if item is JOB else []
            return {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        case "UpdateItem":
            return {"Attributes": item or {}}
    return {}


def answer_aws(headers: Mapping[str, str], body: bytes) -> bytes:
    """Answers a call to AWS. One without an operation in a header is S3's: an empty list."""
    service, _, operation = headers.get("x-amz-target", "S3").partition(".")
    if service.startswith("DynamoDB"):
        answer = answer_dynamodb(operation, body)
    elif service == "secretsmanager":
        secret = "a secret of at least thirty-two bytes"
        answer = {"Name": "token", "SecretString": secret}
    elif service == "AmazonSQS":
        answer = {"MessageId": "1"}
    elif service == "AWSEvents":
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
    else:
        return b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    return json.dumps(answer).encode()


class Invocation:
    """What the function has asked for since it took its last event."""

    asked = 0.0
    calls = 0


class Connection(asyncio.Protocol):
    """An HTTP connection, with only the features that functions and SDKs use."""

    def __init__(self, next_event: NextEvent, answers: Answers, invocation: Invocation) -> None:
        self.next_event = next_event
        self.answers = answers
        self.invocation = invocation
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport for the answers."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answers each complete request."""
        arrived = time.perf_counter()
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            request, *lines = head.decode().split("\r\n")
            pairs = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): text for name, text in pairs}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            body, self.received = rest[:length], rest[length:]
            self.respond(request.split()[1], headers, body, arrived)

    def respond(self, path: str, headers: Mapping[str, str], body: bytes, arrived: float) -> None:
        """Answers one request. Without another event, the next one is never answered."""
        invocation = self.invocation
        if path.endswith("/invocation/next"):
            invocation.asked, invocation.calls = arrived, 0
            if event := self.next_event():
                self.answer(event, EVENT_HEADERS)
        elif "/runtime/" in path:
            kind = path.rsplit("/", 1)[-1]
            self.answers.put(Answer(invocation.asked, invocation.calls, arrived, kind, body))
            self.answer(b"{}", status="202 Accepted")
        else:
            invocation.calls += 1
            self.answer(answer_aws(headers, body))

    def answer(self, content: bytes, headers: str = "", status: str = "200 OK") -> None:
        """Sends an answer."""
        head = (
            f"HTTP/1.1 {status}\r\n"
            "content-type: application/json\r\n"
            f"{headers}content-length: {len(content)}\r\n\r\n"
        )
        self.transport.write(head.encode() + content)


@contextlib.contextmanager
def serve(next_event: NextEvent) -> Iterator[tuple[Answers, int]]:
    """Serves the runtime API and the AWS services; yields the function's answers and the port."""
    loop = asyncio.new_event_loop()
    answers: Answers = queue.SimpleQueue()
    invocation = Invocation()
    server = loop.run_until_complete(
        loop.create_server(lambda: Connection(next_event, answers, invocation), "127.0.0.1", 0)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield answers, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def run_process(command: list[str], port: int) -> Iterator[None]:
    """Runs a function's program against the server on `port`."""
    api = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "CONNECTIONS_URL": f"http://127.0.0.1:{port}",
    }
    variables = {**aws_environment(port), **VARIABLES, **api}
    # With close_fds, Python would look through its open files before it starts the process.
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, close_fds=False)
    try:
        yield
    finally:
        process.kill()
        process.wait()
