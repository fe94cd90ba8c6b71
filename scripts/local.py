"""The local AWS: 'up' starts and deploys, 'down' stops and cleans.

Everything lives in .local/ (git-ignored): the emulator's process id, log and scratch
space, the token secret, and .local/env for whoever wants to talk to the system. LOCAL_SYSTEM
names another folder with a template.yaml and a build/ of its own: a second system beside it.
Nothing survives the emulator: stopping it is how one gets a clean system.
"""

import hashlib
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".local"
SOURCE = Path(os.environ.get("LOCAL_SYSTEM", ROOT)).resolve()
LOCAL = TOOLS if SOURCE == ROOT else SOURCE
STATE = LOCAL / "ministack.json"
LOG = LOCAL / "ministack.log"
ENV = LOCAL / "env"
SECRET = LOCAL / "token-secret"
STACK = "jobs-local"
SECRET_NAME = "jobs-local/token"
REGION = "us-east-1"
CONCURRENCY = 4  # jobs at the same time
# make exports a variable that nobody gave as an empty one.
ORIGINS = os.environ.get("ORIGINS") or "http://localhost:3000,http://localhost:5173"
LOG_LEVEL = os.environ.get("LOG_LEVEL") or "info"


def fail(message):
    sys.exit(f"error: {message}")


def aws_environment(port):
    """What an AWS SDK needs to reach the local AWS, and nothing from the user's own setup."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def plain_environment(port):
    kept = ("PATH", "HOME", "LANG", "LLVM_PROFILE_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | aws_environment(port)


# ------------------------------------------------------------------ the emulator


def read_state(path, command):
    """What `path` says of a process, if that process is alive and runs `command`, else None."""
    try:
        state = json.loads(path.read_text())
        listed = subprocess.run(["ps", "-ww", "-p", str(state["pid"]), "-o", "args="], capture_output=True, text=True)
    except (OSError, ValueError, KeyError):
        return None
    # A process id is used again after a reboot: look at what it runs.
    return state if command in listed.stdout else None


def running():
    return read_state(STATE, str(ROOT / "scripts" / "emulator.py"))


def healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=3) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port():
    if wanted := os.environ.get("PORT"):
        if not wanted.isdigit() or not 0 < int(wanted) < 65536:
            fail(f"PORT={wanted} is no port number")
        if not free(int(wanted)):
            fail(f"port {wanted} is taken; give another with PORT=..., or leave PORT out")
        return int(wanted)
    return free_port()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop_group(pid):
    """Ends a process that was started as the leader of its own group, and its children."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                os.killpg(pid, number)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.1)


def start():
    port = choose_port()
    scratch = LOCAL / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    environment = plain_environment(port) | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",  # IAM policies are enforced: a missing permission fails here too
        "IOT_MTLS_ENABLED": "0",  # would listen on every interface
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
    }
    with LOG.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / "emulator.py")],
            env=environment, cwd=LOCAL, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    state = {"pid": process.pid, "port": port}
    STATE.write_text(json.dumps(state))
    deadline = time.monotonic() + 60
    while not healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_group(state["pid"])
            STATE.unlink()
            fail(f"MiniStack did not start; the end of {LOG}:\n" + tail(LOG))
        time.sleep(0.1)
    return state


def tail(path, lines=20):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def ensure_emulator():
    state = running()
    if state and not healthy(state["port"]):
        print(f"The local AWS on port {state['port']} does not answer any more; starting it anew.")
        stop_group(state["pid"])
        state = None
    wanted = os.environ.get("PORT")
    if state and wanted and wanted != str(state["port"]):
        fail(f"the local AWS already runs on port {state['port']}; 'make down' first to move it to {wanted}")
    if state:
        return state
    state = start()
    print(f"Local AWS started on 127.0.0.1:{state['port']}.")
    return state


# ------------------------------------------------------------------ the stack


def aws(port, *arguments, check=True):
    done = subprocess.run(
        [str(TOOLS / "venv-cli/bin/aws"), *arguments, "--output", "json"],
        env=plain_environment(port), capture_output=True, text=True,
    )
    if done.returncode:
        if check:
            fail(f"aws {' '.join(arguments[:2])}: {done.stderr.strip()}")
        return None
    return json.loads(done.stdout or "{}")


def put_secret(port):
    if not SECRET.exists():
        SECRET.touch(mode=0o600)
        SECRET.write_text(secrets.token_urlsafe(48))
    given = ("--secret-string", f"file://{SECRET}")
    if aws(port, "secretsmanager", "put-secret-value", "--secret-id", SECRET_NAME, *given, check=False) is None:
        aws(port, "secretsmanager", "create-secret", "--name", SECRET_NAME, *given)


