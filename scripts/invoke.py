"""'make invoke' and 'make watch': one function alone, in cargo-lambda's emulation, with the
environment that the template gives it in the local AWS.

invoke.py FUNCTION EVENT_FILE    runs build/FUNCTION/bootstrap and hands it the event
invoke.py --watch                'cargo lambda watch' in the foreground: compiles what is invoked

Invocation needs no compiler: cargo-lambda only plays Lambda's part ('--only-lambda-apis'), and
the binary that is deployed locally connects to it. One emulation is kept for all invocations.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import local

# So that a test can call this script without make.
os.environ["PATH"] = f"{local.TOOLS / 'venv-local/bin'}:{os.environ['PATH']}"

STATE = local.LOCAL / "watch.json"
WATCH = ["cargo", "lambda", "watch", "--invoke-address", "127.0.0.1"]


def environment(function):
    """What the function sees when the local AWS runs it."""
    port = local.running()["port"]
    name = f"{local.STACK}-{function}"
    given = local.aws(port, "lambda", "get-function-configuration", "--function-name", name)
    return local.plain_environment(port) | given["Environment"]["Variables"] | {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(given["MemorySize"]),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }


def start(*arguments):
    port = local.free_port()
    log = (local.LOCAL / "watch.log").open("w")
    process = subprocess.Popen(
        [*WATCH, "--invoke-port", str(port), *arguments], cwd=local.ROOT,
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while local.free(port):
        if process.poll() is not None or time.monotonic() > deadline:
            local.fail("cargo lambda watch did not start:\n" + local.tail(local.LOCAL / "watch.log"))
        time.sleep(0.05)
    return {"pid": process.pid, "port": port, "compiles": False}


def emulation():
    # Tests invoke several functions at the same time: only the first starts it.
    with (local.LOCAL / "watch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if state := local.read_state(STATE, "cargo"):
            return state
        state = start("--only-lambda-apis")
        STATE.write_text(json.dumps(state))
        return state


def invoke(function, event):
    if not (local.ROOT / "functions" / function).is_dir() or not function:
        names = sorted(path.name for path in (local.ROOT / "functions").iterdir() if path.is_dir())
        local.fail(f"FN={function} is no function; there are: {', '.join(names)}")
    if not event.is_file():
        local.fail(f"there is no event file {event}; give one with EVENT=...")
    state = emulation()
    running = None
    if not state["compiles"]:
        api = {"AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{state['port']}/.rt/{function}"}
        binary = local.SOURCE / "build" / function / "bootstrap"
        running = subprocess.Popen([str(binary)], env=environment(function) | api, stdout=sys.stderr)
    try:
        address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(state["port"])]
        command = ["cargo", "lambda", "invoke", function, *address, "--data-file", str(event)]
        return subprocess.run(command, cwd=local.ROOT, timeout=300).returncode
    finally:
        if running:
            running.terminate()
            running.wait()


def watch():
    """Every function gets every variable: cargo-lambda has one environment for all."""
    variables = {}
    for folder in sorted((local.ROOT / "functions").iterdir()):
        if folder.is_dir():
            variables |= environment(folder.name)
    kept = {name: value for name, value in variables.items() if not name.startswith("AWS_LAMBDA_")}
    if old := local.read_state(STATE, "cargo"):
        local.stop_group(old["pid"])
    port = local.free_port()
    process = subprocess.Popen([*WATCH, "--invoke-port", str(port)], cwd=local.ROOT, env=os.environ | kept)
    STATE.write_text(json.dumps({"pid": process.pid, "port": port, "compiles": True}))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # cargo-lambda ends by itself
    print(f"Invoke with 'make invoke FN=...' in another terminal, or at http://127.0.0.1:{port}.", flush=True)
    try:
        return process.wait()
    finally:
        STATE.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(watch() if sys.argv[1] == "--watch" else invoke(sys.argv[1], Path(sys.argv[2])))
