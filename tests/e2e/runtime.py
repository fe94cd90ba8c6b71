"""A small Lambda runtime API, to run one function in an environment chosen by the test.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import http.server
import json
import queue
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from document import Exchange, check
from invoke import function_name, variables
from local import ROOT, SOURCE
from stack import Stack

EVENTS = ROOT / "tests/fixtures/events"
ANSWER_TIMEOUT = 180  # seconds
TIME_LIMIT = 900  # seconds: the time limit of process-jobs in the template
# The answer of a function that has processed every message of its batch.
PROCESSED: dict[str, list[Any]] = {"batchItemFailures": []}

# Answers a request with this path and body: status, headers and body.
Respond = Callable[[str, bytes], tuple[int, Mapping[str, object], bytes]]


def sample_event(function: str) -> Any:
    """Returns the sample event of a function."""
    return json.loads((EVENTS / f"{function}.json").read_text())


def delivery(body: object, message_id: str) -> Any:
    """Returns the event that delivers a message to the processor. An object is sent as JSON."""
    event = sample_event("process-jobs")
    text = body if isinstance(body, str) else json.dumps(body)
    event["Records"][0] |= {"body": text, "messageId": message_id}
    return event


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server on a free port of this machine."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores the lost connection of a function that is stopped while it waits for an event."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serves requests in the background."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()


class AnswerServer(Server):
    """A server that answers by calling a function."""

    def __init__(self, respond: Respond) -> None:
        super().__init__(AnswerHandler)
        self.respond = respond


class AnswerHandler(http.server.BaseHTTPRequestHandler):
    """Sends the answers of an `AnswerServer`."""

    protocol_version = "HTTP/1.1"
    server: AnswerServer

    def answer(self) -> None:
        """Answers one request."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, content = self.server.respond(self.path, body)
        self.send_response(status)
        for name, value in {"content-length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815 (http.server calls these)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextlib.contextmanager
def serve(respond: Respond) -> Iterator[str]:
    """Serves the answers of `respond`; yields the address."""
    server = AnswerServer(respond)
    with server.running():
        yield server.address


def check_answer(event: Any, answer: Any) -> None:
    """Checks the answer to a request of API Gateway against the API's document."""
    if "requestContext" not in event or "statusCode" not in (answer or {}):
        return
    request = event["requestContext"]["http"]
    headers = {name.lower(): text for name, text in answer["headers"].items()}
    kind = headers.get("content-type", "")
    is_json = "json" in kind
    body = json.loads(answer["body"]) if is_json else answer.get("body") or ""
    sent = json.loads(event["body"]) if event.get("body") else None
    status = answer["statusCode"]
    check(Exchange(request["method"], request["path"], sent, status, kind, body))


class FunctionDiedError(Exception):
    """The function's process ended before it answered."""


class Function:
    """A function that runs alone. `invoke` passes it one event after another."""

    def __init__(self, name: str, time_limit: float, answer_timeout: float) -> None:
        self.name = name
        self.time_limit = time_limit
        self.answer_timeout = answer_timeout
        self.process: subprocess.Popen[bytes]
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    @property
    def pid(self) -> int:
        """The id of the function's process."""
        return self.process.pid

    def respond(self, path: str, body: bytes) -> tuple[int, Mapping[str, object], bytes]:
        """Serves the runtime API: returns the next event, or accepts the answer to the last one."""
        if path.endswith("/next"):
            deadline = int((time.time() + self.time_limit) * 1000)
            arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}"
            headers = {
                "lambda-runtime-aws-request-id": "1",
                "lambda-runtime-deadline-ms": deadline,
                "lambda-runtime-invoked-function-arn": arn,
            }
            return 200, headers, json.dumps(self.events.get()).encode()
        self.answers.put((path.rsplit("/", 1)[-1], json.loads(body or b"null")))
        return 202, {}, b""

    def invoke(self, event: Any) -> Any:
        """Invokes the function with an event and returns its answer."""
        kind, answer = self.run(event)
        assert kind == "response", answer
        check_answer(event, answer)
        return answer

    def invoke_in_vain(self, event: Any) -> Any:
        """Invokes the function with an event, which must fail, and returns its error."""
        kind, answer = self.run(event)
        assert kind == "error", answer
        return answer

    def run(self, event: Any) -> tuple[str, Any]:
        """Invokes the function; returns `response` or `error`, with the answer or the error."""
        self.events.put(event)
        deadline = time.monotonic() + self.answer_timeout
        while time.monotonic() < deadline:
            # The process may have answered before it ended.
            has_ended = self.process.poll() is not None
            with contextlib.suppress(queue.Empty):
                return self.answers.get(timeout=0.05)
            if has_ended:
                raise FunctionDiedError
        raise TimeoutError(f"{self.name} has not answered within {self.answer_timeout:g} s")


# Has the parameters of `run_function` without the stack. See the fixture `start_function`.
StartFunction = Callable[..., Function]


def environment(stack: Stack, function: str) -> dict[str, str]:
    """Returns the environment in which the local AWS runs a function."""
    name = function_name(function)
    configuration = stack.lambdas.get_function_configuration(FunctionName=name)
    port = urllib.parse.urlsplit(stack.endpoint_url).port
    assert port
    return variables(configuration, port)


# The memory of a function whose uploads have parts of 8 MiB.
SMALL_MEMORY = "256"  # MB


@contextlib.contextmanager
def run_function(
    stack: Stack,
    name: str,
    *,
    log: IO[str] | int = subprocess.DEVNULL,
    binary: Path | None = None,
    answer_timeout: float = ANSWER_TIMEOUT,
    time_limit: float = TIME_LIMIT,
    prefix: Sequence[str] = (),
    **changes: str | None,
) -> Iterator[Function]:
    """Runs a function alone, with changed environment variables; None removes a variable.

    The function writes its log to `log`. An event's deadline is `time_limit` seconds away. `binary`
    replaces the deployed program. `prefix` is a command that runs it in the same process, for
    example `taskset -c 0`.
    """
    function = Function(name, time_limit, answer_timeout)
    program = binary or SOURCE / "build" / name / "bootstrap"
    with serve(function.respond) as address:
        api = {"AWS_LAMBDA_RUNTIME_API": address.removeprefix("http://")}
        merged = {**environment(stack, name), **api, **changes}
        given = {name: text for name, text in merged.items() if text is not None}
        function.process = subprocess.Popen([*prefix, program], env=given, stdout=log)
        try:
            yield function
        finally:
            function.process.kill()
            function.process.wait()
