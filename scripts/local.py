"""Starts and deploys the local AWS ('up'), or stops it and removes its data ('down').

All state is in .local/, which git ignores: the process id, log and scratch space of the emulator,
the token secret, and .local/env with the addresses of the system. LOCAL_SYSTEM selects another
folder with the same content and its own template and build/, for a second system. The tests read
only `env` and `token-secret` there, so such a folder can also name a deployed stack: see
tests/e2e/verify.py. The data last as long as the emulator: 'down' followed by 'up' starts with an
empty system.
"""

import argparse
import hashlib
import json
import os
import platform
import secrets
import shlex
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".local"
SOURCE = Path(os.environ.get("LOCAL_SYSTEM", ROOT)).resolve()
LOCAL = TOOLS if SOURCE == ROOT else SOURCE
STATE = LOCAL / "ministack.json"
LOG = LOCAL / "ministack.log"
ENV = LOCAL / "env"
SECRET = LOCAL / "token-secret"
LAUNCHER = (ROOT / "scripts/emulator.py", ROOT / "scripts/http_api.py")
TEMPLATES = (SOURCE / "template.yaml", SOURCE / "monitoring.yaml")
STACK = "jobs-local"
ARTIFACTS = "jobs-local-artifacts"
SECRET_NAME = "jobs-local/token"  # the name of the secret, not the secret
REGION = "us-east-1"
MAX_CONCURRENCY = 4  # jobs at the same time
START_TIMEOUT = 60  # seconds
# make exports a variable without a value as an empty one.
ORIGINS = os.environ.get("ORIGINS") or "http://localhost:3000,http://localhost:5173"
LOG_LEVEL = os.environ.get("LOG_LEVEL") or "info"

State = dict[str, Any]


def fail(message: str) -> NoReturn:
    """Ends the process with an error message."""
    sys.exit(f"error: {message}")