def parameters():
    host = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    given = {
        "Architecture": host,
        "TokenSecretName": SECRET_NAME,
        "AllowedOrigins": ORIGINS,
        "LogLevel": LOG_LEVEL,
        "MaximumConcurrency": str(CONCURRENCY),
    }
    return [f"{name}={value}" for name, value in given.items()]


def fingerprint():
    """Changes whenever what would be deployed does."""
    digest = hashlib.sha256(" ".join(parameters()).encode())
    digest.update((SOURCE / "template.yaml").read_bytes())
    for binary in sorted((SOURCE / "build").glob("*/bootstrap")):
        digest.update(binary.parent.name.encode())
        with binary.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def stack_outputs(port):
    found = aws(port, "cloudformation", "describe-stacks", "--stack-name", STACK, check=False)
    if not found or not found["Stacks"]:
        return None, {}
    stack = found["Stacks"][0]
    return stack["StackStatus"], {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def deploy(port):
    status, _ = stack_outputs(port)
    if status and status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        aws(port, "cloudformation", "delete-stack", "--stack-name", STACK)
        aws(port, "cloudformation", "wait", "stack-delete-complete", "--stack-name", STACK)
    done = subprocess.run(
        [str(ROOT / "scripts/deploy.sh"), STACK, "jobs-local-artifacts", *parameters()],
        cwd=SOURCE, env=plain_environment(port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if done.returncode:
        events = aws(port, "cloudformation", "describe-stack-events", "--stack-name", STACK, check=False) or {}
        reasons = [
            f"  {e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}"
            for e in events.get("StackEvents", []) if e["ResourceStatus"].endswith("FAILED")
        ]
        fail("\n".join([f"the deployment failed: {done.stdout.strip()}", *reasons]))
    _, outputs = stack_outputs(port)
    finish(port, outputs)
    return outputs


def finish(port, outputs):
    """Sets by API what MiniStack does not take from a template."""
    cors = {
        "AllowOrigins": ORIGINS.split(","),
        "AllowMethods": ["GET", "POST", "PUT", "PATCH", "OPTIONS"],
        "AllowHeaders": ["authorization", "content-type", "accept", "idempotency-key"],
        "ExposeHeaders": ["location", "retry-after", "x-next-cursor", "x-finished"],
        "MaxAge": 3600,
    }
    aws(port, "apigatewayv2", "update-api", "--api-id", outputs["ApiId"], "--cors-configuration", json.dumps(cors))
    ttl = "AttributeName=expires_at,Enabled=true"
    aws(port, "dynamodb", "update-time-to-live", "--table-name", outputs["TableName"],
        "--time-to-live-specification", ttl, check=False)  # refused when it is set already
    # A number that comes from a parameter reaches its poller as a string, and stops it.
    function = outputs["ProcessJobsFunctionName"]
    sources = aws(port, "lambda", "list-event-source-mappings", "--function-name", function)
    for source in sources["EventSourceMappings"]:
        aws(port, "lambda", "update-event-source-mapping", "--uuid", source["UUID"],
            "--scaling-config", f"MaximumConcurrency={CONCURRENCY}")


def up():
    if not list((SOURCE / "build").glob("*/bootstrap")):
        fail("nothing is built yet: 'make build' first")
    LOCAL.mkdir(parents=True, exist_ok=True)
    state = ensure_emulator()
    port = state["port"]
    wanted = fingerprint()
    if state.get("deployed") == wanted and ENV.exists():
        print(f"Already up, and nothing has changed: {read_env()['API_URL']}")
        return
    put_secret(port)
    begun = time.monotonic()
    outputs = deploy(port)
    values = {
        "API_URL": f"http://127.0.0.1:{port}/_aws/execute-api/{outputs['ApiId']}",
        "QUEUE_URL": outputs["QueueUrl"],
        "QUEUE_ARN": outputs["QueueArn"],
        "DEAD_LETTER_QUEUE_URL": outputs["DeadLetterQueueUrl"],
        "DEAD_LETTER_QUEUE_ARN": outputs["DeadLetterQueueArn"],
        "EXHAUSTED_QUEUE_URL": outputs["ExhaustedQueueUrl"],
        "TABLE_NAME": outputs["TableName"],
        "BUCKET_NAME": outputs["BucketName"],
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    ENV.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    STATE.write_text(json.dumps(state | {"deployed": wanted}))
    print(f"Deployed in {time.monotonic() - begun:.0f} s: {values['API_URL']}")


def read_env():
    if not ENV.exists():
        fail("the local system is not up: 'make up' first")
    return dict(line.split("=", 1) for line in ENV.read_text().splitlines() if line)


def down():
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


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
