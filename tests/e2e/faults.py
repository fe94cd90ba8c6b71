"""Faults between a function and AWS.

A proxy identifies each call. It can delay or refuse it, lose its answer, or kill the process.
"""

import contextlib
import http.client
import http.server
import json
import os
import signal
import threading
import urllib.parse
from collections.abc import Callable, Container, Iterator
from email.message import Message
from typing import Any, NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from runtime import Server

FORWARD_TIMEOUT = 60  # seconds
MAX_HOLD = 600  # seconds, after which a test has failed long ago
# The services of these prefixes of X-Amz-Target; that of DynamoDB has its version.
SERVICES = {"AmazonSQS": "SQS", "AWSEvents": "EventBridge"}
# The proxy writes these headers itself.
OWN_HEADERS = ("content-length", "transfer-encoding", "connection", "date", "server")


class Call(NamedTuple):
    """A call to AWS, named as in the service's API reference."""

    service: str
    operation: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.service} {self.operation}"


class Refusal(NamedTuple):
    """An answer that the proxy gives instead of AWS."""

    status: int
    content_type: str
    content: bytes


class ConnectionLostError(Exception):
    """The proxy closes the connection without an answer."""


# Runs before a call is forwarded. Can wait, refuse the call, or raise `ConnectionLostError`.
Before = Callable[[Call], Refusal | None]
# Runs after AWS has answered a call. Can raise `ConnectionLostError`.
After = Callable[[Call], None]
# Changes the body of a call on its way to AWS, which the proxy then signs with its own credentials.
Rewrite = Callable[[Call, bytes], bytes]
# Takes `before`, `after` and `rewrite`; returns a proxy's address. See the fixture `start_proxy`.
StartProxy = Callable[..., str]


def name_call(method: str, target: str, headers: Message) -> Call:
    """Identifies the call of an HTTP request."""
    parts = urllib.parse.urlsplit(target)
    if operation := headers.get("x-amz-target"):
        prefix, _, operation = operation.rpartition(".")
        return Call(SERVICES.get(prefix, "DynamoDB"), operation, method, parts.path)
    if "/@connections/" in parts.path:
        operation = "PostToConnection" if method == "POST" else "DeleteConnection"
        return Call("API Gateway", operation, method, parts.path)
    query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    return Call("S3", s3_operation(method, query, headers), method, parts.path)


def s3_operation(method: str, query: Container[str], headers: Message) -> str:
    """Returns the operation of a request to S3, from its query and headers."""
    is_copy = "x-amz-copy-source" in headers
    match method:
        case "GET" if "list-type" in query:
            operation = "ListObjectsV2"
        case "GET":
            operation = "ListMultipartUploads" if "uploads" in query else "GetObject"
        case "PUT" if "partNumber" in query:
            operation = "UploadPartCopy" if is_copy else "UploadPart"
        case "PUT":
            operation = "CopyObject" if is_copy else "PutObject"
        case "POST" if "uploadId" in query:
            operation = "CompleteMultipartUpload"
        case "POST":
            operation = "DeleteObjects" if "delete" in query else "CreateMultipartUpload"
        case "DELETE":
            operation = "AbortMultipartUpload" if "uploadId" in query else "DeleteObject"
        case _:
            operation = method
    return operation


def service_error(code: str, message: str, **fields: object) -> Refusal:
    """Returns the answer of DynamoDB, SQS or EventBridge that refuses a call with this code."""
    problem = {"__type": code, "message": message} | fields
    return Refusal(400, "application/x-amz-json-1.0", json.dumps(problem).encode())


def throttle(call: Call) -> Refusal:
    """Returns the answer of a service that throttles the caller."""
    if call.service == "S3":
        content = "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"
        return Refusal(503, "application/xml", content.encode())
    code = {
        "DynamoDB": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "SQS": "com.amazonaws.sqs#RequestThrottled",
        "EventBridge": "ThrottlingException",
    }[call.service]
    return service_error(code, "Rate exceeded")


def forward_all(_: Call) -> None:
    """Forwards every call."""


def unchanged(_: Call, body: bytes) -> bytes:
    """Forwards the body of every call as it is."""
    return body