def write_private(path: Path, text: str) -> None:
    """Writes a file that only this user can read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def access_key() -> dict[str, str]:
    """Returns the key of the local AWS, which is a new one at each start."""
    try:
        state: State = json.loads(STATE.read_text())
    except (OSError, ValueError):
        state = {}
    return state.get("access_key") or {"id": "none", "secret": "none"}


def new_access_key() -> dict[str, str]:
    """Returns a new key in the format of AWS."""
    letters = string.ascii_uppercase + "234567"
    name = "".join(secrets.choice(letters) for _ in range(16))
    return {"id": f"AKIA{name}", "secret": secrets.token_urlsafe(30)}


def aws_environment(port: int) -> dict[str, str]:
    """Returns the variables that point an AWS SDK to the local AWS, and not to the user's own."""
    key = access_key()
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key["id"],
        "AWS_SECRET_ACCESS_KEY": key["secret"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def plain_environment(port: int) -> dict[str, str]:
    """Returns the environment of a process that uses the local AWS."""
    kept = ("PATH", "HOME", "LANG", "LLVM_PROFILE_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | aws_environment(port)


# ------------------------------------------------------------------ the emulator


def read_state(path: Path, command: str) -> State | None:
    """Returns the recorded state of a process, or None unless it is alive and runs `command`."""
    try:
        state: State = json.loads(path.read_text())
        listed = subprocess.run(
            ["ps", "-ww", "-p", str(state["pid"]), "-o", "args="],
            capture_output=True,
            text=True,
            check=False,
        )
    except (OSError, ValueError, KeyError):
        return None
    # Another process may have the same id after a reboot, so check what it runs.
    return state if command in listed.stdout else None


def running() -> State | None:
    """Returns the state of the emulator, or None if it does not run."""
    return read_state(STATE, str(LAUNCHER[0]))


def healthy(port: int) -> bool:
    """Checks that the emulator answers."""
    url = f"http://127.0.0.1:{port}/_ministack/health"
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def free(port: int) -> bool:
    """Checks that nothing listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port() -> int:
    """Returns the port given in PORT, or a free one."""
    if wanted := os.environ.get("PORT"):
        if not wanted.isdigit() or not 0 < int(wanted) < 65536:
            fail(f"PORT={wanted} is not a port number")
        if not free(int(wanted)):
            fail(f"port {wanted} is in use; set PORT to another one, or leave it out")
        return int(wanted)
    return free_port()


def free_port() -> int:
    """Returns a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_group(pid: int) -> None:
    """Stops a process that leads its own process group, and its children."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                os.killpg(pid, number)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.1)


def emulator_environment(port: int, scratch: Path) -> dict[str, str]:
    """Returns the environment of the emulator, which its functions inherit."""
    return plain_environment(port) | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",  # enforces IAM policies, so that a missing permission fails as on AWS
        "IOT_MTLS_ENABLED": "0",  # would listen on every interface
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
    }


def start() -> State:
    """Starts the emulator and waits until it answers; returns its state."""
    port = choose_port()
    scratch = LOCAL / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    state: State = {"port": port, "launcher": digest(LAUNCHER), "access_key": new_access_key()}
    write_private(STATE, json.dumps(state))
    with LOG.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(LAUNCHER[0])],
            env=emulator_environment(port, scratch),
            cwd=LOCAL,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    state["pid"] = process.pid
    write_private(STATE, json.dumps(state))
    deadline = time.monotonic() + START_TIMEOUT
    while not healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_group(process.pid)
            STATE.unlink()
            fail(f"MiniStack did not start; its log {LOG} ends with:\n{tail(LOG)}")
        time.sleep(0.1)
    return state


def tail(path: Path, lines: int = 20) -> str:
    """Returns the last lines of a text file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def ensure_emulator() -> State:
    """Returns the state of the emulator; starts it if necessary."""
    state = running()
    if state and not healthy(state["port"]):
        print(f"The local AWS on port {state['port']} does not answer; restarting it.")
        stop_group(state["pid"])
        state = None
    if state and state.get("launcher") != digest(LAUNCHER):
        print("The launcher of the local AWS has changed; restarting it with an empty system.")
        stop_group(state["pid"])
        state = None
    wanted = os.environ.get("PORT")
    if state and wanted and wanted != str(state["port"]):
        fail(f"the local AWS runs on port {state['port']}; use 'make down' to move it to {wanted}")
    if state:
        return state
    state = start()
    print(f"Local AWS started on 127.0.0.1:{state['port']}.")
    return state


# ------------------------------------------------------------------ the stack


def run_aws(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs an AWS CLI command on the local AWS."""
    return subprocess.run(
        [str(TOOLS / "venv-cli/bin/aws"), *arguments, "--output", "json"],
        env=plain_environment(port),
        capture_output=True,
        text=True,
        check=False,
    )


def aws(port: int, *arguments: str) -> Any:
    """Returns the answer of an AWS CLI command; ends the process if it fails."""
    done = run_aws(port, *arguments)
    if done.returncode:
        fail(f"aws {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return json.loads(done.stdout or "{}")


def put_secret(port: int) -> None:
    """Puts the token secret into Secrets Manager; creates it at the first start."""
    if not SECRET.exists():
        write_private(SECRET, secrets.token_urlsafe(48))
    value = ("--secret-string", f"file://{SECRET}")
    update = run_aws(port, "secretsmanager", "put-secret-value", "--secret-id", SECRET_NAME, *value)
    if update.returncode:
        aws(port, "secretsmanager", "create-secret", "--name", SECRET_NAME, *value)


def parameters() -> list[str]:
    """Returns the template's parameters for the local system."""
    is_arm = platform.machine() in {"arm64", "aarch64"}
    given = {
        "Architecture": "arm64" if is_arm else "x86_64",
        "TokenSecretName": SECRET_NAME,
        "AllowedOrigins": ORIGINS,
        "LogLevel": LOG_LEVEL,
        "MaximumConcurrency": str(MAX_CONCURRENCY),
    }
    return [f"{name}={value}" for name, value in given.items()]


def digest(paths: Iterable[Path], *texts: str) -> str:
    """Returns a hash of texts and files."""
    total = hashlib.sha256(" ".join(texts).encode())
    for path in paths:
        total.update(path.parent.name.encode())
        with path.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


def fingerprint() -> str:
    """Returns a hash of the templates, their parameters, the packages and this file."""
    packages = sorted(path for path in (SOURCE / "build").rglob("*") if path.is_file())
    return digest([*TEMPLATES, *packages, Path(__file__)], *parameters())


def describe_stack(port: int) -> tuple[str | None, dict[str, str]]:
    """Returns the status of the stack and its outputs, or None if there is no stack."""
    found = run_aws(port, "cloudformation", "describe-stacks", "--stack-name", STACK)
    if found.returncode:
        return None, {}
    [stack] = json.loads(found.stdout)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return stack["StackStatus"], outputs


def failure_reasons(port: int) -> list[str]:
    """Returns CloudFormation's reason for each failed resource."""
    found = run_aws(port, "cloudformation", "describe-stack-events", "--stack-name", STACK)
    events = json.loads(found.stdout)["StackEvents"] if found.returncode == 0 else []
    return [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def deploy(port: int) -> dict[str, str]:
    """Deploys the stack; returns its outputs."""
    status, _ = describe_stack(port)
    if status not in {None, "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}:
        aws(port, "cloudformation", "delete-stack", "--stack-name", STACK)
        aws(port, "cloudformation", "wait", "stack-delete-complete", "--stack-name", STACK)
    done = subprocess.run(
        [str(ROOT / "scripts/deploy.sh"), STACK, ARTIFACTS, *parameters()],
        cwd=SOURCE,
        env=plain_environment(port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        fail("\n".join([f"failed to deploy: {done.stdout.strip()}", *failure_reasons(port)]))
    return describe_stack(port)[1]


def write_env(port: int, outputs: dict[str, str]) -> str:
    """Writes .local/env; returns the URL of the API."""
    # The ApiUrl of the outputs has a host name that most machines do not resolve.
    api_url = f"http://127.0.0.1:{port}/_aws/execute-api/{outputs['ApiId']}"
    values = {
        "STACK": STACK,
        "API_URL": api_url,
        "API_ID": outputs["ApiId"],
        "QUEUE_URL": outputs["QueueUrl"],
        "QUEUE_ARN": outputs["QueueArn"],
        "DEAD_LETTER_QUEUE_URL": outputs["DeadLetterQueueUrl"],
        "DEAD_LETTER_QUEUE_ARN": outputs["DeadLetterQueueArn"],
        "EXHAUSTED_QUEUE_URL": outputs["ExhaustedQueueUrl"],
        "EVENTS_DEAD_LETTER_QUEUE_URL": outputs["EventsDeadLetterQueueUrl"],
        "EVENT_BUS_NAME": outputs["EventBusName"],
        "LIVE_API_ID": outputs["LiveApiId"],
        "TABLE_NAME": outputs["TableName"],
        "BUCKET_NAME": outputs["BucketName"],
        "TOKEN_SECRET_NAME": SECRET_NAME,
        "ALLOWED_ORIGINS": ORIGINS,
    } | aws_environment(port)
    write_variables(ENV, values)
    return api_url


def write_variables(path: Path, values: Mapping[str, str]) -> None:
    """Writes a file of variables that a shell can read, and only this user."""
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    write_private(path, "".join(lines))


def read_env() -> dict[str, str]:
    """Returns the content of .local/env; ends the process if the system is not up."""
    if not ENV.exists():
        fail("the local system is not up; run 'make up' first")
    return dict(word.split("=", 1) for word in shlex.split(ENV.read_text()))


# ------------------------------------------------------------------ the commands


def up() -> None:
    """Starts the emulator if necessary, and deploys what has changed."""
    if not list((SOURCE / "build").glob("*/bootstrap")):
        fail("nothing is built yet; run 'make build' first")
    LOCAL.mkdir(parents=True, exist_ok=True)
    state = ensure_emulator()
    wanted = fingerprint()
    if state.get("deployed") == wanted and ENV.exists():
        print(f"Already up, nothing has changed: {read_env()['API_URL']}")
        return
    put_secret(state["port"])
    begun = time.monotonic()
    api_url = write_env(state["port"], deploy(state["port"]))
    write_private(STATE, json.dumps(state | {"deployed": wanted}))
    print(f"Deployed in {time.monotonic() - begun:.0f} s: {api_url}")


def down() -> None:
    """Stops the emulator, and removes its data."""
    if state := running():
        stop_group(state["pid"])
        print("Local AWS stopped.")
    else:
        print("Local AWS was not running.")
    if watcher := read_state(LOCAL / "watch.json", "cargo"):
        stop_group(watcher["pid"])
    for name in ("env", "ministack.json", "ministack.log", "token-secret"):
        (LOCAL / name).unlink(missing_ok=True)
    for path in LOCAL.glob("watch.*"):
        path.unlink()
    shutil.rmtree(LOCAL / "tmp", ignore_errors=True)


def main() -> None:
    """Runs the command of the command line."""
    commands = {"up": up, "down": down}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=commands)
    commands[parser.parse_args().command]()


if __name__ == "__main__":
    main()
