"""What stands between a function and AWS in a test: it names each call, and may hold it back,
refuse it, or make it the last one of the process."""

import contextlib
import http.client
import http.server
import json
import os
import signal
import threading
import time
import urllib.parse
from typing import NamedTuple

from runtime import Server
from support import ENV, aws


class Call(NamedTuple):
    service: str
    operation: str
    method: str
    path: str

    def __str__(self):
        return f"{self.service} {self.operation}"


class Gone(Exception):
    """Nobody waits for the answer any more."""


def named(method, target, headers):
    """The call that a request is, as the service's API reference calls it."""
    parts = urllib.parse.urlsplit(target)
    if operation := headers.get("x-amz-target"):
        service = "SQS" if operation.startswith("AmazonSQS") else "DynamoDB"
        return Call(service, operation.rsplit(".", 1)[-1], method, parts.path)
    asked = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    copies, is_part, of_upload = "x-amz-copy-source" in headers, "partNumber" in asked, "uploadId" in asked
    operation = {
        "GET": "ListObjectsV2" if "list-type" in asked else "ListMultipartUploads" if "uploads" in asked else "GetObject",
        "PUT": ("UploadPart" if is_part else "Copy" if copies else "Put") + ("Copy" if copies and is_part else ""),
        "POST": "CompleteMultipartUpload" if of_upload else "DeleteObjects" if "delete" in asked else "CreateMultipartUpload",
        "DELETE": "AbortMultipartUpload",
    }.get(method, method)
    return Call("S3", {"Put": "PutObject", "Copy": "CopyObject"}.get(operation, operation), method, parts.path)


def refusal(call):
    """How a service says that it is asked too much."""
    if call.service == "S3":
        return 503, "application/xml", b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"
    code = {
        "DynamoDB": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "SQS": "com.amazonaws.sqs#RequestThrottled",
    }[call.service]
    return 400, "application/x-amz-json-1.0", json.dumps({"__type": code, "message": "Rate exceeded"}).encode()


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def hand_on(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        call = named(self.command, self.path, self.headers)
        self.close_connection = True
        try:
            if len(body) < length:
                raise Gone
            if refused := self.server.asked(call):
                status, content_type, content = refused
                headers = [("content-type", content_type)]
            else:
                status, headers, content = self.forward(body)
                self.server.answered(call)
        except Gone:
            return
        self.close_connection = False
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def forward(self, body):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(ENV["AWS_ENDPOINT_URL"]).netloc, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = hand_on

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def proxy(asked, answered=lambda call: None):
    """Hands calls on to the local AWS; gives its address.

    `asked(call)` comes before: it may wait, give the answer itself, or raise `Gone`.
    `answered(call)` comes when AWS has done its part; it may raise `Gone`.
    """
    server = Server(("127.0.0.1", 0), Proxy)
    server.asked, server.answered = asked, answered
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Killer:
    """Kills a process at its call `number` (the first is 1): before AWS hears of it, or after AWS
    has answered and before the process knows. Without a number it only counts."""

    def __init__(self, number=None, moment="before", refuses=lambda call: False):
        self.number, self.moment, self.refuses = number, moment, refuses
        self.calls, self.pid, self.killed = [], None, None
        self.lock, self.own = threading.Lock(), threading.local()

    def asked(self, call):
        with self.lock:
            if self.killed:
                raise Gone
            self.calls.append(call)
            self.own.last = len(self.calls) == self.number
            if self.own.last and self.moment == "before":
                self.kill(call)
        return refusal(call) if self.refuses(call) else None

    def answered(self, call):
        with self.lock:
            if self.own.last:
                self.kill(call)

    def kill(self, call):
        self.killed = call
        os.kill(self.pid, signal.SIGKILL)
        raise Gone


def expire(item):
    """Sets a job's times back by what the sweeper waits for, as if two minutes had passed."""
    past = {"N": str(int((time.time() - 200) * 1000))}
    names = [name for name in ("lease_expires_at", "due_at", "finished_at") if name in item]
    client = aws("dynamodb")
    with contextlib.suppress(client.exceptions.ConditionalCheckFailedException):
        client.update_item(
            TableName=ENV["TABLE_NAME"], Key={"pk": item["pk"], "sk": item["sk"]},
            UpdateExpression="SET " + ", ".join(f"{name} = :past" for name in names),
            ConditionExpression="fence = :fence AND #status = :status AND due_at = :due_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":past": past, ":fence": item["fence"], ":status": item["status"], ":due_at": item["due_at"],
            },
        )


def sweep():
    """Sweeps now: the deployed sweeper does each minute."""
    given = aws("lambda").invoke(FunctionName="jobs-local-sweep-jobs", Payload=b"{}")
    assert "FunctionError" not in given, given
