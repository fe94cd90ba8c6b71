"""How soon a function answers its first request, and how large it is, beside a hello world and Python.

Everything runs against one small server in this process, which plays both Lambda's runtime API and
the AWS services, so that nothing is measured but the function: from just before its process is
started to the arrival of its answer.
"""

import asyncio
import contextlib
import itertools
import json
import os
import queue
import statistics
import subprocess
import threading
import time
from pathlib import Path

from local import aws_environment  # scripts/local.py

ROOT = Path(__file__).resolve().parent.parent
EVENTS = ROOT / "tests/fixtures/events"
MIB = 1 << 20
ROUNDS = 15
SECONDS = 10  # for one answer
HELLO, HELLO_SDK, PYTHON = "hello", "hello-sdk", "python"
SAME_ROUTE = "get-job-status"  # what PYTHON does too
DEPLOYED = (SAME_ROUTE, "process-jobs")  # what takes long to build is measured for an example of each kind
TIMES_HELLO, TIMES_PYTHON = 1.5, 0.1  # at the most
JOB = {
    "pk": {"S": "JOB#7338214520942592"}, "sk": {"S": "META"}, "id": {"N": "7338214520942592"},
    "created_by": {"N": "7"}, "release_id": {"N": "7338214520942593"}, "job_type": {"S": "packaging"},
    "status": {"S": "completed"}, "phase": {"S": "completed"}, "progress": {"N": "100"}, "attempt": {"N": "1"},
    "fence": {"N": "1"}, "log_seq": {"N": "0"}, "runs": {"L": []}, "bucket": {"N": "834"}, "shard": {"N": "0"},
    "started_at": {"N": "1795428301000"}, "updated_at": {"N": "1795428302000"},
    "finished_at": {"N": "1795428302000"}, "expires_at": {"N": "1803204302"},
}
RELEASE = {
    "pk": {"S": "RELEASE#7338214520942593"}, "sk": {"S": "META"}, "id": {"N": "7338214520942593"},
    "user_id": {"N": "7"}, "release_type": {"S": "ebook"}, "metadata": {"S": "{}"},
    "created_at": {"N": "1795428300000"},
}
LAMBDA = "".join(f"lambda-runtime-{header}\r\n" for header in (
    "aws-request-id: 8f6e1f2c-0b1e-4a44-9a39-5d8f7c3b2a10",
    "deadline-ms: 4102444800000",
    "invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:jobs",
))
# A function reads those that it knows.
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
# The SDK reads every certificate of the system at its start. Amazon Linux has them in one file; where
# each has a file of its own as well, as in Debian, both would be read.
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
VARIABLES |= {"SSL_CERT_FILE": path for path in CERTIFICATES if os.path.exists(path)}


def dynamodb(operation, body):
    """One job and its release are there, and nothing else; every write is carried out."""
    item = JOB if b"JOB#" in body else RELEASE if b"RELEASE#" in body else None
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


def aws(headers, body):
    """What a service answers: S3, which alone names no operation in a header, has empty lists."""
    service, _, operation = headers.get("x-amz-target", "S3").partition(".")
    if service.startswith("DynamoDB"):
        answer = dynamodb(operation, body)
    elif service == "secretsmanager":
        answer = {"Name": "token", "SecretString": "a secret of at least thirty-two bytes"}
    elif service == "AmazonSQS":
        answer = {"MessageId": "1"}
    else:
        return b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    return json.dumps(answer).encode()


