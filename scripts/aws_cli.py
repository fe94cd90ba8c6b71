"""Calls AWS through its CLI, with the credentials and the region of the environment."""

import json
import os
import subprocess
import sys
from typing import Any

from local import TOOLS

PINNED = TOOLS / "venv-cli/bin/aws"  # installed by `make venv-cli`


def aws(*arguments: str) -> Any:
    """Returns the answer of an AWS CLI command; ends the process if it fails."""
    program = str(PINNED) if PINNED.exists() else "aws"
    command = [program, *arguments, "--output", "json"]
    # The CLI alone ignores this variable for SQS.
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        command += ["--endpoint-url", endpoint]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("error: the AWS CLI is missing; run 'make venv-cli'")
    if done.returncode:
        sys.exit(f"error: aws {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return json.loads(done.stdout or "{}")
