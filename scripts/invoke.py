"""Runs one function alone in cargo-lambda's emulation of Lambda (`make invoke`, `make watch`).

The function runs in the environment that the template gives it in the local AWS. Invoking it needs
no compiler: cargo-lambda only serves Lambda's runtime API ('--only-lambda-apis'), and the locally
deployed binary connects to it. One emulation serves all invocations.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import local

# A test may call this script without make.
os.environ["PATH"] = f"{local.TOOLS / 'venv-local/bin'}:{os.environ['PATH']}"

STATE = local.LOCAL / "watch.json"
WATCH = ["cargo", "lambda", "watch", "--invoke-address", "127.0.0.1"]
START_TIMEOUT = 30  # seconds
INVOKE_TIMEOUT = 300


def function_name(function: str) -> str:
    """Returns the deployed name of a function."""
    return f"{local.STACK}-{function}"


def variables(configuration: Mapping[str, Any], port: int) -> dict[str, str]:
    """Returns the environment of a function in the local AWS on `port`, from its configuration."""
    name = configuration["FunctionName"]
    given: dict[str, str] = configuration["Environment"]["Variables"]
    plain: dict[str, str] = local.plain_environment(port)
    return {
        **plain,
        **given,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }


def environment(function: str) -> dict[str, str]:
    """Returns the environment of a function; asks the running local AWS."""
    state = local.running() or local.fail("the local AWS is not up; run 'make up' first")
    port = state["port"]
    command = ("lambda", "get-function-configuration", "--function-name", function_name(function))
    return variables(local.aws(port, *command), port)


def functions() -> list[str]:
    """Returns the names of all functions."""
    return sorted(path.name for path in (local.ROOT / "functions").iterdir() if path.is_dir())


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Waits for the lock of this name, and holds it."""
    with (local.LOCAL / f"watch.{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start_emulation() -> dict[str, Any]:
    """Starts cargo-lambda in the background and waits until it listens; returns its state."""
    port = local.free_port()
    log_path = local.LOCAL / "watch.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [*WATCH, "--invoke-port", str(port), "--only-lambda-apis"],
            cwd=local.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT
    while local.free(port):
        if process.poll() is not None or time.monotonic() > deadline:
            local.fail("cargo lambda watch did not start:\n" + local.tail(log_path))
        time.sleep(0.05)
    return {"pid": process.pid, "port": port, "compiles": False}


def emulation() -> dict[str, Any]:
    """Returns the state of the emulation; starts it if necessary."""
    # Concurrent invocations start only one.
    with exclusive("emulation"):
        if state := local.read_state(STATE, "cargo"):
            return dict(state)
        started = start_emulation()
        STATE.write_text(json.dumps(started))
        return started


def start_function(function: str, port: int) -> subprocess.Popen[bytes]:
    """Starts the deployed binary of a function, connected to the emulation on `port`."""
    binary = local.SOURCE / "build" / function / "bootstrap"
    api = {"AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{function}"}
    return subprocess.Popen([str(binary)], env=environment(function) | api, stdout=sys.stderr)


def invoke(function: str, event: Path) -> int:
    """Invokes a function with an event, prints its answer and returns the exit status."""
    if function not in functions():
        local.fail(f"FN={function} is not a function; there are: {', '.join(functions())}")
    if not event.is_file():
        local.fail(f"there is no event file {event}; name one with EVENT=...")
    state = emulation()
    # Two processes of one function would take each other's events.
    with exclusive(function):
        # 'make watch' starts and compiles functions itself.
        process = None if state["compiles"] else start_function(function, state["port"])
        try:
            address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(state["port"])]
            command = ["cargo", "lambda", "invoke", function, *address, "--data-file", str(event)]
            done = subprocess.run(command, cwd=local.ROOT, timeout=INVOKE_TIMEOUT, check=False)
            return done.returncode
        finally:
            if process:
                process.terminate()
                process.wait()


def watch() -> int:
    """Runs cargo-lambda in the foreground: it compiles the functions that are invoked.

    Every function receives the variables of all: cargo-lambda has one environment.
    """
    shared: dict[str, str] = {}
    for function in functions():
        shared |= environment(function)
    kept = {name: text for name, text in shared.items() if not name.startswith("AWS_LAMBDA_")}
    if old := local.read_state(STATE, "cargo"):
        local.stop_group(old["pid"])
    port = local.free_port()
    command = [*WATCH, "--invoke-port", str(port)]
    process = subprocess.Popen(command, cwd=local.ROOT, env=os.environ | kept)
    STATE.write_text(json.dumps({"pid": process.pid, "port": port, "compiles": True}))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # cargo-lambda ends by itself
    address = f"http://127.0.0.1:{port}"
    print(f"Invoke with 'make invoke FN=...' in another terminal, or at {address}.", flush=True)
    try:
        return process.wait()
    finally:
        STATE.unlink(missing_ok=True)


def main() -> int:
    """Runs the command of the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Run one function alone, without the local API.")
    parser.add_argument("--watch", action="store_true", help="rebuild functions as they change")
    parser.add_argument("function", nargs="?", help="name of the function")
    parser.add_argument("event", nargs="?", type=Path, help="JSON file with the event")
    arguments = parser.parse_args()
    if arguments.watch:
        return watch()
    if arguments.event is None:
        parser.error("name a function and an event file, or --watch")
    return invoke(arguments.function, arguments.event)


if __name__ == "__main__":
    sys.exit(main())