class ProxyServer(Server):
    """A proxy in front of the AWS endpoint `target`."""

    def __init__(
        self, target: str, before: Before, after: After, rewrite: Rewrite, credentials: Any
    ) -> None:
        super().__init__(ProxyHandler)
        self.target = urllib.parse.urlsplit(target).netloc
        self.before = before
        self.after = after
        self.rewrite = rewrite
        self.credentials = credentials


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    """Forwards the requests to a `ProxyServer`."""

    protocol_version = "HTTP/1.1"
    server: ProxyServer

    def handle_call(self) -> None:
        """Forwards a call, refuses it, or closes the connection."""
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        call = name_call(self.command, self.path, self.headers)
        self.close_connection = True
        if len(body) < length:  # the process was killed while it sent the request
            return
        try:
            if refusal := self.server.before(call):
                headers = [("content-type", refusal.content_type)]
                status, content = refusal.status, refusal.content
            else:
                sent = self.server.rewrite(call, body)
                status, headers, content = self.forward(sent, is_changed=sent != body)
                self.server.after(call)
        except ConnectionLostError:
            return
        self.close_connection = False
        self.answer(status, headers, content)

    def forward(self, body: bytes, *, is_changed: bool) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends the request to AWS; returns the status, headers and body of the answer."""
        connection = http.client.HTTPConnection(self.server.target, timeout=FORWARD_TIMEOUT)
        headers = self.sign(body) if is_changed else dict(self.headers)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def sign(self, body: bytes) -> dict[str, str]:
        """Returns the headers of the request with this body, and with a signature of its own."""
        scope = self.headers["authorization"].partition("Credential=")[2].split("/")
        region, service = scope[2:4]
        kept = ("host", "content-type", "x-amz-target")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        url = f"http://{self.headers['host']}{self.path}"
        request = AWSRequest(self.command, url, headers, body)
        SigV4Auth(self.server.credentials, service, region).add_auth(request)
        return dict(request.headers.items())

    def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        """Answers the function."""
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = handle_call  # noqa: N815 (http.server calls these)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextlib.contextmanager
def run_proxy(
    target: str,
    before: Before = forward_all,
    after: After = forward_all,
    rewrite: Rewrite = unchanged,
    credentials: Any = None,
) -> Iterator[str]:
    """Runs a proxy in front of the AWS endpoint `target`; yields its address.

    It needs credentials to `rewrite` calls.
    """
    server = ProxyServer(target, before, after, rewrite, credentials)
    with server.running():
        yield server.address


class Killer:
    """Kills a process at one of its calls to AWS, as the callbacks of a proxy.

    The calls are numbered from 1. A process is killed `before` AWS receives call `number`, or
    `after` AWS has carried it out and before the process has the answer. Without a number, the
    calls are only recorded. Calls that `refuses` picks are throttled.
    """

    def __init__(
        self,
        number: int | None = None,
        moment: str = "before",
        refuses: Callable[[Call], bool] = lambda _: False,
    ) -> None:
        self.number = number
        self.moment = moment
        self.refuses = refuses
        self.pid: int
        self.calls: list[Call] = []
        self.killed: Call | None = None
        self.lock = threading.Lock()
        self.thread = threading.local()  # `is_last` of the current call of each connection

    def before(self, call: Call) -> Refusal | None:
        """Records a call. Kills the process at the planned call if the moment is `before`."""
        with self.lock:
            if self.killed:
                raise ConnectionLostError
            self.calls.append(call)
            self.thread.is_last = len(self.calls) == self.number
            if self.thread.is_last and self.moment == "before":
                self.kill(call)
        return throttle(call) if self.refuses(call) else None

    def after(self, call: Call) -> None:
        """Kills the process at the planned call if the moment is `after`."""
        with self.lock:
            if self.thread.is_last:
                self.kill(call)

    def kill(self, call: Call) -> None:
        """Kills the process and drops the answer to its last call."""
        self.killed = call
        os.kill(self.pid, signal.SIGKILL)
        raise ConnectionLostError


class LostAnswer:
    """Loses the answer to the first call of an operation, after AWS has carried it out."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.call: Call | None = None

    def after(self, call: Call) -> None:
        """Closes the connection at the first call of the operation."""
        if call.operation == self.operation and not self.call:
            self.call = call
            raise ConnectionLostError


class Gate:
    """Holds the calls that `holds` selects until the gate is opened.

    The SDK gives up a held call after a while, and tries again: that call is held too.
    """

    def __init__(self, holds: Callable[[Call], bool]) -> None:
        self.holds = holds
        self.is_held = threading.Event()
        self.is_open = threading.Event()

    def before(self, call: Call) -> None:
        """Waits at the gate if the call is selected."""
        if self.holds(call):
            self.is_held.set()
            self.is_open.wait(MAX_HOLD)