class Connection(asyncio.Protocol):
    """HTTP, as little of it as the clients here need: http.server takes a millisecond a request."""

    def __init__(self, events, answers):
        self.events, self.answers, self.received = events, answers, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        arrived = time.perf_counter()
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            request, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            body, self.received = rest[:length], rest[length:]
            self.respond(request.split()[1], headers, body, arrived)

    def respond(self, path, headers, body, arrived):
        if path.endswith("/invocation/next"):
            if self.events:  # the second event never comes
                self.answer(self.events.pop(), LAMBDA)
        elif "/runtime/" in path:
            self.answers.put((arrived, path.rsplit("/", 1)[-1], body))
            self.answer(b"{}", status="202 Accepted")
        else:
            self.answer(aws(headers, body))

    def answer(self, content, headers="", status="200 OK"):
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {len(content)}\r\n\r\n"
        self.transport.write(head.encode() + content)


@contextlib.contextmanager
def serving(events):
    """Serves the runtime API, with these events, and the AWS services; gives the answers, and the port."""
    loop, answers = asyncio.new_event_loop(), queue.SimpleQueue()
    server = loop.run_until_complete(loop.create_server(lambda: Connection(events, answers), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield answers, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def first_answer(command, event):
    """Starts the process and hands it the event; gives the seconds to its answer, and the answer."""
    # A server for each: one process's wait for its next event must not take another's first.
    with serving([event]) as (answers, port):
        variables = aws_environment(port) | VARIABLES | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        begun = time.perf_counter()
        # Without close_fds=False Python would look through its files before it starts the process.
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, close_fds=False)
        try:
            arrived, kind, body = answers.get(timeout=SECONDS)
        except queue.Empty:
            raise TimeoutError(f"{command} has not answered within {SECONDS} s") from None
        finally:
            process.kill()
            process.wait()
    answer = json.loads(body)
    assert kind == "response", (command, kind, answer)
    assert not isinstance(answer, dict) or answer.get("statusCode", 200) < 500, (command, answer)
    return arrived - begun, answer


def commands(binaries, python, functions=None):
    """What is started, by name, and the event that it is given: all functions, or some."""
    functions = functions or sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
    started = {name: ([str(binaries / name)], SAME_ROUTE) for name in (HELLO, HELLO_SDK)}
    started[PYTHON] = ([str(python), "-m", "awslambdaric", "handler.handler"], SAME_ROUTE)
    started |= {name: ([str(binaries / name)], name) for name in functions}
    return {name: (command, (EVENTS / f"{event}.json").read_bytes()) for name, (command, event) in started.items()}


def times(started, rounds):
    """Seconds to the first answer, by name: medians, in rounds, so that noise meets all alike."""
    seconds, answers = {name: [] for name in started}, {}
    # The first round, after which every file is in memory, is not counted.
    for round, (name, (command, event)) in itertools.product(range(rounds + 1), started.items()):
        taken, answers[name] = first_answer(command, event)
        if round:
            seconds[name].append(taken)
    ours, python = (json.loads(answers[name]["body"]) for name in (SAME_ROUTE, PYTHON))
    assert ours == python, f"not the same answer: {ours} {python}"
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def startup(report, local, release, python, rounds=ROUNDS):
    """Measures every function as it is built in the folder `local`, and those that `make bench` builds
    as they are deployed; `python` has requirements/python.txt installed."""
    measure(report, "deployed", commands(Path(release), python, DEPLOYED), rounds)
    measure(report, "local", commands(Path(local), python), rounds)


def measure(report, profile, started, rounds):
    took = times(started, rounds)
    for name, (command, _) in started.items():
        report.add(f"{name} ({profile})", took[name] * 1000, "ms")
        if name != PYTHON:
            report.add(f"{name} ({profile}), size", os.stat(command[0]).st_size / MIB, "MiB")
        if name not in (HELLO, HELLO_SDK, PYTHON):
            report.add(f"{name} ({profile}), to the hello world without the SDK", took[name] / took[HELLO], "times")
            ratio = took[name] / took[HELLO_SDK]
            report.add(f"{name} ({profile}), to the hello world with the SDK", ratio, "times", goal_at_most=TIMES_HELLO)
            report.add(f"{name} ({profile}), to Python", took[name] / took[PYTHON], "times", goal_at_most=TIMES_PYTHON)
