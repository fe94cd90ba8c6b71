"""A stack that belongs to one test module, beside the one of `make up`, on the same local AWS."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import local
from stack import Stack

COMMAND_TIMEOUT = 300  # seconds


def local_port() -> int:
    """Returns the port of the local AWS."""
    state = local.running()
    assert state
    return int(state["port"])


def run(port: int, *command: str) -> str:
    """Runs a script of the project against the local AWS; returns its output."""
    done = subprocess.run(
        command,
        cwd=local.SOURCE,
        env=local.plain_environment(port),
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_TIMEOUT,
    )
    assert done.returncode == 0, done
    return done.stdout


def delete_secret(port: int, name: str) -> None:
    """Deletes a stack's secret for good, if there is one."""
    at_once = ("--secret-id", f"{name}/token", "--force-delete-without-recovery")
    local.run_aws(port, "secretsmanager", "delete-secret", *at_once)


def deploy(port: int, name: str, **changes: str) -> Stack:
    """Deploys a stack with the parameters of the local one, except for `changes`.

    It has a secret of its own, with the local system's value.
    """
    # An earlier run has left it for its recovery window.
    delete_secret(port, name)
    secret = ("--secret-string", f"file://{local.SECRET}")
    local.aws(port, "secretsmanager", "create-secret", "--name", f"{name}/token", *secret)
    given = dict(each.split("=", 1) for each in local.parameters())
    given |= {"TokenSecretName": f"{name}/token"} | changes
    parameters = [f"{parameter}={value}" for parameter, value in given.items()]
    run(port, f"{local.ROOT}/scripts/deploy.sh", name, local.ARTIFACTS, *parameters)
    printed = run(port, sys.executable, f"{local.ROOT}/scripts/stack_env.py", name)
    variables = dict(line.split("=", 1) for line in printed.splitlines())
    # The host name in the stack's outputs does not resolve on most machines.
    url = f"http://127.0.0.1:{port}/_aws/execute-api/{variables['API_ID']}"
    settings = variables | local.aws_environment(port)
    settings |= {"API_URL": url, "ALLOWED_ORIGINS": ""}
    return Stack(settings, local.SECRET.read_bytes())


@contextlib.contextmanager
def own_stack(port: int, name: str, **changes: str) -> Iterator[Stack]:
    """Deploys a stack, and deletes it in the end."""
    try:
        yield deploy(port, name, **changes)
    finally:
        local.run_aws(port, "cloudformation", "delete-stack", "--stack-name", name)
        delete_secret(port, name)
