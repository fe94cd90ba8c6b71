"""A deployment that cannot succeed is refused before anything is created."""

import subprocess

import pytest

import local
from stack import Stack

pytestmark = pytest.mark.local


def deploy(name: str, *parameters: str) -> "subprocess.CompletedProcess[str]":
    """Runs scripts/deploy.sh against the local AWS."""
    state = local.running()
    assert state
    return subprocess.run(
        [local.ROOT / "scripts/deploy.sh", name, "not-created", *parameters],
        cwd=local.ROOT,
        env=local.plain_environment(state["port"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "parameters", "error"),
    [
        ("jobs-" + "a" * 41, (), "must be 1 to 45 letters, digits and hyphens"),
        ("jobs_prod", (), "must be 1 to 45 letters, digits and hyphens"),
        ("jobs-new", ("MaximumConcurrency=1000",), "Pass ReserveConcurrency=false"),
    ],
)
def test_impossible_deployment_is_refused_at_once(
    stack: Stack, name: str, parameters: tuple[str, ...], error: str
) -> None:
    done = deploy(name, *parameters)
    assert done.returncode == 1
    assert error in done.stderr
    buckets = [bucket["Name"] for bucket in stack.s3.list_buckets()["Buckets"]]
    assert "not-created" not in buckets
