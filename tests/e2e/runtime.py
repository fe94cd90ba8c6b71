"""One function alone, in an environment that a test changes: Lambda's runtime API, in small.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import functools
import http.server
import json
import queue
import subprocess
import sys
import threading
import time

from support import ROOT
from invoke import environment  # scripts/invoke.py
from local import SOURCE  # scripts/local.py

ENVIRONMENT = functools.cache(environment)
EVENTS = ROOT / "tests/fixtures/events"
SECONDS = 60
LIMIT = 900  # process-jobs', in the template


def event(function):
    """The function's sample event."""
    return json.loads((EVENTS / f"{function}.json").read_text())


class Died(Exception):
    """The process ended before it answered."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the server's `respond` makes of the path and the body."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, content = self.server.respond(self.path, body)
        self.send_response(status)
        for name, value in ({"content-length": len(content)} | headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False

    def handle_error(self, *_):
        # A function that is stopped while it waits for its next event hangs up.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*_)


@contextlib.contextmanager
def serving(respond):
    """Serves what `respond` answers, at the address that this gives."""
    server = Server(("127.0.0.1", 0), Handler)
    server.respond = respond
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def running(function, log=subprocess.DEVNULL, binary=None, seconds=SECONDS, limit=LIMIT, **variables):
    """Runs a function with these environment variables changed; gives what invokes it.

    A variable that is None is taken away; the function's log goes to the file `log`. An answer is
    waited for `seconds`, and the function is told that its time limit is `limit`, in seconds;
    `binary` is another than the one that is deployed locally.
    """
    events, answers = queue.Queue(), queue.Queue()

    def respond(path, body):
        if path.endswith("/next"):
            given = {
                "lambda-runtime-aws-request-id": "1",
                "lambda-runtime-deadline-ms": int((time.time() + limit) * 1000),
                "lambda-runtime-invoked-function-arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
            }
            return 200, given, json.dumps(events.get()).encode()
        answers.put((path.rsplit("/", 1)[-1], json.loads(body or b"null")))
        return 202, {}, b""

    def invoke(event):
        events.put(event)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # A process that has ended may have answered before.
            has_ended = process.poll() is not None
            with contextlib.suppress(queue.Empty):
                kind, answer = answers.get(timeout=0.05)
                assert kind == "response", answer
                return answer
            if has_ended:
                raise Died
        raise TimeoutError(f"{function} has not answered within {seconds} s")

    with serving(respond) as address:
        changed = ENVIRONMENT(function) | {"AWS_LAMBDA_RUNTIME_API": address} | variables
        given = {name: value for name, value in changed.items() if value is not None}
        process = subprocess.Popen([binary or SOURCE / "build" / function / "bootstrap"], env=given, stdout=log)
        invoke.pid = process.pid
        try:
            yield invoke
        finally:
            process.kill()
            process.wait()
