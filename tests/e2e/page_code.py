"""The blocks of code in the pages on the API and for producers."""

import re
import subprocess
import sys

from api import User
from local import ROOT, plain_environment
from own_stack import local_port
from procedures import Shell
from stack import Stack

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 60  # seconds


def code_below(page: str, heading: str, language: str) -> list[str]:
    """Returns the blocks of a language below a heading of a page of docs/."""
    text = (ROOT / f"docs/{page}.md").read_text()
    [section] = [
        section
        for section in re.split(r"^## ", text, flags=re.MULTILINE)
        if section.startswith(f"{heading}\n")
    ]
    found = [block["code"] for block in BLOCK.finditer(section) if block["language"] == language]
    assert found, f"docs/{page}.md has no {language} below {heading!r}"
    return found


def shell_of(stack: Stack, user: User) -> Shell:
    """Returns an operator's shell with the token of a user."""
    token = user.headers["authorization"].removeprefix("Bearer ")
    return Shell(stack.name, local_port(), API_URL=stack.api_url, TOKEN=token)


def run_python(code: str, **variables: str) -> str:
    """Runs a Python program with these variables; returns its output."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=plain_environment(local_port()) | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
